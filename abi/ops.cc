// SPDX-License-Identifier: Apache-2.0
#include <hob/ops.h>

#include <string>

#include "abi/program.h"
#include "lib/base/checked.h"
#include "lib/base/per_channel.h"
#include "lib/base/quantize_blocks.h"
#include "lib/format/validate.h"

struct hob_matrix {
  hob::abi::ProgramObject object;
  hob_type type;
  uint64_t rows, columns;
  std::string provider;
  const hob::Runtime& runtime() const { return *object.runtime; }
};

namespace hob::abi {
namespace {

// Bytes of the matrix, or why it cannot be.
StatusOr<size_t> CheckShape(hob_type type, uint64_t rows, uint64_t columns) {
  const auto known = static_cast<DType>(type);
  if (!GraphBuilder::HoldsWeights(known)) {
    return Error(StatusCode::kUnimplemented, Concat("type ", type, " is none that hob multiplies"));
  }
  if (rows > INT64_MAX || columns > INT64_MAX) {
    return Error(StatusCode::kInvalidArgument, "a matrix that large cannot be");
  }
  const int64_t shape[] = {static_cast<int64_t>(rows), static_cast<int64_t>(columns)};
  const auto bytes = format::TensorBytes(known, shape);
  if (!bytes.ok()) return Annotate(bytes.status(), "the matrix");
  const auto elements = CheckedMul(rows, columns);
  const auto floats = elements ? CheckedMul<uint64_t>(*elements, sizeof(float)) : std::nullopt;
  if (!floats || *bytes > SIZE_MAX || *floats > SIZE_MAX) {
    return Error(StatusCode::kInvalidArgument, "the matrix is larger than memory can be");
  }
  return static_cast<size_t>(*bytes);
}

Status Quantize(hob_type type, const float* values, size_t rows, size_t columns,
                std::span<uint8_t> out) {
  const std::span<const float> weights(values, rows * columns);
  const auto r = static_cast<int64_t>(rows), c = static_cast<int64_t>(columns);
  if (static_cast<DType>(type) == DType::kQC8) return QuantizePerChannel(weights, r, c, out);
  return QuantizeRows(static_cast<DType>(type), weights, r, c, out);
}

StatusOr<hob_matrix*> MakeMatrix(const hob_runtime* runtime, hob_type type, size_t rows,
                                 size_t columns, std::shared_ptr<Buffer> data,
                                 const ProgramOptions& options) {
  GraphBuilder builder;
  const auto outputs = static_cast<int64_t>(rows);
  const std::span<const uint8_t> bytes = data->span();
  HOB_ASSIGN_OR_RETURN(const ValueId x, builder.AddInput("x", static_cast<int64_t>(columns)));
  HOB_ASSIGN_OR_RETURN(const ValueId w, builder.AddWeight("matrix", static_cast<DType>(type),
                                                          {outputs, static_cast<int64_t>(columns)},
                                                          bytes, std::move(data)));
  Attributes attributes;
  attributes.Set("weights", int64_t{1});
  HOB_ASSIGN_OR_RETURN(const ValueId y, builder.AddNode("matmul", "product", {x, w, kNoValue},
                                                        std::move(attributes), {&outputs, 1}));
  HOB_RETURN_IF_ERROR(builder.AddOutput(y));
  HOB_ASSIGN_OR_RETURN(ProgramObject object, MakeProgram(runtime->object, builder, options));
  std::string provider = object.program->Describe().back().provider;
  return Adopt(new hob_matrix{std::move(object), type, rows, columns, std::move(provider)});
}

StatusOr<ProgramOptions> ReadMatrixOptions(const hob_matrix_options* options) {
  HOB_ASSIGN_OR_RETURN(
      const hob_matrix_options given,
      ReadStruct(options, hob_matrix_options(HOB_MATRIX_OPTIONS_INIT), "hob_matrix_options"));
  return ReadProgramOptions(given.activations, given.max_rows, given.reserved,
                            "hob_matrix_options");
}

}  // namespace
}  // namespace hob::abi

