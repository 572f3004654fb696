// SPDX-License-Identifier: Apache-2.0
// What the attacks share: they come as files or calls over the C interface, as an app would let
// them in, and must leave an error with its reason behind and a runtime that still answers.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "tests/abi/units.h"
#include "tests/attacks/tiny_model.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/times.h"

namespace hob::test {

using File = std::vector<uint8_t>;
using Parts = std::initializer_list<std::string_view>;  // that a message must have

// Opens `path` and, if that works, closes it again.
Outcome OpenOutcome(hob_runtime* runtime, const std::string& path,
                    const hob_model_options* options = nullptr);

// The status, and that every part is in the message.
void CheckOutcome(const Outcome& outcome, hob_status status, Parts parts);

// Writes `file`, opens it, and checks that it is refused with that status and a message that names
// the file and has the parts; that nothing stays allocated; and that the runtime then answers as
// it did.
void CheckRefused(const File& file, hob_status status, Parts parts,
                  const hob_model_options* options = nullptr);
inline void CheckRefused(const TinyModel& model, hob_status status, Parts parts) {
  CheckRefused(model.Build(), status, parts);
}

// Opens the file, which must work, and has it answer: the tokens.
std::vector<int32_t> CheckAnswers(const File& file, int32_t tokens = 4);

// A good model in `runtime` answers as always.
void CheckStillAnswers(hob_runtime* runtime);

// How many MiB more the process had in memory at its peak during `f` than before; 0 where that
// cannot be told, as with sanitizers.
double PeakMiB(const std::function<void()>& f);

}  // namespace hob::test
