// SPDX-License-Identifier: Apache-2.0
// Graphs of any operators over any values, made, planned and run through the C interface. What is
// refused changes nothing; what runs gives each row the same bits alone and among others, with one
// thread and several, and again.
#include "lib/base/block_formats.h"
#include "tests/fuzz/calls.h"

namespace hob::fuzz {
namespace {

hob_runtime* Runtime(bool several) {
  static hob_runtime* const runtimes[2] = {MakeRuntime(1, 64u << 20), MakeRuntime(3, 64u << 20)};
  return runtimes[several ? 1 : 0];
}

constexpr hob_type kTypes[] = {HOB_TYPE_F32,  HOB_TYPE_F16,  HOB_TYPE_BF16, HOB_TYPE_Q4_0,
                               HOB_TYPE_Q4_1, HOB_TYPE_Q5_0, HOB_TYPE_Q5_1, HOB_TYPE_Q8_0,
                               HOB_TYPE_Q4_K, HOB_TYPE_Q6_K, HOB_TYPE_INT8};
constexpr size_t kWidths[] = {32, 64, 32, 16, 96, 256, 8, 1, 0};
constexpr std::string_view kOps[] = {"matmul", "matmul",      "rms_norm",  "swiglu",    "add",
                                     "rope",   "rope_angles", "embedding", "attention", "(inputs)"};

hob_string ToString(std::string_view text) { return {text.data(), text.size()}; }

// What the input builds: the same graph each time it is read.
struct Built {
  hob_graph* graph = nullptr;
  std::vector<size_t> inputs, outputs;  // columns
  size_t vocabulary = 0;                // rows of the smallest table
  std::vector<std::vector<uint64_t>> borrowed;
};

class Builder {
 public:
  Builder(Input& input, Built& built) : input_(input), built_(built) {}

  void Run() {
    for (int calls = input_.Byte() % 40; calls > 0; --calls) {
      switch (input_.Byte() % 8) {
        case 0:
          AddInput();
          break;
        case 1:
        case 2:
          AddWeight();
          break;
        case 7:
          AddOutput();
          break;
        default:
          AddNode();
      }
    }
    AddOutput();
  }

 private:
  struct Value {
    size_t columns = 0, rows = 0;
    bool weight = false, vector = false;
  };

  hob_value AnyValue() {
    const uint8_t byte = input_.Byte();
    if (byte == 255) return HOB_NO_VALUE;
    if (byte == 254) return static_cast<hob_value>(input_.Integer());
    return values_.empty() ? 0 : static_cast<hob_value>(values_.size() - 1 - byte % values_.size());
  }
  // The latest of such a kind, else any.
  template <typename F>
  hob_value Suited(F&& suits) {
    if (input_.Byte() >= 240) return AnyValue();
    size_t skip = input_.Byte() % 3;
    for (size_t i = values_.size(); i-- > 0;) {
      if (suits(values_[i]) && skip-- == 0) return static_cast<hob_value>(i);
    }
    return AnyValue();
  }

  void AddInput() {
    const size_t columns = input_.Pick(kWidths);
    hob_value value = -7;
    Call call;
    if (call(hob_graph_add_input(&value, built_.graph, "x", 1, columns, call))) {
      Require(value == static_cast<hob_value>(values_.size()));
      values_.push_back({columns, 0, false, false});
      built_.inputs.push_back(columns);
    } else {
      Require(value == -7);
    }
  }

  void AddWeight() {
    hob_weight weight = HOB_WEIGHT_INIT;
    const uint8_t kind = input_.Byte();
    weight.type = kind & 1 ? HOB_TYPE_F32 : input_.Pick(kTypes);
    weight.columns = input_.Pick(kWidths);
    weight.rows = kind & 2 ? 0 : input_.Pick(kWidths);
    if (kind == 255) weight.type = static_cast<hob_type>(input_.Integer());
    if (kind == 254) weight.rows = static_cast<size_t>(input_.Integer());
    const uint64_t bytes =
        hob_type_bytes(weight.type, std::max<size_t>(weight.rows, 1), weight.columns);
    if (bytes > 1u << 20) return;
    std::vector<float> values(bytes == 0 ? 0 : std::max<size_t>(weight.rows, 1) * weight.columns);
    Random random(kind);
    for (float& x : values) x = random.Uniform();
    if (kind >= 224 && !values.empty()) values[0] = static_cast<float>(input_.Real());
    std::vector<uint64_t> data(static_cast<size_t>(bytes + 7) / 8);
    if (bytes != 0) {  // types that cannot be made stay zero
      hob_quantize(data.data(), bytes, weight.type, values.data(), std::max<size_t>(weight.rows, 1),
                   weight.columns, nullptr);
    }
    weight.data = data.data();
    weight.size = kind == 253 ? static_cast<size_t>(bytes) / 2 : static_cast<size_t>(bytes);
    weight.borrow = (kind & 4) != 0;
    hob_value value = -7;
    Call call;
    if (call(hob_graph_add_weight(&value, built_.graph, &weight, call))) {
      Require(value == static_cast<hob_value>(values_.size()));
      values_.push_back({weight.columns, weight.rows, true, weight.rows == 0});
      if (weight.borrow != 0) built_.borrowed.push_back(std::move(data));
    } else {
      Require(value == -7);
    }
  }

