// SPDX-License-Identifier: Apache-2.0
// The logits of a row are the same bits alone and in any batch: random sequences, with caches of
// random types, cut at random, begun at random moments, against each token by token on its own in a
// model opened for that type.
#include <atomic>
#include <bit>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "lib/format/model_file.h"
#include "lib/scheduler/scheduler.h"
#include "tests/session/test_sequence.h"
#include "tests/support/shared_dir.h"

namespace hob {
namespace {

constexpr int kTexts = 10;

// Of each model; HOB_TEST_SCHEDULES chooses others.
int Schedules() {
  const char* text = std::getenv("HOB_TEST_SCHEDULES");
  return text == nullptr ? 150 : std::atoi(text);
}

// Tokens that a sequence runs together, and of how many it wants the logits.
struct Piece {
  size_t rows;
  int32_t logit_rows;
};

uint64_t Hash(std::span<const float> values) {
  uint64_t hash = 0xCBF29CE484222325u;
  for (const float value : values) {
    hash = (hash ^ std::bit_cast<uint32_t>(value)) * 0x100000001B3u;
  }
  return hash;
}

// Runs given tokens and keeps a hash of the logits at each position that it asks for.
class Recorder final : public testing::TestSequence {
 public:
  Recorder(const Batcher& batcher, DType kv, std::vector<int32_t> tokens, std::vector<Piece> pieces)
      : TestSequence(batcher, kv), tokens_(std::move(tokens)), pieces_(std::move(pieces)) {}

  Work Next(int32_t) override {
    const auto at = static_cast<size_t>(cache_.tokens());
    return {std::span(tokens_).subspan(at, end_of_piece_ - at), pieces_[piece_].logit_rows};
  }
  bool Accept(int32_t rows, std::span<float> logits) override {
    cache_.CommitAppend(rows);
    if (logits.empty()) return true;
    const auto count = static_cast<size_t>(pieces_[piece_].logit_rows);
    const size_t vocabulary = logits.size() / count;
    for (size_t i = 0; i < count; ++i) {
      hashes[end_of_piece_ - count + i] = Hash(logits.subspan(i * vocabulary, vocabulary));
    }
    if (++piece_ == pieces_.size()) return false;
    end_of_piece_ += pieces_[piece_].rows;
    return true;
  }

  std::map<size_t, uint64_t> hashes;  // by position

 private:
  std::vector<int32_t> tokens_;
  std::vector<Piece> pieces_;
  size_t piece_ = 0, end_of_piece_ = pieces_[0].rows;
};

struct World {
  World(const char* fixture, DType activations, DType kv, size_t threads, int32_t rows) {
    pool = *ThreadPool::Create(threads);
    scheduler = *Scheduler::Create(*pool, 16);
    const std::string path = (testing::SourceDir() / "tests" / "fixtures" / fixture).string();
    auto allocator = std::make_shared<Allocator>();
    auto file = OpenModelFile(path);
    REQUIRE(file.ok());
    ExecutorOptions options;
    options.activations = activations;
    options.kv_type = kv;
    options.max_rows = rows;
    auto executor = Executor::Create(*file, *pool, allocator, options);
    REQUIRE(executor.ok());
    batcher = *Batcher::Create(*std::move(executor), *scheduler, allocator);
  }
  std::shared_ptr<Recorder> Make(DType kv, std::vector<int32_t> tokens,
                                 std::vector<Piece> pieces) const {
    return std::make_shared<Recorder>(*batcher, kv, std::move(tokens), std::move(pieces));
  }
  int32_t rows() const { return batcher->executor().max_rows(); }

