// SPDX-License-Identifier: Apache-2.0
// hob logits: the logits of every position, as a NumPy file.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include "tools/common.h"

namespace tool {
namespace {

struct Options {
  ModelOptions model;
  std::string tokens, out;
};

// The header of a C-order float32 array (NumPy's .npy format, version 1.0).
std::string NpyHeader(size_t rows, size_t columns) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" +
                       std::to_string(rows) + ", " + std::to_string(columns) + "), }";
  header.resize((10 + header.size() + 1 + 63) / 64 * 64 - 10 - 1, ' ');
  header += '\n';
  const size_t size = header.size();
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(size & 255) +
         static_cast<char>(size >> 8) + header;
}

struct Sink {
  std::ofstream file;
  size_t columns = 0, total = 0;
  ProgressBar bar{"Evaluating"};
};

int32_t OnLogits(void* user, size_t first, size_t rows, const float* logits) {
  Sink& sink = *static_cast<Sink*>(user);
  sink.file.write(reinterpret_cast<const char*>(logits),
                  static_cast<std::streamsize>(rows * sink.columns * sizeof(float)));
  sink.bar.Update(first + rows, sink.total);
  return sink.file ? 0 : 1;
}

void Run(const Options& options) {
  const std::vector<int32_t> tokens = ReadTokens(options.tokens);
  if (tokens.empty()) throw Failure(options.tokens + " holds no tokens");
  const Loaded loaded = Load(options.model);
  hob::Session session = Check(hob::Session::Create(loaded.model));
  const std::string temporary = options.out + ".tmp";
  hob_status status;
  hob_error* error = nullptr;
  bool written = false;
  {
    Sink sink;
    sink.columns = static_cast<size_t>(Check(loaded.model.Info()).vocabulary_size);
    sink.total = tokens.size();
    sink.file.open(temporary, std::ios::binary);
    if (!sink.file) throw Failure("cannot write " + temporary);
    const std::string header = NpyHeader(tokens.size(), sink.columns);
    sink.file.write(header.data(), static_cast<std::streamsize>(header.size()));
    status =
        hob_session_evaluate(session.get(), tokens.data(), tokens.size(), OnLogits, &sink, &error);
    sink.file.close();
    written = !sink.file.fail();
  }
  std::error_code ignored;
  if (!written) {
    hob_error_destroy(error);
    std::filesystem::remove(temporary, ignored);
    throw Failure("writing " + temporary + " failed", "is the disk full?");
  }
  if (status != HOB_OK) {
    std::filesystem::remove(temporary, ignored);
    Fail(hob::Error(status, error));
  }
  std::filesystem::rename(temporary, options.out);
}

}  // namespace

void AddLogits(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "logits", "write the logits of all positions, f32 [positions, vocabulary]");
  AddModelOptions(*command, options->model);
  command
      ->add_option("--tokens", options->tokens, "JSON array of token ids; - reads standard input")
      ->required();
  command->add_option("--out", options->out, "the .npy file to write")->required();
  command->callback([options] { Run(*options); });
}

}  // namespace tool
