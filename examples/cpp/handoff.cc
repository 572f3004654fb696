// SPDX-License-Identifier: Apache-2.0
// Local first, and another model where the prompt is too long: handoff MODEL PROMPT [URL NAME].
// Without a URL there is no consent, and nothing leaves this computer.
#include <hob/hob_experimental.hpp>
#include <iostream>

int main(int argc, char** argv) try {
  const hob::Runtime runtime = hob::Runtime::Create().value();
  const hob::Model model = hob::Model::Open(runtime, argc > 1 ? argv[1] : "").value();

  hob_handoff_options options = hob::DefaultHandoffOptions();
  options.consent = argc > 4;  // ask the user, and keep the answer
  options.url = hob::FromView(argc > 4 ? argv[3] : "https://localhost/v1");
  options.model = hob::FromView(argc > 4 ? argv[4] : "none");
  options.max_prompt_tokens = 1000;
  hob::Handoff handoff = hob::Handoff::Create(runtime, options).value();

  hob::Session session = hob::Session::Create(model).value();
  session.AddMessage("user", argc > 2 ? argv[2] : "What is the capital of France?").value();
  const auto print = [](std::string_view piece) { std::cout << piece; };
  const hob_handoff_report report = handoff.Answer(session, print).value();
  std::cout << (report.source == HOB_SOURCE_REMOTE ? "\n(by the endpoint)\n" : "\n(by itself)\n");
  return 0;
} catch (const hob::Exception& exception) {
  std::cerr << exception.what() << '\n';
  return 1;
}
