// SPDX-License-Identifier: Apache-2.0
// Records of answers, for hob run --record and --replay.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/common.h"

namespace tool {

// What an answer came from and what it was: enough to give it again and compare.
struct Record {
  std::string model_hash;
  std::string activations, kv, rope;  // as the command's options name them
  hob_sampler_options sampler = HOB_SAMPLER_OPTIONS_INIT;
  int32_t max_tokens = 0, context = 0;
  std::vector<int32_t> prompt, answer;  // tokens
  std::string finish_reason;
  // Of the logits that each token was chosen from: FNV-1a of their f32 bytes. One more than
  // `answer` where the last one chosen ended it.
  std::vector<std::string> logits;
  // What it ran on: told, not compared.
  uint32_t threads = 0;
  nlohmann::ordered_json kernels;  // operator: providers
};

const char* FinishName(hob_finish_reason reason);

// Describes the answer that `session` has just given. Runs its tokens once more for their logits;
// the session then holds them as raw text.
Record MakeRecord(const Loaded& loaded, const ModelOptions& model,
                  const hob_sampler_options& sampler, int32_t max_tokens, int32_t context,
                  const hob_generate_result& result, hob::Session& session);

void WriteRecord(const Record& record, const std::string& path);
// A Failure for what is no record.
Record ReadRecord(const std::string& path);

// Gives the recorded answer again and prints whether it is the same. A Failure if it is not.
void Replay(const std::string& path, ModelOptions model);

}  // namespace tool
