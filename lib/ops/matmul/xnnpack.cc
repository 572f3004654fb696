// SPDX-License-Identifier: Apache-2.0
// F32 and per-channel int8 weights through XNNPACK's fully connected operators, one operator a tile
// of outputs: hob's own pool shares out the tiles, and a tile's packed weights stay in cache.
//
// An operator keeps the shape and the pointers of its last run. Tiles are run by one thread at a
// time, so Compute is const to its caller and changes only the operators of its own tiles.
#include "lib/ops/matmul/linear.h"

#if defined(HOB_HAVE_XNNPACK)

#include <algorithm>
#include <cstring>
#include <limits>

#include "lib/base/per_channel.h"
#include "lib/xnnpack/xnnpack.h"

namespace hob::ops::matmul {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr int64_t kChunkRows = 64;  // that go through scratch at a time

size_t RoundUp(size_t bytes, size_t unit = kAlignment) { return (bytes + unit - 1) / unit * unit; }

class XnnpackLinear final : public Linear {
 public:
  XnnpackLinear(const Operand& weight, int64_t tile)
      : outputs_(weight.shape[0]),
        columns_(weight.shape[1]),
        tile_(std::min(tile, outputs_)),
        per_channel_(weight.type == DType::kQC8) {}

  Status Create(const Tensor& tensor) {
    for (int64_t begin = 0; begin < outputs_; begin += tile_) {
      const int64_t count = std::min(tile_, outputs_ - begin);
      Tile& tile = tiles_.emplace_back();
      HOB_RETURN_IF_ERROR(xnnpack::ToStatus(per_channel_
                                                ? CreatePerChannel(tensor, begin, count, tile)
                                                : CreateF32(tensor, begin, count, tile),
                                            tensor.name));
    }
    return absl::OkStatus();
  }

  int64_t tile() const override { return tile_; }
  size_t scratch_bytes() const override { return output_bytes() + input_bytes() + params_bytes(); }
  size_t packed_bytes() const override { return packed_bytes_; }
  std::string_view provider() const override { return "xnnpack"; }
  DType activation() const override { return DType::kF32; }

  void Compute(const uint8_t* x, int64_t rows, int64_t begin, int64_t end, float* out,
               int64_t out_stride, const Addend& addend, uint8_t* scratch) const override {
    const float* input = reinterpret_cast<const float*>(x);
    // Operators write rows tile_ apart. What fits goes straight to its place, without end.
    const bool direct = rows == 1 || out_stride == tile_;
    const int64_t chunk = direct && !per_channel_ ? rows : kChunkRows;
    for (int64_t row = 0; row < rows; row += chunk) {
      Run(input + row * columns_, std::min(chunk, rows - row), begin, end, out + row * out_stride,
          out_stride, direct, scratch);
    }
    AddRows(addend, rows, end - begin, out, out_stride);
  }

 private:
  struct Tile {
    xnnpack::Operator product, convert;
    int64_t rows = 0;          // of the last reshape of `product`
    int64_t convert_rows = 0;  // and of `convert`
  };

  size_t output_bytes() const {
    return RoundUp(static_cast<size_t>(kChunkRows * tile_) * sizeof(float));
  }
  size_t input_bytes() const {  // int8 activations
    return per_channel_ ? RoundUp(static_cast<size_t>(kChunkRows * columns_) + xnnpack::kReadBeyond)
                        : 0;
  }
  size_t params_bytes() const {
    return per_channel_ ? RoundUp((kChunkRows + XNN_EXTRA_QUANTIZATION_PARAMS) *
                                  sizeof(xnn_quantization_params))
                        : 0;
  }

  xnn_status CreateF32(const Tensor& tensor, int64_t begin, int64_t count, Tile& tile) {
    const size_t columns = static_cast<size_t>(columns_);
    const float* weights = reinterpret_cast<const float*>(tensor.data.data()) + begin * columns_;
    xnn_operator_t op = nullptr;
    const xnn_status status = xnn_create_fully_connected_nc_f32(
        columns, static_cast<size_t>(count), columns, static_cast<size_t>(tile_), weights, nullptr,
        -kInfinity, kInfinity, 0, nullptr, nullptr, &op);
    tile.product.reset(op);
    packed_bytes_ += RoundUp(static_cast<size_t>(count), 16) * (columns + 1) * sizeof(float);
    return status;
  }

  xnn_status CreatePerChannel(const Tensor& tensor, int64_t begin, int64_t count, Tile& tile) {
    const size_t columns = static_cast<size_t>(columns_);
    const int8_t* weights = reinterpret_cast<const int8_t*>(tensor.data.data()) + begin * columns_;
    std::vector<float> scales(static_cast<size_t>(count));
    for (int64_t n = 0; n < count; ++n) {
      scales[static_cast<size_t>(n)] = PerChannelScale(tensor.data, outputs_, columns_, begin + n);
    }
    xnn_operator_t op = nullptr;
    xnn_status status = xnn_create_fully_connected_nc_qd8_f32_qc8w(
        columns, static_cast<size_t>(count), columns, static_cast<size_t>(tile_), scales.data(),
        weights, nullptr, -kInfinity, kInfinity, 0, nullptr, nullptr, &op);
    tile.product.reset(op);
    if (status != xnn_status_success) return status;
    op = nullptr;
    status = xnn_create_convert_nc_f32_qd8(0, &op);
    tile.convert.reset(op);
    // Weights, and a sum, a bias and a scale each output.
    packed_bytes_ += RoundUp(static_cast<size_t>(count), 16) * (RoundUp(columns, 8) + 12);
    return status;
  }

