// SPDX-License-Identifier: Apache-2.0
// hob --version: the version, and what this build has and uses here.
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "tools/common.h"

namespace tool {

std::string DescribeVersion() {
  std::string title = "hob " + std::string(hob::ToView(hob_version()));
  char* text = nullptr;
  size_t size = 0;
  // What cannot be told (HOB_ISA names nothing) is no reason to hide the version.
  if (hob_describe_library(&text, &size, nullptr) != HOB_OK) return title;
  const nlohmann::json library = nlohmann::json::parse(text, text + size);
  hob_free(text);
  const auto string = [&](const char* key) { return library.at(key).get<std::string>(); };
  std::string features;
  for (const char* name :
       {"convert", "handoff", "hugging_face", "regex_jit", "signatures", "lto"}) {
    if (library.at(name).get<bool>()) features += (features.empty() ? "" : " ") + std::string(name);
  }
  if (!string("sanitizers").empty()) features += " sanitizers:" + string("sanitizers");
  std::string kernels = string("kernels");
  if (!string("provider").empty()) kernels += " (HOB_PROVIDER: " + string("provider") + ")";
  return title + "\ninterface  " + string("abi") + "\nkernels    " + kernels + "\nprocessor  " +
         string("cpu") + "\nbuild      " + string("build_type") + ", " + string("compiler") + ", " +
         string("system") + "\nfeatures   " + (features.empty() ? "none" : features);
}

}  // namespace tool
