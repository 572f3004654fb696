// SPDX-License-Identifier: Apache-2.0
#include "tests/abi/bert_writer.h"

#include "tests/support/bert_folder.h"

namespace hob::test {

void WriteBertFolder(const std::string& path) { BertFolder().Write(path); }

}  // namespace hob::test