extern "C" {

uint64_t hob_type_bytes(hob_type type, uint64_t rows, uint64_t columns) {
  // No error object, and none is made where all is well.
  uint64_t bytes = 0;
  hob::abi::Call(nullptr, [&]() -> hob::Status {
    HOB_ASSIGN_OR_RETURN(bytes, hob::abi::CheckShape(type, rows, columns));
    return absl::OkStatus();
  });
  return bytes;
}

hob_status hob_quantize(void* out, size_t out_size, hob_type type, const float* values, size_t rows,
                        size_t columns, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    if (values == nullptr) return NullArgument("values");
    HOB_ASSIGN_OR_RETURN(const size_t bytes, CheckShape(type, rows, columns));
    if (out_size != bytes) {
      return hob::Error(hob::StatusCode::kInvalidArgument,
                        hob::Concat("the matrix takes ", bytes, " bytes; out_size is ", out_size));
    }
    return Quantize(type, values, rows, columns, {static_cast<uint8_t*>(out), bytes});
  });
}

hob_status hob_matrix_create(hob_matrix** out, hob_runtime* runtime, hob_type type,
                             const void* data, size_t size, size_t rows, size_t columns,
                             const hob_matrix_options* options, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_RETURN_IF_ERROR(CheckHandle(runtime, "runtime"));
    if (data == nullptr) return NullArgument("data");
    HOB_ASSIGN_OR_RETURN(const hob::ProgramOptions read, ReadMatrixOptions(options));
    HOB_ASSIGN_OR_RETURN(const size_t bytes, CheckShape(type, rows, columns));
    if (size != bytes) {
      return hob::Error(hob::StatusCode::kInvalidArgument,
                        hob::Concat("the matrix takes ", bytes, " bytes; size is ", size));
    }
    HOB_ASSIGN_OR_RETURN(auto copy, CopyWeight(*runtime->object, data, size, "matrix"));
    HOB_ASSIGN_OR_RETURN(*out, MakeMatrix(runtime, type, rows, columns, std::move(copy), read));
    return absl::OkStatus();
  });
}

hob_status hob_matrix_quantize(hob_matrix** out, hob_runtime* runtime, hob_type type,
                               const float* values, size_t rows, size_t columns,
                               const hob_matrix_options* options, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_RETURN_IF_ERROR(CheckHandle(runtime, "runtime"));
    if (values == nullptr) return NullArgument("values");
    HOB_ASSIGN_OR_RETURN(const hob::ProgramOptions read, ReadMatrixOptions(options));
    HOB_ASSIGN_OR_RETURN(const size_t bytes, CheckShape(type, rows, columns));
    HOB_ASSIGN_OR_RETURN(hob::Buffer buffer,
                         hob::Buffer::Create(runtime->object->allocator(), bytes, "matrix"));
    HOB_RETURN_IF_ERROR(Quantize(type, values, rows, columns, buffer.span()));
    HOB_ASSIGN_OR_RETURN(*out, MakeMatrix(runtime, type, rows, columns,
                                          std::make_shared<hob::Buffer>(std::move(buffer)), read));
    return absl::OkStatus();
  });
}

void hob_matrix_destroy(hob_matrix* matrix) { hob::abi::Destroy(matrix); }

hob_status hob_matrix_get_info(hob_matrix_info* out, const hob_matrix* matrix, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_RETURN_IF_ERROR(CheckHandle(matrix, "matrix"));
    HOB_RETURN_IF_ERROR(CheckOutStruct(out, "hob_matrix_info"));
    hob_matrix_info info = HOB_MATRIX_INFO_INIT;
    info.type = matrix->type;
    info.rows = matrix->rows;
    info.columns = matrix->columns;
    info.weight_bytes = matrix->object.program->weight_bytes();
    info.scratch_bytes = matrix->object.program->scratch_bytes();
    info.provider = ToHobString(matrix->provider);
    WriteStruct(out, info);
    return absl::OkStatus();
  });
}

hob_status hob_matrix_multiply(float* out, const hob_matrix* matrix, const float* x, size_t rows,
                               hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_RETURN_IF_ERROR(CheckHandle(matrix, "matrix"));
    if (rows == 0) return absl::OkStatus();
    if (out == nullptr) return NullArgument("out");
    if (x == nullptr) return NullArgument("x");
    if (rows > INT32_MAX) {
      return hob::Error(hob::StatusCode::kInvalidArgument,
                        hob::Concat(rows, " rows, more than ", INT32_MAX));
    }
    return RunProgram(
        matrix->object,
        {.inputs = {&x, 1}, .outputs = {&out, 1}, .rows = static_cast<int64_t>(rows)});
  });
}

}  // extern "C"
