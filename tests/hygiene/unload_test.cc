// SPDX-License-Identifier: Apache-2.0
// The library is loaded, used and unloaded a thousand times: nothing stays behind.
#include <catch2/catch_test_macros.hpp>

#if defined(__linux__)
#include <dlfcn.h>
#include <hob/hob.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/shared_dir.h"

namespace {

// What a process holds that a library could leave behind.
struct Holds {
  size_t heap_bytes = 0;  // allocated and not freed, of all the C library's arenas
  size_t resident_kib = 0, mappings = 0, descriptors = 0, threads = 0;
};

size_t CountIn(const char* folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder),
                                           std::filesystem::directory_iterator()));
}

Holds Look() {
  Holds holds;
  size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages >> pages;
  holds.resident_kib = pages * static_cast<size_t>(sysconf(_SC_PAGESIZE)) / 1024;
  std::ifstream maps("/proc/self/maps");
  holds.mappings = static_cast<size_t>(
      std::count(std::istreambuf_iterator<char>(maps), std::istreambuf_iterator<char>(), '\n'));
  holds.descriptors = CountIn("/proc/self/fd");
  holds.threads = CountIn("/proc/self/task");
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
  holds.heap_bytes = mallinfo2().uordblks;
#endif
  return holds;
}

class Library {
 public:
  explicit Library(const char* path) : handle_(dlopen(path, RTLD_NOW | RTLD_LOCAL)) {}
  ~Library() { dlclose(handle_); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  bool ok() const { return handle_ != nullptr; }
  template <typename F>
  F* Find(const char* name) const {
    return reinterpret_cast<F*>(dlsym(handle_, name));
  }

 private:
  void* handle_;
};

// Loads, answers, destroys and unloads; the first call that failed, or "".
std::string Cycle(const char* path, const std::string& model_path) {
  const Library library(path);
  if (!library.ok()) return "dlopen";
#define HOB_CALL(name, ...) \
  if (library.Find<decltype(name)>(#name)(__VA_ARGS__) != HOB_OK) return #name
  hob_runtime_options options = HOB_RUNTIME_OPTIONS_INIT;
  options.threads = 2;
  hob_runtime* runtime = nullptr;
  hob_model* model = nullptr;
  hob_session* session = nullptr;
  HOB_CALL(hob_runtime_create, &runtime, &options, nullptr);
  HOB_CALL(hob_model_open, &model, runtime, model_path.data(), model_path.size(), nullptr, nullptr);
  HOB_CALL(hob_session_create, &session, model, nullptr, nullptr);
  HOB_CALL(hob_session_add_text, session, "hello", 5, HOB_TEXT_PLAIN, nullptr);
  hob_generate_options generate = HOB_GENERATE_OPTIONS_INIT;
  generate.max_tokens = 3;
  generate.ignore_eos = 1;
  HOB_CALL(hob_session_generate, nullptr, session, &generate, nullptr);
#undef HOB_CALL
  library.Find<decltype(hob_session_destroy)>("hob_session_destroy")(session);
  library.Find<decltype(hob_model_destroy)>("hob_model_destroy")(model);
  library.Find<decltype(hob_runtime_destroy)>("hob_runtime_destroy")(runtime);
  return "";
}

bool IsLoaded(const char* path) {
  void* const handle = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
  if (handle != nullptr) dlclose(handle);
  return handle != nullptr;
}

// Bytes that stay allocated for each further cycle. What is resident wanders by a page now and
// then.
double GrowthOf(const char* path, const std::string& fixture, int first, int cycles) {
  const std::string model = (hob::testing::SourceDir() / "tests" / "fixtures" / fixture).string();
  for (int i = 0; i < first; ++i) REQUIRE(Cycle(path, model) == "");
  const Holds before = Look();
  for (int i = 0; i < cycles; ++i) REQUIRE(Cycle(path, model) == "");
  const Holds after = Look();
  CHECK(!IsLoaded(path));
  CHECK(after.descriptors == before.descriptors);
  CHECK(after.threads == before.threads);
  CHECK(after.mappings <= before.mappings + 2);  // the heap's own
  CHECK(after.resident_kib < before.resident_kib + 4 * static_cast<size_t>(cycles) + 1024);
  const double growth =
      static_cast<double>(after.heap_bytes) - static_cast<double>(before.heap_bytes);
  WARN(fixture << ": " << cycles << " cycles, resident " << before.resident_kib << " KiB before, "
               << after.resident_kib << " after; allocated " << before.heap_bytes << " bytes, "
               << after.heap_bytes << "; mappings " << before.mappings << ", " << after.mappings);
  return growth / cycles;
}

TEST_CASE("a thousand times loaded and unloaded, nothing stays behind") {
  const char* const path = std::getenv("HOB_SHARED_LIBRARY");
  if (path == nullptr) SKIP("this build has no shared library");
  REQUIRE(!IsLoaded(path));
  CHECK(GrowthOf(path, "smollm-q4_1.gguf", 100, 900) < 64.0);
}

// cpuinfo, which XNNPACK asks for the CPU, keeps its tables for good: docs/explanation/no-abort.md.
TEST_CASE("with weights for XNNPACK, what stays behind is the table of CPUs alone") {
  const char* const path = std::getenv("HOB_SHARED_LIBRARY");
  if (path == nullptr) SKIP("this build has no shared library");
  CHECK(GrowthOf(path, "llama-float.gguf", 20, 60) < 65536.0);
}

}  // namespace
#endif
