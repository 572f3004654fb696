// SPDX-License-Identifier: Apache-2.0
// `.hob` files and saved sessions taken apart, spoiled and put together again, with right headers
// and checksums.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <functional>
#include <vector>

#include "lib/format/hob_generated.h"
#include "lib/session/session_generated.h"
#include "tests/attacks/attack.h"

namespace hob::test {

// TinyModel as a `.hob` file.
File TinyHob();

// The file of a finished FlatBuffer and its tensor data.
File HobOf(const flatbuffers::FlatBufferBuilder& builder, const std::vector<uint8_t>& data,
           uint32_t version = 2);

// TinyHob() whose tables `spoil` has changed.
File SpoiltHob(const std::function<void(fbs::ModelT&)>& spoil);

// `saved`, as hob_session_save_buffer gave it, with changed tables and a right checksum.
File SpoiltSession(const File& saved, const std::function<void(fbs::SavedSessionT&)>& spoil);

// Sets the checksum of a saved session whose bytes were changed.
void FixChecksum(File* saved);

}  // namespace hob::test
