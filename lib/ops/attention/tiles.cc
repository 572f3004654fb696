// SPDX-License-Identifier: Apache-2.0
// Cuts a step into tiles and spreads them over threads. How it is cut changes no bit of the result.
#include "lib/ops/attention/int8/products.h"
#include "lib/ops/attention/tile.h"
#include "lib/ops/quantize/quantize.h"
#include "lib/ops/rows.h"

namespace hob::ops::attention {
namespace {

constexpr size_t kTileFloats = 96 * 128;  // lines · head_dim of a tile: 50 KB a buffer, for the L2
constexpr size_t kMaxTileLines = 96;
constexpr size_t kMinTileLines = 12;
constexpr size_t kTasksPerThread = 4;
// Chunks of a row that are worked on at a time where a long context is split over threads.
constexpr size_t kRoundChunks = 8;
// Multiply-adds below which a step stays on the caller: some microseconds.
constexpr double kSmallWork = 100e3;

// What computes the tiles of sequences whose cache is of one type.
struct Variant {
  Params params;
  TileFunctions functions;
};

class SimdKernel final : public Kernel {
 public:
  SimdKernel(const Params& params, const PlanContext& context, const PerKvType<Variant>& variants,
             quantize::RowFunction quantize)
      : params_(params),
        variants_(variants),
        quantize_(quantize),
        threads_(context.pool->threads()),
        max_rows_(static_cast<size_t>(context.max_rows)),
        group_(static_cast<size_t>(params.group)),
        width_(static_cast<size_t>(params.head_dim)),
        kv_heads_(static_cast<size_t>(params.kv_heads)) {
    const size_t lines = std::min(kMaxTileLines, kTileFloats / width_);
    max_tile_rows_ = std::max<size_t>(1, lines / group_);
    max_lines_ = max_tile_rows_ * group_;
    // Blocks of 32 must not reach into another tile's columns, or rows are quantised at the end.
    staged_ = params.terms != 0 && group_ * width_ % 32 != 0;
  }

  void Run(const RunContext& context) override {
    Write(context);
    const Memory memory = Carve(context.scratch);
    Output output;
    const size_t columns = params_.query_columns();
    output.quantized = params_.terms != 0 && !staged_;
    output.base = staged_ ? reinterpret_cast<uint8_t*>(memory.staging) : context.outputs[0];
    output.stride = output.quantized ? params_.OutputStride() : columns * sizeof(float);

    double work = 0;  // multiply-adds, about
    int32_t longest = 0;
    for (const SequenceRows& sequence : context.step->sequences) {
      const int32_t keys = sequence.position + sequence.rows;
      longest = std::max(longest, keys);
      work += 2.0 * keys * sequence.rows * static_cast<double>(columns);
    }
    const auto rows = static_cast<size_t>(context.rows);
    if (threads_ == 1 || work < kSmallWork) {
      const size_t tile_rows = max_tile_rows_;
      AttendRange(context, memory, output, tile_rows, 0, CountTiles(context, tile_rows), 0);
    } else if (rows * kv_heads_ < kTasksPerThread * threads_ && longest > kKvChunkTokens) {
      AttendSplit(context, memory, output);
    } else {
      const size_t wanted = rows * kv_heads_ / (kTasksPerThread * threads_);
      const size_t least = std::min(max_tile_rows_, (kMinTileLines + group_ - 1) / group_);
      const size_t tile_rows = std::clamp(wanted, least, max_tile_rows_);
      context.pool->For(CountTiles(context, tile_rows), 1,
                        [&](size_t begin, size_t end, size_t thread) {
                          AttendRange(context, memory, output, tile_rows, begin, end, thread);
                        });
    }
    if (!staged_) return;
    const size_t stride = params_.OutputStride();
    ForRows(context, context.rows, columns / 2, [&](size_t begin, size_t end) {
      for (size_t r = begin; r < end; ++r) {
        quantize_(memory.staging + r * columns, columns, params_.terms,
                  context.outputs[0] + r * stride);
      }
    });
  }

  size_t scratch_bytes() const override { return Carve(nullptr).bytes; }
  std::string_view provider() const override {
    // Of the model's own type.
    return VariantOf(params_.kv.type).params.products != nullptr ? "avx512vnni" : "simd";
  }

 private:
  struct Memory {
    uint8_t* threads = nullptr;
    size_t thread_stride = 0;
    Partial parts{}, states{};  // of split rows
    float* staging = nullptr;   // [max_rows][columns]
    size_t bytes = 0;
  };
  struct Output {
    bool quantized;
    uint8_t* base;
    size_t stride;
  };

