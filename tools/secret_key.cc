// SPDX-License-Identifier: Apache-2.0
#if defined(HOB_HAVE_SODIUM)
#include "tools/secret_key.h"

#include <sodium.h>

#include <algorithm>
#include <fstream>
#include <string_view>
#include <vector>

#include "tools/common.h"

namespace tool {
namespace {

constexpr std::string_view kUntrusted = "untrusted comment: ";

// What a secret key file holds in Base64: algorithms (2 + 2 + 2 bytes), salt (32) and limits (8 +
// 8) of the password's function, then id (8), key (64) and checksum (32), which a password would
// mask.
constexpr size_t kIdAt = 54, kKeyAt = 62, kChecksumAt = 126, kSecretBytes = 158;
using SecretBytes = std::array<uint8_t, kSecretBytes>;

std::string Base64(std::span<const uint8_t> bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // the NUL byte
  return text;
}

std::array<uint8_t, 32> Checksum(const SecretBytes& bytes) {
  std::array<uint8_t, 32> sum;
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, sum.size());
  crypto_generichash_update(&state, bytes.data(), 2);
  crypto_generichash_update(&state, bytes.data() + kIdAt, kChecksumAt - kIdAt);
  crypto_generichash_final(&state, sum.data(), sum.size());
  return sum;
}

// Ids are numbers that are written with their highest byte first.
std::string Hex(std::array<uint8_t, 8> id) {
  std::reverse(id.begin(), id.end());
  std::array<char, 17> text;
  sodium_bin2hex(text.data(), text.size(), id.data(), id.size());
  std::string upper = text.data();
  for (char& c : upper) c = c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
  return upper;
}

void Init() {
  if (sodium_init() < 0) throw Failure("libsodium finds no source of randomness here");
}

}  // namespace

SecretKey SecretKey::Generate() {
  Init();
  SecretKey made;
  std::array<uint8_t, crypto_sign_PUBLICKEYBYTES> unused;
  crypto_sign_keypair(unused.data(), made.key_.data());
  randombytes_buf(made.id_.data(), made.id_.size());
  return made;
}

SecretKey SecretKey::Read(const std::string& path) {
  Init();
  const std::string hint = "Make one with `hob keygen` or `minisign -G -W`.";
  std::ifstream file(path);
  if (!file) throw Failure(path + ": cannot be read", "Give the secret key file with --key.");
  std::string comment, encoded;
  std::getline(file, comment);
  std::getline(file, encoded);
  while (!encoded.empty() && encoded.back() == '\r') encoded.pop_back();
  SecretBytes bytes{};
  size_t size = 0;
  const bool decoded =
      sodium_base642bin(bytes.data(), bytes.size(), encoded.data(), encoded.size(), nullptr, &size,
                        nullptr, sodium_base64_VARIANT_ORIGINAL) == 0;
  sodium_memzero(encoded.data(), encoded.size());
  if (comment.substr(0, kUntrusted.size()) != kUntrusted || !decoded || size != bytes.size() ||
      bytes[0] != 'E' || bytes[1] != 'd' || bytes[4] != 'B' || bytes[5] != '2') {
    throw Failure(path + ": not a secret key file", hint);
  }
  if (bytes[2] != 0 || bytes[3] != 0) {
    throw Failure(path + ": the secret key is protected by a password",
                  "Sign with `minisign -S`, or take the password off: minisign -C -W -s " + path);
  }
  SecretKey key;
  std::copy_n(bytes.begin() + kIdAt, key.id_.size(), key.id_.begin());
  std::copy_n(bytes.begin() + kKeyAt, key.key_.size(), key.key_.begin());
  const std::array<uint8_t, 32> sum = Checksum(bytes);
  // minisign 0.11 writes zeros where there is no password.
  const bool whole = sodium_memcmp(sum.data(), bytes.data() + kChecksumAt, sum.size()) == 0 ||
                     sodium_is_zero(bytes.data() + kChecksumAt, sum.size()) == 1;
  sodium_memzero(bytes.data(), bytes.size());
  if (!whole) throw Failure(path + ": the secret key is damaged: its checksum is wrong", hint);
  return key;
}

SecretKey::~SecretKey() { sodium_memzero(key_.data(), key_.size()); }

std::string SecretKey::SecretText() const {
  SecretBytes bytes{};
  bytes[0] = 'E';
  bytes[1] = 'd';
  bytes[4] = 'B';
  bytes[5] = '2';
  std::copy(id_.begin(), id_.end(), bytes.begin() + kIdAt);
  std::copy(key_.begin(), key_.end(), bytes.begin() + kKeyAt);
  const std::array<uint8_t, 32> sum = Checksum(bytes);
  std::copy(sum.begin(), sum.end(), bytes.begin() + kChecksumAt);
  std::string text = std::string(kUntrusted) + "secret key " + Hex(id_) + ", without a password\n" +
                     Base64(bytes) + "\n";
  sodium_memzero(bytes.data(), bytes.size());
  return text;
}

std::string SecretKey::PublicText() const {
  std::vector<uint8_t> bytes = {'E', 'd'};
  bytes.insert(bytes.end(), id_.begin(), id_.end());
  bytes.insert(bytes.end(), key_.begin() + 32, key_.end());
  return std::string(kUntrusted) + "public key " + Hex(id_) + "\n" + Base64(bytes) + "\n";
}

std::string SecretKey::Sign(std::span<const uint8_t, 64> digest,
                            const std::string& trusted_comment) const {
  std::array<uint8_t, crypto_sign_BYTES> of_file, of_comment;
  crypto_sign_detached(of_file.data(), nullptr, digest.data(), digest.size(), key_.data());
  std::vector<uint8_t> both(of_file.begin(), of_file.end());
  both.insert(both.end(), trusted_comment.begin(), trusted_comment.end());
  crypto_sign_detached(of_comment.data(), nullptr, both.data(), both.size(), key_.data());
  std::vector<uint8_t> head = {'E', 'D'};
  head.insert(head.end(), id_.begin(), id_.end());
  head.insert(head.end(), of_file.begin(), of_file.end());
  return std::string(kUntrusted) + "signature by the key " + Hex(id_) + "\n" + Base64(head) +
         "\ntrusted comment: " + trusted_comment + "\n" + Base64(of_comment) + "\n";
}

}  // namespace tool
#endif
