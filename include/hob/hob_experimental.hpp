// SPDX-License-Identifier: Apache-2.0
// Outside the promise: what is here may change or go with any release.
#ifndef HOB_HOB_EXPERIMENTAL_HPP_
#define HOB_HOB_EXPERIMENTAL_HPP_

#include <hob/hob_experimental.h>

#include <hob/embed.hpp>
#include <hob/grammar.hpp>
#include <hob/graph.hpp>
#include <hob/handoff.hpp>
#include <hob/hob.hpp>
#include <hob/metrics.hpp>
#include <hob/ops.hpp>
#include <hob/tools.hpp>
#include <hob/verify.hpp>

namespace hob {
inline namespace v0 {

// Gives `on_logits(size_t first, Span<const float> logits)` the logits of each run of positions
// from `first` on, a row of the vocabulary's size for each; returning false cancels. What it throws
// comes out of this call. See hob_session_evaluate.
template <typename F>
Result<void> Evaluate(Session& session, Span<const int32_t> tokens, size_t vocabulary_size,
                      F&& on_logits) {
  using Callback = detail::Callback<std::remove_reference_t<F>>;
  struct User {
    Callback callback;
    size_t vocabulary_size;
  } user{Callback{&on_logits}, vocabulary_size};
  Result<void> result = detail::Call([&](hob_error** error) {
    return hob_session_evaluate(
        session.get(), tokens.data(), tokens.size(),
        [](void* given, size_t first, size_t rows, const float* logits) -> int32_t {
          User& u = *static_cast<User*>(given);
          return u.callback.Call(first, Span<const float>(logits, rows * u.vocabulary_size));
        },
        &user, error);
  });
  user.callback.Rethrow();
  return result;
}

// Everything known of a model, as JSON: see hob_model_describe.
inline Result<std::string> Describe(const Model& model) {
  return detail::CallForText([&](char** json, size_t* size, hob_error** error) {
    return hob_model_describe(json, size, model.get(), error);
  });
}

// Writes a model file as .hob: see hob_convert.
inline Result<void> Convert(std::string_view input, std::string_view output,
                            const hob_convert_options& options = HOB_CONVERT_OPTIONS_INIT) {
  return detail::Call([&](hob_error** error) {
    return hob_convert(input.data(), input.size(), output.data(), output.size(), &options, error);
  });
}

}  // namespace v0
}  // namespace hob

#endif  // HOB_HOB_EXPERIMENTAL_HPP_
