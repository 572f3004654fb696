// SPDX-License-Identifier: Apache-2.0
// The small models of tests/fixtures (made by tests/tools/make_fixtures.py), and running them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lib/graph/executor.h"
#include "tests/support/npy.h"

namespace hob::testing {

struct Fixture {
  std::string name;
  std::string path;  // of the GGUF file
  std::vector<int32_t> tokens;
  Matrix logits;           // of transformers in f32, one row a token
  RopeOverride rope;       // what the file is opened with
  double precise_abs = 0;  // largest difference allowed with f32 activations
  double int8_rms = 0;     // RMS of the difference over RMS of the logits with int8 activations
};

// All that manifest.json names. Throws std::exception where a file is missing or broken.
std::vector<Fixture> LoadFixtures();

// An executor and all that it borrows.
struct Runner {
  std::unique_ptr<ThreadPool> pool;
  std::shared_ptr<Allocator> allocator;
  std::unique_ptr<Executor> executor;
};

// UNIMPLEMENTED passes through where a forced provider lacks an operator.
// With f32 activations the cache is f32.
StatusOr<Runner> MakeRunner(const Fixture& fixture, DType activations, size_t threads = 2,
                            DType cache = DType::kF16);

// The KV cache of one sequence. New pages hold garbage, as reused ones do.
class Sequence {
 public:
  Sequence(const Runner& runner, size_t positions);

  // For a step in which rows [first_row, first_row + rows) are this sequence's next ones.
  SequenceRows Next(int32_t first_row, int32_t rows);

 private:
  DType type_;
  std::vector<Buffer> buffers_;
  std::vector<uint8_t*> pages_;
  int32_t position_ = 0;
};

// Runs one step whose rows are `tokens` of `sequences`, all logits wanted.
Matrix RunStep(const Runner& runner, const std::vector<int32_t>& tokens,
               const std::vector<SequenceRows>& sequences);

// Logits at each of `tokens`, fed `chunk` at a time to a new sequence.
Matrix Evaluate(const Runner& runner, const std::vector<int32_t>& tokens, size_t chunk);

// The largest difference, and RMS(a − b) / RMS(b). NaN differences count as infinite.
double MaxDifference(const Matrix& a, const Matrix& b);
double RelativeRms(const Matrix& a, const Matrix& b);

// The same shape and the same bits.
bool SameBits(const Matrix& a, const Matrix& b);

// Sets an environment variable for as long as it lives.
class ScopedEnvironment {
 public:
  ScopedEnvironment(const char* name, const std::string& value);
  ~ScopedEnvironment();
  ScopedEnvironment(const ScopedEnvironment&) = delete;
  ScopedEnvironment& operator=(const ScopedEnvironment&) = delete;

 private:
  const char* name_;
  bool had_;
  std::string before_;
};

}  // namespace hob::testing
