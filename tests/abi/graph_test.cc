// SPDX-License-Identifier: Apache-2.0
// A graph of one's own: hob/graph.h.
#include <cmath>
#include <cstring>

#include "tests/abi/heap.h"
#include "tests/abi/units.h"

using namespace hob::test;

namespace {

class Builder {
 public:
  explicit Builder(hob_runtime* runtime) {
    hob_graph* graph = nullptr;
    REQUIRE_OK(hob_graph_create(&graph, runtime, &error));
    graph_.reset(graph);
  }
  hob_graph* get() const { return graph_.get(); }

  hob_value Input(size_t columns) {
    hob_value value = -1;
    REQUIRE_OK(hob_graph_add_input(&value, get(), "in", 2, columns, &error));
    return value;
  }
  hob_value Weight(const std::vector<float>& values, size_t rows, bool borrow = false) {
    hob_weight weight = HOB_WEIGHT_INIT;
    weight.data = values.data();
    weight.size = values.size() * sizeof(float);
    weight.rows = rows;
    weight.columns = rows == 0 ? values.size() : values.size() / rows;
    weight.borrow = borrow ? 1 : 0;
    hob_value value = -1;
    REQUIRE_OK(hob_graph_add_weight(&value, get(), &weight, &error));
    return value;
  }
  hob_status TryNode(hob_value* out, std::string_view op, const std::vector<hob_value>& inputs,
                     const std::vector<size_t>& columns,
                     const std::vector<hob_attribute>& attributes, hob_error** error) {
    hob_node node = HOB_NODE_INIT;
    node.op = Piece(op);
    node.name = Piece("here");
    node.inputs = inputs.data();
    node.input_count = inputs.size();
    node.attributes = attributes.data();
    node.attribute_count = attributes.size();
    node.columns = columns.data();
    node.output_count = columns.size();
    return hob_graph_add_node(out, get(), &node, error);
  }
  hob_value Node(std::string_view op, const std::vector<hob_value>& inputs, size_t columns,
                 const std::vector<hob_attribute>& attributes = {}) {
    hob_value value = -1;
    REQUIRE_OK(TryNode(&value, op, inputs, {columns}, attributes, &error));
    return value;
  }
  void Output(hob_value value) { REQUIRE_OK(hob_graph_add_output(get(), value, &error)); }
  ProgramPtr Compile(const hob_program_options* options = nullptr) {
    hob_program* program = nullptr;
    REQUIRE_OK(hob_program_create(&program, get(), options, &error));
    return ProgramPtr(program);
  }

 private:
  GraphPtr graph_;
};

hob_attribute Whole(std::string_view name, int64_t value) {
  return {Piece(name), HOB_ATTRIBUTE_INTEGER, 0, value, 0};
}
hob_attribute Real(std::string_view name, double value) {
  return {Piece(name), HOB_ATTRIBUTE_REAL, 0, 0, value};
}

std::vector<float> Run(const hob_program* program, const std::vector<float>& x, size_t rows,
                       size_t columns) {
  std::vector<float> y(rows * columns);
  const float* inputs[] = {x.data()};
  float* outputs[] = {y.data()};
  REQUIRE_OK(hob_program_run(outputs, 1, program, inputs, 1, rows, nullptr, &error));
  return y;
}

}  // namespace

