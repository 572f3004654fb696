// SPDX-License-Identifier: Apache-2.0
// A model family turns hyperparameters and tensors into a graph. Each file lib/models/<name>.cc
// defines `const Family hob::models::<name>::kFamily`; the table is generated from the files.
#pragma once

#include <string_view>

#include "lib/graph/graph.h"

namespace hob {

struct Family {
  // Whether this family builds models of `architecture` (GGUF's general.architecture).
  bool (*builds)(std::string_view architecture);
  // Its names, for messages: "llama, mistral, …".
  std::string_view architectures;
  // INVALID_ARGUMENT names the hyperparameter or tensor that is missing or does not fit.
  StatusOr<Graph> (*build)(const ModelFile& file);
};

}  // namespace hob
