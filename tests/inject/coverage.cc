// SPDX-License-Identifier: Apache-2.0
#include "tests/inject/coverage.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <map>

namespace hob::inject {
namespace {

constexpr std::string_view kReads = "copies what the object holds: no memory, no file, no lock";
constexpr std::string_view kConstant = "gives a constant";
constexpr std::string_view kFrees = "only gives memory back";
constexpr std::string_view kLocks = "only takes locks, which do not fail";
// Points count for the call that is under way, whichever thread they are on.
constexpr std::string_view kWaits =
    "has none of its own; while it waits for a step, those of the step may be counted for it";
constexpr std::string_view kComputes = "computes in memory that is there";

// A function that is not here has points besides locks.
const std::map<std::string_view, std::string_view>& Excused() {
  static const std::map<std::string_view, std::string_view> excused = {
      {"hob_abi_version", kConstant},
      {"hob_version", kConstant},
      {"hob_status_name", kConstant},
      {"hob_type_bytes", kComputes},
      {"hob_error_code", kReads},
      {"hob_error_message", kReads},
      {"hob_error_hint", kReads},
      {"hob_error_destroy", kFrees},
      {"hob_free", kFrees},
      {"hob_runtime_get_info", kReads},
      {"hob_model_get_info", kReads},
      {"hob_model_is_end_token", kReads},
      {"hob_session_message_count", kReads},
      {"hob_session_get_message", kReads},
      {"hob_session_get_reply", kReads},
      {"hob_session_get_tokens", kReads},
      {"hob_session_get_result", kReads},
      {"hob_session_get_stats", kReads},
      {"hob_session_keep_messages", kFrees},
      {"hob_session_set_sampler", kComputes},
      {"hob_session_reset", kFrees},
      {"hob_session_destroy", kWaits},
      {"hob_session_cancel", "sets a flag"},
      {"hob_model_find_token", kReads},
      {"hob_tokenizer_find", kReads},
      {"hob_detokenizer_finish", kReads},
      {"hob_sampler_reset", kFrees},
      {"hob_quantize", kComputes},
      {"hob_matrix_destroy", kFrees},
      {"hob_graph_destroy", kFrees},
      {"hob_program_destroy", kFrees},
      {"hob_tokenizer_get_info", kReads},
      {"hob_tokenizer_get_token", kReads},
      {"hob_tokenizer_destroy", kFrees},
      {"hob_runtime_destroy", kLocks},
      {"hob_model_destroy", kLocks},
      {"hob_matrix_multiply", kLocks},
      {"hob_program_run", kLocks},
      {"hob_detokenizer_destroy", kFrees},
      {"hob_chat_template_destroy", kFrees},
      {"hob_sampler_destroy", kFrees},
      {"hob_sampler_get_drawn", kReads},
      {"hob_sampler_set_drawn", kComputes},
      {"hob_embedder_destroy", kFrees},
      {"hob_embedder_get_info", kReads},
      {"hob_runtime_get_metrics", kReads},
      {"hob_handoff_destroy", kFrees},
      {"hob_handoff_set_consent", "sets a flag"},
      {"hob_handoff_get_metrics", kReads},
      {"hob_grammar_destroy", kFrees},
      {"hob_matcher_destroy", kFrees},
      {"hob_matcher_get_end", kReads},
      {"hob_tools_destroy", kFrees},
      {"hob_session_tool_call_count", kReads},
      {"hob_session_get_tool_call", kReads},
      {"hob_session_get_message_fields", kReads},
      {"hob_matcher_reset", kComputes},
      {"hob_matrix_get_info", kReads},
      {"hob_program_get_info", kReads},
  };
  return excused;
}

}  // namespace

const std::vector<std::string>& Functions() {
  static const std::vector<std::string> functions = [] {
    std::vector<std::string> names;
    std::ifstream manifest(std::string(HOB_SOURCE_DIR) + "/abi/stable_abi.toml");
    bool symbol = false;
    for (std::string line; std::getline(manifest, line);) {
      if (!line.empty() && line.front() == '[') symbol = line == "[[symbol]]";
      constexpr std::string_view kName = "name = \"";
      if (symbol && line.rfind(kName, 0) == 0) {
        names.push_back(line.substr(kName.size(), line.find('"', kName.size()) - kName.size()));
      }
    }
    return names;
  }();
  return functions;
}

int FunctionIndex(std::string_view name) {
  const std::vector<std::string>& all = Functions();
  const auto found = std::find(all.begin(), all.end(), name);
  return found == all.end() ? -1 : static_cast<int>(found - all.begin());
}

std::string_view NothingToFail(std::string_view function) {
  const auto found = Excused().find(function);
  return found == Excused().end() ? std::string_view() : found->second;
}

int CheckCoverage(const std::vector<int64_t>& points, const std::vector<bool>& called) {
  int wrong = 0;
  const auto complain = [&](const std::string& function, const char* what) {
    std::fprintf(stderr, "FAULT %s %s\n", function.c_str(), what);
    ++wrong;
  };
  const std::vector<std::string>& all = Functions();
  if (all.size() < 80) complain("abi/stable_abi.toml", "has lost its functions");
  for (size_t i = 0; i < all.size(); ++i) {
    const std::string_view excuse = NothingToFail(all[i]);
    const bool excused = !excuse.empty();
    if (!called[i]) {
      complain(all[i], "is in no scenario: add one to tests/inject");
    } else if (points[i] == 0 && !excused) {
      complain(all[i], "has no point that was injected: list why in tests/inject/coverage.cc");
    } else if (points[i] > 0 && excused && excuse != kWaits) {
      complain(all[i], "has points, but tests/inject/coverage.cc says that it has none");
    }
  }
  return wrong;
}

}  // namespace hob::inject
