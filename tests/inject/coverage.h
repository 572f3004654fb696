// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hob::inject {

// The functions of the interface, as abi/stable_abi.toml lists them.
const std::vector<std::string>& Functions();
// Its place in that list; −1: not there.
int FunctionIndex(std::string_view name);
// Why nothing can be injected into a function, where that is so; else empty.
std::string_view NothingToFail(std::string_view function);

// Names the functions whose points are not as they should be: what can fail is injected into, or
// listed with a reason. `points` and `called` are of Functions();
// locks do not count, which the library's threads take meanwhile. Returns how many are wrong.
int CheckCoverage(const std::vector<int64_t>& points, const std::vector<bool>& called);

}  // namespace hob::inject
