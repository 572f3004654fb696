// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "lib/session/model.h"

namespace hob {

// Everything known of `model` as a JSON object: see hob_model_describe.
std::string DescribeModel(const Model& model);

}  // namespace hob
