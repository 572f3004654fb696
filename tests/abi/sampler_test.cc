// SPDX-License-Identifier: Apache-2.0
// The sampler without a session: hob/sampler.h.
#include <cmath>
#include <limits>
#include <numeric>

#include "tests/abi/units.h"

using namespace hob::test;

namespace {

std::vector<float> Logits(size_t count) {
  std::vector<float> logits(count);
  for (size_t i = 0; i < count; ++i) {
    logits[i] = static_cast<float>((i * 7919 + 13) % 101) / 10 - 5;
  }
  return logits;
}

int32_t Sample(hob_sampler* sampler, const std::vector<float>& logits) {
  int32_t token = -1;
  REQUIRE_OK(hob_sampler_sample(&token, sampler, logits.data(), logits.size(), &error));
  return token;
}

std::vector<float> Probabilities(hob_sampler* sampler, const std::vector<float>& logits) {
  std::vector<float> out(logits.size(), -1);
  REQUIRE_OK(
      hob_sampler_get_probabilities(out.data(), sampler, logits.data(), logits.size(), &error));
  return out;
}

void Accept(hob_sampler* sampler, const std::vector<int32_t>& tokens) {
  REQUIRE_OK(hob_sampler_accept(sampler, tokens.data(), tokens.size(), &error));
}

hob_sampler_options Random() {
  hob_sampler_options options = HOB_SAMPLER_OPTIONS_INIT;
  options.temperature = 0.8f;
  options.top_k = 40;
  options.top_p = 0.95f;
  options.seed = 7;
  return options;
}

}  // namespace

TEST_CASE("a greedy sampler takes the likeliest, the smaller id of two") {
  const SamplerPtr sampler = MakeSampler(HOB_SAMPLER_OPTIONS_INIT);
  const std::vector<float> logits = {1, 3, 3, -std::numeric_limits<float>::infinity()};
  CHECK(Sample(sampler.get(), logits) == 1);
  CHECK(Probabilities(sampler.get(), logits) == std::vector<float>{0, 1, 0, 0});
  uint64_t drawn = 9;
  REQUIRE_OK(hob_sampler_get_drawn(&drawn, sampler.get(), &error));
  CHECK(drawn == 0);
}

TEST_CASE("the seed and the state make the tokens, and resetting starts anew") {
  const std::vector<float> logits = Logits(300);
  const SamplerPtr sampler = MakeSampler(Random());
  std::vector<int32_t> first;
  for (int i = 0; i < 20; ++i) first.push_back(Sample(sampler.get(), logits));
  uint64_t drawn = 0;
  REQUIRE_OK(hob_sampler_get_drawn(&drawn, sampler.get(), &error));
  CHECK(drawn == 20);
  const int32_t next = Sample(sampler.get(), logits);

  const SamplerPtr other = MakeSampler(Random());
  REQUIRE_OK(hob_sampler_set_drawn(other.get(), drawn, &error));
  CHECK(Sample(other.get(), logits) == next);

  REQUIRE_OK(hob_sampler_reset(sampler.get(), &error));
  for (const int32_t token : first) CHECK(Sample(sampler.get(), logits) == token);
}

TEST_CASE("probabilities are what is drawn from") {
  const std::vector<float> logits = Logits(50);
  hob_sampler_options options = Random();
  options.top_k = 5;
  const SamplerPtr sampler = MakeSampler(options);
  const std::vector<float> p = Probabilities(sampler.get(), logits);
  CHECK(std::abs(std::accumulate(p.begin(), p.end(), 0.0) - 1) < 1e-6);
  std::vector<int> counts(p.size());
  constexpr int kDraws = 20000;
  for (int i = 0; i < kDraws; ++i) ++counts[static_cast<size_t>(Sample(sampler.get(), logits))];
  int kept = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    kept += p[i] > 0 ? 1 : 0;
    CHECK(std::abs(counts[i] / double{kDraws} - p[i]) < 0.02);
    if (p[i] == 0) CHECK(counts[i] == 0);
  }
  CHECK(kept <= 5);
  std::vector<float> in_place = logits;
  REQUIRE_OK(hob_sampler_get_probabilities(in_place.data(), sampler.get(), in_place.data(),
                                           in_place.size(), &error));
  CHECK(in_place == p);
}

