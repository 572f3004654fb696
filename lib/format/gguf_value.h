// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "lib/base/status.h"
#include "lib/format/gguf_cursor.h"
#include "lib/format/model_file.h"

namespace hob::format {

// Reads a GGUF value: its type, then its content. `elements_left` bounds the elements of all of a
// file's arrays, whose form in memory is larger than in the file.
StatusOr<MetaValue> ReadGgufValue(GgufCursor& cursor, uint64_t* elements_left);

}  // namespace hob::format
