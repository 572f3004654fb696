// SPDX-License-Identifier: Apache-2.0
// A client of the baseline in C++: client MODEL. Its header-only half is the baseline's, the
// library is today's.
#include <hob/hob.hpp>
#include <iostream>
#include <string>

int main(int argc, char** argv) try {
  const hob::Runtime runtime = hob::Runtime::Create().value();
  if (hob::Model::Open(runtime, "/no/such/model").error().code() != HOB_NOT_FOUND) return 2;
  const hob::Model model = hob::Model::Open(runtime, argc > 1 ? argv[1] : "").value();
  hob::Session session = hob::Session::Create(model).value();
  session.AddMessage("user", "Hi").value();
  hob_generate_options options = hob::Session::DefaultGenerateOptions();
  options.max_tokens = 8;
  options.ignore_eos = 1;
  std::string streamed;
  const hob_generate_result result =
      session.Generate([&](std::string_view piece) { streamed += piece; }, options).value();
  if (result.finish_reason != HOB_FINISH_LENGTH || result.generated_tokens != 8) return 3;
  return streamed == session.Reply() ? 0 : 4;
} catch (const hob::Exception& exception) {
  std::cerr << exception.what() << '\n';
  return 1;
}