TEST_CASE("a graph of a norm, two products and a sum computes them") {
  const RuntimePtr runtime = MakeRuntime(2);
  const std::vector<float> norm = Numbers(64, 1), up = Numbers(96 * 64, 2),
                           down = Numbers(64 * 96, 3), x = Numbers(7 * 64, 4);
  ProgramPtr program;
  {
    std::vector<float> gone = up;  // copied
    Builder graph(runtime.get());
    const hob_value in = graph.Input(64);
    const hob_value n =
        graph.Node("rms_norm", {in, graph.Weight(norm, 0)}, 64, {Real("epsilon", 1e-5)});
    const hob_value u =
        graph.Node("matmul", {n, graph.Weight(gone, 96), HOB_NO_VALUE}, 96, {Whole("weights", 1)});
    const hob_value d = graph.Node("matmul", {u, graph.Weight(down, 64, true), HOB_NO_VALUE}, 64,
                                   {Whole("weights", 1)});
    graph.Output(graph.Node("add", {d, in}, 64));
    std::fill(gone.begin(), gone.end(), 0.0f);
    program = graph.Compile();
    graph.Input(3);  // changes the graph, not the program
  }
  const std::vector<float> y = Run(program.get(), x, 7, 64);
  for (size_t r = 0; r < 7; ++r) {
    const float* row = x.data() + r * 64;
    double squares = 0;
    for (size_t i = 0; i < 64; ++i) squares += static_cast<double>(row[i]) * row[i];
    const double factor = 1 / std::sqrt(squares / 64 + 1e-5);
    std::vector<double> hidden(96);
    for (size_t h = 0; h < 96; ++h) {
      for (size_t i = 0; i < 64; ++i) hidden[h] += row[i] * factor * norm[i] * up[h * 64 + i];
    }
    for (size_t n = 0; n < 64; ++n) {
      double sum = row[n];
      for (size_t h = 0; h < 96; ++h) sum += hidden[h] * down[n * 96 + h];
      REQUIRE(std::abs(sum - y[r * 64 + n]) < 1e-3);
    }
  }
  hob_program_info info = HOB_PROGRAM_INFO_INIT;
  REQUIRE_OK(hob_program_get_info(&info, program.get(), &error));
  CHECK(info.max_rows == 512);
  CHECK(info.weight_bytes > 0);
  hob_runtime_info use = HOB_RUNTIME_INFO_INIT;
  REQUIRE_OK(hob_runtime_get_info(&use, runtime.get(), &error));
  CHECK(use.bytes_in_use == info.weight_bytes + info.scratch_bytes);  // the graph is gone
}

TEST_CASE("running a program allocates nothing, in parts too") {
  const RuntimePtr runtime = MakeRuntime(1);
  Builder graph(runtime.get());
  const std::vector<float> w = Numbers(64 * 64), x = Numbers(9 * 64, 2);
  const hob_value in = graph.Input(64);
  graph.Output(
      graph.Node("matmul", {in, graph.Weight(w, 64), HOB_NO_VALUE}, 64, {Whole("weights", 1)}));
  const std::vector<float> expected = Run(graph.Compile().get(), x, 9, 64);
  hob_program_options options = HOB_PROGRAM_OPTIONS_INIT;
  options.max_rows = 2;
  const ProgramPtr program = graph.Compile(&options);
  CHECK(Run(program.get(), x, 9, 64) == expected);
  std::vector<float> y(9 * 64);
  const float* inputs[] = {x.data()};
  float* outputs[] = {y.data()};
  const int64_t before = heap_allocations.load();
  const hob_status status =
      hob_program_run(outputs, 1, program.get(), inputs, 1, 9, nullptr, nullptr);
  CHECK(heap_allocations.load() == before);
  CHECK(status == HOB_OK);
  CHECK(y == expected);
  REQUIRE_OK(hob_program_run(outputs, 1, program.get(), inputs, 1, 0, nullptr, &error));
}

