// SPDX-License-Identifier: Apache-2.0
#include <hob/graph.h>

#include <span>
#include <string>
#include <vector>

#include "abi/program.h"
#include "abi/unit_handles.h"
#include "lib/format/validate.h"
#include "lib/text/unicode.h"

struct hob_graph {
  std::shared_ptr<hob::Runtime> object;
  hob::GraphBuilder builder;
  mutable std::atomic<bool> busy{false};
  const hob::Runtime& runtime() const { return *object; }
};

struct hob_program {
  hob::abi::ProgramObject object;
  const hob::Runtime& runtime() const { return *object.runtime; }
};

namespace hob::abi {
namespace {

constexpr size_t kMostNodeInputs = 4096;

StatusOr<Exclusive<hob_graph>> UseGraph(hob_graph* graph) {
  HOB_RETURN_IF_ERROR(CheckHandle(graph, "graph"));
  return Exclusive<hob_graph>::Begin(graph, "graph");
}

StatusOr<std::string_view> ReadName(hob_string name, std::string_view what) {
  HOB_RETURN_IF_ERROR(CheckRange(name.data, name.size, what));
  const std::string_view view = View(name.data, name.size);
  if (view.size() > format::kMaxNameBytes) {
    return Error(StatusCode::kInvalidArgument,
                 Concat(what, " has ", view.size(), " bytes, more than ", format::kMaxNameBytes));
  }
  HOB_RETURN_IF_ERROR(text::CheckUtf8(view, what));
  return view;
}

// A size as the lib's, or −1, which no check passes.
int64_t Size(size_t size) {
  return size > static_cast<size_t>(INT64_MAX) ? -1 : static_cast<int64_t>(size);
}

StatusOr<Attributes> ReadAttributes(std::span<const hob_attribute> given) {
  Attributes attributes;
  for (const hob_attribute& attribute : given) {
    HOB_ASSIGN_OR_RETURN(const std::string_view name,
                         ReadName(attribute.name, "an attribute's name"));
    if (attribute.reserved != 0) {
      return Error(StatusCode::kInvalidArgument, "hob_attribute.reserved is not zero");
    }
    if (attributes.Find(name) != nullptr) {
      return Error(StatusCode::kInvalidArgument,
                   Concat("attribute ", format::Quoted(name), " is there twice"));
    }
    if (attribute.kind == HOB_ATTRIBUTE_INTEGER) {
      attributes.Set(name, attribute.integer);
    } else if (attribute.kind == HOB_ATTRIBUTE_REAL) {
      attributes.Set(name, attribute.real);
    } else {
      return Error(StatusCode::kInvalidArgument,
                   Concat("attribute ", format::Quoted(name), " is of kind ", attribute.kind,
                          ", not 0 or 1"));
    }
  }
  return attributes;
}

StatusOr<ValueId> AddWeight(hob_graph& graph, const hob_weight& given) {
  HOB_RETURN_IF_ERROR(CheckBool(given.borrow, "hob_weight.borrow"));
  HOB_RETURN_IF_ERROR(CheckReserved(given.reserved, "hob_weight"));
  if (given.data == nullptr) return NullArgument("hob_weight.data");
  HOB_ASSIGN_OR_RETURN(const std::string_view name, ReadName(given.name, "hob_weight.name"));
  std::vector<int64_t> shape;
  if (given.rows != 0) shape.push_back(Size(given.rows));
  shape.push_back(Size(given.columns));
  std::span<const uint8_t> data(static_cast<const uint8_t*>(given.data), given.size);
  std::shared_ptr<Buffer> copy;
  if (given.borrow == 0) {
    // Before memory of that size is asked for.
    const auto bytes = format::TensorBytes(static_cast<DType>(given.type), shape);
    if (bytes.ok() && *bytes == given.size) {
      HOB_ASSIGN_OR_RETURN(copy, CopyWeight(*graph.object, given.data, given.size, "weight"));
      data = copy->span();
    } else {
      data = {reinterpret_cast<const uint8_t*>(uintptr_t{GraphBuilder::kWeightAlignment}),
              given.size};  // which AddWeight refuses for its size or type, unread
    }
  }
  return graph.builder.AddWeight(name, static_cast<DType>(given.type), std::move(shape), data,
                                 std::move(copy));
}

StatusOr<ValueId> AddNode(GraphBuilder& builder, const hob_node& given) {
  if (given.reserved != 0) {
    return Error(StatusCode::kInvalidArgument, "hob_node.reserved is not zero");
  }
  HOB_ASSIGN_OR_RETURN(const std::string_view op, ReadName(given.op, "hob_node.op"));
  HOB_ASSIGN_OR_RETURN(const std::string_view name, ReadName(given.name, "hob_node.name"));
  HOB_RETURN_IF_ERROR(CheckRange(given.inputs, given.input_count, "hob_node.inputs"));
  HOB_RETURN_IF_ERROR(CheckRange(given.attributes, given.attribute_count, "hob_node.attributes"));
  HOB_RETURN_IF_ERROR(CheckRange(given.columns, given.output_count, "hob_node.columns"));
  for (const size_t count : {given.input_count, given.attribute_count, given.output_count}) {
    if (count > kMostNodeInputs) {
      return Error(StatusCode::kInvalidArgument,
                   Concat("a node of ", count, " inputs, attributes or outputs; the most is ",
                          kMostNodeInputs));
    }
  }
  HOB_ASSIGN_OR_RETURN(Attributes attributes,
                       ReadAttributes(std::span(given.attributes, given.attribute_count)));
  std::vector<int64_t> columns;
  for (const size_t count : std::span(given.columns, given.output_count)) {
    columns.push_back(Size(count));
  }
  return builder.AddNode(op, name, {given.inputs, given.inputs + given.input_count},
                         std::move(attributes), columns);
}

}  // namespace
}  // namespace hob::abi

