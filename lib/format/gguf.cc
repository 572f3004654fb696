// SPDX-License-Identifier: Apache-2.0
#include "lib/format/gguf.h"

#include <bit>
#include <limits>
#include <utility>
#include <vector>

#include "lib/base/checked.h"
#include "lib/format/gguf_cursor.h"
#include "lib/format/gguf_value.h"
#include "lib/format/validate.h"

namespace hob::format {
namespace {

constexpr uint8_t kMagic[4] = {'G', 'G', 'U', 'F'};
constexpr uint64_t kMinKeyBytes = 8 + 1 + 4 + 1;  // length, name, type, value
constexpr uint64_t kMinTensorBytes =
    8 + 1 + 4 + 8 + 4 + 8;  // length, name, rank, dim, type, offset
constexpr uint64_t kDefaultAlignment = 32;

struct Header {
  uint32_t version;
  uint64_t tensors;
  uint64_t keys;
};

StatusOr<Header> ReadHeader(GgufCursor& cursor) {
  Header header;
  for (const uint8_t byte : kMagic) {
    HOB_ASSIGN_OR_RETURN(const uint8_t got, cursor.Read<uint8_t>("magic"));
    if (got != byte) return Error(StatusCode::kInvalidArgument, "is not a GGUF file: wrong magic");
  }
  HOB_ASSIGN_OR_RETURN(header.version, cursor.Read<uint32_t>("version"));
  if (header.version == 1) {
    return Error(StatusCode::kUnimplemented, "GGUF version 1 is not read; hob reads 2 and 3",
                 "Convert the model again with a current converter.");
  }
  if (header.version != 0 && (header.version & 0xffffu) == 0) {
    return Error(StatusCode::kUnimplemented, "is a big-endian GGUF file; hob reads little-endian",
                 "Fetch or convert the little-endian file.");
  }
  if (header.version != 2 && header.version != 3) {
    return Error(StatusCode::kUnimplemented,
                 Concat("GGUF version ", header.version, " is not read; hob reads 2 and 3"),
                 "A newer hob may read it.");
  }
  HOB_ASSIGN_OR_RETURN(header.tensors, cursor.Read<uint64_t>("tensor count"));
  HOB_ASSIGN_OR_RETURN(header.keys, cursor.Read<uint64_t>("key count"));
  if (header.keys > kMaxKeys) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("key count ", header.keys, " at byte 16 is above the limit of ", kMaxKeys));
  }
  if (header.tensors > kMaxTensors) {
    return Error(
        StatusCode::kInvalidArgument,
        Concat("tensor count ", header.tensors, " at byte 8 is above the limit of ", kMaxTensors));
  }
  if (header.keys * kMinKeyBytes + header.tensors * kMinTensorBytes > cursor.remaining()) {
    return Error(StatusCode::kDataLoss,
                 Concat("the file ends early: ", header.keys, " keys and ", header.tensors,
                        " tensors cannot fit in the ", cursor.remaining(), " bytes left"),
                 "The file is truncated or corrupt; fetch it again.");
  }
  return header;
}

Status ReadMetadata(GgufCursor& cursor, const Header& header, ModelFile* model) {
  uint64_t elements_left = kMaxArrayElements;
  for (uint64_t i = 0; i < header.keys; ++i) {
    const uint64_t start = cursor.offset();
    HOB_ASSIGN_OR_RETURN(const std::string_view key, cursor.ReadString("a key", kMaxKeyBytes));
    StatusOr<MetaValue> value = ReadGgufValue(cursor, &elements_left);
    if (!value.ok()) return Annotate(value.status(), Concat("key ", Quoted(key)));
    const Status added = AddMetadata(key, *std::move(value), model);
    if (!added.ok()) return Annotate(added, Concat("at byte ", start));
  }
  return absl::OkStatus();
}

// The offsets of tensors count from the end of all infos, so infos are kept until then.
struct TensorInfo {
  std::string_view name;
  uint32_t type;
  uint32_t rank;
  int64_t shape[4];
  uint64_t offset;
};

