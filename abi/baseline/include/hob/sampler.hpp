// SPDX-License-Identifier: Apache-2.0
#ifndef HOB_SAMPLER_HPP_
#define HOB_SAMPLER_HPP_

#include <hob/sampler.h>

#include <hob/error.hpp>
#include <hob/span.hpp>
#include <vector>

namespace hob {
inline namespace v0 {

// Owns a hob_sampler: see sampler.h. Movable, not copyable. One thread at a time.
class Sampler {
 public:
  static hob_sampler_options Greedy() { return HOB_SAMPLER_OPTIONS_INIT; }

  static Result<Sampler> Create(const hob_sampler_options& options = Greedy()) {
    hob_sampler* handle = nullptr;
    return detail::CallFor<Sampler>(
        [&](hob_error** error) { return hob_sampler_create(&handle, &options, error); },
        [&] { return Sampler(handle); });
  }

  Result<void> Accept(Span<const int32_t> tokens) {
    return detail::Call([&](hob_error** error) {
      return hob_sampler_accept(get(), tokens.data(), tokens.size(), error);
    });
  }
  Result<void> Accept(int32_t token) { return Accept(Span<const int32_t>(&token, 1)); }

  Result<int32_t> Sample(Span<const float> logits) {
    int32_t token = -1;
    return detail::CallFor<int32_t>(
        [&](hob_error** error) {
          return hob_sampler_sample(&token, get(), logits.data(), logits.size(), error);
        },
        [&] { return token; });
  }
  // How likely each token is to be chosen.
  Result<std::vector<float>> Probabilities(Span<const float> logits) {
    std::vector<float> out(logits.size());
    return detail::CallFor<std::vector<float>>(
        [&](hob_error** error) {
          return hob_sampler_get_probabilities(out.data(), get(), logits.data(), logits.size(),
                                               error);
        },
        [&] { return std::move(out); });
  }

  Result<void> Reset() {
    return detail::Call([&](hob_error** error) { return hob_sampler_reset(get(), error); });
  }
  // The random state: how many numbers were drawn since the seed.
  Result<uint64_t> Drawn() const {
    uint64_t drawn = 0;
    return detail::CallFor<uint64_t>(
        [&](hob_error** error) { return hob_sampler_get_drawn(&drawn, get(), error); },
        [&] { return drawn; });
  }
  Result<void> SetDrawn(uint64_t drawn) {
    return detail::Call(
        [&](hob_error** error) { return hob_sampler_set_drawn(get(), drawn, error); });
  }

  // Takes `handle` over.
  explicit Sampler(hob_sampler* handle) : handle_(handle) {}
  hob_sampler* get() const { return handle_.get(); }
  hob_sampler* release() { return handle_.release(); }

 private:
  struct Destroy {
    void operator()(hob_sampler* handle) const { hob_sampler_destroy(handle); }
  };
  std::unique_ptr<hob_sampler, Destroy> handle_;
};

}  // namespace v0
}  // namespace hob

#endif  // HOB_SAMPLER_HPP_