TEST_CASE("a node that is wrong is refused by name, and the graph goes on") {
  const RuntimePtr runtime = MakeRuntime(1);
  Builder graph(runtime.get());
  const hob_value x = graph.Input(64), other = graph.Input(32);
  const hob_value w = graph.Weight(Numbers(96 * 64), 96), vector = graph.Weight(Numbers(64), 0);
  hob_value out = -7;
  const std::vector<hob_attribute> one = {Whole("weights", 1)};
  const auto wrong = [&](std::string_view op, const std::vector<hob_value>& inputs,
                         const std::vector<size_t>& columns,
                         const std::vector<hob_attribute>& attributes) {
    const Outcome outcome =
        Try([&](auto e) { return graph.TryNode(&out, op, inputs, columns, attributes, e); });
    INFO(op << ": " << outcome.message);
    CHECK((outcome.status == HOB_INVALID_ARGUMENT || outcome.status == HOB_UNIMPLEMENTED));
    if (op.size() < 20) CHECK(outcome.message.find("here") != std::string::npos);
    return outcome;
  };
  CHECK(wrong("divide", {x}, {64}, {}).hint.find("matmul") != std::string::npos);
  CHECK(wrong("(inputs)", {x}, {64}, {}).status == HOB_INVALID_ARGUMENT);
  CHECK(wrong("attention", {x, x, x}, {64}, {}).status == HOB_UNIMPLEMENTED);
  CHECK(wrong("select_rows", {x}, {64}, {}).status == HOB_UNIMPLEMENTED);
  wrong("quantize", {x}, {64}, {});                      // hob's own business
  wrong("matmul", {x, w, HOB_NO_VALUE}, {96}, {});       // no attribute
  wrong("matmul", {x, w, HOB_NO_VALUE}, {95}, one);      // shape of the output
  wrong("matmul", {other, w, HOB_NO_VALUE}, {96}, one);  // of the input
  wrong("matmul", {x, x, HOB_NO_VALUE}, {96}, one);      // no weight
  wrong("matmul", {w, w, HOB_NO_VALUE}, {96}, one);      // a weight for rows
  wrong("matmul", {HOB_NO_VALUE, w, HOB_NO_VALUE}, {96}, one);
  wrong("matmul", {x, w}, {96}, one);
  wrong("matmul", {x, w, HOB_NO_VALUE}, {96, 96}, one);
  wrong("matmul", {x, w, HOB_NO_VALUE}, {}, one);
  wrong("matmul", {x, w, HOB_NO_VALUE}, {96}, {Real("weights", 1)});    // kind
  wrong("matmul", {x, w, HOB_NO_VALUE}, {96}, {Whole("weights", 99)});  // range
  wrong("matmul", {x, w, vector}, {96}, one);                           // length of the bias
  wrong("add", {x, other}, {64}, {});
  wrong("add", {x, 4}, {64}, {});  // itself, or what does not exist yet: no cycle can be
  wrong("add", {x, 5}, {64}, {});
  wrong("add", {x, -2}, {64}, {});
  wrong("add", {x, x}, {0}, {});
  wrong("add", {x, x}, {SIZE_MAX}, {});
  wrong("add", {x, x}, {size_t{1} << 40}, {});
  wrong("rms_norm", {x, vector}, {64}, {Real("epsilon", std::nan(""))});
  wrong("rms_norm", {x, w}, {64}, {Real("epsilon", 1e-5)});
  wrong("rms_norm", {x, vector}, {64}, {});
  wrong("embedding", {x}, {64}, {});
  wrong("rope_angles", {}, {32}, {Whole("dimensions", 31), Real("base", 1e4)});
  // An attribute that the operator does not have is not passed over.
  CHECK(wrong("rope_angles", {}, {32},
              {Whole("dimensions", 32), Real("base", 1e4), Real("factor", 8)})
            .message.find("factor") != std::string::npos);
  wrong("add", {x, x}, {64}, {Real("scale", 2)});
  wrong("matmul", {x, w, HOB_NO_VALUE}, {96}, {Whole("weights", 1), Real("residual", 0)});
  CHECK(wrong("\x1b[2J", {x}, {64}, {}).message.find('\x1b') == std::string::npos);
  CHECK(out == -7);
  graph.Output(graph.Node("add", {x, x}, 64));
  const ProgramPtr program = graph.Compile();
  std::vector<float> a = Numbers(64), b = Numbers(32), y(64);
  const float* inputs[] = {a.data(), b.data()};
  float* outputs[] = {y.data()};
  REQUIRE_OK(hob_program_run(outputs, 1, program.get(), inputs, 2, 1, nullptr, &error));
  for (size_t i = 0; i < 64; ++i) CHECK(y[i] == 2 * a[i]);
}

TEST_CASE("a weight without a name does not get another's") {
  const RuntimePtr runtime = MakeRuntime(1);
  Builder graph(runtime.get());
  const std::vector<float> values = Numbers(8);
  for (const std::string_view name : {"weight 1", "", ""}) {
    hob_weight given = HOB_WEIGHT_INIT;
    given.name = Piece(name);
    given.data = values.data();
    given.size = 32;
    given.columns = 8;
    hob_value out = HOB_NO_VALUE;
    REQUIRE_OK(hob_graph_add_weight(&out, graph.get(), &given, &error));
  }
}

