// SPDX-License-Identifier: Apache-2.0
#ifndef HOB_TOKENIZER_HPP_
#define HOB_TOKENIZER_HPP_

#include <hob/tokenizer.h>

#include <hob/error.hpp>
#include <hob/span.hpp>
#include <vector>

namespace hob {
inline namespace v0 {
namespace detail {

// As CallForText, for tokens.
template <typename F>
Result<std::vector<int32_t>> CallForTokens(F&& f) {
  int32_t* tokens = nullptr;
  size_t count = 0;
  return CallFor<std::vector<int32_t>>(
      [&](hob_error** error) { return f(&tokens, &count, error); },
      [&] {
        const std::unique_ptr<int32_t, Free> owner(tokens);
        return count == 0 ? std::vector<int32_t>() : std::vector<int32_t>(tokens, tokens + count);
      });
}

}  // namespace detail

// Owns a hob_tokenizer: see tokenizer.h. Movable, not copyable.
class Tokenizer {
 public:
  // The vocabulary of a GGUF or .hob file; Model::GetTokenizer gives that of an open model.
  static Result<Tokenizer> Open(std::string_view path) {
    hob_tokenizer* handle = nullptr;
    return detail::CallFor<Tokenizer>(
        [&](hob_error** error) {
          return hob_tokenizer_open(&handle, path.data(), path.size(), error);
        },
        [&] { return Tokenizer(handle); });
  }

  Result<hob_tokenizer_info> Info() const {
    hob_tokenizer_info info = HOB_TOKENIZER_INFO_INIT;
    return detail::CallFor<hob_tokenizer_info>(
        [&](hob_error** error) { return hob_tokenizer_get_info(&info, get(), error); },
        [&] { return info; });
  }

  Result<std::vector<int32_t>> Encode(std::string_view text,
                                      hob_text_flags flags = HOB_TEXT_PLAIN) const {
    return detail::CallForTokens([&](int32_t** tokens, size_t* count, hob_error** error) {
      return hob_tokenizer_encode(tokens, count, get(), text.data(), text.size(), flags, error);
    });
  }
  Result<std::string> Decode(Span<const int32_t> tokens,
                             hob_text_flags flags = HOB_TEXT_PLAIN) const {
    return detail::CallForText([&](char** text, size_t* size, hob_error** error) {
      return hob_tokenizer_decode(text, size, get(), tokens.data(), tokens.size(), flags, error);
    });
  }
  Result<std::string> TokenBytes(int32_t token, hob_text_flags flags = HOB_TEXT_PLAIN) const {
    return detail::CallForText([&](char** bytes, size_t* size, hob_error** error) {
      return hob_tokenizer_token_bytes(bytes, size, get(), token, flags, error);
    });
  }
  Result<int32_t> Find(std::string_view text) const {
    int32_t token = -1;
    return detail::CallFor<int32_t>(
        [&](hob_error** error) {
          return hob_tokenizer_find(&token, get(), text.data(), text.size(), error);
        },
        [&] { return token; });
  }
  // Its text lives as long as the tokenizer.
  Result<hob_token_info> Token(int32_t token) const {
    hob_token_info info = HOB_TOKEN_INFO_INIT;
    return detail::CallFor<hob_token_info>(
        [&](hob_error** error) { return hob_tokenizer_get_token(&info, get(), token, error); },
        [&] { return info; });
  }

  // Takes `handle` over.
  explicit Tokenizer(hob_tokenizer* handle) : handle_(handle) {}
  hob_tokenizer* get() const { return handle_.get(); }
  hob_tokenizer* release() { return handle_.release(); }

 private:
  struct Destroy {
    void operator()(hob_tokenizer* handle) const { hob_tokenizer_destroy(handle); }
  };
  std::unique_ptr<hob_tokenizer, Destroy> handle_;
};

// Owns a hob_detokenizer: a stream of tokens as whole characters. One thread at a time.
class Detokenizer {
 public:
  static Result<Detokenizer> Create(const Tokenizer& tokenizer,
                                    hob_text_flags flags = HOB_TEXT_PLAIN) {
    hob_detokenizer* handle = nullptr;
    return detail::CallFor<Detokenizer>(
        [&](hob_error** error) {
          return hob_detokenizer_create(&handle, tokenizer.get(), flags, error);
        },
        [&] { return Detokenizer(handle); });
  }

  // The text that became complete, until the next call.
  Result<std::string_view> Push(int32_t token) {
    hob_string text = {nullptr, 0};
    return detail::CallFor<std::string_view>(
        [&](hob_error** error) { return hob_detokenizer_push(&text, get(), token, error); },
        [&] { return ToView(text); });
  }
  Result<std::string_view> Finish() {
    hob_string text = {nullptr, 0};
    return detail::CallFor<std::string_view>(
        [&](hob_error** error) { return hob_detokenizer_finish(&text, get(), error); },
        [&] { return ToView(text); });
  }

  // Takes `handle` over.
  explicit Detokenizer(hob_detokenizer* handle) : handle_(handle) {}
  hob_detokenizer* get() const { return handle_.get(); }
  hob_detokenizer* release() { return handle_.release(); }

 private:
  struct Destroy {
    void operator()(hob_detokenizer* handle) const { hob_detokenizer_destroy(handle); }
  };
  std::unique_ptr<hob_detokenizer, Destroy> handle_;
};

}  // namespace v0
}  // namespace hob

#endif  // HOB_TOKENIZER_HPP_
