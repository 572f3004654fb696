// SPDX-License-Identifier: Apache-2.0
// Rope scaling as files say it, and another in its place.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "lib/format/hob_generated.h"
#include "lib/graph/override_rope.h"
#include "tests/support/shared_dir.h"

namespace hob {
namespace {

using enum RopeScalingType;

ModelFile Open(const std::string& name) {
  const auto file = OpenModelFile((testing::SourceDir() / "tests/fixtures" / name).string());
  REQUIRE(file.ok());
  return **file;
}

Graph Build(const ModelFile& file) {
  auto graph = BuildGraph(file);
  INFO(graph.status().ToString());
  REQUIRE(graph.ok());
  return *std::move(graph);
}

const Node& Find(const Graph& graph, std::string_view name) {
  const auto node = std::ranges::find(graph.nodes, name, &Node::name);
  REQUIRE(node != graph.nodes.end());
  return *node;
}

RopeScaling Scaling(const Graph& graph) {
  const auto scaling = ReadRopeScaling(Find(graph, "rope_angles").attributes);
  REQUIRE(scaling.ok());
  return *scaling;
}

TEST_CASE("scaling is read from the file") {
  const Graph graph = Build(Open("qwen2-yarn.gguf"));
  const RopeScaling s = Scaling(graph);
  CHECK(s.type == kYarn);
  CHECK(s.factor == 4);
  CHECK(s.original_context == 24);
  CHECK(s.beta_fast == 16);
  CHECK(s.beta_slow == 2);
  CHECK(s.attention_factor == 1.25);
  CHECK(graph.shape.context_length == 96);  // the file says 24, which was before scaling

  ModelFile file = Open("qwen2-yarn.gguf");
  file.metadata.values.erase("qwen2.rope.scaling.yarn_attn_factor");
  CHECK(std::abs(Scaling(Build(file)).attention_factor - (0.1 * std::log(4.0) + 1)) < 1e-12);
  file.metadata.values["qwen2.rope.scaling.attn_factor"] = 2.0;
  CHECK(std::abs(Scaling(Build(file)).attention_factor - 2 * (0.1 * std::log(4.0) + 1)) < 1e-12);
  file.metadata.values["qwen2.rope.scaling.yarn_log_multiplier"] = 1.0;
  CHECK(std::abs(Scaling(Build(file)).attention_factor - 2) < 1e-12);
  file.metadata.values["qwen2.rope.scaling.yarn_log_multiplier"] = -1e9;
  CHECK(BuildGraph(file).status().code() == StatusCode::kInvalidArgument);
  file.metadata.values["qwen2.rope.scaling.yarn_log_multiplier"] = 0.0;
  file.metadata.values["qwen2.context_length"] = int64_t{1000};
  CHECK(Build(file).shape.context_length == 1000);
  file.metadata.values["qwen2.rope.scaling.type"] = std::string("llama3");
  file.metadata.values["qwen2.rope.scaling.high_freq_factor"] = 8.0;
  CHECK(Scaling(Build(file)).type == kLlama3);
  CHECK(Scaling(Build(file)).high_turns == 8);
  file.metadata.values["qwen2.rope.scaling.type"] = std::string("ntk");
  CHECK(Scaling(Build(file)).type == kNtk);
  file.metadata.values.erase("qwen2.rope.scaling.type");  // a factor alone
  CHECK(Scaling(Build(file)).type == kLinear);
}

TEST_CASE("what hob does not know of scaling is refused by name") {
  const auto refused = [](const std::string& key, MetaValue value, StatusCode code,
                          const std::string& text) {
    ModelFile file = Open("qwen2-yarn.gguf");
    file.metadata.values["qwen2.rope.scaling." + key] = std::move(value);
    const Status status = BuildGraph(file).status();
    INFO(key << ": " << status.ToString());
    CHECK(status.code() == code);
    CHECK(status.message().find(text) != std::string::npos);
  };
  refused("type", std::string("longrope"), StatusCode::kUnimplemented, "\"longrope\"");
  refused("type", int64_t{2}, StatusCode::kInvalidArgument, "type");
  refused("factor", 0.0, StatusCode::kInvalidArgument, "factor");
  refused("factor", 0.5, StatusCode::kInvalidArgument, "factor");
  refused("factor", std::nan(""), StatusCode::kInvalidArgument, "factor");
  refused("factor", std::string("4"), StatusCode::kInvalidArgument, "factor");
  refused("original_context_length", int64_t{-4}, StatusCode::kInvalidArgument, "original");
  refused("yarn_beta_fast", 1.0, StatusCode::kInvalidArgument, "beta_fast");
  refused("yarn_ext_factor", -1.0, StatusCode::kInvalidArgument, "extrapolation");
  refused("attn_factor", 1e30, StatusCode::kInvalidArgument, "attention");
}

TEST_CASE("another scaling takes the file's place") {
  Graph graph = Build(Open("qwen2-yarn.gguf"));
  REQUIRE(OverrideRope({}, graph).ok());
  CHECK(Scaling(graph).attention_factor == 1.25);
  REQUIRE(OverrideRope({.type = kLinear, .factor = 2.5}, graph).ok());
  CHECK(Scaling(graph).type == kLinear);
  CHECK(Scaling(graph).factor == 2.5);
  CHECK(Scaling(graph).attention_factor == 1);
  CHECK(graph.shape.context_length == 60);
  REQUIRE(OverrideRope({.type = kYarn, .factor = 8, .original_context = 100}, graph).ok());
  CHECK(Scaling(graph).beta_fast == 32);
  CHECK(std::abs(Scaling(graph).attention_factor - YarnAttentionFactor(8)) < 1e-12);
  CHECK(graph.shape.context_length == 800);
  REQUIRE(OverrideRope({.type = kNone, .original_context = 24}, graph).ok());
  CHECK(Scaling(graph).type == kNone);
  CHECK(graph.shape.context_length == 24);
  REQUIRE(CheckGraph(graph, Open("qwen2-yarn.gguf")).ok());
}

TEST_CASE("another scaling drops the file's divisors, if the original context is said") {
  const ModelFile file = Open("llama3-q8_0.gguf");
  Graph graph = Build(file);
  CHECK(Find(graph, "rope_angles").inputs[0] != kNoValue);
  const Status status = OverrideRope({.type = kYarn, .factor = 4}, graph);
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK(status.message().find("does not say") != std::string::npos);
  REQUIRE(OverrideRope({.type = kYarn, .factor = 4, .original_context = 64}, graph).ok());
  CHECK(Find(graph, "rope_angles").inputs[0] == kNoValue);
  CHECK(graph.shape.context_length == 256);
  CHECK(CheckGraph(graph, file).ok());
}

TEST_CASE("a stored graph is scaled as a built one") {
  const ModelFile file = Open("gemma3-f16.gguf");
  const Graph built = Build(file);
  auto stored = GraphFromFile(*GraphToFile(built));
  REQUIRE(stored.ok());
  CHECK(Scaling(*stored).type == kLinear);
  CHECK(Scaling(*stored).factor == 8);
  REQUIRE(OverrideRope({.type = kYarn, .factor = 2, .original_context = 32}, *stored).ok());
  CHECK(Scaling(*stored).type == kYarn);
  CHECK(stored->shape.context_length == 64);
  // Layers of a window keep their own.
  const Attributes& local = Find(*stored, "rope_angles_local").attributes;
  CHECK(local.Find("scaling") == nullptr);
  CHECK(local.RealOr("base", 0) == 5000);
  CHECK(CheckGraph(*stored, file).ok());
}

TEST_CASE("numbers out of range, and graphs that cannot be scaled") {
  const Graph graph = Build(Open("llama-float.gguf"));
  const auto code = [&](const RopeOverride& wanted) {
    Graph copy = graph;
    return OverrideRope(wanted, copy).code();
  };
  CHECK(code({.type = kYarn, .factor = 4}) == StatusCode::kOk);
  for (const RopeOverride& wanted :
       {RopeOverride{.factor = 2}, RopeOverride{.original_context = 2}, RopeOverride{.type = kYarn},
        RopeOverride{.type = kYarn, .factor = 0.5}, RopeOverride{.type = kYarn, .factor = -1},
        RopeOverride{.type = kYarn, .factor = 1e9},
        RopeOverride{.type = kYarn, .factor = std::nan("")},
        RopeOverride{.type = kNone, .factor = 2},
        RopeOverride{.type = kLinear, .factor = 2, .original_context = -1},
        RopeOverride{.type = kLinear, .factor = 2, .original_context = kMaxContext},
        RopeOverride{.type = kLinear, .factor = 2, .original_context = int64_t{1} << 40}}) {
    CHECK(code(wanted) == StatusCode::kInvalidArgument);
  }
  Graph none = graph;
  std::erase_if(none.nodes, [](const Node& node) { return node.op == "rope_angles"; });
  CHECK(OverrideRope({.type = kYarn, .factor = 4}, none).code() == StatusCode::kFailedPrecondition);
}

TEST_CASE("Gemma 3: which layers see a window") {
  const auto windows = [](const Graph& graph) {
    std::vector<int64_t> all;
    for (const Node& node : graph.nodes) {
      if (node.op == "attention") all.push_back(node.attributes.IntOr("window", -1));
    }
    return all;
  };
  ModelFile file = Open("gemma3-q8_0.gguf");
  const std::string pattern = "gemma3.attention.sliding_window_pattern";
  CHECK(windows(Build(file)) == std::vector<int64_t>{12, 12, 12, 12, 12, 0, 12});
  file.metadata.values[pattern] = uint64_t{3};
  CHECK(windows(Build(file)) == std::vector<int64_t>{12, 12, 0, 12, 12, 0, 12});
  file.metadata.values[pattern] = std::vector<bool>{false, true, true, false, true, true, false};
  CHECK(windows(Build(file)) == std::vector<int64_t>{0, 12, 12, 0, 12, 12, 0});
  file.metadata.values[pattern] = std::vector<bool>{true};
  CHECK(BuildGraph(file).status().code() == StatusCode::kInvalidArgument);
  file.metadata.values[pattern] = int64_t{0};
  CHECK(BuildGraph(file).status().code() == StatusCode::kInvalidArgument);
  file = Open("gemma3-q8_0.gguf");
  file.metadata.values.erase("gemma3.attention.sliding_window");
  CHECK(windows(Build(file)) == std::vector<int64_t>(7, 0));
  file.metadata.values["gemma3.final_logit_softcapping"] = 30.0;
  CHECK(BuildGraph(file).status().code() == StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace hob