  void AddNode() {
    hob_node node = HOB_NODE_INIT;
    const std::string_view op = input_.Pick(kOps);
    std::vector<hob_value> inputs;
    std::vector<hob_attribute> attributes;
    std::vector<size_t> columns;
    const auto integer = [&](std::string_view name, int64_t value) {
      if (input_.Byte() >= 248) value = input_.Integer();
      attributes.push_back({ToString(name), HOB_ATTRIBUTE_INTEGER, 0, value, 0});
    };
    const auto real = [&](std::string_view name, double value) {
      if (input_.Byte() >= 248) value = input_.Real();
      attributes.push_back({ToString(name), HOB_ATTRIBUTE_REAL, 0, 0, value});
    };
    const auto row = [](const Value& v) { return !v.weight; };
    const hob_value x = Suited(row);
    const Value main = x >= 0 && static_cast<size_t>(x) < values_.size()
                           ? values_[static_cast<size_t>(x)]
                           : Value{};
    const auto alike = [&](const Value& v) { return !v.weight && v.columns == main.columns; };
    inputs.push_back(x);
    columns.push_back(main.columns);
    if (op == "matmul") {
      const int64_t weights = 1 + input_.Byte() % 3;
      columns.clear();
      for (int64_t i = 0; i < weights; ++i) {
        const hob_value w = Suited(
            [&](const Value& v) { return v.weight && !v.vector && v.columns == main.columns; });
        const size_t rows = w >= 0 && static_cast<size_t>(w) < values_.size()
                                ? values_[static_cast<size_t>(w)].rows
                                : 0;
        inputs.push_back(w);
        inputs.push_back(input_.Bool() ? HOB_NO_VALUE : Suited([&](const Value& v) {
          return v.vector && v.columns == rows;
        }));
        columns.push_back(rows);
      }
      integer("weights", weights);
      if (weights == 1 && input_.Bool()) {
        integer("residual", 1);
        inputs.push_back(
            Suited([&](const Value& v) { return !v.weight && v.columns == columns[0]; }));
      }
    } else if (op == "rms_norm") {
      inputs.push_back(Suited([&](const Value& v) {
        return v.vector && v.columns > 0 && main.columns % v.columns == 0;
      }));
      real("epsilon", 1e-5);
    } else if (op == "swiglu" || op == "add") {
      inputs.push_back(Suited(alike));
      if (op == "swiglu") integer("activation", input_.Byte() % 2);
    } else if (op == "rope_angles") {
      inputs.clear();
      if (input_.Byte() % 4 == 0) inputs.push_back(Suited([](const Value& v) { return v.vector; }));
      columns[0] = input_.Pick(kWidths);
      integer("dimensions", static_cast<int64_t>(columns[0]));
      real("base", 10000.0);
      if (input_.Bool()) real("scale", 0.5);
    } else if (op == "rope") {
      const hob_value angles = Suited(row);
      inputs.push_back(angles);
      integer("head_dim", static_cast<int64_t>(input_.Pick(kWidths)));
      integer("neox", input_.Byte() % 2);
    } else if (op == "embedding") {
      inputs[0] = Suited([](const Value& v) { return v.weight && !v.vector; });
      if (inputs[0] >= 0 && static_cast<size_t>(inputs[0]) < values_.size()) {
        columns[0] = values_[static_cast<size_t>(inputs[0])].columns;
      }
      if (input_.Bool()) real("scale", 2.0);
    }
    if (input_.Byte() >= 248) integer("surprise", 1);
    if (input_.Byte() >= 248) columns.push_back(input_.Pick(kWidths));
    node.op = ToString(op);
    node.inputs = inputs.data();
    node.input_count = inputs.size();
    node.attributes = attributes.data();
    node.attribute_count = attributes.size();
    node.columns = columns.data();
    node.output_count = columns.size();
    hob_value first = -7;
    Call call;
    if (!call(hob_graph_add_node(&first, built_.graph, &node, call))) {
      Require(first == -7);
      return;
    }
    Require(first == static_cast<hob_value>(values_.size()));
    for (const size_t width : columns) values_.push_back({width, 0, false, false});
    if (op == "embedding") {
      const size_t rows = values_[static_cast<size_t>(inputs[0])].rows;
      built_.vocabulary = built_.vocabulary == 0 ? rows : std::min(built_.vocabulary, rows);
    }
  }

