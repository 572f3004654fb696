// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <span>
#include <string>

#include "lib/sign/minisign.h"

namespace hob::sign {

// Bytes done and in all; false cancels.
using Progress = std::function<bool(uint64_t done, uint64_t total)>;

// The text of a signature file. As FileReader::Open; INVALID_ARGUMENT for one that is too long.
StatusOr<std::string> ReadSignature(const std::string& path);

// Reads the file and returns the signature's trusted comment if one of `keys` made both.
// UNAUTHENTICATED, CANCELLED, and what reading gives.
StatusOr<std::string> VerifyFile(const std::string& path, std::string_view signature_text,
                                 std::span<const PublicKey> keys, const Progress& progress);

}  // namespace hob::sign