  // Hands out aligned pieces of memory that begins at null or at the scratch.
  struct Carver {
    uint8_t* base;
    size_t used = 0;
    float* Floats(size_t count) {
      const size_t at = used;
      used += (count * sizeof(float) + kAlignment - 1) / kAlignment * kAlignment;
      return base == nullptr ? nullptr : reinterpret_cast<float*>(base + at);
    }
    Partial Part(size_t lines, size_t width) {
      return {Floats(lines), Floats(lines), Floats(lines * width)};
    }
  };

  const Variant& VariantOf(DType type) const { return variants_[type]; }
  const Variant& VariantOf(const Tile& tile) const { return VariantOf(tile.sequence->kv_type); }

  TileMemory CarveThread(Carver& carver) const {
    TileMemory memory;
    memory.queries = carver.Floats(max_lines_ * width_);
    memory.scores = carver.Floats(max_lines_ * kScoreStride);
    memory.page = carver.Floats(kKvPageTokens * width_);
    memory.chunk = carver.Part(max_lines_, width_);
    memory.all = carver.Part(max_lines_, width_);
    return memory;
  }
  TileMemory ThreadMemory(const Memory& memory, size_t thread) const {
    Carver carver{memory.threads + thread * memory.thread_stride};
    return CarveThread(carver);
  }
  Memory Carve(uint8_t* scratch) const {
    Memory memory;
    Carver one{nullptr};
    CarveThread(one);
    memory.thread_stride = one.used;
    memory.threads = scratch;
    Carver carver{scratch, threads_ * one.used};
    if (threads_ > 1) {
      const size_t lines = kTasksPerThread * threads_ * group_;
      memory.parts = carver.Part(lines * kRoundChunks, width_);
      memory.states = carver.Part(lines, width_);
    }
    if (staged_) memory.staging = carver.Floats(max_rows_ * params_.query_columns());
    memory.bytes = carver.used;
    return memory;
  }

  // Tiles are numbered by sequence, then rows, then KV head.
  size_t CountTiles(const RunContext& context, size_t tile_rows) const {
    size_t count = 0;
    for (const SequenceRows& sequence : context.step->sequences) {
      count += (static_cast<size_t>(sequence.rows) + tile_rows - 1) / tile_rows;
    }
    return count * kv_heads_;
  }
  Tile TileAt(const RunContext& context, size_t tile_rows, size_t index) const {
    Tile tile;
    tile.kv_head = static_cast<int32_t>(index % kv_heads_);
    size_t left = index / kv_heads_;
    for (const SequenceRows& sequence : context.step->sequences) {
      const auto rows = static_cast<size_t>(sequence.rows);
      const size_t tiles = (rows + tile_rows - 1) / tile_rows;
      if (left < tiles) {
        tile.sequence = &sequence;
        tile.row = static_cast<int32_t>(left * tile_rows);
        tile.rows = static_cast<int32_t>(std::min(tile_rows, rows - left * tile_rows));
        break;
      }
      left -= tiles;
    }
    return tile;
  }

  // k and v of the step's rows to their pages: a task for each page of a sequence and KV head.
  void Write(const RunContext& context) const {
    const auto* k = reinterpret_cast<const float*>(context.inputs[1]);
    const auto* v = reinterpret_cast<const float*>(context.inputs[2]);
    size_t pages = 0;
    for (const SequenceRows& sequence : context.step->sequences) pages += PagesOf(sequence);
    auto write = [&](size_t begin, size_t end, size_t) {
      for (size_t index = begin; index < end; ++index) {
        Tile tile;
        tile.kv_head = static_cast<int32_t>(index % kv_heads_);
        size_t left = index / kv_heads_;
        for (const SequenceRows& sequence : context.step->sequences) {
          const size_t own = PagesOf(sequence);
          if (left >= own) {
            left -= own;
            continue;
          }
          const int32_t page = sequence.position / kKvPageTokens + static_cast<int32_t>(left);
          const int32_t first = std::max(sequence.position, page * kKvPageTokens);
          const int32_t last =
              std::min(sequence.position + sequence.rows, (page + 1) * kKvPageTokens);
          tile.sequence = &sequence;
          tile.row = first - sequence.position;
          tile.rows = last - first;
          const Variant& own_type = VariantOf(tile);
          own_type.functions.write(own_type.params, tile, k, v);
          break;
        }
      }
    };
    const size_t tasks = pages * kv_heads_;
    const size_t elements = static_cast<size_t>(context.rows) * params_.key_columns();
    constexpr size_t kSmallWrite = 8192;
    if (elements < kSmallWrite) {
      write(0, tasks, 0);
    } else {
      context.pool->For(tasks, 1, write);
    }
  }
  static size_t PagesOf(const SequenceRows& sequence) {
    if (sequence.rows == 0) return 0;
    const int32_t last = sequence.position + sequence.rows - 1;
    return static_cast<size_t>(last / kKvPageTokens - sequence.position / kKvPageTokens + 1);
  }

