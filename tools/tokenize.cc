// SPDX-License-Identifier: Apache-2.0
// hob tokenize: the token ids of a text.
#include <cstdio>
#include <memory>

#include "tools/common.h"

namespace tool {
namespace {

struct Options {
  ModelOptions model;
  std::string file = "-";
  bool json = false, special = false;
};

void Run(const Options& options) {
  const Loaded loaded = Load(options.model, /*vocabulary_only=*/true);
  const std::string text = ReadText(options.file);
  const std::vector<int32_t> tokens =
      Check(loaded.model.Tokenize(text, options.special ? HOB_TEXT_PARSE_SPECIAL : HOB_TEXT_PLAIN));
  std::string out;
  if (options.json) {
    for (const int32_t token : tokens) out += (out.empty() ? "[" : ", ") + std::to_string(token);
    out += out.empty() ? "[]\n" : "]\n";
  } else {
    for (const int32_t token : tokens) {
      const std::string piece = Check(loaded.model.TokenBytes(token, HOB_TEXT_SHOW_SPECIAL));
      char id[24];
      std::snprintf(id, sizeof(id), "%8d  ", token);
      out += id;
      for (const char c : piece) {  // control characters would spoil the table
        out += c == '\n' ? "\\n" : c == '\t' ? "\\t" : c == '\r' ? "\\r" : std::string(1, c);
      }
      out += "\n";
    }
  }
  Print(out);
}

}  // namespace

void AddTokenize(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("tokenize", "show the tokens of a text");
  AddModelOptions(*command, options->model, /*runs=*/false);
  command->add_option("-f,--file", options->file, "text file; - reads standard input");
  command->add_flag("--special", options->special,
                    "read <|im_end|> and its like as control tokens");
  command->add_flag("--json", options->json, "an array of ids");
  command->callback([options] { Run(*options); });
}

}  // namespace tool
