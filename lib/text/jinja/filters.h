// SPDX-License-Identifier: Apache-2.0
// The filters, in three files by what they work on. `name` is the filter's own, for messages.
#pragma once

#include <string_view>

#include "lib/text/jinja/runtime.h"

namespace hob::text::jinja {

using Filter = bool (*)(Runtime&, const Value& input, CallArgs& args, Value* out);

struct FilterEntry {
  std::string_view name;
  Filter filter;
};

Filter FindTextFilter(std::string_view name);    // filters_text.cc
Filter FindListFilter(std::string_view name);    // filters_list.cc
Filter FindScalarFilter(std::string_view name);  // filters_scalar.cc

}  // namespace hob::text::jinja
