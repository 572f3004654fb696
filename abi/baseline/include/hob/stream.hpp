// SPDX-License-Identifier: Apache-2.0
#ifndef HOB_STREAM_HPP_
#define HOB_STREAM_HPP_

#include <hob/session.h>

#include <hob/error.hpp>

namespace hob {
inline namespace v0 {

// An answer as a range of its pieces of text, for one loop:
//
//   hob::TokenStream stream = session.Stream(options);
//   for (std::string_view piece : stream) std::cout << piece;
//   hob::Result<hob_generate_result> result = stream.Finish();
//
// A loop that is left before its end ends the answer when the stream goes, or goes on in Finish.
// The session outlives it, and has no other call meanwhile but Cancel. Movable, not copyable.
class TokenStream {
 public:
  // Starts the answer. What fails here ends the range at once and is what Finish returns.
  TokenStream(hob_session* session, const hob_generate_options& options)
      : session_(session), error_(HOB_OK) {
    hob_error* error = nullptr;
    const hob_status status = hob_session_start(session, &options, &error);
    if (status == HOB_OK) {
      running_ = true;
    } else {
      error_ = Error(status, error);
    }
  }
  TokenStream(TokenStream&& other) noexcept
      : session_(other.session_),
        error_(std::move(other.error_)),
        token_(other.token_),
        running_(std::exchange(other.running_, false)) {}
  TokenStream& operator=(TokenStream&& other) noexcept {
    if (this != &other) {
      End();
      session_ = other.session_;
      error_ = std::move(other.error_);
      token_ = other.token_;
      running_ = std::exchange(other.running_, false);
    }
    return *this;
  }
  ~TokenStream() { End(); }

  struct Sentinel {};
  class Iterator {
   public:
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    explicit Iterator(TokenStream* stream) : stream_(stream) { ++*this; }
    // Until the next step.
    std::string_view operator*() const { return text_; }
    // The id of the token that made the text complete; HOB_NO_TOKEN: held back until the end.
    int32_t token() const { return stream_->token_; }
    Iterator& operator++() {
      more_ = stream_->Next(&text_);
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& a, Sentinel) { return !a.more_; }
    friend bool operator!=(const Iterator& a, Sentinel) { return a.more_; }

   private:
    TokenStream* stream_;
    std::string_view text_;
    bool more_ = false;
  };

  Iterator begin() { return Iterator(this); }
  static Sentinel end() { return {}; }

  // Waits for the next piece that is not empty; false at the end, and where it failed.
  bool Next(std::string_view* text) {
    while (running_) {
      hob_poll kind = HOB_POLL_NOTHING;
      hob_token token = HOB_TOKEN_INIT;
      hob_error* error = nullptr;
      const hob_status status = hob_session_poll(&kind, &token, session_, -1, &error);
      if (status != HOB_OK) error_ = Error(status, error);
      running_ = status == HOB_OK && kind != HOB_POLL_END;
      if (!running_ || kind != HOB_POLL_TOKEN) continue;
      token_ = token.id;
      if (token.text_size == 0) continue;
      *text = std::string_view(token.text, token.text_size);
      return true;
    }
    return false;
  }

  // HOB_OK until something failed.
  hob_status code() const { return error_.code(); }

  // Waits for the rest, unseen, and tells how the answer ended. Once.
  Result<hob_generate_result> Finish() {
    std::string_view text;
    while (Next(&text)) {
    }
    if (error_.code() != HOB_OK) return std::move(error_);
    hob_generate_result result = HOB_GENERATE_RESULT_INIT;
    return detail::CallFor<hob_generate_result>(
        [&](hob_error** error) { return hob_session_get_result(&result, session_, error); },
        [&] { return result; });
  }

 private:
  void End() {
    if (!running_) return;
    hob_session_cancel(session_);
    std::string_view text;
    while (Next(&text)) {
    }
  }

  hob_session* session_;
  Error error_;
  int32_t token_ = HOB_NO_TOKEN;
  bool running_ = false;
};

}  // namespace v0
}  // namespace hob

#endif  // HOB_STREAM_HPP_
