// SPDX-License-Identifier: Apache-2.0
#include "tools/serve/fields.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tools/serve/api_error.h"

namespace tool::serve {
namespace {

std::string Show(double number) {
  char text[32];
  std::snprintf(text, sizeof(text), "%g", number);
  return text;
}

}  // namespace

void Fields::Fail(std::string_view name, std::string_view why, std::string_view code) const {
  throw ApiError(400, code, Path(name) + " " + std::string(why), Path(name));
}

const Json* Fields::Get(std::string_view name) {
  known_.emplace(name);
  const auto found = object_.find(std::string(name));
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

std::optional<bool> Fields::Bool(std::string_view name) {
  const Json* value = Get(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) Fail(name, "is not true or false", "invalid_type");
  return value->get<bool>();
}

std::optional<int64_t> Fields::Integer(std::string_view name, int64_t low, int64_t high) {
  const Json* value = Get(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number_integer()) Fail(name, "is not an integer", "invalid_type");
  // What does not fit an int64 is above all that is asked for.
  const bool huge =
      value->is_number_unsigned() && value->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX);
  const int64_t number = huge ? INT64_MAX : value->get<int64_t>();
  if (huge || number < low || number > high) {
    Fail(name, "is not between " + std::to_string(low) + " and " + std::to_string(high));
  }
  return number;
}

std::optional<double> Fields::Number(std::string_view name, double low, double high) {
  const Json* value = Get(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) Fail(name, "is not a number", "invalid_type");
  const double number = value->get<double>();
  if (!(number >= low && number <= high)) {
    Fail(name, "is not between " + Show(low) + " and " + Show(high));
  }
  return number;
}

const std::string* Fields::Text(std::string_view name) {
  const Json* value = Get(name);
  if (value == nullptr) return nullptr;
  if (!value->is_string()) Fail(name, "is not a string", "invalid_type");
  return &value->get_ref<const std::string&>();
}

void Fields::OnlyNeutral(std::string_view name, std::initializer_list<Json> neutral,
                         std::string_view why) {
  const Json* value = Get(name);
  if (value == nullptr) return;
  if (std::find(neutral.begin(), neutral.end(), *value) == neutral.end()) {
    Fail(name, why, "unsupported");
  }
}

void Fields::Finish() const {
  for (const auto& [name, value] : object_.items()) {
    // Names come from outside: no longer than fits a message.
    if (!known_.contains(name)) Fail(name.substr(0, 64), "is not known", "unknown_parameter");
  }
}

}  // namespace tool::serve
