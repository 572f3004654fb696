// SPDX-License-Identifier: Apache-2.0
// Files as an app may be given them: cut short, altered, or nothing of the kind.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace hob::soak {

enum class Damage { kCut, kAltered, kForeign };

std::vector<uint8_t> Damaged(std::vector<uint8_t> bytes, Damage damage, std::mt19937& random);

}  // namespace hob::soak
