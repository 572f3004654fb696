// SPDX-License-Identifier: Apache-2.0
// A tokenizer.json that means harm: it is refused, or read in the time that its size takes.
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "lib/format/hugging_face.h"
#include "tests/support/hf_folder.h"

namespace hob::format {
namespace {

using nlohmann::json;

StatusOr<Vocabulary> Read(const json& tokenizer) {
  const auto parsed = Json::Parse(tokenizer.dump());
  if (!parsed.ok()) return parsed.status();
  return ReadHfTokenizer(parsed->root(), {});
}

json ByteLevel() {
  return {
      {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}},
      {"decoder", {{"type", "ByteLevel"}}},
      {"model", {{"type", "BPE"}, {"vocab", {{"a", 0}}}, {"merges", json::array()}}}};
}

// The hash that libstdc++ has for text on machines of 64 bits (MurmurHash64A) takes eight bytes at
// a time, and each step can be undone: for any first eight bytes there are second ones that lead
// to a given state.
constexpr uint64_t kMul = 0xc6a4a7935bd1e995u;

constexpr uint64_t InverseMul() {
  uint64_t inverse = kMul;  // Newton's iteration, modulo 2^64
  for (int i = 0; i < 6; ++i) inverse *= 2 - kMul * inverse;
  return inverse;
}
constexpr uint64_t Shift(uint64_t x) { return x ^ (x >> 47); }  // its own inverse
constexpr uint64_t Block(uint64_t bytes) { return Shift(bytes * kMul) * kMul; }
constexpr uint64_t Unblock(uint64_t mixed) { return Shift(mixed * InverseMul()) * InverseMul(); }

bool Plain(uint64_t bytes) {
  for (int i = 0; i < 8; ++i, bytes >>= 8) {
    const auto c = static_cast<unsigned char>(bytes);
    if (c < '#' || c > '~' || c == '\\') return false;
  }
  return true;
}

void Append(uint64_t bytes, std::string* out) {
  for (int i = 0; i < 8; ++i, bytes >>= 8) out->push_back(static_cast<char>(bytes));
}

// `count` texts of 16 plain characters that lead from `state` to one and the same, *state.
std::vector<std::string> Alike(size_t count, uint64_t* state) {
  constexpr uint64_t kGoal = 0x0123456789abcdefu;
  std::vector<std::string> texts;
  for (uint64_t number = 0; texts.size() < count; ++number) {
    uint64_t first = 0;
    for (uint64_t rest = number, i = 0; i < 8; ++i, rest /= 50) first |= ('&' + rest % 50) << 8 * i;
    const uint64_t second = Unblock(kGoal ^ ((*state ^ Block(first)) * kMul));
    if (!Plain(first) || !Plain(second)) continue;
    Append(first, &texts.emplace_back());
    Append(second, &texts.back());
  }
  *state = kGoal * kMul;
  return texts;
}

TEST_CASE("tokens that a fixed hash would put in one slot are read in seconds") {
  uint64_t state = 0xc70f6907u ^ (48 * kMul);
  const auto a = Alike(64, &state), b = Alike(64, &state), c = Alike(32, &state);
  json tokenizer = ByteLevel();
  json& vocab = tokenizer["model"]["vocab"];
  int id = 1;
  size_t same = 0;
  for (const std::string& x : a) {
    for (const std::string& y : b) {
      for (const std::string& z : c) {
        const std::string text = x + y + z;
        same += std::hash<std::string_view>()(text) ==
                std::hash<std::string_view>()(a[0] + b[0] + c[0]);
        vocab[text] = id++;
      }
    }
  }
#if defined(__GLIBCXX__) && defined(__LP64__)
  CHECK(same == 64 * 64 * 32);  // the attack is one
#endif
  const std::string text = tokenizer.dump();
  const auto parsed = Json::Parse(text);
  REQUIRE(parsed.ok());
  const auto start = std::chrono::steady_clock::now();
  const auto vocabulary = ReadHfTokenizer(parsed->root(), {});
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  INFO(vocabulary.status() << ", " << seconds.count() << " s for " << same << " alike");
  REQUIRE(vocabulary.ok());
  CHECK(vocabulary->tokens.size() == 64 * 64 * 32 + 1);
  CHECK(seconds.count() < 10);  // sanitizers are slow; what is quadratic takes far longer
}

TEST_CASE("a message names a few of the patterns that are not known, not all") {
  json tokenizer = ByteLevel();
  json steps = json::array();
  for (int i = 0; i < 10000; ++i) {
    steps.push_back(
        {{"type", "Split"}, {"pattern", {{"Regex", "\x1B[2J"}}}, {"behavior", "Isolated"}});
  }
  steps.push_back({{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}});
  tokenizer["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", steps}};
  const Status status = Read(tokenizer).status();
  INFO(status);
  CHECK(status.code() == StatusCode::kUnimplemented);
  CHECK(status.message().find("and 9992 more") != std::string::npos);
  CHECK(status.message().size() < 1000);
  CHECK(status.message().find('\x1B') == std::string::npos);
}

}  // namespace
}  // namespace hob::format
