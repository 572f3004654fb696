// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "tools/serve/json.h"

namespace tool::serve {

// Reads the fields of an object of a request. Each is asked for by name and checked; what nobody
// has asked for is refused at the end, so that nothing that a client says goes unheard. JSON null
// is as good as absent. All throw ApiError 400 that names the field.
class Fields {
 public:
  // `object` outlives this; `path` is put before the names in messages ("messages[2].").
  Fields(const Json& object, std::string path) : object_(object), path_(std::move(path)) {}

  // The value as it is; null if there is none.
  const Json* Get(std::string_view name);
  std::optional<bool> Bool(std::string_view name);
  std::optional<int64_t> Integer(std::string_view name, int64_t low, int64_t high);
  std::optional<double> Number(std::string_view name, double low, double high);
  const std::string* Text(std::string_view name);

  // A field that the server cannot do: only these values, or null, which ask for nothing.
  void OnlyNeutral(std::string_view name, std::initializer_list<Json> neutral,
                   std::string_view why = "is not supported");
  // A field that changes no answer; of any value.
  void Accept(std::string_view name) { Get(name); }

  // Refuses the fields that nobody has asked for.
  void Finish() const;

  std::string Path(std::string_view name) const { return path_ + std::string(name); }
  [[noreturn]] void Fail(std::string_view name, std::string_view why,
                         std::string_view code = "invalid_value") const;

 private:
  const Json& object_;
  std::string path_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace tool::serve
