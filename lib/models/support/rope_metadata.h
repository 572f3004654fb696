// SPDX-License-Identifier: Apache-2.0
// How a file's hyperparameters say that rotary positions are scaled.
#pragma once

#include "lib/format/model_file.h"
#include "lib/ops/rope_angles/scaling.h"

namespace hob::models {

// From `<architecture>.rope.scaling.…` (docs/reference/models.md lists the keys); `context` is the
// file's context_length. original_context stays 0 where the file is scaled and does not say by what
// it was before. UNIMPLEMENTED names a type that hob lacks, INVALID_ARGUMENT what does not hold.
StatusOr<RopeScaling> ReadRopeMetadata(const ModelFile& file, int64_t context);

}  // namespace hob::models
