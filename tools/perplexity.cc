// SPDX-License-Identifier: Apache-2.0
// hob perplexity: how well a model predicts a text. The text's first tokens are cut into windows
// that share nothing; in each, every token but the first is scored; perplexity = exp(mean −ln p).
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "tools/common.h"

namespace tool {
namespace {

struct Options {
  ModelOptions model;
  std::string file = "-";
  size_t window = 512, tokens = 8192;
  bool json = false;
};

struct Score {
  const int32_t* tokens;
  size_t count, vocabulary;
  double nll = 0;
};

int32_t OnLogits(void* user, size_t first, size_t rows, const float* logits) {
  Score& score = *static_cast<Score*>(user);
  for (size_t r = 0; r < rows && first + r + 1 < score.count; ++r) {
    const float* row = logits + r * score.vocabulary;
    const float max = *std::max_element(row, row + score.vocabulary);
    double sum = 0;
    for (size_t v = 0; v < score.vocabulary; ++v) sum += std::exp(row[v] - max);
    const float chosen = row[static_cast<size_t>(score.tokens[first + r + 1])];
    score.nll += std::log(sum) + static_cast<double>(max) - static_cast<double>(chosen);
  }
  return 0;
}

void Run(const Options& options) {
  const std::string text = ReadText(options.file);
  const Loaded loaded = Load(options.model);
  std::vector<int32_t> tokens = Check(loaded.model.Tokenize(text));
  if (tokens.size() > options.tokens) tokens.resize(options.tokens);
  const size_t windows = tokens.size() / options.window;
  if (windows == 0) {
    throw Failure("the text has " + std::to_string(tokens.size()) +
                      " tokens, less than a window of " + std::to_string(options.window),
                  "use a longer text or a smaller --window");
  }
  hob::Session session = Check(hob::Session::Create(loaded.model));
  const size_t vocabulary = static_cast<size_t>(Check(loaded.model.Info()).vocabulary_size);
  std::vector<double> window_nll;
  ProgressBar bar("Scoring");
  double nll = 0;
  for (size_t w = 0; w < windows; ++w) {
    Score score{tokens.data() + w * options.window, options.window, vocabulary};
    hob_error* error = nullptr;
    const hob_status status =
        hob_session_evaluate(session.get(), score.tokens, score.count, OnLogits, &score, &error);
    if (status != HOB_OK) Fail(hob::Error(status, error));
    window_nll.push_back(score.nll);
    nll += score.nll;
    bar.Update(w + 1, windows);
  }
  const size_t scored = windows * (options.window - 1);
  const double perplexity = std::exp(nll / static_cast<double>(scored));
  if (options.json) {
    nlohmann::ordered_json out;
    out["perplexity"] = perplexity;
    out["tokens"] = windows * options.window;
    out["scored"] = scored;
    out["nll"] = nll;
    out["window_nll"] = window_nll;
    Print(out.dump(2) + "\n");
  } else {
    char line[128];
    std::snprintf(line, sizeof(line), "perplexity %.4f over %zu tokens in %zu windows of %zu\n",
                  perplexity, scored, windows, options.window);
    Print(line);
  }
}

}  // namespace

void AddPerplexity(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("perplexity", "measure how well a model predicts a text");
  AddModelOptions(*command, options->model);
  command->add_option("-f,--file", options->file, "text file; - reads standard input");
  command->add_option("--window", options->window, "tokens a window")
      ->check(CLI::Range(2, 1 << 20))
      ->capture_default_str();
  command->add_option("--tokens", options->tokens, "use the first so many tokens")
      ->check(CLI::Range(2, 1 << 30))
      ->capture_default_str();
  command->add_flag("--json", options->json, "JSON with the windows' figures");
  command->callback([options] { Run(*options); });
}

}  // namespace tool
