// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "tools/common.h"

namespace tool {

// Of hob bench.
double Median(std::vector<double> values);

// Measures reading `prompt` and its first token against saving and restoring, in turn.
void BenchRestore(const Loaded& loaded, const std::vector<int32_t>& prompt, int reps, bool json);

}  // namespace tool
