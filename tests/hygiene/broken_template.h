// SPDX-License-Identifier: Apache-2.0
// A model whose chat template does not parse: opening it writes a line into the log.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "tests/abi/client.h"
#include "tests/support/temporary_folder.h"

namespace hob::test {

inline std::string WriteModelWithBrokenTemplate(const TemporaryFolder& folder) {
  std::vector<uint8_t> bytes = ReadBytes(ChatFixture());
  constexpr std::string_view kFor = "{% for";
  const auto found = std::search(bytes.begin(), bytes.end(), kFor.begin(), kFor.end());
  REQUIRE(found != bytes.end());
  *(found + 3) = 'g';
  std::string path = folder / "broken-template.gguf";
  WriteBytes(path, bytes);
  return path;
}

}  // namespace hob::test
