// SPDX-License-Identifier: Apache-2.0
// Each stage beside a plain reference that sorts everything.
#include "lib/sampler/stages.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <set>

#include "lib/sampler/random.h"

namespace {

using hob::Candidate;

// Logits with many ties and an outlier.
std::vector<Candidate> MakeCandidates(size_t count, uint64_t seed) {
  std::vector<Candidate> candidates(count);
  for (size_t i = 0; i < count; ++i) {
    const double u = hob::UniformAt(seed, i);
    const float logit = static_cast<float>(std::floor(u * 64) / 8);
    candidates[i] = {static_cast<int32_t>(i), logit - 8, std::exp(logit - 8.0)};
  }
  candidates[count / 2].logit = 0;
  candidates[count / 2].weight = 1;
  return candidates;
}

std::vector<Candidate> Sorted(std::vector<Candidate> candidates) {
  std::sort(candidates.begin(), candidates.end(), hob::LikelierFirst());
  return candidates;
}

void CheckSame(const std::vector<Candidate>& a, const std::vector<Candidate>& b) {
  REQUIRE(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    REQUIRE(a[i].id == b[i].id);
    REQUIRE(a[i].logit == b[i].logit);
    REQUIRE(a[i].weight == b[i].weight);
  }
}

}  // namespace

TEST_CASE("top-k keeps the first k of the sorted list") {
  for (const size_t count : {1, 7, 1000}) {
    const auto all = MakeCandidates(count, count);
    for (const size_t k : {size_t{1}, size_t{2}, size_t{40}, count, count + 5}) {
      auto kept = all;
      hob::KeepTopK(kept, k);
      auto expected = Sorted(all);
      expected.resize(std::min(k, count));
      CheckSame(kept, expected);
    }
  }
}

TEST_CASE("top-p keeps the shortest beginning of the sorted list that sums to p") {
  for (const size_t count : {1, 7, 1000, 5000}) {
    const auto all = MakeCandidates(count, count + 1);
    for (const double p : {1e-9, 0.1, 0.5, 0.9, 0.999, 1.0}) {
      auto kept = all;
      hob::KeepTopP(kept, p);
      double total = 0;
      for (const Candidate& c : all) total += c.weight;
      auto expected = Sorted(all);
      double sum = 0;
      size_t n = 0;
      while (n < count && sum < p * total) sum += expected[n++].weight;
      expected.resize(std::max<size_t>(n, 1));
      CheckSame(kept, expected);
    }
  }
}

TEST_CASE("min-p drops what is too unlikely beside the likeliest and keeps the order") {
  const auto all = MakeCandidates(1000, 3);
  for (const double p : {1e-6, 0.05, 0.5, 0.999}) {
    auto kept = all;
    hob::KeepMinP(kept, p);
    std::vector<Candidate> expected;
    for (const Candidate& c : all) {
      if (c.weight >= p) expected.push_back(c);
    }
    CheckSame(kept, expected);
    CHECK(!kept.empty());
  }
}

TEST_CASE("the repetition penalty makes each recent token less likely, once") {
  std::vector<float> logits = {2.0f, -2.0f, 4.0f, 0.0f, 1.0f};
  std::vector<int32_t> scratch;
  const std::vector<int32_t> recent = {0, 1, 0, 3, -1, 99, 0};
  hob::ApplyRepetitionPenalty(logits, recent, 2.0f, scratch);
  CHECK(logits == std::vector<float>{1.0f, -4.0f, 4.0f, 0.0f, 1.0f});
}

TEST_CASE("temperature shifts by the largest logit, divides and fills the weights") {
  std::vector<Candidate> candidates = {{0, 3.0f}, {1, 5.0f}, {2, -INFINITY}, {3, -1e30f}};
  hob::ApplyTemperature(candidates, 5.0f, 0.5f);
  CHECK(candidates[0].logit == -4.0f);
  CHECK(candidates[1].logit == 0.0f);
  CHECK(candidates[0].weight == hob::PortableExp(-4.0));
  CHECK(candidates[1].weight == 1.0);
  CHECK(candidates[2].weight == 0.0);
  CHECK(candidates[3].weight == 0.0);

  std::vector<Candidate> cold = {{0, 3.0f}, {1, 3.0001f}};
  hob::ApplyTemperature(cold, 3.0001f, 1e-38f);
  CHECK(cold[0].weight == 0.0);
  CHECK(cold[1].weight == 1.0);
}

TEST_CASE("the portable exponential is exact to a few last places") {
  CHECK(hob::PortableExp(0.0) == 1.0);
  CHECK(hob::PortableExp(-INFINITY) == 0.0);
  CHECK(hob::PortableExp(-1e300) == 0.0);
  double worst = 0;
  for (int i = 0; i < 700'00; ++i) {
    const double x = -i * 0.01 - hob::UniformAt(1, static_cast<uint64_t>(i)) * 0.01;
    if (x <= -700) break;
    worst = std::max(worst, std::fabs(hob::PortableExp(x) / std::exp(x) - 1));
  }
  CHECK(worst < 1e-15);
}
