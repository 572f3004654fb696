// SPDX-License-Identifier: Apache-2.0
// The headers, abi/stable_abi.toml and the built library name the same interface.
#include <hob/hob_experimental.h>

#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#if !defined(_WIN32)
#include <dlfcn.h>
#endif

#include "tests/support/shared_dir.h"

namespace {

std::string ReadText(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::set<std::string> FindAll(const std::string& text, const std::regex& pattern) {
  std::set<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it) {
    found.insert((*it)[1].str() + ((*it).size() > 2 ? "=" + (*it)[2].str() : ""));
  }
  return found;
}

std::string Headers() {
  std::string all;
  const auto folder = hob::testing::SourceDir() / "include" / "hob";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".h") all += ReadText(entry.path());
  }
  return std::regex_replace(all, std::regex(R"(/\*[^*]*\*+(?:[^/*][^*]*\*+)*/)"), "");
}

std::string Manifest() { return ReadText(hob::testing::SourceDir() / "abi" / "stable_abi.toml"); }

std::set<std::string> ManifestSymbols() {
  return FindAll(Manifest(), std::regex("\\[\\[symbol\\]\\]\nname = \"(\\w+)\""));
}

}  // namespace

TEST_CASE("the manifest has the symbols that the headers declare") {
  const auto declared = FindAll(Headers(), std::regex(R"(HOB_API\s[^;(]*?(hob_\w+)\()"));
  CHECK(declared.size() > 30);
  CHECK(declared == ManifestSymbols());
}

TEST_CASE("the manifest has the enum values that the headers define") {
  const auto declared = FindAll(Headers(), std::regex(R"((HOB_[A-Z0-9_]+) = (\d+))"));
  const auto listed =
      FindAll(Manifest(), std::regex("\\[\\[enum\\]\\]\nname = \"(\\w+)\"\nvalue = (\\d+)"));
  CHECK(declared.size() > 30);
  CHECK(declared == listed);
}

TEST_CASE("the last size of each struct in the manifest is its size now") {
  if (sizeof(void*) != 8) SKIP("sizes are listed for 64-bit systems");
  std::map<std::string, size_t> sizes;
#define HOB_SIZE(name) sizes[#name] = sizeof(name)
  HOB_SIZE(hob_string);
  HOB_SIZE(hob_runtime_options);
  HOB_SIZE(hob_runtime_info);
  HOB_SIZE(hob_model_options);
  HOB_SIZE(hob_model_info);
  HOB_SIZE(hob_model_plan_info);
  HOB_SIZE(hob_sampler_options);
  HOB_SIZE(hob_session_options);
  HOB_SIZE(hob_token);
  HOB_SIZE(hob_generate_options);
  HOB_SIZE(hob_generate_result);
  HOB_SIZE(hob_session_stats);
  HOB_SIZE(hob_tokenizer_info);
  HOB_SIZE(hob_token_info);
  HOB_SIZE(hob_chat_template_options);
  HOB_SIZE(hob_chat_message);
  HOB_SIZE(hob_render_options);
  HOB_SIZE(hob_convert_options);
  HOB_SIZE(hob_matrix_options);
  HOB_SIZE(hob_matrix_info);
  HOB_SIZE(hob_weight);
  HOB_SIZE(hob_attribute);
  HOB_SIZE(hob_node);
  HOB_SIZE(hob_program_options);
  HOB_SIZE(hob_program_info);
  HOB_SIZE(hob_run_options);
#undef HOB_SIZE
  const auto declared = FindAll(Headers(), std::regex(R"(typedef struct (hob_\w+) \{)"));
  std::set<std::string> expected, listed;
  for (const std::string& name : declared) {
    INFO(name);
    REQUIRE(sizes.count(name) == 1);
    expected.insert(name + "=" + std::to_string(sizes[name]));
  }
  listed = FindAll(
      Manifest(),
      std::regex("\\[\\[struct\\]\\]\nname = \"(\\w+)\"\nsizes_64bit = \\[(?:\\d+, )*(\\d+)\\]"));
  CHECK(expected == listed);
}

#if !defined(_WIN32)
TEST_CASE("the shared library exports what the manifest lists") {
  const char* path = std::getenv("HOB_SHARED_LIBRARY");
  if (path == nullptr) SKIP("HOB_SHARED_LIBRARY is not set");
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  REQUIRE(library != nullptr);
  for (const std::string& name : ManifestSymbols()) {
    INFO(name);
    CHECK(dlsym(library, name.c_str()) != nullptr);
  }
  dlclose(library);
}
#endif
