// SPDX-License-Identifier: Apache-2.0
#include "lib/sampler/sampler.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>
#include <string>

#include "lib/sampler/random.h"

namespace {

using hob::Sampler;
using hob::SamplerOptions;

Sampler Make(const SamplerOptions& options) {
  auto sampler = Sampler::Create(options);
  REQUIRE(sampler.ok());
  return *std::move(sampler);
}

int32_t Draw(Sampler& sampler, std::vector<float> logits, std::vector<int32_t> history = {}) {
  const auto token = sampler.Sample(logits, history);
  REQUIRE(token.ok());
  return *token;
}

std::vector<float> RandomLogits(size_t count, uint64_t seed) {
  std::vector<float> logits(count);
  for (size_t i = 0; i < count; ++i) {
    logits[i] = static_cast<float>(hob::UniformAt(seed, i) * 12 - 6);
  }
  return logits;
}

std::vector<int32_t> DrawMany(const SamplerOptions& options, const std::vector<float>& logits,
                              int count) {
  Sampler sampler = Make(options);
  std::vector<int32_t> tokens;
  for (int i = 0; i < count; ++i) tokens.push_back(Draw(sampler, logits));
  return tokens;
}

}  // namespace

TEST_CASE("greedy takes the largest logit, and the smaller id of two") {
  Sampler sampler = Make({});
  CHECK(Draw(sampler, {1.0f, 5.0f, 5.0f, -1.0f}) == 1);
  CHECK(Draw(sampler, {-INFINITY, -3.0f}) == 1);
  CHECK(Draw(sampler, {7.0f}) == 0);
}

TEST_CASE("greedy minds the repetition penalty and its window") {
  SamplerOptions options;
  options.repetition_penalty = 2.0f;
  options.repetition_window = 2;
  Sampler sampler = Make(options);
  CHECK(Draw(sampler, {3.0f, 4.0f}, {1}) == 0);
  CHECK(Draw(sampler, {3.0f, 4.0f}, {1, 0, 0}) == 1);
  options.repetition_window = 0;
  Sampler all = Make(options);
  CHECK(Draw(all, {3.0f, 4.0f, 2.5f}, {1, 0, 0}) == 2);
}

TEST_CASE("the same seed draws the same tokens, another seed others") {
  SamplerOptions options;
  options.temperature = 1.0f;
  options.seed = 42;
  const std::vector<float> logits = RandomLogits(1000, 5);
  const auto first = DrawMany(options, logits, 100);
  CHECK(first == DrawMany(options, logits, 100));
  options.seed = 43;
  CHECK(first != DrawMany(options, logits, 100));
}

TEST_CASE("what is drawn is fixed for all time") {
  SamplerOptions options;
  options.temperature = 0.8f;
  options.top_k = 40;
  options.top_p = 0.95f;
  options.min_p = 0.05f;
  options.seed = 1;
  CHECK(DrawMany(options, RandomLogits(500, 6), 8) ==
        std::vector<int32_t>{211, 221, 108, 347, 113, 105, 490, 488});
}

TEST_CASE("tokens come as often as their probabilities say") {
  SamplerOptions options;
  options.temperature = 2.0f;
  const std::vector<float> logits = {0.0f, 1.0f, 2.0f, -INFINITY, 4.0f};
  std::vector<double> expected;
  double total = 0;
  for (const float logit : logits) total += expected.emplace_back(std::exp(logit / 2.0));
  constexpr int kCount = 40'000;
  std::vector<double> seen(logits.size());
  for (const int32_t token : DrawMany(options, logits, kCount)) {
    seen[static_cast<size_t>(token)] += 1.0 / kCount;
  }
  for (size_t i = 0; i < logits.size(); ++i) {
    INFO("token " << i);
    CHECK(std::fabs(seen[i] - expected[i] / total) < 0.01);
  }
  CHECK(seen[3] == 0);
}

TEST_CASE("top-k, top-p and min-p bound what can be drawn") {
  const std::vector<float> logits = {0.0f, 1.0f, 2.0f, 3.0f};
  SamplerOptions options;
  options.temperature = 1.0f;
  SECTION("top-k") { options.top_k = 1; }
  SECTION("top-p") { options.top_p = 0.5f; }
  SECTION("min-p") { options.min_p = 0.5f; }
  for (const int32_t token : DrawMany(options, logits, 200)) REQUIRE(token == 3);
}

TEST_CASE("logits that are not numbers are an error") {
  for (const float temperature : {0.0f, 1.0f}) {
    SamplerOptions options;
    options.temperature = temperature;
    Sampler sampler = Make(options);
    const float inf = std::numeric_limits<float>::infinity();
    const float nan = std::numeric_limits<float>::quiet_NaN();
    for (std::vector<float> logits :
         std::vector<std::vector<float>>{{1.0f, nan}, {nan, nan}, {-inf, -inf}, {1.0f, inf}, {}}) {
      CHECK(sampler.Sample(logits, {}).status().code() == hob::StatusCode::kDataLoss);
    }
  }
}

TEST_CASE("options out of range are refused by name") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto refused = [](auto&& set, const std::string& name) {
    SamplerOptions options;
    set(options);
    const auto sampler = Sampler::Create(options);
    CHECK(sampler.status().code() == hob::StatusCode::kInvalidArgument);
    CHECK(std::string(sampler.status().message()).find(name) != std::string::npos);
  };
  for (const float bad : {-0.1f, 101.0f, nan}) {
    refused([&](SamplerOptions& o) { o.temperature = bad; }, "temperature");
  }
  for (const float bad : {0.0f, -1.0f, 1.1f, nan}) {
    refused([&](SamplerOptions& o) { o.top_p = bad; }, "top_p");
  }
  for (const float bad : {-0.1f, 1.0f, nan}) {
    refused([&](SamplerOptions& o) { o.min_p = bad; }, "min_p");
  }
  for (const float bad : {0.0f, -1.0f, 101.0f, nan}) {
    refused([&](SamplerOptions& o) { o.repetition_penalty = bad; }, "repetition_penalty");
  }
  refused([](SamplerOptions& o) { o.top_k = -1; }, "top_k");
  refused([](SamplerOptions& o) { o.repetition_window = -1; }, "repetition_window");
}
