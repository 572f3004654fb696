// SPDX-License-Identifier: Apache-2.0
#include "lib/base/battery.h"

#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <fstream>

#include "tests/support/temporary_folder.h"

namespace {

class Supplies {
 public:
  void Add(const std::string& name, const std::string& file, const std::string& text) const {
    std::filesystem::create_directories(folder_ / name);
    std::ofstream(folder_ / (name + "/" + file)) << text << "\n";
  }
  void AddBattery(const std::string& name, const std::string& percent,
                  const std::string& status = "Discharging") const {
    Add(name, "type", "Battery");
    Add(name, "capacity", percent);
    Add(name, "status", status);
  }
  std::optional<int32_t> Percent() const { return hob::BatteryPercent(folder_ / ""); }

 private:
  hob::test::TemporaryFolder folder_;
};

}  // namespace

TEST_CASE("the charge of batteries") {
  const Supplies supplies;
  CHECK(supplies.Percent() == std::nullopt);
  supplies.Add("AC", "type", "Mains");
  supplies.Add("AC", "capacity", "3");
  CHECK(supplies.Percent() == std::nullopt);
  supplies.AddBattery("BAT0", "40");
  CHECK(supplies.Percent() == 40);
  supplies.AddBattery("mouse", "2");
  supplies.Add("mouse", "scope", "Device");
  CHECK(supplies.Percent() == 40);
  supplies.AddBattery("BAT1", "20");
  CHECK(supplies.Percent() == 30);
  supplies.AddBattery("BAT1", "20", "Charging");
  CHECK(supplies.Percent() == std::nullopt);
}

TEST_CASE("what tells no charge") {
  const Supplies supplies;
  for (const char* wrong : {"", "-1", "101", "1x", "99999999999999999999", "4\xC3"}) {
    supplies.AddBattery("BAT0", wrong);
    INFO(wrong);
    CHECK(supplies.Percent() == std::nullopt);
  }
  CHECK(hob::BatteryPercent("/no/such/folder") == std::nullopt);
}
