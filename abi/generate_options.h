// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <hob/session.h>

#include "lib/session/session.h"

namespace hob::abi {

// Checks and copies what a caller hands in; null: the defaults.
StatusOr<GenerateOptions> ReadGenerateOptions(const hob_generate_options* given);

}  // namespace hob::abi
