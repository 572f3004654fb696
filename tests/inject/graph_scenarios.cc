// SPDX-License-Identifier: Apache-2.0
// Matrices and graphs of one's own.
#include <cmath>

#include "tests/inject/scenario.h"

namespace hob::inject {
namespace {

std::vector<float> Values(size_t count) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = std::sin(static_cast<float>(i) * 0.37f);
  return values;
}

std::string_view Bytes(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

bool Product(Probe& probe, hob_matrix* matrix, const std::string& known) {
  hob_matrix_info info = HOB_MATRIX_INFO_INIT;
  const std::vector<float> x = Values(3 * 96);
  std::vector<float> y(3 * 40);
  if (!probe.Call("hob_matrix_get_info",
                  [&](hob_error** e) { return hob_matrix_get_info(&info, matrix, e); }) ||
      !probe.Call("hob_matrix_multiply", [&](hob_error** e) {
        return hob_matrix_multiply(y.data(), matrix, x.data(), 3, e);
      })) {
    return false;
  }
  probe.Same(known, Bytes(y));
  return true;
}

void Matrix(Probe& probe, hob_runtime* runtime, hob_type type) {
  const std::vector<float> values = Values(40 * 96);
  std::string data(hob_type_bytes(type, 40, 96), '\0');
  if (!probe.Call("hob_quantize", [&](hob_error** e) {
        return hob_quantize(data.data(), data.size(), type, values.data(), 40, 96, e);
      })) {
    return;
  }
  probe.Same("quantised", data);
  MatrixHandle made(probe), quantized(probe);
  if (!probe.Call("hob_matrix_create",
                  [&](hob_error** e) {
                    return hob_matrix_create(made.out(), runtime, type, data.data(), data.size(),
                                             40, 96, nullptr, e);
                  }) ||
      !Product(probe, made, "product") || !probe.Call("hob_matrix_quantize", [&](hob_error** e) {
        return hob_matrix_quantize(quantized.out(), runtime, type, values.data(), 40, 96, nullptr,
                                   e);
      })) {
    return;
  }
  Product(probe, quantized, "product");
}

void Graph(Probe& probe, hob_runtime* runtime) {
  const std::vector<float> scale = Values(64), matrix = Values(64 * 64), x = Values(5 * 64);
  GraphHandle graph(probe);
  ProgramHandle program(probe);
  if (!probe.Call("hob_graph_create",
                  [&](hob_error** e) { return hob_graph_create(graph.out(), runtime, e); })) {
    return;
  }
  hob_value input = -1, norm_weight = -1, product_weight = -1, norm = -1, product = -1, sum = -1;
  const std::string name = "an input whose name no short string holds";
  const auto weight = [&](hob_value* out, const std::vector<float>& values, size_t rows,
                          const char* weight_name) {
    hob_weight given = HOB_WEIGHT_INIT;
    given.name = {weight_name, std::string_view(weight_name).size()};
    given.data = values.data();
    given.size = values.size() * sizeof(float);
    given.rows = rows;
    given.columns = 64;
    return probe.Call("hob_graph_add_weight",
                      [&](hob_error** e) { return hob_graph_add_weight(out, graph, &given, e); });
  };
  const auto node = [&](hob_value* out, const char* op, const std::vector<hob_value>& inputs,
                        const std::vector<hob_attribute>& attributes) {
    const size_t columns = 64;
    hob_node given = HOB_NODE_INIT;
    given.op = {op, std::string_view(op).size()};
    given.name = {name.data(), name.size()};
    given.inputs = inputs.data();
    given.input_count = inputs.size();
    given.attributes = attributes.data();
    given.attribute_count = attributes.size();
    given.columns = &columns;
    given.output_count = 1;
    return probe.Call("hob_graph_add_node",
                      [&](hob_error** e) { return hob_graph_add_node(out, graph, &given, e); });
  };
  const hob_attribute weights = {{"weights", 7}, HOB_ATTRIBUTE_INTEGER, 0, 1, 0};
  const hob_attribute epsilon = {{"epsilon", 7}, HOB_ATTRIBUTE_REAL, 0, 0, 1e-5};
  if (!probe.Call("hob_graph_add_input",
                  [&](hob_error** e) {
                    return hob_graph_add_input(&input, graph, name.data(), name.size(), 64, e);
                  }) ||
      !weight(&norm_weight, scale, 0, "the weight of the norm") ||
      !weight(&product_weight, matrix, 64, "the weight of the product") ||
      !node(&norm, "rms_norm", {input, norm_weight}, {epsilon}) ||
      !node(&product, "matmul", {norm, product_weight, HOB_NO_VALUE}, {weights}) ||
      !node(&sum, "add", {product, input}, {}) ||
      !probe.Call("hob_graph_add_output",
                  [&](hob_error** e) { return hob_graph_add_output(graph, sum, e); })) {
    return;
  }
  probe.Check(sum == 5, "what failed left nothing in the graph");
  if (!probe.Call("hob_program_create", [&](hob_error** e) {
        return hob_program_create(program.out(), graph, nullptr, e);
      })) {
    return;
  }
  hob_program_info info = HOB_PROGRAM_INFO_INIT;
  std::vector<float> y(5 * 64);
  const float* in = x.data();
  float* out = y.data();
  if (!probe.Call("hob_program_get_info",
                  [&](hob_error** e) { return hob_program_get_info(&info, program, e); }) ||
      !probe.Call("hob_program_run", [&](hob_error** e) {
        return hob_program_run(&out, 1, program, &in, 1, 5, nullptr, e);
      })) {
    return;
  }
  probe.Same("rows", Bytes(y));
}

}  // namespace

void AddGraphScenarios(std::vector<Scenario>& out) {
  constexpr std::pair<const char*, hob_type> kTypes[] = {{"matrix of Q4_0", HOB_TYPE_Q4_0},
                                                         {"matrix of int8", HOB_TYPE_INT8},
                                                         {"matrix of f32", HOB_TYPE_F32},
                                                         {"matrix of bf16", HOB_TYPE_BF16}};
  for (const auto& [name, type] : kTypes) {
    out.push_back({name,
                   [type = type](const Files& files) -> Run {
                     auto world = std::make_shared<World>(files, "smollm-q4_1.gguf");
                     return [world, type](Probe& probe) { Matrix(probe, world->runtime, type); };
                   },
                   150});
  }
  out.push_back({"graph and program",
                 [](const Files& files) -> Run {
                   auto world = std::make_shared<World>(files, "smollm-q4_1.gguf");
                   return [world](Probe& probe) { Graph(probe, world->runtime); };
                 },
                 300});
}

}  // namespace hob::inject
