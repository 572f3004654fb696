// SPDX-License-Identifier: Apache-2.0
// The small models of tests/fixtures as files that were read.
#pragma once

#include <catch2/catch_test_macros.hpp>
#include <memory>
#include <string>

#include "lib/format/model_file.h"
#include "tests/support/shared_dir.h"

namespace hob::testing {

inline std::shared_ptr<const ModelFile> OpenFixture(const std::string& name) {
  const auto path = SourceDir() / "tests/fixtures" / (name + ".gguf");
  auto model = OpenModelFile(path.string());
  INFO(model.status());
  REQUIRE(model.ok());
  return *std::move(model);
}

}  // namespace hob::testing
