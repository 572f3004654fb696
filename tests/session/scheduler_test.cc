// SPDX-License-Identifier: Apache-2.0
// Who is served when: the scheduler with sequences that note what was run of them.
#include "lib/scheduler/scheduler.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "lib/format/model_file.h"
#include "tests/session/test_sequence.h"
#include "tests/support/shared_dir.h"

namespace hob {
namespace {

using namespace std::chrono_literals;

// What was run, in order.
struct Event {
  char who;
  int32_t rows;
};

class Log {
 public:
  void Add(Event event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(event);
  }
  std::vector<Event> events() const {
    const std::lock_guard lock(mutex_);
    return events_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Event> events_;
};

// A prompt of `prompt` tokens and then an answer of `answer` tokens.
class Noting final : public testing::TestSequence {
 public:
  Noting(char who, Log& log, const Batcher& batcher, size_t prompt, int32_t answer)
      : TestSequence(batcher), who_(who), log_(log), tokens_(prompt, 5), answer_(answer) {}

  Work Next(int32_t) override {
    return {std::span(tokens_).subspan(static_cast<size_t>(cache_.tokens())), 1};
  }
  bool Accept(int32_t rows, std::span<float> logits) override {
    log_.Add({who_, rows});
    cache_.CommitAppend(rows);
    {
      std::unique_lock lock(mutex_);
      ++accepted_;
      changed_.notify_all();
      changed_.wait(lock, [&] { return accepted_ < stop_after_ || released_; });
    }
    if (logits.empty()) return true;
    tokens_.push_back(7);
    return --answer_ > 0;
  }

  // From the n-th Accept on, the step does not end until Release.
  void BlockAt(int n) { stop_after_ = n; }
  bool AwaitAccepts(int n) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return accepted_ >= n; });
  }
  void Release() {
    const std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }

 private:
  char who_;
  Log& log_;
  std::vector<int32_t> tokens_;
  int32_t answer_;
  int accepted_ = 0, stop_after_ = 1 << 30;
  bool released_ = false;
};

struct World {
  static constexpr int32_t kRows = 16;

  explicit World(size_t most = 16, int32_t rows = kRows) {
    pool = *ThreadPool::Create(2);
    scheduler = *Scheduler::Create(*pool, most);
    const std::string path =
        (testing::SourceDir() / "tests" / "fixtures" / "smollm-q4_1.gguf").string();
    auto allocator = std::make_shared<Allocator>();
    auto file = OpenModelFile(path);
    REQUIRE(file.ok());
    ExecutorOptions options;
    options.max_rows = rows;
    auto executor = Executor::Create(*file, *pool, allocator, options);
    REQUIRE(executor.ok());
    batcher = *Batcher::Create(*std::move(executor), *scheduler, allocator);
  }
  std::shared_ptr<Noting> Make(char who, size_t prompt, int32_t answer) {
    return std::make_shared<Noting>(who, log, *batcher, prompt, answer);
  }
  Status Submit(const std::shared_ptr<Noting>& sequence, Urgency urgency = {}) {
    return scheduler->Submit(*batcher, sequence, urgency);
  }
  // A step that lasts until the gate's Release: what is submitted meanwhile begins together.
  std::shared_ptr<Noting> Gate() {
    auto gate = Make('g', 1, 1);
    gate->BlockAt(1);
    REQUIRE(Submit(gate).ok());
    REQUIRE(gate->AwaitAccepts(1));
    return gate;
  }

  Log log;
  std::unique_ptr<ThreadPool> pool;
  std::unique_ptr<Scheduler> scheduler;
  std::unique_ptr<Batcher> batcher;
};

TEST_CASE("a long prompt delays another's tokens by one chunk at most") {
  World world;
  const auto gate = world.Gate();
  const auto decoder = world.Make('d', 1, 100);
  const auto prompt = world.Make('p', 200, 1);
  REQUIRE(world.Submit(decoder).ok());
  REQUIRE(world.Submit(prompt).ok());
  gate->Release();
  CHECK(prompt->AwaitEnd().code() == StatusCode::kOk);
  CHECK(decoder->AwaitEnd().code() == StatusCode::kOk);
  // Each step has a token of the answer and a chunk of the prompt.
  int chunks = 0, since = 0;
  for (const Event& event : world.log.events()) {
    if (event.who == 'd') since = 0;
    if (event.who != 'p') continue;
    ++chunks;
    CHECK(++since <= 2);  // of the step before, and of this one
    CHECK(event.rows < World::kRows);
  }
  CHECK(chunks >= 13);
}

TEST_CASE("a prompt gets on beside answers that fill every step") {
  World world(World::kRows + 2);
  const auto gate = world.Gate();
  std::vector<std::shared_ptr<Noting>> decoders;
  for (int i = 0; i < World::kRows; ++i) {
    decoders.push_back(world.Make('d', 1, 60));
    REQUIRE(world.Submit(decoders.back()).ok());
  }
  const auto prompt = world.Make('p', 64, 1);
  REQUIRE(world.Submit(prompt).ok());
  gate->Release();
  CHECK(prompt->AwaitEnd().code() == StatusCode::kOk);
  for (const auto& decoder : decoders) CHECK(decoder->AwaitEnd().code() == StatusCode::kOk);
  // A quarter of every second step, and the answers the rest.
  int32_t answers = 0, prompts = 0;
  for (const Event& event : world.log.events()) {
    if (event.who == 'd' && prompts < 64) answers += event.rows;
    if (event.who == 'p') prompts += event.rows;
  }
  CHECK(prompts == 64);
  CHECK(answers <= 40 * World::kRows);
  CHECK(answers >= 20 * World::kRows);
}

