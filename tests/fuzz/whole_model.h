// SPDX-License-Identifier: Apache-2.0
// Bytes as a model file, opened as an app would, and answered with.
#pragma once

#include <unistd.h>

#include <fstream>
#include <memory>
#include <span>
#include <string>

#include "lib/session/plan.h"
#include "lib/session/session.h"
#include "tests/fuzz/fuzz.h"

namespace hob::fuzz {

// A runtime of one thread whose memory is small: what a file claims must not be what is taken.
inline const std::shared_ptr<Runtime>& SmallRuntime() {
  static const auto& runtime = *new std::shared_ptr<Runtime>([] {
    RuntimeOptions options;
    options.threads = 1;
    options.memory_limit = 64u << 20;
    auto made = Runtime::Create(options);
    Require(made.ok());
    return *std::move(made);
  }());
  return runtime;
}

// A file of this process, written anew each time.
inline const std::string& ScratchPath() {
  static const auto& path = *new std::string([] {
    const char* folder = std::getenv("TMPDIR");
    std::error_code error;
    const bool memory = folder == nullptr && std::filesystem::is_directory("/dev/shm", error);
    return std::string(folder != nullptr ? folder
                       : memory          ? "/dev/shm"
                                         : "/tmp") +
           "/hob-fuzz-" + std::to_string(::getpid());
  }());
  return path;
}
// Gone with the process that wrote it, unless that crashes.
struct ScratchFile {
  explicit ScratchFile(std::span<const uint8_t> bytes) {
    std::ofstream file(ScratchPath(), std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    file.close();
    Require(file.good());
  }
  ~ScratchFile() { std::remove(ScratchPath().c_str()); }
  ScratchFile(const ScratchFile&) = delete;
};

// No file may lead to a status that says that hob is at fault, save for logits that are no numbers.
inline void RequireUserError(const Status& status) {
  if (status.ok()) return;
  Require(!status.message().empty());
  const bool fault =
      status.code() == StatusCode::kInternal || status.code() == StatusCode::kUnknown;
  Require(!fault || status.message().find("logits are not numbers") != std::string_view::npos);
}

// Opens it; if it is a model, a session says a token or two, the same again in another session.
inline void TryModel(std::span<const uint8_t> bytes, ModelOptions options) {
  const ScratchFile file(bytes);
  options.max_batch_rows = 16;
  options.shared_cache_tokens = -1;
  const size_t before = SmallRuntime()->allocator()->bytes_in_use();
  const auto plan = Model::Plan(SmallRuntime(), ScratchPath(), options);
  {
    const auto model = Model::Open(SmallRuntime(), ScratchPath(), options);
    // Opening refuses more: what planning does not take, and tokenizers.
    Require(plan.ok() || !model.ok());
    if (!model.ok()) {
      RequireUserError(model.status());
    } else if (options.vocabulary_only) {
      static_cast<void>((*model)->tokenizer().Encode("ab <s> b\xC3\xA9", {true, true}));
    } else {
      std::vector<int32_t> answers[2];
      for (auto& answer : answers) {
        auto session = Session::Create(*model, {});
        RequireUserError(session.status());
        if (!session.ok()) break;
        const int32_t last =
            static_cast<int32_t>((*model)->batcher()->executor().shape().vocabulary) - 1;
        const int32_t tokens[] = {0, last, last / 2};
        if (!(*session)->AddTokens(tokens).ok()) break;
        GenerateOptions generate;
        generate.max_tokens = 2;
        generate.ignore_eos = true;
        const auto result = (*session)->Generate(generate);
        RequireUserError(result.status());
        answer.assign((*session)->tokens().begin(), (*session)->tokens().end());
      }
      Require(answers[0] == answers[1]);
    }
  }
  Require(SmallRuntime()->allocator()->bytes_in_use() == before);
}

}  // namespace hob::fuzz
