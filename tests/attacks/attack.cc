// SPDX-License-Identifier: Apache-2.0
#include "tests/attacks/attack.h"

#include <fstream>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HOB_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HOB_SANITIZED 1
#endif

namespace hob::test {
namespace {

uint64_t BytesInUse(const hob_runtime* runtime) {
  hob_runtime_info info = HOB_RUNTIME_INFO_INIT;
  REQUIRE_OK(hob_runtime_get_info(&info, runtime, &error));
  return info.bytes_in_use;
}

std::vector<int32_t> Answer(hob_runtime* runtime, const std::string& path, int32_t tokens) {
  const ModelPtr model = OpenModel(runtime, path);
  const SessionPtr session = MakeSession(model.get());
  AddTokens(session.get(), {1, 2, 3});
  Generate(session.get(), tokens);
  return Tokens(session.get());
}

// A line of /proc/self/status, in KiB; −1 where there is none.
[[maybe_unused]] double StatusKiB(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(name + ":", 0) == 0) return std::stod(line.substr(name.size() + 1));
  }
  return -1;
}

}  // namespace

Outcome OpenOutcome(hob_runtime* runtime, const std::string& path,
                    const hob_model_options* options) {
  return Try([&](auto e) {
    hob_model* model = nullptr;
    const hob_status status = hob_model_open(&model, runtime, path.data(), path.size(), options, e);
    CHECK((model != nullptr) == (status == HOB_OK));
    hob_model_destroy(model);
    return status;
  });
}

void CheckOutcome(const Outcome& outcome, hob_status status, Parts parts) {
  CAPTURE(outcome.message);
  CHECK(outcome.status == status);
  for (const std::string_view part : parts) {
    CAPTURE(part);
    CHECK(outcome.message.find(part) != std::string::npos);
  }
}

void CheckStillAnswers(hob_runtime* runtime) {
  static const std::vector<int32_t> expected = [] {
    const RuntimePtr fresh = MakeRuntime();
    return Answer(fresh.get(), ChatFixture(), 4);
  }();
  CHECK(Answer(runtime, ChatFixture(), 4) == expected);
}

void CheckRefused(const File& file, hob_status status, Parts parts,
                  const hob_model_options* options) {
  const TemporaryFolder folder;
  const std::string path = folder / "attack.model";
  WriteBytes(path, file);
  const RuntimePtr runtime = MakeRuntime();
  const Outcome outcome = OpenOutcome(runtime.get(), path, options);
  CheckOutcome(outcome, status, parts);
  CheckOutcome(outcome, status, {"attack.model"});
  CHECK(outcome.message.size() < 2200);
  CHECK(BytesInUse(runtime.get()) == 0);
  CheckStillAnswers(runtime.get());
}

std::vector<int32_t> CheckAnswers(const File& file, int32_t tokens) {
  const TemporaryFolder folder;
  const std::string path = folder / "accepted.model";
  WriteBytes(path, file);
  const RuntimePtr runtime = MakeRuntime();
  return Answer(runtime.get(), path, tokens);
}

double PeakMiB(const std::function<void()>& f) {
#if defined(HOB_SANITIZED) || !defined(__linux__)
  f();
  return 0;
#else
  std::ofstream("/proc/self/clear_refs") << "5\n";  // VmHWM begins anew
  const double before = StatusKiB("VmRSS");
  f();
  const double peak = StatusKiB("VmHWM");
  return before < 0 || peak < 0 ? 0 : (peak - before) / 1024;
#endif
}

}  // namespace hob::test
