// SPDX-License-Identifier: Apache-2.0
#include "lib/session/convert.h"

#include <memory>

#include "lib/graph/graph.h"
#include "lib/text/unicode.h"

namespace hob {

Status Convert(const std::string& input, const std::string& output, const Progress& progress) {
  for (const std::string* path : {&input, &output}) {
    if (path->empty()) return Error(StatusCode::kInvalidArgument, "a path is empty");
    if (text::FindInvalidUtf8(*path) != std::string_view::npos) {
      return Error(StatusCode::kInvalidArgument, "a path is not UTF-8");
    }
    if (path->find('\0') != std::string::npos) {
      return Error(StatusCode::kInvalidArgument, "a path contains a NUL byte");
    }
  }
  HOB_ASSIGN_OR_RETURN(const auto model, OpenModelFile(input));
  std::shared_ptr<fbs::GraphT> stored;
  if (!model->tensors.empty()) {
    auto graph = BuildGraph(*model);
    if (!graph.ok()) return Annotate(graph.status(), input);
    stored = GraphToFile(*graph);
  }
  return WriteHobFile(*model, stored.get(), output, progress);
}

}  // namespace hob
