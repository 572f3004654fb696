// SPDX-License-Identifier: Apache-2.0
#include "lib/session/tools.h"

#include <utility>

namespace hob {

Tools::Tools(text::ToolSet set, const text::ToolStyle& style,
             std::shared_ptr<const text::Tokenizer> tokenizer)
    : set_(std::move(set)), style_(&style), tokenizer_(std::move(tokenizer)) {}

StatusOr<std::shared_ptr<const Tools>> Tools::Create(const Model& model, std::string_view json,
                                                     std::string_view style) {
  HOB_RETURN_IF_ERROR(model.CheckChat());
  HOB_ASSIGN_OR_RETURN(text::ToolSet set, text::ToolSet::Read(json));
  const text::ToolStyle* written = &model.tool_style();
  if (!style.empty()) {
    written = text::FindToolStyle(style);
    if (written == nullptr) {
      return Error(StatusCode::kInvalidArgument,
                   Concat("there is no style of tool calls named \"", style, "\""),
                   "They are hermes, llama3, mistral and smollm; empty is the model's own.");
    }
  }
  std::shared_ptr<Tools> tools(new Tools(std::move(set), *written, model.SharedTokenizer()));
  // What is wrong with a schema is told at once.
  HOB_RETURN_IF_ERROR(tools->GrammarOf({}).status());
  return std::shared_ptr<const Tools>(std::move(tools));
}

StatusOr<std::shared_ptr<const text::CompiledGrammar>> Tools::GrammarOf(
    const text::ToolRules& rules) const {
  const std::lock_guard lock(mutex_);
  const std::tuple key(rules.choice, std::string(rules.only), rules.parallel);
  if (const auto known = grammars_.find(key); known != grammars_.end()) return known->second;
  HOB_ASSIGN_OR_RETURN(const text::Grammar made, text::MakeToolGrammar(set_, *style_, rules));
  HOB_ASSIGN_OR_RETURN(auto grammar, text::CompiledGrammar::Create(made, tokenizer_));
  // Each keeps masks: of many, those that are in use stay with who uses them.
  constexpr size_t kMostKept = 8;
  if (grammars_.size() >= kMostKept) grammars_.clear();
  grammars_.emplace(key, grammar);
  return grammar;
}

}  // namespace hob
