// SPDX-License-Identifier: Apache-2.0
// Chats with a model only if a maker whom this program trusts has signed it: signed MODEL PROMPT
#include <hob/hob_experimental.hpp>
#include <iostream>

// The makers' public keys: the one of today, and the one that comes after it.
constexpr std::string_view kMakers[] = {"RWSTI7yA1RAOiWDAy/5PsuWZfXaudfwrzx3fIpXwcwkY/Pkoc7YEPqyA",
                                        "RWQx9Bt1NtU2xGxsXwD5jwLlw76g/ahSahymz1RzQ60N2+b5+80OUO55"};

hob::Result<hob::Model> OpenSigned(const hob::Runtime& runtime, std::string_view path) {
  hob::Result<std::string> comment = hob::VerifyFile(path, kMakers);
  if (!comment.ok()) return std::move(comment).TakeError();
  // What the maker wrote is in *comment: refuse here what is older than what you had.
  return hob::Model::Open(runtime, path, hob::Model::DefaultOptions());
}

int main(int argc, char** argv) try {
  const hob::Runtime runtime = hob::Runtime::Create().value();
  const hob::Model model = OpenSigned(runtime, argc > 1 ? argv[1] : "").value();
  hob::Session session = hob::Session::Create(model).value();
  session.AddMessage("user", argc > 2 ? argv[2] : "Hello").value();
  session.Generate([](std::string_view piece) { std::cout << piece; }).value();
  return 0;
} catch (const hob::Exception& exception) {
  std::cerr << exception.what() << '\n';
  return 1;
}
