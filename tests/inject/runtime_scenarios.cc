// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "tests/inject/scenario.h"

namespace hob::inject {
namespace {

void Facts(Probe& probe) {
  Given<char> json(probe);
  if (!probe.Call("hob_describe_library",
                  [&](hob_error** e) { return hob_describe_library(&json.data, &json.size, e); })) {
    return;
  }
  probe.Same("library", json.bytes());
  probe.Void("hob_abi_version", [&] { hob_abi_version(); });
  probe.Void("hob_version", [&] { hob_version(); });
  probe.Void("hob_status_name", [&] { hob_status_name(HOB_INTERNAL); });
  uint64_t bytes = 0;
  probe.Void("hob_type_bytes", [&] { bytes = hob_type_bytes(HOB_TYPE_Q4_0, 3, 64); });
  probe.Check(bytes == 3 * 36, "a Q4_0 matrix of 3 x 64 takes 108 bytes");
}

// An error that is made while memory is out says what it can.
void Errors(Probe& probe) {
  hob_error* error = nullptr;
  hob_sampler_options options = HOB_SAMPLER_OPTIONS_INIT;
  options.temperature = -1;
  hob_sampler* sampler = nullptr;
  hob_status status = HOB_OK;
  probe.Void("hob_sampler_create",
             [&] { status = hob_sampler_create(&sampler, &options, &error); });
  probe.Check(status == HOB_INVALID_ARGUMENT || status == HOB_RESOURCE_EXHAUSTED,
              "a wrong option is refused");
  hob_string message = {nullptr, 0};
  probe.Void("hob_error_message", [&] { message = hob_error_message(error); });
  probe.Check(error != nullptr && message.size > 0, "and the error says why");
  probe.Void("hob_error_code", [&] { hob_error_code(error); });
  probe.Void("hob_error_hint", [&] { hob_error_hint(error); });
  probe.Void("hob_error_destroy", [&] { hob_error_destroy(error); });
}

void Start(Probe& probe, const hob_runtime_options& options) {
  RuntimeHandle runtime(probe);
  if (!probe.Call("hob_runtime_create",
                  [&](hob_error** e) { return hob_runtime_create(runtime.out(), &options, e); })) {
    return;
  }
  hob_runtime_info info = HOB_RUNTIME_INFO_INIT;
  if (!probe.Call("hob_runtime_get_info",
                  [&](hob_error** e) { return hob_runtime_get_info(&info, runtime, e); })) {
    return;
  }
  probe.Check(options.threads == 0 ? info.threads > 0 : info.threads == options.threads,
              "the runtime has the threads that were asked for");
}

// An app's own allocator and log, a limit on memory, and an answer.
void OwnAllocator(Probe& probe, const std::string& path) {
  struct App {
    static void* Allocate(void*, size_t bytes, size_t alignment) {
      return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    }
    static void Release(void*, void* memory, size_t, size_t) { std::free(memory); }
    static void Log(void*, hob_log_level, const char*, size_t) {}
  };
  hob_runtime_options options = HOB_RUNTIME_OPTIONS_INIT;
  options.threads = 2;
  options.allocate = App::Allocate;
  options.release = App::Release;
  options.log = App::Log;
  options.log_level = HOB_LOG_DEBUG;
  options.memory_limit = 64u << 20;
  RuntimeHandle runtime(probe);
  ModelHandle model(probe);
  SessionHandle session(probe);
  if (!probe.Call("hob_runtime_create",
                  [&](hob_error** e) { return hob_runtime_create(runtime.out(), &options, e); }) ||
      !probe.Call("hob_model_open",
                  [&](hob_error** e) {
                    return hob_model_open(model.out(), runtime, path.data(), path.size(), nullptr,
                                          e);
                  }) ||
      !probe.Call("hob_session_create", [&](hob_error** e) {
        return hob_session_create(session.out(), model, nullptr, e);
      })) {
    return;
  }
  if (!Ask(probe, session, "reply")) return;
  session.reset();
  model.reset();
  hob_runtime_info info = HOB_RUNTIME_INFO_INIT;
  if (!probe.Call("hob_runtime_get_info",
                  [&](hob_error** e) { return hob_runtime_get_info(&info, runtime, e); })) {
    return;
  }
  probe.Check(info.bytes_in_use == 0, "without models nothing of the runtime's memory is in use");
}

}  // namespace

void AddRuntimeScenarios(std::vector<Scenario>& out) {
  out.push_back({"library facts", [](const Files&) -> Run { return Facts; }, 200});
  out.push_back({"error objects", [](const Files&) -> Run { return Errors; }, 200});
  out.push_back({"runtime of 3 threads",
                 [](const Files&) -> Run {
                   hob_runtime_options options = HOB_RUNTIME_OPTIONS_INIT;
                   options.threads = 3;
                   return [options](Probe& probe) { Start(probe, options); };
                 },
                 200});
  out.push_back({"runtime of all threads",
                 [](const Files&) -> Run {
                   return [](Probe& probe) { Start(probe, HOB_RUNTIME_OPTIONS_INIT); };
                 },
                 200});
  out.push_back({"an app's allocator", [](const Files& files) -> Run {
                   const std::string path = files.Fixture("smollm-q4_1.gguf");
                   return [path](Probe& probe) { OwnAllocator(probe, path); };
                 }});
}

}  // namespace hob::inject
