// SPDX-License-Identifier: Apache-2.0
// Chats with a model: chat MODEL [PROMPT]; without PROMPT, a message a line from standard input.
#include <hob/hob.hpp>
#include <iostream>
#include <string>

int main(int argc, char** argv) try {
  const hob::Runtime runtime = hob::Runtime::Create().value();
  const hob::Model model = hob::Model::Open(runtime, argc > 1 ? argv[1] : "").value();
  hob::Session session = hob::Session::Create(model).value();

  hob_generate_options options = hob::Session::DefaultGenerateOptions();
  options.max_tokens = 256;

  const auto answer = [&](std::string_view text) {
    const auto print = [](std::string_view piece) { std::cout << piece << std::flush; };
    session.AddMessage("user", text).value();
    session.Generate(print, options).value();
    std::cout << '\n';
  };
  if (argc > 2) {
    answer(argv[2]);
  } else {
    for (std::string line; std::getline(std::cin, line);) answer(line);
  }
  return 0;
} catch (const hob::Exception& exception) {
  std::cerr << exception.what() << '\n';
  return 1;
}
