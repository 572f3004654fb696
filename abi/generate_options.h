// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <hob/session.h>

#include "abi/arguments.h"
#include "lib/session/session.h"

namespace hob::abi {

// What hob_generate_options asks for; null: the defaults.
StatusOr<GenerateOptions> ReadGenerateOptions(const hob_generate_options* given_options);
// Fills `out`, which CheckOutStruct has seen.
void WriteResult(hob_generate_result* out, const GenerateResult& result);

}  // namespace hob::abi