TEST_CASE("accepted tokens become less likely, as far back as the window") {
  hob_sampler_options options = HOB_SAMPLER_OPTIONS_INIT;
  options.repetition_penalty = 2;
  options.repetition_window = 3;
  const std::vector<float> logits = {1, 4, 3, 2.5f};
  const SamplerPtr sampler = MakeSampler(options);
  CHECK(Sample(sampler.get(), logits) == 1);
  Accept(sampler.get(), {1});
  CHECK(Sample(sampler.get(), logits) == 2);  // 4 / 2 against 3
  Accept(sampler.get(), {2});
  CHECK(Sample(sampler.get(), logits) == 3);
  for (int i = 0; i < 9; ++i) Accept(sampler.get(), {0});  // one by one, past the window
  CHECK(Sample(sampler.get(), logits) == 1);
  Accept(sampler.get(), {1, 0, 0, 0, 0, 0, 0, 0});  // more than the window at once
  CHECK(Sample(sampler.get(), logits) == 1);
  Accept(sampler.get(), {1, 2});
  CHECK(Sample(sampler.get(), logits) == 3);
  REQUIRE_OK(hob_sampler_reset(sampler.get(), &error));
  CHECK(Sample(sampler.get(), logits) == 1);

  options.repetition_window = 0;  // all
  const SamplerPtr all = MakeSampler(options);
  Accept(all.get(), {1});
  Accept(all.get(), std::vector<int32_t>(500, 0));
  Accept(all.get(), {-5, 1'000'000});  // ids that are not there are passed over
  CHECK(Sample(all.get(), logits) == 2);
}

TEST_CASE("the least and the greatest penalty leave numbers to choose from") {
  hob_sampler_options options = HOB_SAMPLER_OPTIONS_INIT;
  options.temperature = 1;
  options.repetition_penalty = 1e-38f;
  const SamplerPtr least = MakeSampler(options);
  Accept(least.get(), {0});
  CHECK(Probabilities(least.get(), {20, 1}) == std::vector<float>{1, 0});
  options.repetition_penalty = 100;
  const SamplerPtr greatest = MakeSampler(options);
  Accept(greatest.get(), {0, 1});
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  CHECK(Probabilities(greatest.get(), {-1e38f, -kInfinity}) == std::vector<float>{1, 0});
}

TEST_CASE("logits and options that are none are refused") {
  const SamplerPtr sampler = MakeSampler(Random());
  int32_t token = -1;
  const auto sample = [&](std::vector<float> logits) {
    return Try([&](auto e) {
      return hob_sampler_sample(&token, sampler.get(), logits.data(), logits.size(), e);
    });
  };
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  CHECK(sample({0, 1, std::nanf("")}).message.find("logit 2") != std::string::npos);
  CHECK(sample({0, kInfinity}).message.find("logit 1") != std::string::npos);
  CHECK(sample({-kInfinity, -kInfinity}).status == HOB_INVALID_ARGUMENT);
  const float one = 0;
  CHECK(Try([&](auto e) { return hob_sampler_sample(&token, sampler.get(), &one, 0, e); }).status ==
        HOB_INVALID_ARGUMENT);
  CHECK(token == -1);
  uint64_t drawn = 9;
  REQUIRE_OK(hob_sampler_get_drawn(&drawn, sampler.get(), &error));
  CHECK(drawn == 0);  // what fails draws nothing

  hob_sampler_options options = HOB_SAMPLER_OPTIONS_INIT;
  options.top_p = 2;
  hob_sampler* out = nullptr;
  const Outcome outcome = Try([&](auto e) { return hob_sampler_create(&out, &options, e); });
  CHECK(outcome.status == HOB_INVALID_ARGUMENT);
  CHECK(outcome.message.find("top_p") != std::string::npos);
}
