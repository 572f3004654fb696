// SPDX-License-Identifier: Apache-2.0
#include "tools/sha256.h"

#include <array>
#include <fstream>
#include <vector>

#include "tools/common.h"
#if defined(HOB_HAVE_SODIUM)
#include <sodium.h>
#endif

namespace tool {

std::string Sha256OfFile([[maybe_unused]] const std::string& path) {
#if defined(HOB_HAVE_SODIUM)
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Failure(path + ": cannot be read");
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  std::vector<char> chunk(size_t{1} << 20);
  while (file.read(chunk.data(), static_cast<std::streamsize>(chunk.size())), file.gcount() > 0) {
    crypto_hash_sha256_update(&state, reinterpret_cast<const unsigned char*>(chunk.data()),
                              static_cast<unsigned long long>(file.gcount()));
  }
  if (file.bad()) throw Failure(path + ": cannot be read to its end");
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest;
  crypto_hash_sha256_final(&state, digest.data());
  std::array<char, 2 * crypto_hash_sha256_BYTES + 1> text;
  return sodium_bin2hex(text.data(), text.size(), digest.data(), digest.size());
#else
  return {};
#endif
}

}  // namespace tool
