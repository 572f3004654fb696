// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace hob {

// Where Linux tells of batteries.
inline constexpr const char* kPowerSupplies = "/sys/class/power_supply";

// The charge of this computer's batteries in percent, the mean of several. Nothing where it does
// not matter or is not known: no battery, one that is charging, another system than Linux. Those of
// mice and keyboards do not count.
std::optional<int32_t> BatteryPercent(const std::string& folder = kPowerSupplies);

}  // namespace hob
