// SPDX-License-Identifier: Apache-2.0
// What a runtime counts, against what was done.
#include <hob/metrics.h>

#include <algorithm>
#include <numeric>
#include <thread>
#include <vector>

#include "tests/abi/client.h"

using namespace hob::test;

namespace {

hob_runtime_metrics MetricsOf(const hob_runtime* runtime) {
  hob_runtime_metrics metrics = HOB_RUNTIME_METRICS_INIT;
  hob_error* error = nullptr;
  REQUIRE_OK(hob_runtime_get_metrics(&metrics, runtime, &error));
  return metrics;
}

uint64_t Count(const hob_histogram& histogram) {
  return std::accumulate(std::begin(histogram.counts), std::end(histogram.counts), uint64_t{0});
}

}  // namespace

TEST_CASE("a runtime that has done nothing has counted nothing") {
  const RuntimePtr runtime = MakeRuntime();
  const hob_runtime_metrics m = MetricsOf(runtime.get());
  CHECK(m.answers_started + m.answers_running + m.answers_waiting + m.steps + m.kv_pages == 0);
  CHECK(Count(m.time_to_first_token) == 0);
  CHECK(m.time_to_first_token.first > 0);
  CHECK(m.memory_limit == 0);
}

TEST_CASE("answers are counted as they end") {
  hob_error* error = nullptr;
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  SessionPtr session = MakeSession(model.get());
  AddTokens(session.get(), Prompt(100));
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.max_tokens = 10;
  options.ignore_eos = 1;
  REQUIRE_OK(hob_session_generate(nullptr, session.get(), &options, &error));
  hob_runtime_metrics m = MetricsOf(runtime.get());
  CHECK(m.answers_started == 1);
  CHECK(m.answers_running == 0);
  CHECK(m.answers_waiting == 0);
  CHECK(m.answers_ended[HOB_FINISH_LENGTH] == 1);
  CHECK(m.prompt_tokens == 100);
  CHECK(m.cached_tokens == 0);
  CHECK(m.generated_tokens == 10);
  CHECK(m.steps >= 10);
  CHECK(m.step_rows >= 109);
  CHECK(m.step_seconds > 0);
  CHECK(Count(m.time_to_first_token) == 1);
  CHECK(Count(m.time_between_tokens) == 9);
  CHECK(Count(m.answers_in_step) == m.steps);
  CHECK(m.answers_in_step.counts[0] == m.steps);  // alone in each
  CHECK(m.kv_pages == 2);                         // 109 tokens
  CHECK(m.bytes_in_use > 0);
  CHECK(m.peak_bytes >= m.bytes_in_use);

  // Another session that begins alike finds the first page.
  const SessionPtr other = MakeSession(model.get());
  AddTokens(other.get(), Prompt(100));
  REQUIRE_OK(hob_session_generate(nullptr, other.get(), &options, &error));
  m = MetricsOf(runtime.get());
  CHECK(m.cached_tokens == 64);
  CHECK(m.kv_pages == 3);
  CHECK(m.generated_tokens == 20);

  // What one session alone held is given back; the first page is kept for others.
  session = nullptr;
  CHECK(MetricsOf(runtime.get()).kv_pages == 2);
}

TEST_CASE("cancelled, refused and forsaken answers are counted as such") {
  hob_error* error = nullptr;
  hob_runtime_options one = HOB_RUNTIME_OPTIONS_INIT;
  one.max_requests = 1;
  hob_runtime* made = nullptr;
  REQUIRE_OK(hob_runtime_create(&made, &one, &error));
  const RuntimePtr runtime(made);
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  SessionPtr session = MakeSession(model.get());
  const SessionPtr refused = MakeSession(model.get());
  AddTokens(session.get(), {5, 6, 7});
  AddTokens(refused.get(), {5, 6, 7});
  REQUIRE_OK(hob_session_start(session.get(), nullptr, &error));
  hob_runtime_metrics m = MetricsOf(runtime.get());
  CHECK(m.answers_started == 1);
  CHECK(m.answers_running == 1);
  // Nobody takes its tokens, so it is still there.
  REQUIRE(hob_session_start(refused.get(), nullptr, nullptr) == HOB_RESOURCE_EXHAUSTED);
  m = MetricsOf(runtime.get());
  CHECK(m.answers_started == 2);
  CHECK(m.answers_running == 1);
  CHECK(m.answers_failed[HOB_RESOURCE_EXHAUSTED] == 1);
  hob_session_cancel(session.get());
  hob_poll kind = HOB_POLL_NOTHING;
  while (kind != HOB_POLL_END) {
    REQUIRE_OK(hob_session_poll(&kind, nullptr, session.get(), -1, &error));
  }
  m = MetricsOf(runtime.get());
  CHECK(m.answers_ended[HOB_FINISH_CANCELLED] == 1);
  CHECK(m.answers_running == 0);
  CHECK(m.answers_waiting == 0);
  REQUIRE_OK(hob_session_start(session.get(), nullptr, &error));
  session = nullptr;
  m = MetricsOf(runtime.get());
  CHECK(m.answers_failed[HOB_CANCELLED] == 1);
  CHECK(m.answers_running == 0);
  CHECK(m.answers_waiting == 0);
}

TEST_CASE("metrics may be asked for while sessions answer on many threads") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  std::vector<SessionPtr> sessions;
  for (int i = 0; i < 8; ++i) {
    sessions.push_back(MakeSession(model.get()));
    AddTokens(sessions.back().get(), Prompt(20, static_cast<size_t>(i)));
  }
  std::vector<std::thread> threads;
  std::vector<hob_status> outcomes(8, HOB_UNKNOWN);
  for (size_t i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
      options.max_tokens = 30;
      options.ignore_eos = 1;
      outcomes[i] = hob_session_generate(nullptr, sessions[i].get(), &options, nullptr);
    });
  }
  uint64_t most = 0;
  for (bool over = false; !over;) {
    const hob_runtime_metrics m = MetricsOf(runtime.get());
    most = std::max(most, m.answers_running);
    over = m.answers_ended[HOB_FINISH_LENGTH] == 8;
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(std::count(outcomes.begin(), outcomes.end(), HOB_OK) == 8);
  CHECK(most <= 8);
  const hob_runtime_metrics m = MetricsOf(runtime.get());
  CHECK(m.generated_tokens == 240);
  CHECK(Count(m.time_to_first_token) == 8);
  CHECK(Count(m.time_between_tokens) == 232);
  CHECK(m.answers_running + m.answers_waiting == 0);
}
