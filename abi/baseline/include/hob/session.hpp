// SPDX-License-Identifier: Apache-2.0
#ifndef HOB_SESSION_HPP_
#define HOB_SESSION_HPP_

#include <hob/session.h>

#include <hob/error.hpp>
#include <hob/model.hpp>
#include <hob/sampler.hpp>
#include <hob/span.hpp>
#include <hob/stream.hpp>

namespace hob {
inline namespace v0 {

// A run of tokens that the session owns.
using TokenView = Span<const int32_t>;

struct MessageView {
  std::string_view role, text;
};

// Bytes that the library made and this frees.
class SavedSession {
 public:
  SavedSession(void* data, size_t size) : data_(data), size_(size) {}
  const void* data() const { return data_.get(); }
  size_t size() const { return size_; }

 private:
  std::unique_ptr<void, detail::Free> data_;
  size_t size_;
};

// Owns a hob_session: see session.h. Movable, not copyable. One thread at a time, save Cancel().
class Session {
 public:
  static hob_session_options DefaultOptions() { return HOB_SESSION_OPTIONS_INIT; }
  static hob_generate_options DefaultGenerateOptions() { return HOB_GENERATE_OPTIONS_INIT; }
  static hob_sampler_options GreedySampler() { return HOB_SAMPLER_OPTIONS_INIT; }

  static Result<Session> Create(const Model& model,
                                const hob_session_options& options = DefaultOptions()) {
    hob_session* handle = nullptr;
    return detail::CallFor<Session>(
        [&](hob_error** error) {
          return hob_session_create(&handle, model.get(), &options, error);
        },
        [&] { return Session(handle); });
  }

  // Another session that goes on from here, on shared memory.
  Result<Session> Fork() const {
    hob_session* handle = nullptr;
    return detail::CallFor<Session>(
        [&](hob_error** error) { return hob_session_fork(&handle, get(), error); },
        [&] { return Session(handle); });
  }

  Result<void> SetSampler(const hob_sampler_options& options) {
    return detail::Call(
        [&](hob_error** error) { return hob_session_set_sampler(get(), &options, error); });
  }

  Result<void> AddMessage(std::string_view role, std::string_view text) {
    return detail::Call([&](hob_error** error) {
      return hob_session_add_message(get(), role.data(), role.size(), text.data(), text.size(),
                                     error);
    });
  }

  Result<size_t> MessageCount() const {
    size_t count = 0;
    return detail::CallFor<size_t>(
        [&](hob_error** error) { return hob_session_message_count(&count, get(), error); },
        [&] { return count; });
  }

  // Until the next call that changes the session.
  Result<MessageView> Message(size_t index) const {
    hob_string role = {nullptr, 0}, text = {nullptr, 0};
    return detail::CallFor<MessageView>(
        [&](hob_error** error) {
          return hob_session_get_message(&role, &text, get(), index, error);
        },
        [&] { return MessageView{ToView(role), ToView(text)}; });
  }

  Result<void> KeepMessages(size_t count) {
    return detail::Call(
        [&](hob_error** error) { return hob_session_keep_messages(get(), count, error); });
  }

  Result<void> AddText(std::string_view text, hob_text_flags flags = HOB_TEXT_PLAIN) {
    return detail::Call([&](hob_error** error) {
      return hob_session_add_text(get(), text.data(), text.size(), flags, error);
    });
  }

  Result<void> AddTokens(Span<const int32_t> tokens) {
    return detail::Call([&](hob_error** error) {
      return hob_session_add_tokens(get(), tokens.data(), tokens.size(), error);
    });
  }
  Result<void> AddTokens(const int32_t* tokens, size_t count) {
    return AddTokens(Span<const int32_t>(tokens, count));
  }

  Result<hob_generate_result> Generate(
      const hob_generate_options& options = DefaultGenerateOptions()) {
    hob_generate_result result = HOB_GENERATE_RESULT_INIT;
    return detail::CallFor<hob_generate_result>(
        [&](hob_error** error) { return hob_session_generate(&result, get(), &options, error); },
        [&] { return result; });
  }

  // Streams: `on_token(std::string_view text)` or `on_token(const hob_token&)`, returning nothing,
  // or a bool of which false ends the answer. What it throws comes out of this call.
  template <typename F,
            typename = std::enable_if_t<!std::is_same_v<std::decay_t<F>, hob_generate_options>>>
  Result<hob_generate_result> Generate(F&& on_token,
                                       hob_generate_options options = DefaultGenerateOptions()) {
    detail::Callback<std::remove_reference_t<F>> callback{&on_token};
    options.on_token = &OnToken<std::remove_reference_t<F>>;
    options.user = &callback;
    Result<hob_generate_result> result = Generate(options);
    callback.Rethrow();
    return result;
  }

  // The answer as a range of pieces of text: see TokenStream.
  TokenStream Stream(const hob_generate_options& options = DefaultGenerateOptions()) {
    return TokenStream(get(), options);
  }

  // Without blocking: see hob_session_start and hob_session_poll.
  Result<void> Start(const hob_generate_options& options = DefaultGenerateOptions()) {
    return detail::Call(
        [&](hob_error** error) { return hob_session_start(get(), &options, error); });
  }
  struct Polled {
    hob_poll kind;
    int32_t token;          // HOB_NO_TOKEN: none
    std::string_view text;  // until the next call on the session
  };
  Result<Polled> Poll(int32_t timeout_ms = -1) {
    hob_poll kind = HOB_POLL_NOTHING;
    hob_token token = HOB_TOKEN_INIT;
    return detail::CallFor<Polled>(
        [&](hob_error** error) {
          return hob_session_poll(&kind, &token, get(), timeout_ms, error);
        },
        [&] { return Polled{kind, token.id, ToView({token.text, token.text_size})}; });
  }
  Result<hob_generate_result> LastResult() const {
    hob_generate_result result = HOB_GENERATE_RESULT_INIT;
    return detail::CallFor<hob_generate_result>(
        [&](hob_error** error) { return hob_session_get_result(&result, get(), error); },
        [&] { return result; });
  }

  // Any thread, as long as the session lives.
  void Cancel() { hob_session_cancel(get()); }

  Result<void> Reset() {
    return detail::Call([&](hob_error** error) { return hob_session_reset(get(), error); });
  }

  // See hob_session_save and hob_session_restore.
  Result<void> Save(std::string_view path) const {
    return detail::Call([&](hob_error** error) {
      return hob_session_save(get(), path.data(), path.size(), error);
    });
  }
  Result<SavedSession> Save() const {
    void* data = nullptr;
    size_t size = 0;
    return detail::CallFor<SavedSession>(
        [&](hob_error** error) { return hob_session_save_buffer(&data, &size, get(), error); },
        [&] { return SavedSession(data, size); });
  }
  Result<void> Restore(std::string_view path) {
    return detail::Call([&](hob_error** error) {
      return hob_session_restore(get(), path.data(), path.size(), error);
    });
  }
  Result<void> Restore(const void* data, size_t size) {
    return detail::Call(
        [&](hob_error** error) { return hob_session_restore_buffer(get(), data, size, error); });
  }

  // The last answer, until the next call that changes the session.
  std::string_view Reply() const {
    hob_string text = {nullptr, 0};
    hob_session_get_reply(&text, get(), nullptr);
    return ToView(text);
  }

  // See hob_session_get_tokens; until the next call that changes the session.
  TokenView Tokens() const {
    const int32_t* tokens = nullptr;
    size_t count = 0;
    hob_session_get_tokens(&tokens, &count, get(), nullptr);
    return {tokens, count};
  }

  Result<hob_session_stats> Stats() const {
    hob_session_stats stats = HOB_SESSION_STATS_INIT;
    return detail::CallFor<hob_session_stats>(
        [&](hob_error** error) { return hob_session_get_stats(&stats, get(), error); },
        [&] { return stats; });
  }

  // Takes `handle` over.
  explicit Session(hob_session* handle) : handle_(handle) {}
  hob_session* get() const { return handle_.get(); }
  hob_session* release() { return handle_.release(); }

 private:
  struct Destroy {
    void operator()(hob_session* handle) const { hob_session_destroy(handle); }
  };

  template <typename F>
  static int32_t OnToken(void* user, const hob_token* token) {
    auto& callback = *static_cast<detail::Callback<F>*>(user);
    if constexpr (std::is_invocable_v<F&, const hob_token&>) {
      return callback.Call(*token);
    } else {
      return callback.Call(ToView({token->text, token->text_size}));
    }
  }

  std::unique_ptr<hob_session, Destroy> handle_;
};

}  // namespace v0
}  // namespace hob

#endif  // HOB_SESSION_HPP_
