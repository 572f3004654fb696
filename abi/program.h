// SPDX-License-Identifier: Apache-2.0
// Programs that several threads may run, in turn with the models of the runtime.
#pragma once

#include <hob/graph.h>

#include <memory>

#include "abi/handles.h"
#include "lib/graph/program.h"

namespace hob::abi {

struct ProgramObject {
  std::shared_ptr<Runtime> runtime;  // whose pool the program uses
  std::unique_ptr<Program> program;
};

StatusOr<ProgramOptions> ReadProgramOptions(hob_activations activations, uint32_t max_rows,
                                            uint32_t reserved, std::string_view what);

StatusOr<ProgramObject> MakeProgram(std::shared_ptr<Runtime> runtime, const GraphBuilder& builder,
                                    const ProgramOptions& options);

// All rows, in parts of max_rows, each in its turn.
Status RunProgram(const ProgramObject& object, const ProgramRun& run);

// A copy of a weight in the runtime's memory.
StatusOr<std::shared_ptr<Buffer>> CopyWeight(Runtime& runtime, const void* data, size_t size,
                                             std::string_view what);

}  // namespace hob::abi
