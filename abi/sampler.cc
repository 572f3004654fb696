// SPDX-License-Identifier: Apache-2.0
#include <hob/sampler.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "abi/handles.h"
#include "abi/unit_handles.h"

namespace hob::abi {

StatusOr<SamplerOptions> ReadSamplerOptions(const hob_sampler_options* given_options) {
  HOB_ASSIGN_OR_RETURN(const hob_sampler_options given,
                       ReadStruct<hob_sampler_options>(given_options, HOB_SAMPLER_OPTIONS_INIT,
                                                       "hob_sampler_options"));
  if (given.reserved != 0) {
    return Error(StatusCode::kInvalidArgument, "hob_sampler_options.reserved is not zero");
  }
  SamplerOptions options;
  options.temperature = given.temperature;
  options.top_k = given.top_k;
  options.top_p = given.top_p;
  options.min_p = given.min_p;
  options.repetition_penalty = given.repetition_penalty;
  options.repetition_window = given.repetition_window;
  options.seed = given.seed;
  return options;
}

namespace {

using SamplerUse = Exclusive<hob_sampler>;

// Copies the logits for the stages to work on. What they cannot use is the caller's mistake here,
// not a damaged model.
Status TakeLogits(const SamplerUse& use, const float* logits, size_t count) {
  if (logits == nullptr) return NullArgument("logits");
  if (count == 0 || count > INT32_MAX) {
    return Error(StatusCode::kInvalidArgument, Concat(count, " logits, not 1 to ", INT32_MAX));
  }
  bool any = false;
  for (size_t i = 0; i < count; ++i) {
    const bool low = std::isinf(logits[i]) && logits[i] < 0;
    if (!low && !std::isfinite(logits[i])) {
      return Error(StatusCode::kInvalidArgument,
                   Concat("logit ", i, " is ", std::isnan(logits[i]) ? "NaN" : "+infinity"));
    }
    any = any || !low;
  }
  if (!any) return Error(StatusCode::kInvalidArgument, "all logits are -infinity");
  use->logits.assign(logits, logits + count);
  return absl::OkStatus();
}

}  // namespace
}  // namespace hob::abi

extern "C" {

hob_status hob_sampler_create(hob_sampler** out, const hob_sampler_options* options,
                              hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_ASSIGN_OR_RETURN(const hob::SamplerOptions read, ReadSamplerOptions(options));
    HOB_ASSIGN_OR_RETURN(hob::Sampler object, hob::Sampler::Create(read));
    *out = Adopt(new hob_sampler{std::move(object), {}, {}, {}});
    return absl::OkStatus();
  });
}

void hob_sampler_destroy(hob_sampler* sampler) { hob::abi::Delete(sampler); }

hob_status hob_sampler_accept(hob_sampler* sampler, const int32_t* tokens, size_t count,
                              hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_ASSIGN_OR_RETURN(const auto use, SamplerUse::Begin(sampler, "sampler"));
    HOB_RETURN_IF_ERROR(CheckRange(tokens, count, "tokens"));
    const hob::SamplerOptions& options = use->object.options();
    if (options.repetition_penalty == 1.0f) return absl::OkStatus();
    std::vector<int32_t>& history = use->history;
    const auto window = static_cast<size_t>(options.repetition_window);
    if (window == 0) {
      history.insert(history.end(), tokens, tokens + count);
      return absl::OkStatus();
    }
    std::span<const int32_t> last(tokens, count);
    last = last.last(std::min(count, window));
    if (history.size() + last.size() > 2 * window) {
      history.erase(history.begin(), history.end() - static_cast<ptrdiff_t>(window));
    }
    history.insert(history.end(), last.begin(), last.end());
    return absl::OkStatus();
  });
}

hob_status hob_sampler_sample(int32_t* out, hob_sampler* sampler, const float* logits, size_t count,
                              hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_ASSIGN_OR_RETURN(const auto use, SamplerUse::Begin(sampler, "sampler"));
    HOB_RETURN_IF_ERROR(TakeLogits(use, logits, count));
    HOB_ASSIGN_OR_RETURN(*out, use->object.Sample(use->logits, use->history));
    return absl::OkStatus();
  });
}

hob_status hob_sampler_get_probabilities(float* out, hob_sampler* sampler, const float* logits,
                                         size_t count, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_ASSIGN_OR_RETURN(const auto use, SamplerUse::Begin(sampler, "sampler"));
    HOB_RETURN_IF_ERROR(TakeLogits(use, logits, count));
    return use->object.Probabilities(use->logits, use->history, std::span(out, count));
  });
}

hob_status hob_sampler_reset(hob_sampler* sampler, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_ASSIGN_OR_RETURN(const auto use, SamplerUse::Begin(sampler, "sampler"));
    use->history.clear();
    use->object.set_drawn(0);
    return absl::OkStatus();
  });
}

hob_status hob_sampler_get_drawn(uint64_t* out, const hob_sampler* sampler, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_ASSIGN_OR_RETURN(const auto use, Exclusive<const hob_sampler>::Begin(sampler, "sampler"));
    *out = use->object.drawn();
    return absl::OkStatus();
  });
}

hob_status hob_sampler_set_drawn(hob_sampler* sampler, uint64_t drawn, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_ASSIGN_OR_RETURN(const auto use, SamplerUse::Begin(sampler, "sampler"));
    use->object.set_drawn(drawn);
    return absl::OkStatus();
  });
}

}  // extern "C"
