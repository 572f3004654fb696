// SPDX-License-Identifier: Apache-2.0
#include "abi/program.h"

#include <algorithm>
#include <utility>

namespace hob::abi {

StatusOr<ProgramOptions> ReadProgramOptions(hob_activations activations, uint32_t max_rows,
                                            uint32_t reserved, std::string_view what) {
  ProgramOptions options;
  HOB_ASSIGN_OR_RETURN(options.activations,
                       ReadActivations(activations, Concat(what, ".activations")));
  if (max_rows > uint32_t{Program::kMaxRows}) {
    return Error(StatusCode::kInvalidArgument,
                 Concat(what, ".max_rows is ", max_rows, ", above ", Program::kMaxRows));
  }
  if (reserved != 0) {
    return Error(StatusCode::kInvalidArgument, Concat(what, ".reserved is not zero"));
  }
  if (max_rows != 0) options.max_rows = static_cast<int32_t>(max_rows);
  return options;
}

StatusOr<ProgramObject> MakeProgram(std::shared_ptr<Runtime> runtime, const GraphBuilder& builder,
                                    const ProgramOptions& options) {
  ProgramObject object;
  {
    const Turnstile::Turn turn(runtime->scheduler().turnstile());  // packing runs on the pool
    HOB_ASSIGN_OR_RETURN(object.program,
                         Program::Create(builder, runtime->pool(), runtime->allocator(), options));
  }
  object.runtime = std::move(runtime);
  return object;
}

Status RunProgram(const ProgramObject& object, const ProgramRun& run) {
  Program& program = *object.program;
  HOB_RETURN_IF_ERROR(program.CheckRun(run));
  for (int64_t row = 0; row < run.rows; row += program.max_rows()) {
    const Turnstile::Turn turn(object.runtime->scheduler().turnstile());
    program.RunPart(run, row, std::min<int64_t>(program.max_rows(), run.rows - row));
  }
  return absl::OkStatus();
}

StatusOr<std::shared_ptr<Buffer>> CopyWeight(Runtime& runtime, const void* data, size_t size,
                                             std::string_view what) {
  HOB_ASSIGN_OR_RETURN(Buffer copy, Buffer::Create(runtime.allocator(), size, what));
  if (size != 0) std::memcpy(copy.data(), data, size);
  return std::make_shared<Buffer>(std::move(copy));
}

}  // namespace hob::abi
