// SPDX-License-Identifier: Apache-2.0
// Answers by an endpoint in hob chat and hob run.
#pragma once

#include <optional>
#include <string>

#include "tools/common.h"

namespace tool {

// --handoff-url and what goes with it.
struct HandoffOptions {
  std::string url, model, key_file;
  bool consent = false, remote = false;
  hob_handoff_options values = HOB_HANDOFF_OPTIONS_INIT;  // the numbers
  // Nothing without a URL.
  std::optional<hob::Handoff> Make(const hob::Runtime& runtime) const;
  hob_handoff_mode mode() const { return remote ? HOB_HANDOFF_REMOTE : HOB_HANDOFF_AUTO; }
};
void AddHandoffOptions(CLI::App& app, HandoffOptions& options);

// The names of an answer's source, of why it was to be handed over, and why it was not.
const char* SourceName(hob_answer_source source);
const char* ReasonName(hob_handoff_reason reason);
const char* FallbackName(hob_handoff_fallback fallback);
// One line for people: "remote (the prompt is long)".
std::string DescribeSource(const hob_handoff_report& report);

}  // namespace tool
