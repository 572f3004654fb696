// SPDX-License-Identifier: Apache-2.0
// What a grammar costs: time to compile, and per token to mask the logits and to take the token,
// over texts that are drawn at random from it (or are given). A mask is computed where a state is
// first met and kept, so the first text of a grammar costs more than those after it: both are told.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "lib/format/model_file.h"
#include "lib/text/grammar/matcher.h"

namespace {

using Clock = std::chrono::steady_clock;

double Microseconds(Clock::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

// A form to fill in, as tools and extractions have it.
constexpr const char* kSchema = R"({
  "type": "object",
  "properties": {
    "name": {"type": "string"},
    "age": {"type": "integer", "minimum": 0, "maximum": 150},
    "email": {"type": "string", "format": "email"},
    "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 5},
    "address": {
      "type": "object",
      "properties": {"street": {"type": "string"}, "city": {"type": "string"}, "zip": {"type": "string"}},
      "required": ["street", "city"],
      "additionalProperties": false
    },
    "kind": {"enum": ["private", "business", "other"]}
  },
  "required": ["name", "age", "tags", "address", "kind"],
  "additionalProperties": false
})";

struct Times {
  std::vector<double> mask, accept;
  void Print(const char* what) {
    for (auto* times : {&mask, &accept}) {
      std::sort(times->begin(), times->end());
      if (times->empty()) return;
      const auto at = [&](double part) {
        return (*times)[static_cast<size_t>(part * static_cast<double>(times->size() - 1))];
      };
      std::printf(
          "%-12s %-6s %8.1f µs median  %8.1f 90 %%  %8.1f 99 %%  %8.1f most  (%zu tokens)\n", what,
          times == &mask ? "mask" : "accept", at(0.5), at(0.9), at(0.99), at(1), times->size());
    }
  }
};

template <typename T>
T Must(hob::StatusOr<T> result) {
  if (result.ok()) return *std::move(result);
  std::fprintf(stderr, "%s\n", result.status().ToString().c_str());
  std::exit(1);
}

void Draw(const std::shared_ptr<const hob::text::CompiledGrammar>& grammar, std::mt19937& random,
          int most, Times& times) {
  auto matcher = Must(hob::text::Matcher::Create(grammar));
  std::vector<float> logits(grammar->tokenizer().size());
  std::vector<int32_t> allowed;
  for (int i = 0; i < most; ++i) {
    std::fill(logits.begin(), logits.end(), 0.0f);
    const auto start = Clock::now();
    const hob::Status status = matcher.MaskLogits(logits);
    const auto masked = Clock::now();
    if (!status.ok()) return;
    allowed.clear();
    for (size_t id = 0; id < logits.size(); ++id) {
      if (!std::isinf(logits[id])) allowed.push_back(static_cast<int32_t>(id));
    }
    const int32_t next = allowed[random() % allowed.size()];
    if (grammar->tokenizer().IsEndOfGeneration(next)) return;
    const auto before = Clock::now();
    if (Must(matcher.Accept({&next, 1})) != 1) return;
    times.mask.push_back(Microseconds(masked - start));
    times.accept.push_back(Microseconds(Clock::now() - before));
    if (matcher.must_end()) return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("What a grammar costs");
  std::string model, schema = kSchema;
  int texts = 50, tokens = 256;
  app.add_option("-m,--model", model, "a model file, for its vocabulary")->required();
  app.add_option("--json-schema", schema, "a JSON Schema (default: a form of nine fields)");
  app.add_option("--texts", texts, "drawn from it");
  app.add_option("--tokens", tokens, "of a text, at most");
  CLI11_PARSE(app, argc, argv);
  const auto file = Must(hob::OpenModelFile(model));
  const std::shared_ptr<const hob::text::Tokenizer> tokenizer =
      Must(hob::text::Tokenizer::Create(file->vocabulary));
  auto start = Clock::now();
  Must(tokenizer->Trie());
  std::printf("trie of %zu tokens: %.1f ms\n", tokenizer->size(),
              Microseconds(Clock::now() - start) / 1e3);
  start = Clock::now();
  const auto read = Must(hob::text::ReadJsonSchema(schema));
  const auto parsed = Clock::now();
  const auto grammar = Must(hob::text::CompiledGrammar::Create(read, tokenizer));
  std::printf("read %.2f ms, compiled %.2f ms, %zu states\n", Microseconds(parsed - start) / 1e3,
              Microseconds(Clock::now() - parsed) / 1e3, grammar->automaton().size());
  std::mt19937 random(1);
  Times first, later;
  Draw(grammar, random, tokens, first);
  for (int i = 1; i < texts; ++i) Draw(grammar, random, tokens, later);
  first.Print("first text");
  later.Print("later texts");
}
