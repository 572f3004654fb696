// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace tool {

// The SHA-256 of a file, 64 digits as sha256sum prints them; empty in a build without libsodium.
std::string Sha256OfFile(const std::string& path);

}  // namespace tool
