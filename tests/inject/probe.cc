// SPDX-License-Identifier: Apache-2.0
#include "tests/inject/probe.h"

namespace hob::inject {
namespace {

std::string Text(hob_string text) { return std::string(text.data, text.size); }

// What a call may answer when such a thing fails.
bool Fits(Kind kind, hob_status status) {
  switch (kind) {
    case Kind::kAllocation:
    case Kind::kMapping:
    case Kind::kThread:
      return status == HOB_RESOURCE_EXHAUSTED;
    case Kind::kFile:  // as errno says; HOB_UNKNOWN is an I/O error
      return status == HOB_UNKNOWN || status == HOB_RESOURCE_EXHAUSTED ||
             status == HOB_PERMISSION_DENIED || status == HOB_NOT_FOUND ||
             status == HOB_DATA_LOSS || status == HOB_INVALID_ARGUMENT;
    case Kind::kInterruption:
    case Kind::kLock:
      return false;
  }
  return false;
}

}  // namespace

void Probe::Enter(std::string_view function) {
  for (const Kind kind : kAllKinds) before_[static_cast<size_t>(kind)] = Seen(kind);
  fired_before_ = Fired();
  functions_.try_emplace(std::string(function));
}

void Probe::Leave(std::string_view function) {
  Counts& counts = functions_.find(function)->second;
  for (const Kind kind : kAllKinds) {
    const auto index = static_cast<size_t>(kind);
    if (plan_.mode == Mode::kNone) {
      counts[index] += Seen(kind) - before_[index];
    } else if (kind == plan_.kind) {
      counts[index] += Fired() - fired_before_;
    }
  }
}

bool Probe::Judge(std::string_view function, hob_status status, hob_error** error) {
  const std::string name(function);
  if (status == HOB_OK) {
    if (error != nullptr && *error != nullptr) Fault(name + " succeeds with an error object");
    return true;
  }
  ++failed_calls_;
  std::string message = "(not asked for)";
  if (error != nullptr) {
    message = Text(hob_error_message(*error));
    if (*error == reinterpret_cast<hob_error*>(uintptr_t{1}) || *error == nullptr) {
      Fault(name + " fails and leaves no error object");
    } else {
      if (hob_error_code(*error) != status) {
        Fault(name + ": the error's status is another than the call's");
      }
      if (message.empty()) Fault(name + ": the error has no message");
      hob_error_destroy(*error);
    }
  }
  if (Fired() == 0 || !Fits(plan_.kind, status)) {
    Fault(name + " fails with " + Text(hob_status_name(status)) + ": " + message);
  }
  return false;
}

bool Probe::Repeat(const std::function<bool()>& body, const std::function<void()>& after) {
  const bool ok = body();
  if (plan_.mode == Mode::kOn) {
    if (!ok && after != nullptr) after();
    return ok;
  }
  if (Fired() > 0) Cease();
  if (ok) return true;
  const size_t faults = faults_.size();
  if (after != nullptr) after();
  if (Fired() == 0) return false;
  if (!body()) {
    if (faults_.size() == faults) Fault("the same call fails again, with nothing injected");
    return false;
  }
  return true;
}

void Probe::Same(const std::string& what, std::string_view value) {
  const auto [at, first] = known_.try_emplace(what, value);
  if (!first && at->second != value) {
    Fault(what + " differs from that of an undisturbed run");
  }
}

}  // namespace hob::inject
