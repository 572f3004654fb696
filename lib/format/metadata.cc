// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "lib/format/model_file.h"
#include "lib/format/validate.h"

namespace hob {
namespace {

Status Missing(std::string_view key) {
  return Error(StatusCode::kInvalidArgument, Concat("key ", format::Quoted(key), " is missing"),
               "Convert the model again with a current converter.");
}

Status WrongType(std::string_view key, std::string_view wanted) {
  return Error(StatusCode::kInvalidArgument,
               Concat("key ", format::Quoted(key), " is not ", wanted));
}

}  // namespace

const MetaValue* Metadata::Find(std::string_view key) const {
  const auto found = values.find(key);
  return found == values.end() ? nullptr : &found->second;
}

StatusOr<int64_t> Metadata::Int(std::string_view key, int64_t low, int64_t high,
                                std::optional<int64_t> fallback) const {
  const MetaValue* found = Find(key);
  if (found == nullptr) {
    if (fallback.has_value()) return *fallback;
    return Missing(key);
  }
  const auto out_of_range = [&](auto value) {
    return Error(StatusCode::kInvalidArgument, Concat("key ", format::Quoted(key), " is ", value,
                                                      "; ", low, " to ", high, " are allowed"));
  };
  int64_t value;
  if (const auto* integer = std::get_if<int64_t>(found)) {
    value = *integer;
  } else if (const auto* natural = std::get_if<uint64_t>(found)) {
    if (*natural > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return out_of_range(*natural);
    }
    value = static_cast<int64_t>(*natural);
  } else {
    return WrongType(key, "an integer");
  }
  if (value < low || value > high) return out_of_range(value);
  return value;
}

StatusOr<double> Metadata::Real(std::string_view key, std::optional<double> fallback) const {
  const MetaValue* found = Find(key);
  if (found == nullptr) {
    if (fallback.has_value()) return *fallback;
    return Missing(key);
  }
  if (const auto* real = std::get_if<double>(found)) return *real;
  if (const auto* integer = std::get_if<int64_t>(found)) return static_cast<double>(*integer);
  if (const auto* natural = std::get_if<uint64_t>(found)) return static_cast<double>(*natural);
  return WrongType(key, "a number");
}

StatusOr<std::string> Metadata::Text(std::string_view key,
                                     std::optional<std::string> fallback) const {
  const MetaValue* found = Find(key);
  if (found == nullptr) {
    if (fallback.has_value()) return *std::move(fallback);
    return Missing(key);
  }
  if (const auto* text = std::get_if<std::string>(found)) return *text;
  return WrongType(key, "a string");
}

}  // namespace hob
