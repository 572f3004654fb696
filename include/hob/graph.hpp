// SPDX-License-Identifier: Apache-2.0
// Outside the promise, as graph.h is.
#ifndef HOB_GRAPH_HPP_
#define HOB_GRAPH_HPP_

#include <hob/graph.h>

#include <hob/error.hpp>
#include <hob/runtime.hpp>
#include <hob/span.hpp>

namespace hob {
inline namespace v0 {

// A constant of a node: {"epsilon", 1e-5}, {"weights", 1}.
struct Attribute : hob_attribute {
  Attribute(std::string_view name, int value) : Attribute(name, int64_t{value}) {}
  Attribute(std::string_view name, int64_t value)
      : hob_attribute{FromView(name), HOB_ATTRIBUTE_INTEGER, 0, value, 0} {}
  Attribute(std::string_view name, double value)
      : hob_attribute{FromView(name), HOB_ATTRIBUTE_REAL, 0, 0, value} {}
};
static_assert(sizeof(Attribute) == sizeof(hob_attribute), "an array of one is one of the other");

// Owns a hob_program: see graph.h. Movable, not copyable.
class Program {
 public:
  Result<hob_program_info> Info() const {
    hob_program_info info = HOB_PROGRAM_INFO_INIT;
    return detail::CallFor<hob_program_info>(
        [&](hob_error** error) { return hob_program_get_info(&info, get(), error); },
        [&] { return info; });
  }

  // One pointer an output and an input, each with as many rows.
  Result<void> Run(Span<float* const> outputs, Span<const float* const> inputs, size_t rows,
                   const hob_run_options& options = HOB_RUN_OPTIONS_INIT) const {
    return detail::Call([&](hob_error** error) {
      return hob_program_run(outputs.data(), outputs.size(), get(), inputs.data(), inputs.size(),
                             rows, &options, error);
    });
  }

  // Takes `handle` over.
  explicit Program(hob_program* handle) : handle_(handle) {}
  hob_program* get() const { return handle_.get(); }
  hob_program* release() { return handle_.release(); }

 private:
  struct Destroy {
    void operator()(hob_program* handle) const { hob_program_destroy(handle); }
  };
  std::unique_ptr<hob_program, Destroy> handle_;
};

// Owns a hob_graph: see graph.h. Movable, not copyable. One thread at a time.
class Graph {
 public:
  static Result<Graph> Create(const Runtime& runtime) {
    hob_graph* handle = nullptr;
    return detail::CallFor<Graph>(
        [&](hob_error** error) { return hob_graph_create(&handle, runtime.get(), error); },
        [&] { return Graph(handle); });
  }

  Result<hob_value> AddInput(size_t columns, std::string_view name = {}) {
    return CallForValue([&](hob_value* out, hob_error** error) {
      return hob_graph_add_input(out, get(), name.data(), name.size(), columns, error);
    });
  }
  Result<hob_value> AddWeight(const hob_weight& weight) {
    return CallForValue([&](hob_value* out, hob_error** error) {
      return hob_graph_add_weight(out, get(), &weight, error);
    });
  }
  // Floats, copied: a matrix of `rows`, or a vector where that is 0.
  Result<hob_value> AddWeight(Span<const float> values, size_t rows = 0,
                              std::string_view name = {}) {
    if (rows != 0 && values.size() % rows != 0) {
      return Error(HOB_INVALID_ARGUMENT, "the values are not whole rows");
    }
    hob_weight weight = HOB_WEIGHT_INIT;
    weight.name = {name.data(), name.size()};
    weight.data = values.data();
    weight.size = values.size() * sizeof(float);
    weight.rows = rows;
    weight.columns = rows == 0 ? values.size() : values.size() / rows;
    return AddWeight(weight);
  }
  // A node with outputs of these columns; the result is the first, the others are the values after.
  Result<hob_value> AddNode(std::string_view op, Span<const hob_value> inputs,
                            Span<const size_t> columns, Span<const Attribute> attributes = {},
                            std::string_view name = {}) {
    hob_node node = HOB_NODE_INIT;
    node.op = {op.data(), op.size()};
    node.name = {name.data(), name.size()};
    node.inputs = inputs.data();
    node.input_count = inputs.size();
    node.attributes = attributes.data();
    node.attribute_count = attributes.size();
    node.columns = columns.data();
    node.output_count = columns.size();
    return CallForValue([&](hob_value* out, hob_error** error) {
      return hob_graph_add_node(out, get(), &node, error);
    });
  }
  Result<void> AddOutput(hob_value value) {
    return detail::Call(
        [&](hob_error** error) { return hob_graph_add_output(get(), value, error); });
  }

  Result<Program> Compile(const hob_program_options& options = HOB_PROGRAM_OPTIONS_INIT) {
    hob_program* handle = nullptr;
    return detail::CallFor<Program>(
        [&](hob_error** error) { return hob_program_create(&handle, get(), &options, error); },
        [&] { return Program(handle); });
  }

  // Takes `handle` over.
  explicit Graph(hob_graph* handle) : handle_(handle) {}
  hob_graph* get() const { return handle_.get(); }
  hob_graph* release() { return handle_.release(); }

 private:
  struct Destroy {
    void operator()(hob_graph* handle) const { hob_graph_destroy(handle); }
  };

  template <typename F>
  static Result<hob_value> CallForValue(F&& f) {
    hob_value value = HOB_NO_VALUE;
    return detail::CallFor<hob_value>([&](hob_error** error) { return f(&value, error); },
                                      [&] { return value; });
  }

  std::unique_ptr<hob_graph, Destroy> handle_;
};

}  // namespace v0
}  // namespace hob

#endif  // HOB_GRAPH_HPP_