  void AddOutput() {
    const hob_value value = AnyValue();
    Call call;
    if (call(hob_graph_add_output(built_.graph, value, call))) {
      built_.outputs.push_back(values_[static_cast<size_t>(value)].columns);
    }
  }

  Input& input_;
  Built& built_;
  std::vector<Value> values_;
};

struct Rows {
  std::vector<std::vector<float>> inputs;
  std::vector<int32_t> tokens;
  size_t count = 0;
  int32_t position = 0;
};

// Rows [first, first + count) of a run; empty where it is refused.
std::vector<std::vector<float>> Execute(const hob_program* program, const Built& built,
                                        const Rows& rows, size_t first, size_t count) {
  std::vector<std::vector<float>> out;
  std::vector<const float*> in_pointers;
  std::vector<float*> out_pointers;
  for (size_t i = 0; i < built.inputs.size(); ++i) {
    in_pointers.push_back(rows.inputs[i].data() + first * built.inputs[i]);
  }
  for (const size_t columns : built.outputs) {
    out.emplace_back(columns * count, 12345.0f);
    out_pointers.push_back(out.back().data());
  }
  hob_run_options options = HOB_RUN_OPTIONS_INIT;
  options.position = rows.position + static_cast<int32_t>(first);
  options.tokens = built.vocabulary > 0 ? rows.tokens.data() + first : nullptr;
  Call call;
  if (!call(hob_program_run(out_pointers.data(), out_pointers.size(), program, in_pointers.data(),
                            in_pointers.size(), count, &options, call))) {
    return {};
  }
  return out;
}

void CheckRun(Input& input, const hob_program* program, const hob_program* shared,
              const Built& built) {
  Rows rows;
  rows.count = 1 + input.Byte() % 12;
  rows.position =
      static_cast<int32_t>(input.Byte() >= 250 ? input.Integer() & 0x7fffff00 : input.Byte());
  Random random(input.Byte());
  for (const size_t columns : built.inputs) {
    std::vector<float> x(columns * rows.count);
    for (float& value : x) value = random.Uniform() * 2;
    if (!x.empty() && input.Byte() >= 192)
      x[random.Below(x.size())] = static_cast<float>(input.Real());
    rows.inputs.push_back(std::move(x));
  }
  for (size_t i = 0; i < rows.count; ++i) {
    rows.tokens.push_back(
        built.vocabulary == 0 ? 0 : static_cast<int32_t>(random.Below(built.vocabulary)));
  }
  const auto all = Execute(program, built, rows, 0, rows.count);
  if (all.empty()) return;
  const auto threads = Execute(shared, built, rows, 0, rows.count);
  const size_t row = random.Below(rows.count);
  const auto alone = Execute(program, built, rows, row, 1);
  Require(alone.size() == all.size() && threads.size() == all.size());
  for (size_t i = 0; i < all.size(); ++i) {
    Require(Same(all[i], threads[i]));
    Require(Same(alone[i], std::span(all[i]).subspan(row * built.outputs[i], built.outputs[i])));
  }
  if (built.vocabulary > 0) {  // a token that no table has
    rows.tokens[row] = static_cast<int32_t>(built.vocabulary);
    Require(Execute(program, built, rows, 0, rows.count).empty());
  }
}

}  // namespace
}  // namespace hob::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hob::fuzz;
  // Threads are waited for: not for each input.
  const bool both = size > 0 && data[size - 1] % 4 == 0;
  const uint64_t before[2] = {BytesInUse(Runtime(false)), both ? BytesInUse(Runtime(true)) : 0};
  {
    Built built[2];
    hob_program* programs[2] = {nullptr, nullptr};
    Input input(data, size);
    bool made[2] = {false, false};
    for (const bool several : {false, true}) {
      if (several && !both) continue;
      input = Input(data, size);
      Built& own = built[several];
      Require(hob_graph_create(&own.graph, Runtime(several), nullptr) == HOB_OK);
      Builder(input, own).Run();
      hob_program_options options = HOB_PROGRAM_OPTIONS_INIT;
      options.activations = static_cast<hob_activations>(input.Byte() % 4);
      options.max_rows = input.Byte() % 6;
      Call call;
      made[several] = call(hob_program_create(&programs[several], own.graph, &options, call));
      hob_graph_destroy(own.graph);
    }
    if (both) Require(made[0] == made[1]);
    if (made[0]) CheckRun(input, programs[0], programs[both ? 1 : 0], built[0]);
    for (hob_program* program : programs) hob_program_destroy(program);
  }
  for (const bool several : {false, true}) {
    if (both || !several) Require(BytesInUse(Runtime(several)) == before[several]);
  }
  return 0;
}
