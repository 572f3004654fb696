// SPDX-License-Identifier: Apache-2.0
// BertFolder for tests that include no header of the library's inside.
#pragma once

#include <string>

namespace hob::test {

void WriteBertFolder(const std::string& path);

}  // namespace hob::test
