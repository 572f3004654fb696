// SPDX-License-Identifier: Apache-2.0
// What every reader of a model file yields, whatever the container: hyperparameters, vocabulary,
// tensors and, from a `.hob` file, the graph.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lib/base/dtype.h"
#include "lib/base/mapped_file.h"
#include "lib/base/status.h"

namespace hob {

namespace fbs {
struct GraphT;  // generated from hob.fbs (object API)
}

// A named tensor inside a mapped file, or where it cannot be used as it lies there, in memory of
// the ModelFile's. `data` lives as long as that.
struct Tensor {
  std::string name;
  DType type = DType::kF32;
  // Row-major, outermost first: a weight of a linear layer is [out, in]. 1 to 4 dimensions, all >
  // 0. (GGUF stores the reverse order.) shape.back() is a multiple of the type's block.
  std::vector<int64_t> shape;
  std::span<const uint8_t> data;
  // Whether `data` are panels (lib/base/panels.h), ready to be multiplied, and not the type's rows.
  // Only of a matrix in a `.hob` file, which begins at a multiple of 64 bytes in memory.
  bool panels = false;

  int64_t columns() const { return shape.back(); }
  int64_t rows() const;  // product of the other dimensions
};

enum class TokenType : uint8_t {  // GGUF's tokenizer.ggml.token_type
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};

struct Vocabulary {
  std::string
      model;  // tokenizer.ggml.model: "gpt2" (byte-level BPE), "llama" (SentencePiece), "bert"
  std::string pre;  // tokenizer.ggml.pre, may be empty
  std::vector<std::string> tokens;
  std::vector<float> scores;        // empty or one a token
  std::vector<TokenType> types;     // empty or one a token
  std::vector<std::string> merges;  // "left right", best first; empty unless BPE
  int32_t bos = -1, eos = -1, eot = -1, unknown = -1, separator = -1, padding = -1, mask = -1;
  bool add_bos = false, add_eos = false, add_space_prefix = true, remove_extra_whitespaces = false;
  std::string chat_template;  // Jinja source, may be empty
};

// A hyperparameter. Arrays keep their element type; integers of any width become int64/uint64.
using MetaValue = std::variant<bool, int64_t, uint64_t, double, std::string, std::vector<bool>,
                               std::vector<int64_t>, std::vector<double>, std::vector<std::string>>;

struct Metadata {
  // Keys are GGUF's ("llama.block_count"); the tokenizer's arrays are in Vocabulary instead.
  std::map<std::string, MetaValue, std::less<>> values;

  const MetaValue* Find(std::string_view key) const;
  // INVALID_ARGUMENT, naming the key, where it is missing without a fallback, of another type or
  // out of range.
  StatusOr<int64_t> Int(std::string_view key, int64_t low, int64_t high,
                        std::optional<int64_t> fallback = std::nullopt) const;
  StatusOr<double> Real(std::string_view key, std::optional<double> fallback = std::nullopt) const;
  StatusOr<std::string> Text(std::string_view key,
                             std::optional<std::string> fallback = std::nullopt) const;
};

struct ModelFile {
  std::string container;     // "GGUF v3", ".hob 1"
  std::string architecture;  // general.architecture
  Metadata metadata;
  Vocabulary vocabulary;
  std::vector<Tensor> tensors;         // in file order; names are unique
  std::shared_ptr<fbs::GraphT> graph;  // from a .hob file, not yet checked for meaning; else null
  // The file; of a Hugging Face directory config.json, and the others that were read.
  std::shared_ptr<const MappedFile> file;
  std::vector<std::shared_ptr<const MappedFile>> more_files;
  // Tensors that are not in a mapping, and their bytes in all.
  std::vector<std::shared_ptr<const std::vector<uint8_t>>> owned;
  uint64_t owned_bytes = 0;

  // Of all files.
  uint64_t file_bytes() const;
  // Of those that are copies and not mapped.
  uint64_t copied_bytes() const;
  // As MappedFile's, of the mapping that `part` lies in; nothing where it lies in none.
  void DontNeed(std::span<const uint8_t> part) const;

  const Tensor* FindTensor(std::string_view name) const;

  // Filled by the readers: name → index in tensors.
  std::map<std::string, size_t, std::less<>> tensor_index;
};

// Opens a GGUF (v2, v3) or `.hob` file, told apart by its magic, or a Hugging Face directory (also
// by its model.safetensors), and validates all of it that is used: counts, sizes, offsets,
// alignment, types, overflow. Vocabulary-only files have no tensors. Errors name the file, the
// field and its offset; UNIMPLEMENTED for a tensor type or version that hob does not run, by name.
// Nothing is left allocated on failure. Thread-safe. The file is mapped, or copied to memory of
// `copy_to`.
StatusOr<std::shared_ptr<const ModelFile>> OpenModelFile(
    const std::string& path, std::shared_ptr<Allocator> copy_to = nullptr);

// How a `.hob` file's weights are written.
struct WeightPacking {
  // Tensors to be written as panels, where they have that form. The others are written as they are.
  std::set<std::string> panels = {};
  // Quantise those to QC8 on the way, where they are matrices of float values and of a multiple of
  // 32 columns. A value that is not finite is INVALID_ARGUMENT.
  bool per_channel = false;

  // The type that `tensor` is written in.
  DType TypeOf(const Tensor& tensor) const;
};

// Writes `model` (tensors 64-byte aligned) with `graph`, whose weights have the types that
// `packing` gives, to a `.hob` file, whole or not at all. `progress` gets bytes done and in all,
// and returns false to cancel (CANCELLED).
using Progress = std::function<bool(uint64_t done, uint64_t total)>;
Status WriteHobFile(const ModelFile& model, const fbs::GraphT* graph, const WeightPacking& packing,
                    const std::string& path, const Progress& progress);

}  // namespace hob
