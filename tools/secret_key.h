// SPDX-License-Identifier: Apache-2.0
// Keys that sign, in minisign's files: without a password, as `minisign -G -W` writes them.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

namespace tool {

class SecretKey {
 public:
  // Needs the system's randomness.
  static SecretKey Generate();
  // From a secret key file. A Failure for anything else, and for one that a password protects.
  static SecretKey Read(const std::string& path);
  ~SecretKey();  // wipes it
  SecretKey(SecretKey&&) = default;
  SecretKey& operator=(SecretKey&&) = delete;

  // The texts of the two files.
  std::string SecretText() const;
  std::string PublicText() const;
  // The text of a .minisig file for the file of this BLAKE2b-512.
  std::string Sign(std::span<const uint8_t, 64> digest, const std::string& trusted_comment) const;

 private:
  SecretKey() = default;
  std::array<uint8_t, 8> id_{};
  std::array<uint8_t, 64> key_{};  // as libsodium has it: seed, then public key
};

}  // namespace tool