  // Up to kChunkRows rows, or any number of them if nothing goes through scratch. Nothing can fail
  // here for shapes that were accepted at creation; if it should, outputs are NaN, so that it
  // shows.
  void Run(const float* x, int64_t rows, int64_t begin, int64_t end, float* out, int64_t out_stride,
           bool direct, uint8_t* scratch) const {
    float* staged = reinterpret_cast<float*>(scratch);
    int8_t* input = reinterpret_cast<int8_t*>(scratch + output_bytes());
    auto* params =
        reinterpret_cast<xnn_quantization_params*>(scratch + output_bytes() + input_bytes());
    const bool converted = !per_channel_ || Convert(tiles_[static_cast<size_t>(begin / tile_)], x,
                                                    rows, input, params);
    for (int64_t n = begin; n < end; n += tile_) {
      const int64_t count = std::min(tile_, end - n);
      float* to = out + (n - begin);
      Tile& tile = tiles_[static_cast<size_t>(n / tile_)];
      if (!converted || !Product(tile, x, input, params, rows, direct ? to : staged)) {
        for (int64_t r = 0; r < rows; ++r) {
          std::fill_n(to + r * out_stride, count, std::numeric_limits<float>::quiet_NaN());
        }
      } else if (!direct) {
        for (int64_t r = 0; r < rows; ++r) {
          std::copy_n(staged + r * tile_, count, to + r * out_stride);
        }
      }
    }
  }

  // Rows to int8 with a scale and a zero point each.
  bool Convert(Tile& tile, const float* x, int64_t rows, int8_t* input,
               xnn_quantization_params* params) const {
    const xnn_operator_t op = tile.convert.get();
    const size_t columns = static_cast<size_t>(columns_), count = static_cast<size_t>(rows);
    if (tile.convert_rows != rows) {
      tile.convert_rows = 0;
      if (xnn_reshape_convert_nc_f32_qd8(op, count, columns, columns, columns, nullptr) !=
          xnn_status_success) {
        return false;
      }
      tile.convert_rows = rows;
    }
    if (xnn_setup_convert_nc_f32_qd8(op, x, input, params) != xnn_status_success ||
        xnn_run_operator(op, nullptr) != xnn_status_success) {
      return false;
    }
    // The kernels run on groups of rows and read the parameters of those that are not there.
    std::fill_n(params + rows, XNN_EXTRA_QUANTIZATION_PARAMS, params[rows - 1]);
    return true;
  }

  bool Product(Tile& tile, const float* x, const int8_t* input,
               const xnn_quantization_params* params, int64_t rows, float* out) const {
    const xnn_operator_t op = tile.product.get();
    const size_t count = static_cast<size_t>(rows);
    if (tile.rows != rows) {
      tile.rows = 0;
      const xnn_status status =
          per_channel_ ? xnn_reshape_fully_connected_nc_qd8_f32_qc8w(op, count, nullptr)
                       : xnn_reshape_fully_connected_nc_f32(op, count, nullptr);
      if (status != xnn_status_success) return false;
      tile.rows = rows;
    }
    const xnn_status status =
        per_channel_ ? xnn_setup_fully_connected_nc_qd8_f32_qc8w(op, input, out, params)
                     : xnn_setup_fully_connected_nc_f32(op, x, out);
    return status == xnn_status_success && xnn_run_operator(op, nullptr) == xnn_status_success;
  }

  int64_t outputs_, columns_, tile_;
  bool per_channel_;
  size_t packed_bytes_ = 0;
  mutable std::vector<Tile> tiles_;
};

// F32: 256 KiB of weights, which an L2 cache holds beside the activations. Int8 is converted once a
// tile, so tiles are as large as leaves every thread two of them.
int64_t TileOutputs(const Operand& weight, size_t threads) {
  const int64_t outputs = weight.shape[0], columns = weight.shape[1];
  const int64_t wanted = weight.type == DType::kQC8
                             ? std::min<int64_t>(outputs / static_cast<int64_t>(2 * threads), 1024)
                             : std::min<int64_t>((int64_t{1} << 16) / columns, 256);
  return std::max<int64_t>((wanted + 31) / 32 * 32, 64);
}

}  // namespace

StatusOr<std::unique_ptr<Linear>> MakeXnnpackLinear(const Operand& weight, DType activation,
                                                    const PlanContext& context) {
  if (!context.choice->Allows("xnnpack") || activation != DType::kF32 || weight.weight->panels) {
    return nullptr;
  }
  // XNNPACK asks the CPU itself, so it cannot be held to fewer instructions (HOB_ISA).
  if (context.choice->cpu.ToString() != CpuFeatures::Detect().ToString()) return nullptr;
  const std::span<const uint8_t> data = weight.weight->data;
  if (weight.type == DType::kF32) {
    if (reinterpret_cast<uintptr_t>(data.data()) % alignof(float) != 0) return nullptr;
  } else if (weight.type != DType::kQC8 ||
             data.size() != PerChannelBytes(weight.shape[0], weight.shape[1])) {
    return nullptr;
  }
  if (!xnnpack::Available()) return nullptr;
  auto linear =
      std::make_unique<XnnpackLinear>(weight, TileOutputs(weight, context.pool->threads()));
  const Status status = linear->Create(*weight.weight);
  if (status.code() == StatusCode::kUnimplemented) return nullptr;
  HOB_RETURN_IF_ERROR(status);
  return linear;
}

}  // namespace hob::ops::matmul

#else

namespace hob::ops::matmul {
StatusOr<std::unique_ptr<Linear>> MakeXnnpackLinear(const Operand&, DType, const PlanContext&) {
  return nullptr;
}
}  // namespace hob::ops::matmul

#endif
