// SPDX-License-Identifier: Apache-2.0
#include "lib/format/gguf_value.h"

#include <limits>
#include <utility>

#include "lib/format/validate.h"

namespace hob::format {
namespace {

enum ValueType : uint32_t {  // gguf_type
  kUint8 = 0,
  kInt8 = 1,
  kUint16 = 2,
  kInt16 = 3,
  kUint32 = 4,
  kInt32 = 5,
  kFloat32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kUint64 = 10,
  kInt64 = 11,
  kFloat64 = 12,
};

// Least bytes of a value in the file; 0 for types that cannot be an array's element.
uint64_t MinBytes(uint32_t type) {
  switch (type) {
    case kUint8:
    case kInt8:
    case kBool:
      return 1;
    case kUint16:
    case kInt16:
      return 2;
    case kUint32:
    case kInt32:
    case kFloat32:
      return 4;
    case kUint64:
    case kInt64:
    case kFloat64:
    case kString:
      return 8;
    default:
      return 0;
  }
}

template <typename T>
StatusOr<int64_t> ReadInteger(GgufCursor& cursor) {
  HOB_ASSIGN_OR_RETURN(const T value, cursor.Read<T>("its value"));
  if constexpr (std::is_same_v<T, uint64_t>) {
    if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return Error(StatusCode::kInvalidArgument,
                   Concat("its array holds ", value, ", which does not fit 64 bits with a sign"));
    }
  }
  return static_cast<int64_t>(value);
}

template <typename T>
StatusOr<double> ReadReal(GgufCursor& cursor) {
  HOB_ASSIGN_OR_RETURN(const T value, cursor.Read<T>("its value"));
  return static_cast<double>(value);
}

StatusOr<bool> ReadBool(GgufCursor& cursor) {
  HOB_ASSIGN_OR_RETURN(const uint8_t value, cursor.Read<uint8_t>("its value"));
  if (value > 1) {
    return Error(StatusCode::kInvalidArgument, Concat("its value at byte ", cursor.offset() - 1,
                                                      " is ", value, "; a bool is 0 or 1"));
  }
  return value == 1;
}

StatusOr<std::string> ReadText(GgufCursor& cursor) {
  HOB_ASSIGN_OR_RETURN(const std::string_view text, cursor.ReadString("its text", kMaxTextBytes));
  return std::string(text);
}

template <typename T>
StatusOr<MetaValue> ReadArrayOf(GgufCursor& cursor, uint64_t count,
                                StatusOr<T> (*read)(GgufCursor&)) {
  std::vector<T> values;
  values.reserve(static_cast<size_t>(count));
  for (uint64_t i = 0; i < count; ++i) {
    StatusOr<T> value = read(cursor);
    if (!value.ok()) return Annotate(value.status(), Concat("element ", i));
    values.push_back(*std::move(value));
  }
  return MetaValue(std::move(values));
}

StatusOr<MetaValue> ReadArray(GgufCursor& cursor, uint64_t* elements_left) {
  const uint64_t start = cursor.offset();
  HOB_ASSIGN_OR_RETURN(const uint32_t type, cursor.Read<uint32_t>("its element type"));
  HOB_ASSIGN_OR_RETURN(const uint64_t count, cursor.Read<uint64_t>("its element count"));
  if (type == kArray) {
    return Error(StatusCode::kUnimplemented,
                 Concat("at byte ", start, " is an array of arrays, which hob does not read"));
  }
  const uint64_t bytes = MinBytes(type);
  if (bytes == 0) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("at byte ", start, " is an array of unknown value type ", type));
  }
  // Before any memory is taken for the elements.
  if (count > cursor.remaining() / bytes) {
    return Error(StatusCode::kDataLoss,
                 Concat("the file ends early: its array of ", count, " elements at byte ", start,
                        " cannot fit in the ", cursor.remaining(), " bytes left"),
                 "The file is truncated or corrupt; fetch it again.");
  }
  if (count > *elements_left) {
    return Error(StatusCode::kResourceExhausted,
                 Concat("with its ", count,
                        " elements the arrays of this file are above the limit "
                        "of ",
                        kMaxArrayElements));
  }
  *elements_left -= count;
  switch (type) {
    case kUint8:
      return ReadArrayOf<int64_t>(cursor, count, ReadInteger<uint8_t>);
    case kInt8:
      return ReadArrayOf<int64_t>(cursor, count, ReadInteger<int8_t>);
    case kUint16:
      return ReadArrayOf<int64_t>(cursor, count, ReadInteger<uint16_t>);
    case kInt16:
      return ReadArrayOf<int64_t>(cursor, count, ReadInteger<int16_t>);
    case kUint32:
      return ReadArrayOf<int64_t>(cursor, count, ReadInteger<uint32_t>);
    case kInt32:
      return ReadArrayOf<int64_t>(cursor, count, ReadInteger<int32_t>);
    case kUint64:
      return ReadArrayOf<int64_t>(cursor, count, ReadInteger<uint64_t>);
    case kInt64:
      return ReadArrayOf<int64_t>(cursor, count, ReadInteger<int64_t>);
    case kFloat32:
      return ReadArrayOf<double>(cursor, count, ReadReal<float>);
    case kFloat64:
      return ReadArrayOf<double>(cursor, count, ReadReal<double>);
    case kBool:
      return ReadArrayOf<bool>(cursor, count, ReadBool);
    default:
      return ReadArrayOf<std::string>(cursor, count, ReadText);
  }
}

template <typename Stored, typename T>
StatusOr<MetaValue> Scalar(StatusOr<T> value) {
  if (!value.ok()) return std::move(value).status();
  return MetaValue(std::in_place_type<Stored>, *std::move(value));
}

}  // namespace

StatusOr<MetaValue> ReadGgufValue(GgufCursor& cursor, uint64_t* elements_left) {
  const uint64_t start = cursor.offset();
  HOB_ASSIGN_OR_RETURN(const uint32_t type, cursor.Read<uint32_t>("its value type"));
  switch (type) {
    case kUint8:
      return Scalar<uint64_t>(cursor.Read<uint8_t>("its value"));
    case kUint16:
      return Scalar<uint64_t>(cursor.Read<uint16_t>("its value"));
    case kUint32:
      return Scalar<uint64_t>(cursor.Read<uint32_t>("its value"));
    case kUint64:
      return Scalar<uint64_t>(cursor.Read<uint64_t>("its value"));
    case kInt8:
      return Scalar<int64_t>(cursor.Read<int8_t>("its value"));
    case kInt16:
      return Scalar<int64_t>(cursor.Read<int16_t>("its value"));
    case kInt32:
      return Scalar<int64_t>(cursor.Read<int32_t>("its value"));
    case kInt64:
      return Scalar<int64_t>(cursor.Read<int64_t>("its value"));
    case kFloat32:
      return Scalar<double>(cursor.Read<float>("its value"));
    case kFloat64:
      return Scalar<double>(cursor.Read<double>("its value"));
    case kBool:
      return Scalar<bool>(ReadBool(cursor));
    case kString:
      return Scalar<std::string>(ReadText(cursor));
    case kArray:
      return ReadArray(cursor, elements_left);
    default:
      return Error(StatusCode::kInvalidArgument,
                   Concat("at byte ", start, " has unknown value type ", type));
  }
}

}  // namespace hob::format