TEST_CASE("with one row a step all take turns") {
  World world(16, 1);
  const auto gate = world.Gate();
  const auto decoder = world.Make('d', 1, 40), prompt = world.Make('p', 30, 1);
  REQUIRE(world.Submit(decoder).ok());
  REQUIRE(world.Submit(prompt).ok());
  gate->Release();
  CHECK(prompt->AwaitEnd().code() == StatusCode::kOk);
  CHECK(decoder->AwaitEnd().code() == StatusCode::kOk);
  int32_t ran[2] = {0, 0};
  for (const Event& event : world.log.events()) {
    if (event.who == 'g') continue;
    ++ran[event.who == 'p'];
    if (ran[1] < 30) CHECK(std::abs(ran[0] - ran[1]) <= 1);
  }
}

TEST_CASE("two prompts that wait share the steps by turns") {
  World world;
  const auto gate = world.Gate();
  const auto a = world.Make('a', 160, 1), b = world.Make('b', 160, 1);
  REQUIRE(world.Submit(a).ok());
  REQUIRE(world.Submit(b).ok());
  gate->Release();
  CHECK(a->AwaitEnd().code() == StatusCode::kOk);
  CHECK(b->AwaitEnd().code() == StatusCode::kOk);
  int32_t ran[2] = {0, 0};
  for (const Event& event : world.log.events()) {
    if (event.who == 'g') continue;
    ran[event.who - 'a'] += event.rows;
    CHECK(std::abs(ran[0] - ran[1]) <= World::kRows);
  }
}

TEST_CASE("higher priority comes first, whoever came first") {
  World world;
  const auto gate = world.Gate();
  const auto low = world.Make('l', 64, 1), high = world.Make('h', 64, 1);
  REQUIRE(world.Submit(low, {.priority = -1}).ok());
  REQUIRE(world.Submit(high, {.priority = 3}).ok());
  gate->Release();
  CHECK(low->AwaitEnd().code() == StatusCode::kOk);
  CHECK(high->AwaitEnd().code() == StatusCode::kOk);
  int32_t high_rows = 0;
  for (const Event& event : world.log.events()) {
    if (event.who == 'h') high_rows += event.rows;
    if (event.who == 'l') CHECK(high_rows == 64);
  }
}

TEST_CASE("more sequences than allowed are refused, and taken when one has ended") {
  World world(2);
  const auto gate = world.Gate();
  const auto second = world.Make('a', 4, 2), third = world.Make('b', 4, 2);
  REQUIRE(world.Submit(second).ok());
  const Status refused = world.Submit(third);
  CHECK(refused.code() == StatusCode::kResourceExhausted);
  CHECK(HintOf(refused).find("max_requests") != std::string::npos);
  gate->Release();
  CHECK(second->AwaitEnd().code() == StatusCode::kOk);
  CHECK(gate->AwaitEnd().code() == StatusCode::kOk);
  // The end is told before the place is free.
  Status status = refused;
  for (int i = 0; i < 2000 && !status.ok(); ++i) {
    status = world.Submit(third);
    if (!status.ok()) std::this_thread::sleep_for(1ms);
  }
  CHECK(status.ok());
  CHECK(third->AwaitEnd().code() == StatusCode::kOk);
}

TEST_CASE("a sequence stops within a step, in its prompt and in its answer") {
  World world;
  for (const bool in_prompt : {true, false}) {
    const auto sequence = world.Make('s', in_prompt ? 200 : 1, 150);
    const auto other = world.Make('o', 1, 40);
    sequence->BlockAt(3);
    REQUIRE(world.Submit(sequence).ok());
    REQUIRE(sequence->AwaitAccepts(3));
    REQUIRE(world.Submit(other).ok());
    sequence->Stop();
    sequence->Release();
    CHECK(sequence->AwaitEnd().code() == StatusCode::kCancelled);
    CHECK(other->AwaitEnd().code() == StatusCode::kOk);  // and holds nobody up
    const std::vector<Event> events = world.log.events();
    const auto mine = std::count_if(events.begin(), events.end(),
                                    [](const Event& event) { return event.who == 's'; });
    CHECK(mine == (in_prompt ? 3 : 6));
  }
}

TEST_CASE("a deadline ends a sequence that is on its way") {
  World world;
  const auto sequence = world.Make('s', 1, 200);
  sequence->BlockAt(2);
  REQUIRE(world.Submit(sequence, {.deadline = Urgency::Clock::now() + 1s}).ok());
  REQUIRE(sequence->AwaitAccepts(2));
  std::this_thread::sleep_for(1100ms);
  sequence->Release();
  CHECK(sequence->AwaitEnd().code() == StatusCode::kDeadlineExceeded);
  CHECK(world.log.events().size() == 2);
}

}  // namespace
}  // namespace hob
