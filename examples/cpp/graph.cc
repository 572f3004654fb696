// SPDX-License-Identifier: Apache-2.0
// A graph of one's own, without a model: y = x + W (x / rms(x)), run for three rows at once.
#include <cstdio>
#include <hob/hob_experimental.hpp>

int main() try {
  const hob::Runtime runtime = hob::Runtime::Create().value();
  constexpr size_t kWidth = 64, kRows = 3;
  std::vector<float> identity(kWidth * kWidth), ones(kWidth, 1.0f);
  for (size_t i = 0; i < kWidth; ++i) identity[i * kWidth + i] = 1;

  hob::Graph graph = hob::Graph::Create(runtime).value();
  const hob_value x = graph.AddInput(kWidth).value();
  const hob_value norm = graph.AddWeight(ones).value();
  const hob_value w = graph.AddWeight(identity, kWidth).value();
  const hob_value scaled =
      graph.AddNode("rms_norm", {x, norm}, {kWidth}, {{"epsilon", 1e-6}}).value();
  const hob_value product =
      graph.AddNode("matmul", {scaled, w, HOB_NO_VALUE}, {kWidth}, {{"weights", 1}}).value();
  graph.AddOutput(graph.AddNode("add", {product, x}, {kWidth}).value()).value();
  const hob::Program program = graph.Compile().value();

  const std::vector<float> in(kRows * kWidth, 4.0f);
  std::vector<float> out(in.size());
  program.Run({out.data()}, {in.data()}, kRows).value();
  std::printf("4 + 4 / rms(4) = %.3f\n", static_cast<double>(out[0]));
  return 0;
} catch (const hob::Exception& exception) {
  std::fprintf(stderr, "%s\n", exception.what());
  return 1;
}
