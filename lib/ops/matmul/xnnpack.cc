// SPDX-License-Identifier: Apache-2.0
// F32 weights through XNNPACK's fully connected operators, one operator a tile of outputs: hob's
// own pool shares out the tiles, and a tile's packed weights stay in cache.
//
// An operator keeps the shape and the pointers of its last run. Tiles are run by one thread at a
// time, so Compute is const to its caller and changes only the operators of its own tiles.
#include "lib/ops/matmul/linear.h"

#if defined(HOB_HAVE_XNNPACK)

#include <algorithm>
#include <cstring>
#include <limits>

#include "lib/xnnpack/xnnpack.h"

namespace hob::ops::matmul {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr int64_t kChunkRows = 64;  // that go through scratch at a time

static_assert(xnnpack::kReadBeyond <= kAlignment, "activations are padded by kAlignment bytes");

size_t RoundUp(size_t bytes, size_t unit = kAlignment) { return (bytes + unit - 1) / unit * unit; }

class XnnpackLinear final : public Linear {
 public:
  XnnpackLinear(const Operand& weight, int64_t tile)
      : outputs_(weight.shape[0]), columns_(weight.shape[1]), tile_(std::min(tile, outputs_)) {}

  Status Create(const Tensor& tensor, const PlanContext& context) {
    size_t bytes = 0;
    for (int64_t begin = 0; begin < outputs_; begin += tile_) {
      const auto count = static_cast<size_t>(std::min(tile_, outputs_ - begin));
      bytes += RoundUp(count, 16) * static_cast<size_t>(columns_ + 1) * sizeof(float);
    }
    packed_bytes_ = bytes;
    if (!context.pack) return absl::OkStatus();
    // XNNPACK has memory of its own; it counts as the runtime's.
    HOB_ASSIGN_OR_RETURN(reservation_, Reservation::Create(context.allocator, bytes, tensor.name));
    for (int64_t begin = 0; begin < outputs_; begin += tile_) {
      const int64_t count = std::min(tile_, outputs_ - begin);
      Tile& tile = tiles_.emplace_back();
      HOB_RETURN_IF_ERROR(xnnpack::ToStatus(CreateTile(tensor, begin, count, tile), tensor.name));
    }
    return absl::OkStatus();
  }

  int64_t tile() const override { return tile_; }
  size_t scratch_bytes() const override {
    return RoundUp(static_cast<size_t>(kChunkRows * tile_) * sizeof(float));
  }
  size_t packed_bytes() const override { return packed_bytes_; }
  std::string_view provider() const override { return "xnnpack"; }
  DType activation() const override { return DType::kF32; }

  void Compute(const uint8_t* x, int64_t rows, int64_t begin, int64_t end, float* out,
               int64_t out_stride, const Addend& addend, uint8_t* scratch,
               const uint8_t* /*next*/) const override {
    const float* input = reinterpret_cast<const float*>(x);
    // Operators write rows tile_ apart. What fits goes straight to its place, without end.
    const bool direct = rows == 1 || out_stride == tile_;
    const int64_t chunk = direct ? rows : kChunkRows;
    for (int64_t row = 0; row < rows; row += chunk) {
      Run(input + row * columns_, std::min(chunk, rows - row), begin, end, out + row * out_stride,
          out_stride, direct, scratch);
    }
    AddRows(addend, rows, end - begin, out, out_stride);
  }

 private:
  struct Tile {
    xnnpack::Operator product;
    int64_t rows = 0;  // of its last reshape
  };

  xnn_status CreateTile(const Tensor& tensor, int64_t begin, int64_t count, Tile& tile) {
    const size_t columns = static_cast<size_t>(columns_);
    const float* weights = reinterpret_cast<const float*>(tensor.data.data()) + begin * columns_;
    xnn_operator_t op = nullptr;
    const xnn_status status = xnn_create_fully_connected_nc_f32(
        columns, static_cast<size_t>(count), columns, static_cast<size_t>(tile_), weights, nullptr,
        -kInfinity, kInfinity, 0, nullptr, nullptr, &op);
    tile.product.reset(op);
    return status;
  }

  // Up to kChunkRows rows, or any number of them if nothing goes through scratch. Nothing can fail
  // here for shapes that were accepted at creation; if it should, outputs are NaN, so that it
  // shows.
  void Run(const float* x, int64_t rows, int64_t begin, int64_t end, float* out, int64_t out_stride,
           bool direct, uint8_t* scratch) const {
    float* staged = reinterpret_cast<float*>(scratch);
    for (int64_t n = begin; n < end; n += tile_) {
      const int64_t count = std::min(tile_, end - n);
      float* to = out + (n - begin);
      Tile& tile = tiles_[static_cast<size_t>(n / tile_)];
      if (!Product(tile, x, rows, direct ? to : staged)) {
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

  bool Product(Tile& tile, const float* x, int64_t rows, float* out) const {
    const xnn_operator_t op = tile.product.get();
    if (tile.rows != rows) {
      tile.rows = 0;
      if (xnn_reshape_fully_connected_nc_f32(op, static_cast<size_t>(rows), nullptr) !=
          xnn_status_success) {
        return false;
      }
      tile.rows = rows;
    }
    return xnn_setup_fully_connected_nc_f32(op, x, out) == xnn_status_success &&
           xnn_run_operator(op, nullptr) == xnn_status_success;
  }

  int64_t outputs_, columns_, tile_;
  size_t packed_bytes_ = 0;
  Reservation reservation_;
  mutable std::vector<Tile> tiles_;
};

// 256 KiB of weights, which an L2 cache holds beside the activations.
int64_t TileOutputs(const Operand& weight) {
  const int64_t wanted = std::min<int64_t>((int64_t{1} << 16) / weight.shape[1], 256);
  return std::max<int64_t>((wanted + 31) / 32 * 32, 64);
}

}  // namespace

StatusOr<std::unique_ptr<Linear>> MakeXnnpackLinear(const Operand& weight, DType activation,
                                                    const PlanContext& context) {
  if (!context.choice->Allows("xnnpack") || activation != DType::kF32 ||
      weight.type != DType::kF32 ||
      reinterpret_cast<uintptr_t>(weight.weight->data.data()) % alignof(float) != 0) {
    return nullptr;
  }
  // XNNPACK asks the CPU itself, so it cannot be held to fewer instructions (HOB_ISA).
  if (context.choice->cpu.ToString() != CpuFeatures::Detect().ToString()) return nullptr;
  if (!xnnpack::Available()) return nullptr;
  auto linear = std::make_unique<XnnpackLinear>(weight, TileOutputs(weight));
  const Status status = linear->Create(*weight.weight, context);
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
