// SPDX-License-Identifier: Apache-2.0
// An answer of a promised form: form MODEL PROMPT.
#include <hob/hob_experimental.hpp>
#include <iostream>

int main(int argc, char** argv) try {
  const hob::Runtime runtime = hob::Runtime::Create().value();
  const hob::Model model = hob::Model::Open(runtime, argc > 1 ? argv[1] : "").value();
  const hob::Tokenizer tokenizer = model.GetTokenizer().value();
  const hob::Grammar grammar =
      hob::Grammar::Regex(tokenizer, "The capital of [A-Z][a-z]+ is [A-Z][a-z]+\\.").value();

  hob::Session session = hob::Session::Create(model).value();
  session.AddMessage("user", argc > 2 ? argv[2] : "What is the capital of France?").value();
  hob_generate_options options = hob::Session::DefaultGenerateOptions();
  options.grammar = grammar.get();
  session.Generate([](std::string_view piece) { std::cout << piece; }, options).value();
  std::cout << '\n';
  return 0;
} catch (const hob::Exception& exception) {
  std::cerr << exception.what() << '\n';
  return 1;
}
