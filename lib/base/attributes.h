// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "lib/base/status.h"

namespace hob {

// Constants of a graph node: a few keyed numbers and texts ("epsilon", "heads", …).
class Attributes {
 public:
  using Value = std::variant<int64_t, double, std::string>;

  void Set(std::string_view key, Value value);
  const Value* Find(std::string_view key) const;
  const std::vector<std::pair<std::string, Value>>& entries() const { return entries_; }

  // The value, checked: NOT_FOUND names the missing key, INVALID_ARGUMENT a wrong type or range.
  StatusOr<int64_t> Int(std::string_view key, int64_t low, int64_t high) const;
  StatusOr<double> Real(std::string_view key, double low, double high) const;
  // The value, or `fallback` when the key is missing or of another type.
  int64_t IntOr(std::string_view key, int64_t fallback) const;
  double RealOr(std::string_view key, double fallback) const;

 private:
  std::vector<std::pair<std::string, Value>> entries_;
};

}  // namespace hob
