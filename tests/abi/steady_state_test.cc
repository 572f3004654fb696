// SPDX-License-Identifier: Apache-2.0
// After an answer's first tokens nothing is allocated, on any thread, until its cache needs a page.
#include <atomic>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/abi/client.h"
#include "tests/abi/heap.h"

using namespace hob::test;

namespace {

std::atomic<int64_t> large_allocations = 0;

void* Allocate(void*, size_t bytes, size_t alignment) {
  ++large_allocations;
  return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}
void Release(void*, void* memory, size_t, size_t) { std::free(memory); }

RuntimePtr CountingRuntime() {
  hob_runtime_options options = HOB_RUNTIME_OPTIONS_INIT;
  options.threads = 2;
  options.allocate = &Allocate;
  options.release = &Release;
  hob_runtime* runtime = nullptr;
  REQUIRE_OK(hob_runtime_create(&runtime, &options, &error));
  return RuntimePtr(runtime);
}

// Counters of both kinds at each token; Catch2 allocates, so nothing is checked in between.
struct Counts {
  int64_t heap = 0, large = 0;
};

constexpr size_t kPrompt = 4;
constexpr size_t kAhead = 6;  // tokens that the runtime may be ahead of its callers

// Token i of the answer is at position kPrompt + i.
void CheckFlat(const std::vector<Counts>& counts) {
  size_t pages = 0;
  for (size_t page = 0; (page + 1) * 64 <= kPrompt + counts.size(); ++page) {
    const size_t first = page * 64 + 2 + (page == 0 ? kPrompt : 0), last = page * 64 + 63 - kAhead;
    INFO("positions " << first << " to " << last);
    const Counts &a = counts[first - kPrompt], &b = counts[last - kPrompt];
    CHECK(b.heap - a.heap == 0);
    CHECK(b.large - a.large == 0);
    ++pages;
  }
  CHECK(pages >= 3);
}

hob_sampler_options Sampler() {
  hob_sampler_options sampler = HOB_SAMPLER_OPTIONS_INIT;
  sampler.temperature = 1.0f;
  sampler.top_k = 20;
  sampler.top_p = 0.9f;
  sampler.min_p = 0.01f;
  sampler.repetition_penalty = 1.1f;
  return sampler;
}

}  // namespace

TEST_CASE("decoding within a page of the cache allocates nothing") {
  for (const bool drawn : {false, true}) {
    INFO((drawn ? "drawn" : "greedy"));
    const RuntimePtr runtime = CountingRuntime();
    const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
    const hob_sampler_options sampler = Sampler();
    hob_session_options session_options = HOB_SESSION_OPTIONS_INIT;
    if (drawn) session_options.sampler = &sampler;
    const SessionPtr session = MakeSession(model.get(), &session_options);
    const std::vector<int32_t> prompt(kPrompt, 5);
    REQUIRE_OK(hob_session_add_tokens(session.get(), prompt.data(), prompt.size(), &error));

    struct Seen {
      std::vector<Counts> counts;
    } seen;
    seen.counts.reserve(1000);
    const hob_string stop = {"a text that never comes", 23};
    hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
    options.ignore_eos = 1;
    options.stops = &stop;
    options.stop_count = 1;
    options.user = &seen;
    options.on_token = [](void* user, const hob_token* token) -> int32_t {
      if (token->id >= 0) {
        static_cast<Seen*>(user)->counts.push_back({heap_allocations, large_allocations});
      }
      return 0;
    };
    REQUIRE_OK(hob_session_generate(nullptr, session.get(), &options, &error));
    CHECK(seen.counts.size() > 200);
    CheckFlat(seen.counts);
  }
}

TEST_CASE("decoding several sessions within a page allocates nothing") {
  const RuntimePtr runtime = CountingRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const std::vector<int32_t> prompt(kPrompt, 5);
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.ignore_eos = 1;
  std::vector<SessionPtr> sessions;
  for (int i = 0; i < 4; ++i) {
    hob_session_options own = HOB_SESSION_OPTIONS_INIT;
    own.kv_type = i - 1;  // HOB_KV_MODEL and each type
    sessions.push_back(MakeSession(model.get(), &own));
    REQUIRE_OK(hob_session_add_tokens(sessions.back().get(), prompt.data(), prompt.size(), &error));
    REQUIRE_OK(hob_session_start(sessions.back().get(), &options, &error));
  }
  std::vector<Counts> counts;
  counts.reserve(1000);
  bool failed = false;
  for (bool more = true; more && !failed;) {
    counts.push_back({heap_allocations, large_allocations});
    for (const SessionPtr& session : sessions) {
      hob_poll poll = HOB_POLL_NOTHING;
      hob_token token = HOB_TOKEN_INIT;
      failed = failed || hob_session_poll(&poll, &token, session.get(), -1, nullptr) != HOB_OK;
      more = more && poll == HOB_POLL_TOKEN;
    }
  }
  REQUIRE(!failed);
  CHECK(counts.size() > 200);
  CheckFlat(counts);
}
