// SPDX-License-Identifier: Apache-2.0
// An answer as a range of pieces, without exceptions: stream MODEL PROMPT.
#include <hob/hob.hpp>
#include <iostream>

namespace {

hob::Result<hob_generate_result> Answer(const char* path, const char* prompt) {
  auto runtime = hob::Runtime::Create();
  if (!runtime) return std::move(runtime).TakeError();
  auto model = hob::Model::Open(*runtime, path);
  if (!model) return std::move(model).TakeError();
  auto session = hob::Session::Create(*model);
  if (!session) return std::move(session).TakeError();
  auto added = session->AddMessage("user", prompt);
  if (!added) return std::move(added).TakeError();

  hob_generate_options options = hob::Session::DefaultGenerateOptions();
  options.max_tokens = 64;
  hob::TokenStream stream = session->Stream(options);
  for (const std::string_view piece : stream) std::cout << piece << std::flush;
  return stream.Finish();  // what went wrong on the way is here
}

}  // namespace

int main(int argc, char** argv) {
  const auto result = Answer(argc > 1 ? argv[1] : "", argc > 2 ? argv[2] : "");
  if (!result) std::cerr << result.error().ToString() << '\n';
  return result ? 0 : 1;
}
