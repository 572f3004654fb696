// SPDX-License-Identifier: Apache-2.0
// Answers of a promised form. Outside the promise so far: hob_experimental.hpp.
#ifndef HOB_GRAMMAR_HPP_
#define HOB_GRAMMAR_HPP_

#include <hob/grammar.h>

#include <hob/error.hpp>
#include <hob/span.hpp>
#include <hob/tokenizer.hpp>
#include <string>
#include <vector>

namespace hob {
inline namespace v0 {

// Owns a hob_grammar: see grammar.h. Movable, not copyable. Any thread.
class Grammar {
 public:
  static Result<Grammar> JsonSchema(const Tokenizer& tokenizer, std::string_view schema) {
    return Create(tokenizer, HOB_GRAMMAR_JSON_SCHEMA, schema);
  }
  static Result<Grammar> Regex(const Tokenizer& tokenizer, std::string_view pattern) {
    return Create(tokenizer, HOB_GRAMMAR_REGEX, pattern);
  }
  static Result<Grammar> Gbnf(const Tokenizer& tokenizer, std::string_view source) {
    return Create(tokenizer, HOB_GRAMMAR_GBNF, source);
  }
  static Result<Grammar> Choices(const Tokenizer& tokenizer, Span<const std::string_view> texts) {
    std::vector<hob_string> list;
    list.reserve(texts.size());
    for (const std::string_view text : texts) list.push_back(FromView(text));
    hob_grammar* handle = nullptr;
    return detail::CallFor<Grammar>(
        [&](hob_error** error) {
          return hob_grammar_create_choices(&handle, tokenizer.get(), list.data(), list.size(),
                                            error);
        },
        [&] { return Grammar(handle); });
  }

  // Takes `handle` over.
  explicit Grammar(hob_grammar* handle) : handle_(handle) {}
  hob_grammar* get() const { return handle_.get(); }
  hob_grammar* release() { return handle_.release(); }

 private:
  static Result<Grammar> Create(const Tokenizer& tokenizer, hob_grammar_kind kind,
                                std::string_view source) {
    hob_grammar* handle = nullptr;
    return detail::CallFor<Grammar>(
        [&](hob_error** error) {
          return hob_grammar_create(&handle, tokenizer.get(), kind, source.data(), source.size(),
                                    error);
        },
        [&] { return Grammar(handle); });
  }

  struct Destroy {
    void operator()(hob_grammar* handle) const { hob_grammar_destroy(handle); }
  };
  std::unique_ptr<hob_grammar, Destroy> handle_;
};

// Owns a hob_matcher: see grammar.h. Movable, not copyable. One thread at a time.
class Matcher {
 public:
  static Result<Matcher> Create(const Grammar& grammar) {
    hob_matcher* handle = nullptr;
    return detail::CallFor<Matcher>(
        [&](hob_error** error) { return hob_matcher_create(&handle, grammar.get(), error); },
        [&] { return Matcher(handle); });
  }

  // Those that may not come next become -infinity.
  Result<void> MaskLogits(Span<float> logits) {
    return detail::Call([&](hob_error** error) {
      return hob_matcher_mask_logits(get(), logits.data(), logits.size(), error);
    });
  }
  // All or none.
  Result<void> Accept(Span<const int32_t> tokens) {
    return detail::Call([&](hob_error** error) {
      return hob_matcher_accept(get(), tokens.data(), tokens.size(), error);
    });
  }
  Result<void> Accept(int32_t token) { return Accept(Span<const int32_t>(&token, 1)); }
  Result<bool> MayEnd() const { return End(0); }
  Result<bool> MustEnd() const { return End(1); }
  // The bytes that must come next, at most `most`.
  Result<std::string> ForcedText(size_t most) {
    hob_string text = {nullptr, 0};
    return detail::CallFor<std::string>(
        [&](hob_error** error) { return hob_matcher_forced_text(&text, get(), most, error); },
        [&] { return std::string(ToView(text)); });
  }
  Result<void> Reset() {
    return detail::Call([&](hob_error** error) { return hob_matcher_reset(get(), error); });
  }

  // Takes `handle` over.
  explicit Matcher(hob_matcher* handle) : handle_(handle) {}
  hob_matcher* get() const { return handle_.get(); }
  hob_matcher* release() { return handle_.release(); }

 private:
  Result<bool> End(size_t which) const {
    uint8_t ends[2] = {0, 0};
    return detail::CallFor<bool>(
        [&](hob_error** error) { return hob_matcher_get_end(&ends[0], &ends[1], get(), error); },
        [&] { return ends[which] != 0; });
  }

  struct Destroy {
    void operator()(hob_matcher* handle) const { hob_matcher_destroy(handle); }
  };
  std::unique_ptr<hob_matcher, Destroy> handle_;
};

}  // namespace v0
}  // namespace hob

#endif  // HOB_GRAMMAR_HPP_
