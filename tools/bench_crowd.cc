// SPDX-License-Identifier: Apache-2.0
#include "tools/bench_crowd.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>

namespace tool {
namespace {

using Clock = std::chrono::steady_clock;

// When each token came.
void Follow(hob::Session& session, std::vector<Clock::time_point>& times,
            std::atomic<size_t>& tokens, std::string& failure) {
  while (true) {
    const auto polled = session.Poll();
    if (!polled.ok()) {
      failure = std::string(polled.error().message());
      return;
    }
    if (polled->kind == HOB_POLL_END) return;
    times.push_back(Clock::now());
    ++tokens;
  }
}

double Milliseconds(Clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

}  // namespace

Crowd MeasureCrowd(const hob::Model& model, const hob_session_options& options, int count,
                   const std::vector<int32_t>& prompt, const std::vector<int32_t>& join,
                   int32_t generate) {
  const auto sessions_count = static_cast<size_t>(count);
  std::vector<hob::Session> sessions;
  for (size_t i = 0; i < sessions_count + (join.empty() ? 0 : 1); ++i) {
    sessions.push_back(Check(hob::Session::Create(model, options)));
    std::vector<int32_t> tokens = i < sessions_count ? prompt : join;
    tokens[0] = static_cast<int32_t>(i);  // none can share another's cache
    Check(sessions.back().AddTokens(tokens));
  }
  hob_generate_options generate_options = HOB_GENERATE_OPTIONS_INIT;
  generate_options.max_tokens = generate + 1;
  generate_options.ignore_eos = 1;
  std::vector<std::vector<Clock::time_point>> times(sessions.size());
  std::vector<std::string> failures(sessions.size());
  std::atomic<size_t> tokens{0}, others{0};
  for (size_t i = 0; i < sessions_count; ++i) Check(sessions[i].Start(generate_options));
  std::vector<std::thread> threads;
  for (size_t i = 0; i < sessions_count; ++i) {
    times[i].reserve(static_cast<size_t>(generate) + 1);
    threads.emplace_back([&, i] { Follow(sessions[i], times[i], tokens, failures[i]); });
  }
  Clock::time_point joined = Clock::time_point::min();
  if (!join.empty()) {
    const size_t quarter = sessions_count * static_cast<size_t>(generate) / 4;
    while (tokens < quarter) std::this_thread::sleep_for(std::chrono::microseconds(200));
    joined = Clock::now();
    generate_options.max_tokens = 1;
    Check(sessions.back().Start(generate_options));
    Follow(sessions.back(), times.back(), others, failures.back());
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& failure : failures) {
    if (!failure.empty()) throw Failure(failure);
  }

  Clock::time_point begin = Clock::time_point::min(), end = Clock::time_point::max();
  const Clock::time_point last = join.empty() ? end : times.back().front();
  std::vector<double> gaps;
  for (size_t i = 0; i < sessions_count; ++i) {
    begin = std::max(begin, times[i].front());
    end = std::min(end, times[i].back());
    for (size_t t = 1; t < times[i].size(); ++t) {
      if (times[i][t] >= joined && times[i][t - 1] <= last) {
        gaps.push_back(Milliseconds(times[i][t] - times[i][t - 1]));
      }
    }
  }
  double counted = 0;
  for (size_t i = 0; i < sessions_count; ++i) {
    for (const Clock::time_point time : times[i]) counted += time > begin && time <= end ? 1 : 0;
  }
  if (gaps.empty())
    throw Failure("the sessions ended before the prompt joined", "Give a larger --gen.");
  std::sort(gaps.begin(), gaps.end());
  return {counted * 1000 / Milliseconds(end - begin), gaps[gaps.size() / 2],
          gaps[gaps.size() * 99 / 100]};
}

}  // namespace tool
