// SPDX-License-Identifier: Apache-2.0
// What the opaque handles hold. Each shares its object with all that needs it, so handles may be
// destroyed in any order.
#pragma once

#include <hob/hob.h>

#include <memory>

#include "abi/arguments.h"
#include "abi/checked.h"
#include "abi/error.h"
#include "lib/session/model.h"
#include "lib/session/runtime.h"
#include "lib/session/session.h"

struct hob_runtime {
  std::shared_ptr<hob::Runtime> object;
  const hob::Runtime& runtime() const { return *object; }
};

struct hob_model {
  std::shared_ptr<hob::Model> object;
  const hob::Runtime& runtime() const { return object->runtime(); }
};

struct hob_session {
  std::shared_ptr<hob::Session> object;
  const hob::Runtime& runtime() const { return object->model().runtime(); }
};

// Checked builds keep what they know of a handle elsewhere.
static_assert(sizeof(hob_runtime) == sizeof(std::shared_ptr<void>) &&
              sizeof(hob_model) == sizeof(std::shared_ptr<void>) &&
              sizeof(hob_session) == sizeof(std::shared_ptr<void>));

namespace hob::abi {

// INVALID_ARGUMENT for null, FAILED_PRECONDITION after fork. Checked builds also find what is no
// such handle, or was destroyed.
template <typename Handle>
Status CheckHandle(const Handle* handle, std::string_view what) {
  HOB_RETURN_IF_ERROR(CheckLive(handle, what));
  return handle->runtime().CheckProcess();
}

// Destroys a handle. In a forked child the threads that its object would join are missing, so it
// stays.
template <typename Handle>
void Destroy(Handle* handle) {
  if (!IsLive(handle) || !handle->runtime().CheckProcess().ok()) return;
  Delete(handle);
}

// A session's object for the length of a call: kept alive even if a callback destroys the handle,
// and closed to other calls.
class SessionUse {
 public:
  // Also fails with FAILED_PRECONDITION while another call uses the session.
  static StatusOr<SessionUse> Begin(const hob_session* handle);
  ~SessionUse() {
    if (session_ != nullptr) session_->Leave();
  }
  SessionUse(SessionUse&&) = default;
  SessionUse& operator=(SessionUse&&) = delete;

  Session* operator->() const { return session_.get(); }
  Session& session() const { return *session_; }

 private:
  explicit SessionUse(std::shared_ptr<Session> session) : session_(std::move(session)) {}
  std::shared_ptr<Session> session_;
};

StatusOr<SamplerOptions> ReadSamplerOptions(const hob_sampler_options* given);
// `what` is the option's name.
StatusOr<DType> ReadActivations(hob_activations given, std::string_view what);
// The type of a cache beside such activations; `what` is the option's name.
StatusOr<DType> ReadKvType(hob_kv_type given, DType activations, std::string_view what);

}  // namespace hob::abi