extern "C" {

hob_status hob_graph_create(hob_graph** out, hob_runtime* runtime, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_RETURN_IF_ERROR(CheckHandle(runtime, "runtime"));
    *out = Adopt(new hob_graph{runtime->object, {}, {}});
    return absl::OkStatus();
  });
}

void hob_graph_destroy(hob_graph* graph) { hob::abi::Destroy(graph); }

hob_status hob_graph_add_input(hob_value* out, hob_graph* graph, const char* name, size_t name_size,
                               size_t columns, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_ASSIGN_OR_RETURN(const auto use, UseGraph(graph));
    HOB_ASSIGN_OR_RETURN(const std::string_view read, ReadName({name, name_size}, "name"));
    HOB_ASSIGN_OR_RETURN(*out, use->builder.AddInput(read, Size(columns)));
    return absl::OkStatus();
  });
}

hob_status hob_graph_add_weight(hob_value* out, hob_graph* graph, const hob_weight* weight,
                                hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_ASSIGN_OR_RETURN(const auto use, UseGraph(graph));
    if (weight == nullptr) return NullArgument("weight");
    HOB_ASSIGN_OR_RETURN(const hob_weight given,
                         ReadStruct(weight, hob_weight(HOB_WEIGHT_INIT), "hob_weight"));
    HOB_ASSIGN_OR_RETURN(*out, AddWeight(*use, given));
    return absl::OkStatus();
  });
}

hob_status hob_graph_add_node(hob_value* out_first, hob_graph* graph, const hob_node* node,
                              hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out_first == nullptr) return NullArgument("out_first");
    HOB_ASSIGN_OR_RETURN(const auto use, UseGraph(graph));
    if (node == nullptr) return NullArgument("node");
    HOB_ASSIGN_OR_RETURN(const hob_node given,
                         ReadStruct(node, hob_node(HOB_NODE_INIT), "hob_node"));
    HOB_ASSIGN_OR_RETURN(*out_first, AddNode(use->builder, given));
    return absl::OkStatus();
  });
}

hob_status hob_graph_add_output(hob_graph* graph, hob_value value, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_ASSIGN_OR_RETURN(const auto use, UseGraph(graph));
    return use->builder.AddOutput(value);
  });
}

hob_status hob_program_create(hob_program** out, hob_graph* graph,
                              const hob_program_options* options, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_ASSIGN_OR_RETURN(const auto use, UseGraph(graph));
    HOB_ASSIGN_OR_RETURN(
        const hob_program_options given,
        ReadStruct(options, hob_program_options(HOB_PROGRAM_OPTIONS_INIT), "hob_program_options"));
    HOB_ASSIGN_OR_RETURN(const hob::ProgramOptions read,
                         ReadProgramOptions(given.activations, given.max_rows, given.reserved,
                                            "hob_program_options"));
    HOB_ASSIGN_OR_RETURN(ProgramObject object, MakeProgram(use->object, use->builder, read));
    *out = Adopt(new hob_program{std::move(object)});
    return absl::OkStatus();
  });
}

void hob_program_destroy(hob_program* program) { hob::abi::Destroy(program); }

hob_status hob_program_get_info(hob_program_info* out, const hob_program* program,
                                hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_RETURN_IF_ERROR(CheckHandle(program, "program"));
    HOB_RETURN_IF_ERROR(CheckOutStruct(out, "hob_program_info"));
    const hob::Program& object = *program->object.program;
    hob_program_info info = HOB_PROGRAM_INFO_INIT;
    info.max_rows = static_cast<uint32_t>(object.max_rows());
    info.weight_bytes = object.weight_bytes();
    info.scratch_bytes = object.scratch_bytes();
    WriteStruct(out, info);
    return absl::OkStatus();
  });
}

hob_status hob_program_run(float* const* outputs, size_t output_count, const hob_program* program,
                           const float* const* inputs, size_t input_count, size_t rows,
                           const hob_run_options* options, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_RETURN_IF_ERROR(CheckHandle(program, "program"));
    HOB_RETURN_IF_ERROR(CheckRange(static_cast<const void*>(outputs), output_count, "outputs"));
    HOB_RETURN_IF_ERROR(CheckRange(static_cast<const void*>(inputs), input_count, "inputs"));
    HOB_ASSIGN_OR_RETURN(
        const hob_run_options given,
        ReadStruct(options, hob_run_options(HOB_RUN_OPTIONS_INIT), "hob_run_options"));
    return RunProgram(program->object, {.inputs = {inputs, input_count},
                                        .outputs = {outputs, output_count},
                                        .rows = Size(rows),
                                        .tokens = given.tokens,
                                        .position = given.position});
  });
}

}  // extern "C"
