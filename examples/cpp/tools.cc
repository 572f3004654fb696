// SPDX-License-Identifier: Apache-2.0
// An answer that may ask the app: tools MODEL PROMPT.
#include <hob/hob_experimental.hpp>
#include <iostream>

constexpr std::string_view kTools = R"([{"type": "function", "function": {
  "name": "get_weather", "description": "The weather in a city, now.",
  "parameters": {"type": "object", "properties": {"city": {"type": "string", "maxLength": 40}},
                 "required": ["city"], "additionalProperties": false}}}])";

int main(int argc, char** argv) try {
  const hob::Runtime runtime = hob::Runtime::Create().value();
  const hob::Model model = hob::Model::Open(runtime, argc > 1 ? argv[1] : "").value();
  const hob::Tools tools = hob::Tools::Create(model, kTools).value();

  hob::Session session = hob::Session::Create(model).value();
  hob::SetTools(session, tools).value();
  session.AddMessage("user", argc > 2 ? argv[2] : "What is the weather in Paris?").value();
  hob_generate_options options = hob::Session::DefaultGenerateOptions();
  options.max_tokens = 100;
  const auto weather = [](std::string_view arguments) {
    std::cout << "get_weather " << arguments << '\n';
    return std::string(R"({"sky": "clear", "celsius": 21})");
  };
  hob::RunTools(session, {{"get_weather", weather}}, options).value();
  std::cout << session.Reply() << '\n';
  return 0;
} catch (const hob::Exception& exception) {
  std::cerr << exception.what() << '\n';
  return 1;
}
