// SPDX-License-Identifier: Apache-2.0
// Who made a file, asked before it is opened. Outside the promise so far: hob_experimental.hpp.
#ifndef HOB_VERIFY_HPP_
#define HOB_VERIFY_HPP_

#include <hob/verify.h>

#include <hob/error.hpp>
#include <hob/span.hpp>
#include <vector>

namespace hob {
inline namespace v0 {

// The trusted comment of the signature that one of `keys` made of the file at `path`, or an error:
// see hob_verify_file, also for what must not happen to the file afterwards.
inline Result<std::string> VerifyFile(std::string_view path, Span<const std::string_view> keys,
                                      const hob_verify_options& options = HOB_VERIFY_OPTIONS_INIT) {
  std::vector<hob_string> list;
  list.reserve(keys.size());
  for (const std::string_view key : keys) list.push_back(FromView(key));
  return detail::CallForText([&](char** comment, size_t* size, hob_error** error) {
    return hob_verify_file(comment, size, path.data(), path.size(), list.data(), list.size(),
                           &options, error);
  });
}

}  // namespace v0
}  // namespace hob

#endif  // HOB_VERIFY_HPP_
