// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>

#include "lib/base/status.h"
#include "lib/session/model.h"
#include "lib/text/grammar/compiled_grammar.h"
#include "lib/text/tools/tool_grammar.h"
#include "lib/text/tools/tool_set.h"
#include "lib/text/tools/tool_style.h"

namespace hob {

// Tools for one model, as it calls them. Immutable, but for grammars that it keeps. Any thread.
class Tools {
 public:
  // `style` names a ToolStyle; empty: what the model's chat template tells. FAILED_PRECONDITION
  // without a chat template; INVALID_ARGUMENT for what ToolSet::Read or a schema's grammar refuses.
  static StatusOr<std::shared_ptr<const Tools>> Create(const Model& model, std::string_view json,
                                                       std::string_view style);

  const text::ToolSet& set() const { return set_; }
  const text::ToolStyle& style() const { return *style_; }
  const text::Tokenizer& tokenizer() const { return *tokenizer_; }
  // Made when it is first asked for.
  StatusOr<std::shared_ptr<const text::CompiledGrammar>> GrammarOf(
      const text::ToolRules& rules) const;

 private:
  Tools(text::ToolSet set, const text::ToolStyle& style,
        std::shared_ptr<const text::Tokenizer> tokenizer);

  const text::ToolSet set_;
  const text::ToolStyle* style_;
  const std::shared_ptr<const text::Tokenizer> tokenizer_;
  mutable std::mutex mutex_;
  mutable std::map<std::tuple<text::ToolChoice, std::string, bool>,
                   std::shared_ptr<const text::CompiledGrammar>>
      grammars_;
};

// How a session's answers use tools.
struct ToolUse {
  std::shared_ptr<const Tools> tools;  // null: none
  text::ToolChoice choice = text::ToolChoice::kAuto;
  std::string only;  // the one tool that may be called; empty: any
  bool parallel = true;
  bool constrain = true;  // calls are valid: a grammar sees to it
};

}  // namespace hob
