// SPDX-License-Identifier: Apache-2.0
// hob embed: the vectors of texts, as JSON.
#include <cstdio>
#include <memory>

#include "tools/common.h"

namespace tool {
namespace {

struct Options {
  ModelOptions model;
  std::vector<std::string> texts;
  std::string file;
  hob_embedder_options embedder = HOB_EMBEDDER_OPTIONS_INIT;
  bool raw = false;
};

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    if (lines.back().ends_with('\r')) lines.back().pop_back();
    at = end + 1;
  }
  return lines;
}

void Run(Options options) {
  std::vector<std::string> texts = options.texts;
  if (!options.file.empty()) {
    for (std::string& line : Lines(ReadText(options.file))) texts.push_back(std::move(line));
  }
  if (texts.empty()) throw Failure("there is no text", "name texts, or a file of lines", kUsage);
  const Loaded loaded = Load(options.model);
  if (options.raw) options.embedder.normalization = HOB_NORMALIZATION_OFF;
  const hob::Embedder embedder = Check(hob::Embedder::Create(loaded.model, options.embedder));
  const auto dimension = static_cast<size_t>(Check(embedder.Info()).dimension);
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  uint64_t tokens = 0;
  const std::vector<float> rows = Check(embedder.Embed(views, &tokens));
  std::string out = "{\"dimension\": " + std::to_string(dimension) +
                    ", \"tokens\": " + std::to_string(tokens) + ", \"embeddings\": [";
  char number[32];
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i % dimension == 0) out += i == 0 ? "\n[" : "],\n[";
    std::snprintf(number, sizeof(number), "%s%.9g", i % dimension == 0 ? "" : ", ", rows[i]);
    out += number;
  }
  Print(out + "]\n]}\n");
}

}  // namespace

void AddEmbed(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("embed", "turn texts into vectors, by an encoder; prints JSON");
  command->add_option("model", options->model.path, "the encoder: a folder, GGUF or .hob file")
      ->required();
  command->add_option("texts", options->texts, "the texts");
  command->add_option("-f,--file", options->file, "a text a line; - reads standard input");
  command->add_option("-t,--threads", options->model.threads,
                      "threads (default: as many as may be used)");
  command->add_option_function<std::string>(
      "--activations", [options](const std::string& name) { options->model.SetActivations(name); },
      "of int8 weights: int16 (default), int8, f32");
  command->add_option("--max-tokens", options->embedder.max_tokens,
                      "of a text that are read (default: as the model was trained)");
  command->add_flag("--raw", options->raw, "do not scale vectors to length 1");
  command->callback([options] { Run(*options); });
}

}  // namespace tool
