// SPDX-License-Identifier: Apache-2.0
#ifndef HOB_MODEL_HPP_
#define HOB_MODEL_HPP_

#include <hob/model.h>

#include <hob/error.hpp>
#include <hob/runtime.hpp>
#include <hob/span.hpp>
#include <hob/template.hpp>
#include <hob/tokenizer.hpp>
#include <vector>

namespace hob {
inline namespace v0 {

// Owns a hob_model: see model.h. Movable, not copyable.
class Model {
 public:
  static hob_model_options DefaultOptions() { return HOB_MODEL_OPTIONS_INIT; }

  static Result<Model> Open(const Runtime& runtime, std::string_view path,
                            const hob_model_options& options = DefaultOptions()) {
    hob_model* handle = nullptr;
    return detail::CallFor<Model>(
        [&](hob_error** error) {
          return hob_model_open(&handle, runtime.get(), path.data(), path.size(), &options, error);
        },
        [&] { return Model(handle); });
  }

  // What Open with the same arguments would take, before anything is allocated.
  static Result<hob_model_plan_info> Plan(const Runtime& runtime, std::string_view path,
                                          const hob_model_options& options = DefaultOptions()) {
    hob_model_plan_info info = HOB_MODEL_PLAN_INFO_INIT;
    return detail::CallFor<hob_model_plan_info>(
        [&](hob_error** error) {
          return hob_model_plan(&info, runtime.get(), path.data(), path.size(), &options, error);
        },
        [&] { return info; });
  }

  Result<hob_model_info> Info() const {
    hob_model_info info = HOB_MODEL_INFO_INIT;
    return detail::CallFor<hob_model_info>(
        [&](hob_error** error) { return hob_model_get_info(&info, get(), error); },
        [&] { return info; });
  }

  // A text property (HOB_MODEL_NAME, …), which lives as long as the model; empty if there is none.
  std::string_view Text(hob_model_text which) const {
    hob_string text = {nullptr, 0};
    hob_model_get_text(&text, get(), which, nullptr);
    return ToView(text);
  }

  // Handles of their own, which outlive the model.
  Result<Tokenizer> GetTokenizer() const {
    hob_tokenizer* handle = nullptr;
    return detail::CallFor<Tokenizer>(
        [&](hob_error** error) { return hob_model_get_tokenizer(&handle, get(), error); },
        [&] { return Tokenizer(handle); });
  }
  Result<ChatTemplate> GetChatTemplate() const {
    hob_chat_template* handle = nullptr;
    return detail::CallFor<ChatTemplate>(
        [&](hob_error** error) { return hob_model_get_chat_template(&handle, get(), error); },
        [&] { return ChatTemplate(handle); });
  }

  Result<std::vector<int32_t>> Tokenize(std::string_view text,
                                        hob_text_flags flags = HOB_TEXT_PLAIN) const {
    return detail::CallForTokens([&](int32_t** tokens, size_t* count, hob_error** error) {
      return hob_model_tokenize(tokens, count, get(), text.data(), text.size(), flags, error);
    });
  }

  Result<std::string> Detokenize(Span<const int32_t> tokens,
                                 hob_text_flags flags = HOB_TEXT_PLAIN) const {
    return detail::CallForText([&](char** text, size_t* size, hob_error** error) {
      return hob_model_detokenize(text, size, get(), tokens.data(), tokens.size(), flags, error);
    });
  }

  Result<std::string> TokenBytes(int32_t token, hob_text_flags flags = HOB_TEXT_PLAIN) const {
    return detail::CallForText([&](char** bytes, size_t* size, hob_error** error) {
      return hob_model_token_bytes(bytes, size, get(), token, flags, error);
    });
  }

  Result<int32_t> FindToken(std::string_view text) const {
    int32_t token = -1;
    return detail::CallFor<int32_t>(
        [&](hob_error** error) {
          return hob_model_find_token(&token, get(), text.data(), text.size(), error);
        },
        [&] { return token; });
  }

  bool IsEndToken(int32_t token) const {
    uint8_t end = 0;
    hob_model_is_end_token(&end, get(), token, nullptr);
    return end != 0;
  }

  // Takes `handle` over.
  explicit Model(hob_model* handle) : handle_(handle) {}
  hob_model* get() const { return handle_.get(); }
  hob_model* release() { return handle_.release(); }

 private:
  struct Destroy {
    void operator()(hob_model* handle) const { hob_model_destroy(handle); }
  };
  std::unique_ptr<hob_model, Destroy> handle_;
};

}  // namespace v0
}  // namespace hob

#endif  // HOB_MODEL_HPP_
