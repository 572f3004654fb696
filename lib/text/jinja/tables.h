// SPDX-License-Identifier: Apache-2.0
// Which filters and tests exist.
#pragma once

#include <string_view>

namespace hob::text::jinja {

// Index of a filter or test, or -1.
int FindFilter(std::string_view name);
int FindTest(std::string_view name);

}  // namespace hob::text::jinja
