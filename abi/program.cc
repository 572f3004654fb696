// SPDX-License-Identifier: Apache-2.0
#include "abi/program.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace hob::abi {

StatusOr<ProgramOptions> ReadProgramOptions(hob_activations activations, uint32_t max_rows,
                                            uint32_t reserved, std::string_view what) {
  constexpr DType kActivations[] = {DType::kQ16Act, DType::kQ8Act, DType::kF32};
  if (activations < HOB_ACTIVATIONS_INT16 || activations > HOB_ACTIVATIONS_F32) {
    return Error(StatusCode::kInvalidArgument,
                 Concat(what, ".activations is ", activations, ", not 0, 1 or 2"));
  }
  if (max_rows > uint32_t{Program::kMaxRows}) {
    return Error(StatusCode::kInvalidArgument,
                 Concat(what, ".max_rows is ", max_rows, ", above ", Program::kMaxRows));
  }
  if (reserved != 0) {
    return Error(StatusCode::kInvalidArgument, Concat(what, ".reserved is not zero"));
  }
  ProgramOptions options;
  options.activations = kActivations[activations];
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
  constexpr size_t kFew = 8;  // ports that need no memory
  std::array<const float*, kFew> few_inputs;
  std::array<float*, kFew> few_outputs;
  std::vector<const float*> many_inputs;
  std::vector<float*> many_outputs;
  std::span<const float*> inputs(few_inputs.data(), std::min(kFew, run.inputs.size()));
  std::span<float*> outputs(few_outputs.data(), std::min(kFew, run.outputs.size()));
  if (run.inputs.size() > kFew || run.outputs.size() > kFew) {
    many_inputs.resize(run.inputs.size());
    many_outputs.resize(run.outputs.size());
    inputs = many_inputs;
    outputs = many_outputs;
  }
  for (int64_t row = 0; row < run.rows; row += program.max_rows()) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      inputs[i] = run.inputs[i] + row * program.inputs()[i].columns;
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
      outputs[i] = run.outputs[i] + row * program.outputs()[i].columns;
    }
    const ProgramRun part{.inputs = inputs,
                          .outputs = outputs,
                          .rows = std::min<int64_t>(program.max_rows(), run.rows - row),
                          .tokens = run.tokens == nullptr ? nullptr : run.tokens + row,
                          .position = static_cast<int32_t>(run.position + row)};
    const Turnstile::Turn turn(object.runtime->scheduler().turnstile());
    HOB_RETURN_IF_ERROR(program.Run(part));
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
