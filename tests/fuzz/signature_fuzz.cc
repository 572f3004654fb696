// SPDX-License-Identifier: Apache-2.0
// Signature and public key texts: whatever they hold, they are refused or read whole.
#include <cstdint>
#include <string_view>

#include "lib/sign/minisign.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto signature = hob::sign::ParseSignature(text);
  if (signature.ok() && signature->trusted_comment.find('\n') != std::string::npos)
    __builtin_trap();
  (void)hob::sign::ParsePublicKey(text);
  return 0;
}