TEST_CASE("weights, outputs and attributes that are wrong are refused") {
  const RuntimePtr runtime = MakeRuntime(1);
  Builder graph(runtime.get());
  const std::vector<float> values = Numbers(64);
  hob_value out = -7;
  const auto weight = [&](auto set) {
    return Try([&](auto e) {
      hob_weight given = HOB_WEIGHT_INIT;
      given.data = values.data();
      given.size = 256;
      given.columns = 64;
      set(given);
      return hob_graph_add_weight(&out, graph.get(), &given, e);
    });
  };
  CHECK(weight([](auto& g) { g.size = 255; }).message.find("256") != std::string::npos);
  CHECK(weight([](auto& g) { g.rows = 2; }).status == HOB_INVALID_ARGUMENT);
  CHECK(weight([](auto& g) { g.columns = 0; }).status == HOB_INVALID_ARGUMENT);
  CHECK(weight([](auto& g) { g.columns = SIZE_MAX; }).status == HOB_INVALID_ARGUMENT);
  CHECK(weight([](auto& g) { g.rows = SIZE_MAX; }).status == HOB_INVALID_ARGUMENT);
  CHECK(weight([](auto& g) { g.rows = size_t{1} << 62; }).status == HOB_INVALID_ARGUMENT);
  CHECK(weight([](auto& g) { g.data = nullptr; }).message.find("NULL") != std::string::npos);
  CHECK(weight([](auto& g) { g.type = HOB_TYPE_Q4_0; }).status == HOB_INVALID_ARGUMENT);
  CHECK(weight([](auto& g) { g.type = 26; }).status == HOB_UNIMPLEMENTED);
  CHECK(weight([](auto& g) { g.type = 1001; }).status == HOB_UNIMPLEMENTED);
  CHECK(weight([](auto& g) { g.borrow = 2; }).message.find("borrow") != std::string::npos);
  CHECK(weight([](auto& g) { g.reserved[0] = 1; }).message.find("reserved") != std::string::npos);
  CHECK(weight([](auto& g) { g.name = {"\xFF", 1}; }).message.find("UTF-8") != std::string::npos);
  CHECK(weight([](auto& g) { g.name = {nullptr, 1}; }).message.find("NULL") != std::string::npos);
  CHECK(weight([&](auto& g) {
          g.borrow = 1;
          g.data = reinterpret_cast<const char*>(values.data()) + 4;
          g.size = 4;
          g.columns = 1;
        }).message.find("aligned") != std::string::npos);
  CHECK(out == -7);

  const hob_value x = graph.Input(64), w = graph.Weight(values, 0);
  const auto output = [&](hob_value value) {
    return Try([&](auto e) { return hob_graph_add_output(graph.get(), value, e); });
  };
  hob_program* made = nullptr;
  CHECK(Try([&](auto e) {
          return hob_program_create(&made, graph.get(), nullptr, e);
        }).message.find("no output") != std::string::npos);
  CHECK(output(w).message.find("weight") != std::string::npos);
  CHECK(output(2).status == HOB_INVALID_ARGUMENT);
  CHECK(output(HOB_NO_VALUE).status == HOB_INVALID_ARGUMENT);
  graph.Output(x);  // an input may leave as it came
  CHECK(output(x).message.find("already") != std::string::npos);

  const auto attribute = [&](hob_attribute a, size_t count = 1) {
    const std::vector<hob_attribute> all(count, a);
    return Try([&](auto e) { return graph.TryNode(&out, "add", {x, x}, {64}, all, e); });
  };
  CHECK(attribute({{nullptr, 3}, 0, 0, 0, 0}).status == HOB_INVALID_ARGUMENT);
  CHECK(attribute({{"a", 1}, 2, 0, 0, 0}).message.find("kind") != std::string::npos);
  CHECK(attribute({{"a", 1}, 0, 1, 0, 0}).message.find("reserved") != std::string::npos);
  CHECK(attribute(Whole("a", 1), 2).message.find("twice") != std::string::npos);
  CHECK(attribute(Whole("a", 1), 5000).message.find("5000") != std::string::npos);

  const auto create = [&](auto set) {
    return Try([&](auto e) {
      hob_program_options options = HOB_PROGRAM_OPTIONS_INIT;
      set(options);
      return hob_program_create(&made, graph.get(), &options, e);
    });
  };
  CHECK(create([](auto& o) { o.activations = -1; }).message.find("activations") !=
        std::string::npos);
  CHECK(create([](auto& o) { o.max_rows = 100'000; }).message.find("max_rows") !=
        std::string::npos);
  CHECK(create([](auto& o) { o.reserved = 1; }).message.find("reserved") != std::string::npos);
  CHECK(made == nullptr);
}

TEST_CASE("runs that do not fit the graph are refused") {
  const RuntimePtr runtime = MakeRuntime(1);
  Builder graph(runtime.get());
  graph.Output(graph.Node("embedding", {graph.Weight(Numbers(10 * 64), 10)}, 64));
  graph.Output(graph.Input(64));
  const ProgramPtr program = graph.Compile();
  std::vector<float> x = Numbers(64), y(64), z(64);
  const std::vector<int32_t> tokens = {9};
  const auto run = [&](std::vector<const float*> inputs, std::vector<float*> outputs, size_t rows,
                       const int32_t* ids, int32_t position = 0) {
    return Try([&](auto e) {
      hob_run_options options = HOB_RUN_OPTIONS_INIT;
      options.tokens = ids;
      options.position = position;
      return hob_program_run(outputs.data(), outputs.size(), program.get(), inputs.data(),
                             inputs.size(), rows, &options, e);
    });
  };
  const int32_t outside[] = {10}, below[] = {-1};
  CHECK(run({x.data()}, {y.data(), z.data()}, 1, tokens.data()).status == HOB_OK);
  CHECK(z == x);
  CHECK(run({}, {y.data(), z.data()}, 1, tokens.data()).status == HOB_INVALID_ARGUMENT);
  CHECK(run({x.data(), x.data()}, {y.data(), z.data()}, 1, tokens.data()).status ==
        HOB_INVALID_ARGUMENT);
  CHECK(run({x.data()}, {y.data()}, 1, tokens.data()).status == HOB_INVALID_ARGUMENT);
  CHECK(run({nullptr}, {y.data(), z.data()}, 1, tokens.data()).message.find("NULL") !=
        std::string::npos);
  CHECK(run({x.data()}, {y.data(), nullptr}, 1, tokens.data()).message.find("NULL") !=
        std::string::npos);
  CHECK(run({x.data()}, {y.data(), z.data()}, 1, nullptr).message.find("tokens") !=
        std::string::npos);
  CHECK(run({x.data()}, {y.data(), z.data()}, 1, outside).message.find("10") != std::string::npos);
  CHECK(run({x.data()}, {y.data(), z.data()}, 1, below).status == HOB_INVALID_ARGUMENT);
  CHECK(run({x.data()}, {y.data(), z.data()}, SIZE_MAX, tokens.data()).status ==
        HOB_INVALID_ARGUMENT);
  CHECK(run({x.data()}, {y.data(), z.data()}, 1, tokens.data(), -1).status == HOB_INVALID_ARGUMENT);
  CHECK(run({x.data()}, {y.data(), z.data()}, 1, tokens.data(), INT32_MAX).status ==
        HOB_INVALID_ARGUMENT);
}

TEST_CASE("graphs of random pieces run, or are refused") {
  const RuntimePtr runtime = MakeRuntime(2);
  uint32_t state = 1;
  const auto random = [&](uint32_t below) {
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % below;
  };
  const char* ops[] = {"add", "matmul", "rms_norm", "swiglu", "embedding", "rope_angles", "rope"};
  const size_t widths[] = {16, 32, 64, 96};
  const hob_type types[] = {HOB_TYPE_F32, HOB_TYPE_F16, HOB_TYPE_Q4_0, HOB_TYPE_Q8_0,
                            HOB_TYPE_INT8};
  int compiled = 0, nodes = 0;
  for (int round = 0; round < 150; ++round) {
    Builder graph(runtime.get());
    std::vector<size_t> columns;  // of each value
    size_t inputs = 0;
    for (; inputs < 1 + random(3); ++inputs) {
      columns.push_back(widths[random(4)]);
      graph.Input(columns.back());
    }
    for (int i = 0; i < 4; ++i) {
      const size_t rows = random(3) == 0 ? 0 : widths[random(4)], width = widths[random(4)];
      const hob_type type = rows == 0 ? HOB_TYPE_F32 : types[random(5)];
      const std::vector<float> values = Numbers((rows == 0 ? 1 : rows) * width, state);
      std::vector<uint8_t> bytes(hob_type_bytes(type, rows == 0 ? 1 : rows, width));
      hob_weight weight = HOB_WEIGHT_INIT;
      if (hob_quantize(bytes.data(), bytes.size(), type, values.data(), rows == 0 ? 1 : rows, width,
                       nullptr) != HOB_OK) {
        continue;  // blocks of 32 in 16 columns
      }
      weight.type = type;
      weight.data = bytes.data();
      weight.size = bytes.size();
      weight.rows = rows;
      weight.columns = width;
      hob_value value = -1;
      REQUIRE_OK(hob_graph_add_weight(&value, graph.get(), &weight, &error));
      REQUIRE(value == static_cast<hob_value>(columns.size()));
      columns.push_back(width);
    }
    std::vector<hob_value> made;
    for (int i = 0; i < 200; ++i) {
      const std::string_view op = ops[random(7)];
      std::vector<hob_value> read;
      for (uint32_t n = op == "rope_angles" ? 0 : op == "embedding" ? 1 : 2; n > 0; --n) {
        read.push_back(static_cast<hob_value>(random(static_cast<uint32_t>(columns.size()))));
      }
      if (op == "matmul") read.push_back(HOB_NO_VALUE);
      const size_t width = widths[random(4)];
      hob_value value = -1;
      std::vector<hob_attribute> attributes;
      if (op == "matmul") attributes = {Whole("weights", 1)};
      if (op == "rms_norm") attributes = {Real("epsilon", 1e-5)};
      if (op == "swiglu") attributes = {Whole("activation", 0)};
      if (op == "rope") attributes = {Whole("head_dim", 32), Whole("neox", 1)};
      if (op == "rope_angles") attributes = {Real("base", 1e4), Whole("dimensions", 16)};
      if (graph.TryNode(&value, op, read, {width}, attributes, nullptr) != HOB_OK) continue;
      ++nodes;
      columns.push_back(width);
      made.push_back(value);
    }
    if (made.empty()) continue;
    std::vector<hob_value> leaving;
    for (const hob_value value : made) {
      if (random(3) == 0) leaving.push_back(value);
    }
    if (leaving.empty()) leaving.push_back(made.back());
    for (const hob_value value : leaving) graph.Output(value);
    hob_program_options options = HOB_PROGRAM_OPTIONS_INIT;
    options.activations = static_cast<hob_activations>(random(3));
    options.max_rows = 4;
    const ProgramPtr program = graph.Compile(&options);  // each node was checked when added
    ++compiled;
    std::vector<std::vector<float>> in, out, again;
    std::vector<const float*> from;
    std::vector<float*> to, to_again;
    for (size_t i = 0; i < inputs; ++i) in.push_back(Numbers(7 * columns[i], state + 1));
    for (const hob_value value : leaving) {
      out.emplace_back(7 * columns[static_cast<size_t>(value)]);
      again.push_back(out.back());
    }
    for (auto& x : in) from.push_back(x.data());
    for (auto& y : out) to.push_back(y.data());
    for (auto& y : again) to_again.push_back(y.data());
    const int32_t tokens[7] = {0, 1, 2, 3, 4, 5, 15};
    hob_run_options run = HOB_RUN_OPTIONS_INIT;
    run.tokens = tokens;
    REQUIRE_OK(hob_program_run(to.data(), to.size(), program.get(), from.data(), from.size(), 7,
                               &run, &error));
    REQUIRE_OK(hob_program_run(to_again.data(), to_again.size(), program.get(), from.data(),
                               from.size(), 7, &run, &error));
    for (size_t i = 0; i < out.size(); ++i) {
      REQUIRE(std::memcmp(out[i].data(), again[i].data(), out[i].size() * sizeof(float)) == 0);
    }
  }
  CHECK(compiled > 100);
  CHECK(nodes > 1000);
}