StatusOr<TensorInfo> ReadTensorInfo(GgufCursor& cursor) {
  TensorInfo info = {};
  const uint64_t start = cursor.offset();
  HOB_ASSIGN_OR_RETURN(info.name, cursor.ReadString("a tensor's name", kMaxNameBytes));
  HOB_ASSIGN_OR_RETURN(info.rank, cursor.Read<uint32_t>("dimension count"));
  if (info.rank < 1 || info.rank > 4) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("tensor ", Quoted(info.name), " at byte ", start, " has ", info.rank,
                        " dimensions; 1 to 4 are allowed"));
  }
  for (uint32_t i = 0; i < info.rank; ++i) {
    HOB_ASSIGN_OR_RETURN(const uint64_t dimension, cursor.Read<uint64_t>("dimension"));
    if (dimension > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return Error(StatusCode::kInvalidArgument, Concat("tensor ", Quoted(info.name), " at byte ",
                                                        start, " has a dimension of ", dimension));
    }
    info.shape[info.rank - 1 - i] = static_cast<int64_t>(dimension);  // GGUF: innermost first
  }
  HOB_ASSIGN_OR_RETURN(info.type, cursor.Read<uint32_t>("tensor type"));
  HOB_ASSIGN_OR_RETURN(info.offset, cursor.Read<uint64_t>("tensor offset"));
  return info;
}

StatusOr<uint64_t> Alignment(const Metadata& metadata) {
  HOB_ASSIGN_OR_RETURN(const int64_t alignment,
                       metadata.Int("general.alignment", 8, 1 << 20, kDefaultAlignment));
  if (!std::has_single_bit(static_cast<uint64_t>(alignment))) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("general.alignment is ", alignment, ", which is not a power of two"));
  }
  return static_cast<uint64_t>(alignment);
}

Status ReadTensors(GgufCursor& cursor, const Header& header, std::span<const uint8_t> bytes,
                   ModelFile* model) {
  HOB_ASSIGN_OR_RETURN(const uint64_t alignment, Alignment(model->metadata));
  if (header.tensors == 0) return absl::OkStatus();
  std::vector<TensorInfo> infos;
  infos.reserve(static_cast<size_t>(header.tensors));
  for (uint64_t i = 0; i < header.tensors; ++i) {
    StatusOr<TensorInfo> info = ReadTensorInfo(cursor);
    if (!info.ok()) return Annotate(info.status(), Concat("tensor info ", i));
    infos.push_back(*info);
  }
  const auto start = CheckedAlignUp<uint64_t>(cursor.offset(), alignment);
  const std::span<const uint8_t> data = start && *start < bytes.size()
                                            ? bytes.subspan(static_cast<size_t>(*start))
                                            : std::span<const uint8_t>();
  model->tensors.reserve(infos.size());
  for (const TensorInfo& info : infos) {
    HOB_RETURN_IF_ERROR(AddTensor({.name = info.name,
                                   .type = info.type,
                                   .shape = {info.shape, info.rank},
                                   .offset = info.offset,
                                   .hob_types = false},
                                  data, alignment, model));
  }
  return absl::OkStatus();
}

Status CheckNotSplit(const Metadata& metadata) {
  HOB_ASSIGN_OR_RETURN(const int64_t parts, metadata.Int("split.count", 0, 65535, 0));
  if (parts <= 1) return absl::OkStatus();
  return Error(StatusCode::kUnimplemented, Concat("is one part of a model split into ", parts),
               "Merge the parts into one file first (llama-gguf-split --merge).");
}

}  // namespace

bool IsGguf(std::span<const uint8_t> bytes) {
  return bytes.size() >= sizeof(kMagic) && std::memcmp(bytes.data(), kMagic, sizeof(kMagic)) == 0;
}

StatusOr<ModelFile> ParseGguf(std::span<const uint8_t> bytes) {
  ModelFile model;
  GgufCursor cursor(bytes);
  HOB_ASSIGN_OR_RETURN(const Header header, ReadHeader(cursor));
  model.container = Concat("GGUF v", header.version);
  HOB_RETURN_IF_ERROR(ReadMetadata(cursor, header, &model));
  HOB_RETURN_IF_ERROR(CheckNotSplit(model.metadata));
  HOB_ASSIGN_OR_RETURN(model.architecture, model.metadata.Text("general.architecture", ""));
  HOB_RETURN_IF_ERROR(ReadTensors(cursor, header, bytes, &model));
  HOB_ASSIGN_OR_RETURN(model.vocabulary, ExtractVocabulary(&model.metadata));
  HOB_RETURN_IF_ERROR(CheckOverlaps(model));
  HOB_RETURN_IF_ERROR(ValidateModel(model));
  return model;
}

}  // namespace hob::format
