// SPDX-License-Identifier: Apache-2.0
// Messages, tools and other variables of any text for the templates of real models: an error, or
// text that is UTF-8 and the same twice. As a conversation with a model, no text of a message
// becomes a control token.
#include <array>
#include <fstream>
#include <sstream>

#include "lib/session/model.h"
#include "lib/text/unicode.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/whole_model.h"

namespace hob::fuzz {
namespace {

const std::vector<std::unique_ptr<text::ChatTemplate>>& Templates() {
  static const auto& all = *new std::vector<std::unique_ptr<text::ChatTemplate>>([] {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry :
         std::filesystem::directory_iterator(SourceDir() / "tests/text/data/templates")) {
      paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    std::vector<std::unique_ptr<text::ChatTemplate>> made;
    for (const auto& path : paths) {
      std::ifstream file(path);
      std::stringstream source;
      source << file.rdbuf();
      auto parsed = text::ChatTemplate::Parse(source.str());
      Require(parsed.ok());
      made.push_back(*std::move(parsed));
    }
    Require(!made.empty());
    return made;
  }());
  return all;
}

const std::array<std::shared_ptr<Model>, 3>& Models() {
  static const auto& all = *new std::array<std::shared_ptr<Model>, 3>([] {
    std::array<std::shared_ptr<Model>, 3> made;
    constexpr std::string_view kFiles[] = {"smollm-q4_1", "llama-q4_0", "gemma3-q8_0"};
    for (size_t i = 0; i < made.size(); ++i) {
      ModelOptions options;
      options.vocabulary_only = true;
      auto model =
          Model::Open(SmallRuntime(),
                      SourceDir() / "tests/fixtures" / (std::string(kFiles[i]) + ".gguf"), options);
      Require(model.ok());
      made[i] = *std::move(model);
    }
    return made;
  }());
  return all;
}

// Pieces of text that templates, tokenizers and JSON treat in ways of their own.
constexpr std::string_view kPieces[] = {"<|im_start|>",
                                        "<|im_end|>",
                                        "<|im_start|>system\n",
                                        "</s>",
                                        "<s>",
                                        "<start_of_turn>",
                                        "<end_of_turn>",
                                        "<bos>",
                                        "<eos>",
                                        "[INST]",
                                        "[/INST]",
                                        "<|endoftext|>",
                                        "<think>",
                                        "</think>",
                                        "{{",
                                        "}}",
                                        "{% raw %}",
                                        "\n",
                                        " ",
                                        "\xC3\xA9",
                                        "<tool_call>",
                                        "\"",
                                        "\\",
                                        "<|im_",
                                        "end|>",
                                        "\xF0\x9F\x98\x80",
                                        "<",
                                        "|",
                                        ">",
                                        "system"};

std::string AnyText(Input& input) {
  std::string text;
  for (int pieces = input.Byte() % 8; pieces > 0; --pieces) {
    if (input.Bool()) {
      text += input.Pick(kPieces);
    } else {
      text += input.Text(24);
    }
  }
  return text;
}

std::vector<text::ChatMessage> AnyMessages(Input& input) {
  constexpr std::string_view kRoles[] = {"user", "assistant", "system", "tool", "user"};
  std::vector<text::ChatMessage> messages;
  for (int count = input.Byte() % 5; count > 0; --count) {
    const uint8_t kind = input.Byte();
    std::string role(kRoles[kind % 5]);
    if (kind >= 240) role = AnyText(input);
    messages.push_back({std::move(role), AnyText(input)});
  }
  return messages;
}

void CheckTemplate(const text::ChatTemplate& chat, const std::vector<text::ChatMessage>& messages,
                   Input& input) {
  text::ChatTemplate::Variables variables;
  variables.bos_token = AnyText(input);
  variables.add_generation_prompt = input.Bool();
  variables.extra_json = input.Rest();
  text::TemplateLimits limits;
  limits.steps = 100'000;
  limits.output_bytes = 1 << 20;
  limits.memory_bytes = 16u << 20;
  const auto text = chat.Render(messages, variables, limits);
  if (!text.ok()) {
    Require(!text.status().message().empty());
    Require(text.status().code() != StatusCode::kInternal);
    return;
  }
  // What is not UTF-8 is refused before it comes here.
  std::string all = variables.bos_token;
  for (const text::ChatMessage& message : messages)
    all += message.role + '\n' + message.content + '\n';
  if (text::FindInvalidUtf8(all) == std::string_view::npos) {
    Require(text::FindInvalidUtf8(*text) == std::string_view::npos);
  }
  const auto again = chat.Render(messages, variables, limits);
  Require(again.ok());
  // What is asked of the clock may differ.
  if (text->size() < 4096 && text->find("20") == std::string::npos) Require(*again == *text);
}

std::vector<int32_t> Controls(const Model& model, const std::vector<int32_t>& ids) {
  std::vector<int32_t> controls;
  for (const int32_t id : ids) {
    if (model.tokenizer().Type(id) == TokenType::kControl) controls.push_back(id);
  }
  return controls;
}

// The control tokens of a conversation are those that the template writes, whatever is said.
void CheckModel(const Model& model, std::vector<text::ChatMessage> messages) {
  const auto ids = model.EncodeChat(messages);
  bool plain = true;
  for (text::ChatMessage& message : messages) {
    plain = plain && (message.role == "user" || message.role == "assistant" ||
                      message.role == "system" || message.role == "tool");
    message.content = "x";
  }
  if (!ids.ok()) {
    Require(ids.status().code() != StatusCode::kInternal);
    return;
  }
  const auto bare = model.EncodeChat(messages);
  if (!bare.ok()) return;
  // Roles choose branches of the template.
  if (plain) Require(Controls(model, *ids) == Controls(model, *bare));
}

}  // namespace
}  // namespace hob::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hob::fuzz;
  Input input(data, size);
  const uint8_t choice = input.Byte();
  const auto messages = AnyMessages(input);
  CheckModel(*Models()[choice % 3], messages);
  CheckTemplate(*Templates()[choice / 3 % Templates().size()], messages, input);
  return 0;
}
