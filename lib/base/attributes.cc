// SPDX-License-Identifier: Apache-2.0
#include "lib/base/attributes.h"

namespace hob {

void Attributes::Set(std::string_view key, Value value) {
  for (auto& [name, old] : entries_) {
    if (name == key) {
      old = std::move(value);
      return;
    }
  }
  entries_.emplace_back(std::string(key), std::move(value));
}

const Attributes::Value* Attributes::Find(std::string_view key) const {
  for (const auto& [name, value] : entries_) {
    if (name == key) return &value;
  }
  return nullptr;
}

StatusOr<int64_t> Attributes::Int(std::string_view key, int64_t low, int64_t high) const {
  const Value* value = Find(key);
  if (value == nullptr) {
    return Error(StatusCode::kNotFound,
                 absl::StrCat("attribute ", std::string(key), " is missing"));
  }
  const int64_t* number = std::get_if<int64_t>(value);
  if (number == nullptr || *number < low || *number > high) {
    return Error(StatusCode::kInvalidArgument,
                 absl::StrCat("attribute ", std::string(key), " is not a whole number from ", low,
                              " to ", high));
  }
  return *number;
}

StatusOr<double> Attributes::Real(std::string_view key, double low, double high) const {
  const Value* value = Find(key);
  if (value == nullptr) {
    return Error(StatusCode::kNotFound,
                 absl::StrCat("attribute ", std::string(key), " is missing"));
  }
  const double* number = std::get_if<double>(value);
  if (number == nullptr || !(*number >= low && *number <= high)) {
    return Error(
        StatusCode::kInvalidArgument,
        absl::StrCat("attribute ", std::string(key), " is not a number from ", low, " to ", high));
  }
  return *number;
}

int64_t Attributes::IntOr(std::string_view key, int64_t fallback) const {
  const Value* value = Find(key);
  const int64_t* number = value == nullptr ? nullptr : std::get_if<int64_t>(value);
  return number == nullptr ? fallback : *number;
}

double Attributes::RealOr(std::string_view key, double fallback) const {
  const Value* value = Find(key);
  const double* number = value == nullptr ? nullptr : std::get_if<double>(value);
  return number == nullptr ? fallback : *number;
}

}  // namespace hob
