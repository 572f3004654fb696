// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "lib/base/status.h"

namespace hob {

// How this library was built and what it runs on as a JSON object: see hob_describe_library.
// INVALID_ARGUMENT for an environment that names unknown kernels.
StatusOr<std::string> DescribeLibrary(std::string_view version, std::string_view abi);

}  // namespace hob
