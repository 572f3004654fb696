// SPDX-License-Identifier: Apache-2.0
#include "tests/golden/fixture.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <stdexcept>

#include "tests/support/shared_dir.h"

namespace hob::testing {
namespace {

void Require(const Status& status) {
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

Buffer NewBuffer(const Runner& runner, size_t bytes) {
  StatusOr<Buffer> buffer = Buffer::Create(runner.allocator, bytes, "a test");
  Require(buffer.status());
  return std::move(buffer).value();
}

// "yarn:4:24": type, factor, original context.
RopeOverride ReadRope(const std::string& text) {
  const size_t first = text.find(':'), second = text.find(':', first + 1);
  const auto type = FindRopeScaling(text.substr(0, first));
  if (!type.has_value() || second == std::string::npos) throw std::runtime_error("rope: " + text);
  return {.type = type,
          .factor = std::stod(text.substr(first + 1, second - first - 1)),
          .original_context = std::stoll(text.substr(second + 1))};
}

}  // namespace

std::vector<Fixture> LoadFixtures() {
  const std::filesystem::path folder = SourceDir() / "tests" / "fixtures";
  std::ifstream file(folder / "manifest.json");
  const nlohmann::json manifest = nlohmann::json::parse(file);
  std::vector<Fixture> fixtures;
  for (const nlohmann::json& entry : manifest.at("fixtures")) {
    Fixture fixture;
    fixture.name = entry.at("name").get<std::string>();
    fixture.path = (folder / entry.at("file").get<std::string>()).string();
    fixture.tokens = entry.at("tokens").get<std::vector<int32_t>>();
    fixture.logits = ReadNpy((folder / entry.at("logits").get<std::string>()).string());
    if (entry.contains("rope")) fixture.rope = ReadRope(entry.at("rope").get<std::string>());
    fixture.precise_abs = entry.at("tolerance").at("precise_abs").get<double>();
    fixture.int8_rms = entry.at("tolerance").at("int8_rms").get<double>();
    fixtures.push_back(std::move(fixture));
  }
  return fixtures;
}

StatusOr<Runner> MakeRunner(const Fixture& fixture, DType activations, size_t threads,
                            DType cache) {
  Runner runner;
  HOB_ASSIGN_OR_RETURN(runner.pool, ThreadPool::Create(threads));
  runner.allocator = std::make_shared<Allocator>();
  HOB_ASSIGN_OR_RETURN(std::shared_ptr<const ModelFile> file, OpenModelFile(fixture.path));
  ExecutorOptions options;
  options.activations = activations;
  options.kv_type = activations == DType::kF32 ? DType::kF32 : cache;
  options.max_rows = 320;
  options.rope = fixture.rope;
  HOB_ASSIGN_OR_RETURN(runner.executor,
                       Executor::Create(file, *runner.pool, runner.allocator, options));
  return runner;
}

Sequence::Sequence(const Runner& runner, size_t positions)
    : type_(runner.executor->kv_layout().type) {
  const size_t pages = (positions + kKvPageTokens - 1) / kKvPageTokens;
  for (size_t i = 0; i < pages; ++i) {
    buffers_.push_back(NewBuffer(runner, runner.executor->kv_layout().page_bytes()));
    std::memset(buffers_.back().data(), 0x5a, buffers_.back().size());
    pages_.push_back(buffers_.back().data());
  }
}

SequenceRows Sequence::Next(int32_t first_row, int32_t rows) {
  SequenceRows result;
  result.pages = pages_.data();
  result.kv_type = type_;
  result.first_row = first_row;
  result.rows = rows;
  result.position = position_;
  position_ += rows;
  return result;
}

Matrix RunStep(const Runner& runner, const std::vector<int32_t>& tokens,
               const std::vector<SequenceRows>& sequences) {
  Matrix result;
  result.rows = static_cast<int64_t>(tokens.size());
  result.columns = runner.executor->shape().vocabulary;
  const size_t count = static_cast<size_t>(result.rows * result.columns);
  const Buffer logits = NewBuffer(runner, count * sizeof(float));
  std::vector<int32_t> rows(tokens.size());
  std::iota(rows.begin(), rows.end(), 0);

  Step step;
  step.tokens = tokens;
  step.sequences = sequences;
  step.logit_rows = rows;
  step.logits = logits.as<float>();
  Require(runner.executor->Run(step));
  result.values.assign(step.logits, step.logits + count);
  return result;
}

Matrix Evaluate(const Runner& runner, const std::vector<int32_t>& tokens, size_t chunk) {
  Sequence sequence(runner, tokens.size());
  Matrix result;
  for (size_t begin = 0; begin < tokens.size(); begin += chunk) {
    const size_t end = std::min(tokens.size(), begin + chunk);
    const std::vector<int32_t> part(tokens.begin() + static_cast<std::ptrdiff_t>(begin),
                                    tokens.begin() + static_cast<std::ptrdiff_t>(end));
    const Matrix rows =
        RunStep(runner, part, {sequence.Next(0, static_cast<int32_t>(part.size()))});
    result.rows += rows.rows;
    result.columns = rows.columns;
    result.values.insert(result.values.end(), rows.values.begin(), rows.values.end());
  }
  return result;
}

double MaxDifference(const Matrix& a, const Matrix& b) {
  double largest = a.values.size() == b.values.size() ? 0 : std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < std::min(a.values.size(), b.values.size()); ++i) {
    const double difference = std::abs(static_cast<double>(a.values[i]) - b.values[i]);
    if (std::isnan(difference)) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, difference);
  }
  return largest;
}

double RelativeRms(const Matrix& a, const Matrix& b) {
  if (a.values.size() != b.values.size()) return std::numeric_limits<double>::infinity();
  double difference = 0, size = 0;
  for (size_t i = 0; i < a.values.size(); ++i) {
    difference += std::pow(static_cast<double>(a.values[i]) - b.values[i], 2);
    size += std::pow(static_cast<double>(b.values[i]), 2);
  }
  const double ratio = std::sqrt(difference / size);
  return std::isnan(ratio) ? std::numeric_limits<double>::infinity() : ratio;
}

bool SameBits(const Matrix& a, const Matrix& b) {
  return a.rows == b.rows && a.columns == b.columns && a.values.size() == b.values.size() &&
         std::memcmp(a.values.data(), b.values.data(), a.values.size() * sizeof(float)) == 0;
}

ScopedEnvironment::ScopedEnvironment(const char* name, const std::string& value) : name_(name) {
  const char* before = std::getenv(name);
  had_ = before != nullptr;
  if (had_) before_ = before;
  setenv(name, value.c_str(), 1);
}

ScopedEnvironment::~ScopedEnvironment() {
  if (had_) {
    setenv(name_, before_.c_str(), 1);
  } else {
    unsetenv(name_);
  }
}

}  // namespace hob::testing
