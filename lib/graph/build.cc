// SPDX-License-Identifier: Apache-2.0
#include "lib/models/family.h"

namespace hob {

#define HOB_FAMILY(name)       \
  namespace models::name {     \
  extern const Family kFamily; \
  }
#include "lib/models/family_table.inc"
#undef HOB_FAMILY

StatusOr<Graph> BuildGraph(const ModelFile& file) {
  Graph graph;
  if (file.graph != nullptr) {
    HOB_ASSIGN_OR_RETURN(graph, GraphFromFile(*file.graph));
  } else {
    if (file.tensors.empty()) {
      return Error(StatusCode::kInvalidArgument, "the file holds a vocabulary only, no weights",
                   "open it for tokenising, or use a file with weights");
    }
    const Family* family = nullptr;
    std::string known;
#define HOB_FAMILY(name)                                                                \
  if (models::name::kFamily.builds(file.architecture)) family = &models::name::kFamily; \
  known += (known.empty() ? "" : ", ") + std::string(models::name::kFamily.architectures);
#include "lib/models/family_table.inc"
#undef HOB_FAMILY
    if (family == nullptr) {
      return Error(
          StatusCode::kUnimplemented,
          absl::StrCat("models of architecture \"", file.architecture, "\" are not supported"),
          absl::StrCat("supported: ", known));
    }
    HOB_ASSIGN_OR_RETURN(graph, family->build(file));
  }
  HOB_RETURN_IF_ERROR(CheckGraph(graph, file));
  return graph;
}

}  // namespace hob
