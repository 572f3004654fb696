// SPDX-License-Identifier: Apache-2.0
#include "lib/format/safetensors.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "lib/format/json.h"
#include "lib/format/validate.h"

namespace hob::format {
namespace {

constexpr std::string_view kDamaged = "The file is truncated or corrupt; fetch it again.";

struct DtypeInfo {
  std::string_view name;
  uint32_t bits;
};
constexpr DtypeInfo kDtypes[] = {
    {"F32", 32}, {"F16", 16},    {"BF16", 16},   {"F64", 64},    {"I64", 64}, {"I32", 32},
    {"I16", 16}, {"I8", 8},      {"U64", 64},    {"U32", 32},    {"U16", 16}, {"U8", 8},
    {"BOOL", 8}, {"F8_E4M3", 8}, {"F8_E5M2", 8}, {"F8_E8M0", 8}, {"C64", 64},
};

const DtypeInfo* FindDtype(std::string_view name) {
  const auto* found = std::ranges::find(kDtypes, name, &DtypeInfo::name);
  return found == std::end(kDtypes) ? nullptr : found;
}

Status Invalid(std::string_view message) { return Error(StatusCode::kInvalidArgument, message); }

uint64_t ReadLength(std::span<const uint8_t> bytes) {
  uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | bytes[static_cast<size_t>(i)];
  return length;
}

// What the header claims of one tensor.
struct Claim {
  SafetensorsEntry entry;
  uint64_t begin = 0, end = 0;  // in the tensors' bytes
};

Status ReadShape(JsonValue shape, Claim* claim) {
  if (!shape.is(JsonKind::kArray)) return Invalid(Concat("shape is ", shape.KindName()));
  if (shape.size() < 1 || shape.size() > 4) {
    return Invalid(Concat("has ", shape.size(), " dimensions; 1 to 4 are allowed"));
  }
  return shape.ForEachElement([&](JsonValue value) -> Status {
    const auto dimension = value.Integer();
    if (!dimension.has_value())
      return Invalid(Concat("has a dimension that is ", value.KindName()));
    if (*dimension <= 0) {
      return Invalid(Concat("has a dimension of ", *dimension, "; all must be above 0"));
    }
    claim->entry.shape.push_back(*dimension);
    return absl::OkStatus();
  });
}

Status ReadOffsets(JsonValue offsets, Claim* claim) {
  std::vector<int64_t> values;
  HOB_RETURN_IF_ERROR(offsets.ForEachElement([&](JsonValue value) -> Status {
    values.push_back(value.Integer().value_or(-1));
    return absl::OkStatus();
  }));
  if (values.size() != 2 || values[0] < 0 || values[1] < 0) {
    return Invalid("data_offsets are not two integers from 0 on");
  }
  if (values[0] > values[1]) {
    return Invalid(Concat("data_offsets run backwards, from ", values[0], " to ", values[1]));
  }
  claim->begin = static_cast<uint64_t>(values[0]);
  claim->end = static_cast<uint64_t>(values[1]);
  return absl::OkStatus();
}

// Bytes of the shape and type; nothing when that overflows.
std::optional<uint64_t> BytesOf(const Claim& claim, uint32_t bits) {
  uint64_t total = bits / 8;
  for (const int64_t dimension : claim.entry.shape) {
    if (__builtin_mul_overflow(total, static_cast<uint64_t>(dimension), &total)) return {};
  }
  return total;
}

Status ReadClaim(JsonValue value, uint64_t data_bytes, Claim* claim) {
  if (!value.is(JsonKind::kObject)) return Invalid(Concat("is ", value.KindName()));
  for (const std::string_view need : {"dtype", "shape", "data_offsets"}) {
    if (!value.Find(need).has_value()) return Invalid(Concat("lacks its ", need));
  }
  if (value.size() != 3) return Invalid("has more than dtype, shape and data_offsets");
  const auto dtype = value.Find("dtype")->Text();
  if (!dtype.has_value()) return Invalid("dtype is no string");
  const DtypeInfo* info = FindDtype(*dtype);
  if (info == nullptr) {
    return Error(StatusCode::kUnimplemented,
                 Concat("has dtype ", Quoted(*dtype), ", which hob does not know"),
                 "Use a file in F32, F16 or BF16.");
  }
  claim->entry.dtype = std::string(*dtype);
  HOB_RETURN_IF_ERROR(ReadShape(*value.Find("shape"), claim));
  HOB_RETURN_IF_ERROR(ReadOffsets(*value.Find("data_offsets"), claim));
  const auto bytes = BytesOf(*claim, info->bits);
  if (!bytes.has_value()) return Invalid("has dimensions whose product overflows");
  if (*bytes != claim->end - claim->begin) {
    return Invalid(Concat("has ", claim->end - claim->begin, " bytes by its data_offsets, but ",
                          *bytes, " by its shape and dtype"));
  }
  if (claim->end > data_bytes) {
    return Error(StatusCode::kDataLoss,
                 Concat("ends at byte ", claim->end, " of the tensor data, of which the file has ",
                        data_bytes),
                 kDamaged);
  }
  return absl::OkStatus();
}

// One after another, from the first byte to the last.
Status CheckOrder(std::vector<Claim>& claims, uint64_t data_bytes) {
  std::ranges::sort(claims, {}, &Claim::begin);
  uint64_t end = 0;
  const Claim* before = nullptr;
  for (const Claim& claim : claims) {
    if (claim.begin < end) {
      return Invalid(Concat("tensor ", Quoted(claim.entry.name), " at byte ", claim.begin,
                            " of the tensor data overlaps ", Quoted(before->entry.name),
                            ", which ends at ", end));
    }
    if (claim.begin > end) {
      return Invalid(Concat("bytes ", end, " to ", claim.begin,
                            " of the tensor data belong to no tensor (before ",
                            Quoted(claim.entry.name), ")"));
    }
    end = claim.end;
    before = &claim;
  }
  if (end == data_bytes) return absl::OkStatus();
  return Invalid(Concat("bytes ", end, " to ", data_bytes,
                        " of the tensor data belong to no tensor (at the file's end)"));
}

Status CheckRemarks(JsonValue remarks) {
  if (!remarks.is(JsonKind::kObject)) return Invalid("__metadata__ is no object of strings");
  return remarks.ForEachMember([](std::string_view name, JsonValue value) -> Status {
    if (value.is(JsonKind::kText)) return absl::OkStatus();
    return Invalid(
        Concat("__metadata__: ", Quoted(name), " is ", value.KindName(), ", not a string"));
  });
}

}  // namespace

bool IsSafetensors(std::span<const uint8_t> bytes) {
  return bytes.size() > 8 && bytes[8] == '{' && ReadLength(bytes) <= kMaxSafetensorsHeader;
}

StatusOr<std::vector<SafetensorsEntry>> ParseSafetensors(std::span<const uint8_t> bytes) {
  if (bytes.size() < 8) {
    return Error(StatusCode::kDataLoss,
                 Concat("the file ends early: it has only ", bytes.size(), " bytes"), kDamaged);
  }
  const uint64_t length = ReadLength(bytes);
  if (length > kMaxSafetensorsHeader) {
    return Invalid(Concat("the header's length of ", length, " bytes is above the limit of ",
                          kMaxSafetensorsHeader));
  }
  if (length > bytes.size() - 8) {
    return Error(StatusCode::kDataLoss,
                 Concat("the file ends early: its header takes ", length, " bytes, but ",
                        bytes.size() - 8, " are left"),
                 kDamaged);
  }
  if (length == 0 || bytes[8] != '{') return Invalid("the header does not begin with '{'");
  const auto header = bytes.subspan(8, static_cast<size_t>(length));
  const auto data = bytes.subspan(8 + static_cast<size_t>(length));
  const StatusOr<Json> json =
      Json::Parse({reinterpret_cast<const char*>(header.data()), header.size()});
  if (!json.ok()) return Annotate(json.status(), "the header");
  if (json->root().size() > kMaxTensors) {
    return Invalid(
        Concat("has ", json->root().size(), " tensors; at most ", kMaxTensors, " are allowed"));
  }

  std::vector<Claim> claims;
  claims.reserve(json->root().size());
  HOB_RETURN_IF_ERROR(
      json->root().ForEachMember([&](std::string_view name, JsonValue value) -> Status {
        if (name == "__metadata__") return CheckRemarks(value);
        if (name.empty() || name.size() > kMaxNameBytes) {
          return Invalid(Concat("tensor ", claims.size(), ": its name has ", name.size(),
                                " bytes; 1 to ", kMaxNameBytes, " are allowed"));
        }
        Claim& claim = claims.emplace_back();
        claim.entry.name = std::string(name);
        Status status = ReadClaim(value, data.size(), &claim);
        if (status.ok()) return status;
        return Error(status.code(), Concat("tensor ", Quoted(name), " ", status.message()),
                     HintOf(status));
      }));
  HOB_RETURN_IF_ERROR(CheckOrder(claims, data.size()));
  std::vector<SafetensorsEntry> entries;
  entries.reserve(claims.size());
  for (Claim& claim : claims) {
    claim.entry.data = data.subspan(static_cast<size_t>(claim.begin),
                                    static_cast<size_t>(claim.end - claim.begin));
    entries.push_back(std::move(claim.entry));
  }
  return entries;
}

StatusOr<DType> SafetensorsType(std::string_view dtype) {
  if (dtype == "F32") return DType::kF32;
  if (dtype == "F16") return DType::kF16;
  if (dtype == "BF16") return DType::kBF16;
  return Error(StatusCode::kUnimplemented,
               Concat("has dtype ", Quoted(dtype), ", which hob does not run"),
               "Use a file in F32, F16 or BF16.");
}

}  // namespace hob::format