  // Whole tiles, chunk after chunk.
  void AttendRange(const RunContext& context, const Memory& memory, const Output& output,
                   size_t tile_rows, size_t begin, size_t end, size_t thread) const {
    const auto* q = reinterpret_cast<const float*>(context.inputs[0]);
    const TileMemory mine = ThreadMemory(memory, thread);
    for (size_t index = begin; index < end; ++index) {
      const Tile tile = TileAt(context, tile_rows, index);
      const size_t lines = static_cast<size_t>(tile.rows) * group_;
      const auto& [params, functions] = VariantOf(tile);
      functions.load_queries(params, tile, q, mine);
      const int32_t first = params_.FirstKey(tile.position(0)) / kKvChunkTokens;
      const int32_t last = tile.position(tile.rows - 1) / kKvChunkTokens;
      functions.chunk(params, tile, first, mine, mine.all);
      for (int32_t chunk = first + 1; chunk <= last; ++chunk) {
        functions.chunk(params, tile, chunk, mine, mine.chunk);
        functions.merge(params, lines, mine.chunk, mine.all);
      }
      functions.finish(params, tile, mine.all, output.quantized, output.base, output.stride);
    }
  }

  Partial Slot(const Partial& base, size_t slot) const {
    const size_t line = slot * group_;
    return {base.max + line, base.sum + line, base.values + line * width_};
  }

  // Few rows over long contexts: (row, KV head, chunk) are the tasks, some chunks a round, merged
  // in order by the caller.
  void AttendSplit(const RunContext& context, const Memory& memory, const Output& output) const {
    const auto* q = reinterpret_cast<const float*>(context.inputs[0]);
    const size_t tiles = static_cast<size_t>(context.rows) * kv_heads_;
    for (size_t i = 0; i < tiles * group_; ++i) memory.states.sum[i] = 0;
    bool more = true;
    for (int32_t round = 0; more; ++round) {
      const auto chunk_of = [&](const Tile& tile, size_t index) {
        return params_.FirstKey(tile.position(0)) / kKvChunkTokens +
               round * static_cast<int32_t>(kRoundChunks) +
               static_cast<int32_t>(index % kRoundChunks);
      };
      context.pool->For(tiles * kRoundChunks, 1, [&](size_t begin, size_t end, size_t thread) {
        const TileMemory mine = ThreadMemory(memory, thread);
        for (size_t index = begin; index < end; ++index) {
          const Tile tile = TileAt(context, 1, index / kRoundChunks);
          const int32_t chunk = chunk_of(tile, index);
          if (chunk * int64_t{kKvChunkTokens} > tile.position(0)) continue;
          const auto& [params, functions] = VariantOf(tile);
          functions.load_queries(params, tile, q, mine);
          functions.chunk(params, tile, chunk, mine, Slot(memory.parts, index));
        }
      });
      more = false;
      for (size_t t = 0; t < tiles; ++t) {
        const Tile tile = TileAt(context, 1, t);
        const auto& [params, functions] = VariantOf(tile);
        for (size_t i = t * kRoundChunks; i < (t + 1) * kRoundChunks; ++i) {
          if (chunk_of(tile, i) * int64_t{kKvChunkTokens} > tile.position(0)) break;
          functions.merge(params, group_, Slot(memory.parts, i), Slot(memory.states, t));
        }
        more |=
            (chunk_of(tile, kRoundChunks - 1) + 1) * int64_t{kKvChunkTokens} <= tile.position(0);
      }
    }
    for (size_t t = 0; t < tiles; ++t) {
      const Tile tile = TileAt(context, 1, t);
      const auto& [params, functions] = VariantOf(tile);
      functions.finish(params, tile, Slot(memory.states, t), output.quantized, output.base,
                       output.stride);
    }
  }

  Params params_;
  PerKvType<Variant> variants_;
  quantize::RowFunction quantize_;
  size_t threads_, max_rows_, group_, width_, kv_heads_;
  size_t max_tile_rows_, max_lines_;
  bool staged_;
};

}  // namespace

std::unique_ptr<Kernel> MakeSimd(const Params& params, const PlanContext& context) {
  const CpuFeatures& cpu = context.choice->cpu;
  const TileFunctions* functions = SimdFunctions(cpu);
  quantize::RowFunction quantize = quantize::SimdRow(cpu);
  if (functions == nullptr || quantize == nullptr || params.head_dim % 8 != 0) return nullptr;
  PerKvType<Variant> variants;
  for (const DType type : KvLayout::kTypes) variants[type] = {params.As(type), *functions};
  Variant& int8 = variants[DType::kQC8];
  int8.functions = *Int8Functions(cpu);
  if (cpu.avx512vnni && context.choice->Allows("avx512vnni")) {
    int8.params.products = Avx512VnniProducts();
  }
  return std::make_unique<SimdKernel>(params, context, variants, quantize);
}

}  // namespace hob::ops::attention
