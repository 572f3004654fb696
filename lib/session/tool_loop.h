// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/session/session.h"

namespace hob {

struct ToolLoop {
  static constexpr int32_t kMostRounds = 1000;

  int32_t max_rounds = 8;
  std::vector<std::string_view> names;  // of the tools that `call` carries out
  // Carries out call of names[index]; false ends the loop.
  std::function<bool(size_t index, const text::ToolCall& call, std::string* result)> call;
  GenerateOptions generate;
};

// See hob_session_run_tools.
StatusOr<GenerateResult> RunTools(Session& session, const ToolLoop& loop);

}  // namespace hob
