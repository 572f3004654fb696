// SPDX-License-Identifier: Apache-2.0
// Answers by an endpoint where the local model is not the right one. Outside the promise so far:
// hob_experimental.hpp.
#ifndef HOB_HANDOFF_HPP_
#define HOB_HANDOFF_HPP_

#include <hob/handoff.h>

#include <hob/error.hpp>
#include <hob/runtime.hpp>
#include <hob/session.hpp>

namespace hob {
inline namespace v0 {

inline hob_handoff_options DefaultHandoffOptions() { return HOB_HANDOFF_OPTIONS_INIT; }

// Owns a hob_handoff: see handoff.h. Movable, not copyable; several threads may use one at a time.
class Handoff {
 public:
  static Result<Handoff> Create(const Runtime& runtime, const hob_handoff_options& options) {
    hob_handoff* handle = nullptr;
    return detail::CallFor<Handoff>(
        [&](hob_error** error) {
          return hob_handoff_create(&handle, runtime.get(), &options, error);
        },
        [&] { return Handoff(handle); });
  }

  Result<void> SetConsent(bool consent) {
    return detail::Call(
        [&](hob_error** error) { return hob_handoff_set_consent(get(), consent ? 1 : 0, error); });
  }

  // Answers the session's conversation, streaming to options.on_token. `report`, if given, is
  // filled on errors too.
  Result<hob_handoff_report> Answer(
      Session& session, hob_handoff_mode mode = HOB_HANDOFF_AUTO,
      const hob_generate_options& options = Session::DefaultGenerateOptions(),
      hob_handoff_report* report = nullptr) {
    hob_handoff_report own = HOB_HANDOFF_REPORT_INIT;
    if (report == nullptr) report = &own;
    return detail::CallFor<hob_handoff_report>(
        [&](hob_error** error) {
          return hob_handoff_answer(report, get(), session.get(), mode, &options, error);
        },
        [&] { return *report; });
  }

  // Streams to `on_token(std::string_view text)` or `on_token(const hob_token&)`, returning
  // nothing, or a bool of which false ends the answer. What it throws comes out of this call.
  template <typename F, typename = std::enable_if_t<!std::is_convertible_v<F, hob_handoff_mode>>>
  Result<hob_handoff_report> Answer(
      Session& session, F&& on_token, hob_handoff_mode mode = HOB_HANDOFF_AUTO,
      hob_generate_options options = Session::DefaultGenerateOptions(),
      hob_handoff_report* report = nullptr) {
    using Function = std::remove_reference_t<F>;
    detail::Callback<Function> callback{&on_token};
    options.on_token = [](void* user, const hob_token* token) -> int32_t {
      auto& called = *static_cast<detail::Callback<Function>*>(user);
      if constexpr (std::is_invocable_v<Function&, const hob_token&>) {
        return called.Call(*token);
      } else {
        return called.Call(ToView({token->text, token->text_size}));
      }
    };
    options.user = &callback;
    Result<hob_handoff_report> result = Answer(session, mode, options, report);
    callback.Rethrow();
    return result;
  }

  Result<hob_handoff_metrics> Metrics() const {
    hob_handoff_metrics metrics = HOB_HANDOFF_METRICS_INIT;
    return detail::CallFor<hob_handoff_metrics>(
        [&](hob_error** error) { return hob_handoff_get_metrics(&metrics, get(), error); },
        [&] { return metrics; });
  }

  hob_handoff* get() const { return handle_.get(); }

 private:
  struct Destroy {
    void operator()(hob_handoff* handle) const { hob_handoff_destroy(handle); }
  };
  explicit Handoff(hob_handoff* handle) : handle_(handle) {}
  std::unique_ptr<hob_handoff, Destroy> handle_;
};

}  // namespace v0
}  // namespace hob

#endif  // HOB_HANDOFF_HPP_
