// SPDX-License-Identifier: Apache-2.0
// Grammars and vocabularies that the tests share.
#pragma once

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/text/grammar/matcher.h"
#include "tests/text/tokenizer_vocabularies.h"

namespace hob::text {

// Every byte, and some longer tokens.
inline std::shared_ptr<const Tokenizer> ByteTokenizer() {
  auto tokenizer = Tokenizer::Create(testing::BpeVocabulary(
      {{"a", "b"}, {"ab", "a"}, {"(", "("}, {")", ")"}, {"((", "(("}, {"a", ")"}, {"\"", ","}}));
  REQUIRE(tokenizer.ok());
  return *std::move(tokenizer);
}

inline std::shared_ptr<const CompiledGrammar> Compile(const Grammar& grammar,
                                                      std::shared_ptr<const Tokenizer> tokenizer) {
  auto compiled = CompiledGrammar::Create(grammar, std::move(tokenizer));
  INFO(compiled.status().ToString());
  REQUIRE(compiled.ok());
  return *compiled;
}

inline Matcher Match(std::shared_ptr<const CompiledGrammar> grammar) {
  auto matcher = Matcher::Create(std::move(grammar));
  INFO(matcher.status().ToString());
  REQUIRE(matcher.ok());
  return *std::move(matcher);
}

// Whether `text`, byte by byte, is a beginning of what the grammar matches; `whole`: all of it.
inline bool Takes(const std::shared_ptr<const CompiledGrammar>& grammar, std::string_view text,
                  bool whole = true) {
  Matcher matcher = Match(grammar);
  for (const char byte : text) {
    const int32_t token = static_cast<uint8_t>(byte);  // testing::BpeVocabulary begins so
    const auto taken = matcher.Accept({&token, 1});
    REQUIRE(taken.ok());
    if (*taken == 0) return false;
  }
  return !whole || matcher.can_end();
}

// The tokens that may come next.
inline std::vector<int32_t> Allowed(Matcher& matcher) {
  std::vector<float> logits(matcher.grammar().tokenizer().size());
  std::vector<int32_t> allowed;
  if (!matcher.MaskLogits(logits).ok()) return allowed;
  for (size_t id = 0; id < logits.size(); ++id) {
    if (!std::isinf(logits[id])) allowed.push_back(static_cast<int32_t>(id));
  }
  return allowed;
}

}  // namespace hob::text
