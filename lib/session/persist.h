// SPDX-License-Identifier: Apache-2.0
// Sessions that last: all that an answer depends on, as bytes, and back.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "lib/base/file_reader.h"
#include "lib/base/status.h"
#include "lib/session/session.h"

namespace hob {

// A session as bytes. The pages are the session's own: it must stay as it is while this lives.
class SessionImage {
 public:
  // FAILED_PRECONDITION while the session answers.
  static StatusOr<SessionImage> Create(const Session& session);

  uint64_t size() const { return head_.size() + pages_.size() * page_bytes_; }
  // Hands out all bytes in order, in parts, until `append` fails.
  Status Write(const std::function<Status(std::span<const uint8_t>)>& append) const;

 private:
  SessionImage() = default;
  std::vector<uint8_t> head_;  // header, FlatBuffer, zeros
  std::span<uint8_t* const> pages_;
  size_t page_bytes_ = 0;
};

// Writes the session to a file, whole or not at all.
Status SaveSession(const Session& session, const std::string& path);

// Makes `session` the one that was saved, or fails and leaves it as it was. See hob_session_restore
// for the errors. Where memory is out it may throw, and leaves the session as it was too.
Status RestoreSession(Session& session, ByteReader& reader);
Status RestoreSession(Session& session, const std::string& path);

}  // namespace hob
