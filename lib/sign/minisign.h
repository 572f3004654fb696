// SPDX-License-Identifier: Apache-2.0
// The text files of minisign (Denis): public keys and signatures. Ed25519 over BLAKE2b-512.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/status.h"

namespace hob::sign {

// Longer files hold something else: minisign's own comments end at 8 KiB.
inline constexpr size_t kMaxSignatureBytes = 16384;

// Tells keys apart; says nothing about who holds them.
using KeyId = std::array<uint8_t, 8>;
// 16 digits, as minisign prints them.
std::string ToHex(const KeyId& id);

struct PublicKey {
  KeyId id;
  std::array<uint8_t, 32> key;
};

struct Signature {
  KeyId id;
  std::array<uint8_t, 64> of_file;     // signs the BLAKE2b-512 of the file
  std::array<uint8_t, 64> of_comment;  // signs of_file and then the trusted comment
  std::string trusted_comment;
};

// From the text of a .pub file or its second line alone. INVALID_ARGUMENT.
StatusOr<PublicKey> ParsePublicKey(std::string_view text);

// From the text of a .minisig file. Nothing of it is checked against a key. INVALID_ARGUMENT for
// something else, DATA_LOSS where lines are missing or short, UNIMPLEMENTED for a signature of the
// bytes themselves.
StatusOr<Signature> ParseSignature(std::string_view text);

}  // namespace hob::sign
