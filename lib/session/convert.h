// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "lib/base/status.h"
#include "lib/format/model_file.h"

namespace hob {

// Reads `input`, builds and checks its graph and writes both as `output` in the `.hob` format,
// whole or not at all. Block-quantised weights are packed into panels, their values
// unchanged; with `per_channel` they are quantised to int8 with a scale a row (QC8) first.
// Vocabulary-only files have no graph.
Status Convert(const std::string& input, const std::string& output, bool per_channel,
               const Progress& progress);

}  // namespace hob