  std::unique_ptr<ThreadPool> pool;
  std::unique_ptr<Scheduler> scheduler;
  std::unique_ptr<Batcher> batcher;
};

// Some begin alike.
std::vector<int32_t> Text(int which) {
  std::mt19937 common(3), own(static_cast<uint32_t>(which));
  std::vector<int32_t> tokens;
  for (int i = 0; i < which % 3 * 35; ++i) tokens.push_back(static_cast<int32_t>(common() % 256));
  const size_t end = tokens.size() + 2 + own() % 90;
  while (tokens.size() < end) tokens.push_back(static_cast<int32_t>(own() % 256));
  return tokens;
}

// A prompt, then a few tokens at a time: one for a plain answer, more for guesses to be checked.
std::vector<Piece> Cut(std::mt19937& random, size_t tokens, int32_t max_rows) {
  std::vector<Piece> pieces;
  const size_t prompt = 1 + random() % tokens;
  pieces.push_back({prompt, 1});
  for (size_t left = tokens - prompt; left > 0;) {
    const size_t rows = std::min({left, 1 + random() % 4, static_cast<size_t>(max_rows)});
    pieces.push_back({rows, static_cast<int32_t>(rows)});
    left -= rows;
  }
  return pieces;
}

using Hashes = std::vector<std::map<size_t, uint64_t>>;  // of each text

Hashes Alone(const char* fixture, DType activations, DType kv) {
  const World alone(fixture, activations, kv, 1, 512);
  Hashes wanted;
  for (int text = 0; text < kTexts; ++text) {
    const std::vector<int32_t> tokens = Text(text);
    const auto recorder = alone.Make(kv, tokens, std::vector<Piece>(tokens.size(), Piece{1, 1}));
    REQUIRE(alone.scheduler->Submit(*alone.batcher, recorder, {}).ok());
    REQUIRE(recorder->AwaitEnd().ok());
    REQUIRE(recorder->hashes.size() == tokens.size());
    wanted.push_back(recorder->hashes);
  }
  return wanted;
}

// The models are opened for caches of the types in turn.
void CheckSchedules(const char* fixture, DType activations, const std::vector<DType>& types) {
  std::vector<Hashes> wanted;
  for (const DType type : types) wanted.push_back(Alone(fixture, activations, type));
  for (size_t i = 0; i < wanted.size(); ++i) {
    for (size_t j = 0; j < i; ++j) CHECK(wanted[i] != wanted[j]);
  }
  std::vector<std::unique_ptr<World>> worlds;
  for (const auto& [threads, rows] :
       {std::pair(1, 24), std::pair(2, 9), std::pair(2, 512), std::pair(4, 64), std::pair(3, 1)}) {
    worlds.push_back(std::make_unique<World>(fixture, activations,
                                             types[worlds.size() % types.size()],
                                             static_cast<size_t>(threads), rows));
  }
  for (int schedule = 0, end = Schedules(); schedule < end; ++schedule) {
    std::mt19937 random(static_cast<uint32_t>(schedule));
    const World& world = *worlds[random() % worlds.size()];
    std::vector<std::pair<const std::map<size_t, uint64_t>*, std::shared_ptr<Recorder>>> recorders;
    for (size_t n = 2 + random() % 6; n > 0; --n) {
      const size_t text = random() % kTexts;
      const std::vector<int32_t> tokens = Text(static_cast<int>(text));
      const size_t type = random() % types.size();
      recorders.emplace_back(
          &wanted[type][text],
          world.Make(types[type], tokens, Cut(random, tokens.size(), world.rows())));
      const Urgency urgency{.priority = static_cast<int32_t>(random() % 2)};
      REQUIRE(world.scheduler->Submit(*world.batcher, recorders.back().second, urgency).ok());
      if (random() % 2 == 0) {
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 400));
      }
    }
    size_t compared = 0, different = 0;
    for (const auto& [own, recorder] : recorders) {
      REQUIRE(recorder->AwaitEnd().ok());
      for (const auto& [position, hash] : recorder->hashes) {
        ++compared;
        if (hash != own->at(position)) ++different;
      }
    }
    INFO(fixture << ", schedule " << schedule << ", " << world.pool->threads() << " threads, "
                 << world.rows() << " rows: of " << compared);
    REQUIRE(different == 0);
    REQUIRE(compared > 0);
  }
}

TEST_CASE("logits do not depend on what shares the step") {
  constexpr DType kF16 = DType::kF16, kF32 = DType::kF32, kInt8 = DType::kQC8;
  CheckSchedules("smollm-q4_1.gguf", DType::kQ16Act, {kF16});
  CheckSchedules("qwen3-q4_1.gguf", DType::kQ8Act, {kF32});
  CheckSchedules("llama-float.gguf", DType::kF32, {kF32});
  CheckSchedules("smollm-q4_1.gguf", DType::kQ16Act, {kF16, kInt8});
  CheckSchedules("qwen3-q4_1.gguf", DType::kQ8Act, {kInt8, kF16, kF32});
  CheckSchedules("llama3-k.gguf", DType::kQ16Act, {kF32, kInt8, kF16});
  CheckSchedules("llama-float.gguf", DType::kF32, {kF32, kInt8});
}

}  // namespace
}  // namespace hob
