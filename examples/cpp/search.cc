// SPDX-License-Identifier: Apache-2.0
// Which of some texts answers a question, by their vectors: search ENCODER QUESTION
#include <hob/hob_experimental.hpp>
#include <iostream>
#include <numeric>

int main(int argc, char** argv) try {
  const hob::Runtime runtime = hob::Runtime::Create().value();
  const hob::Model model = hob::Model::Open(runtime, argc > 1 ? argv[1] : "").value();
  const hob::Embedder embedder = hob::Embedder::Create(model).value();

  const std::vector<std::string_view> texts = {
      "Berlin has been the capital of Germany since 1990.",
      "Paris is the capital of France.",
      "Bananas are rich in potassium.",
  };
  const std::vector<float> rows = embedder.Embed(texts).value();
  const std::vector<float> question = embedder.Embed(argc > 2 ? argv[2] : "").value();

  const size_t dimension = question.size();
  size_t best = 0;
  float highest = -2;
  for (size_t i = 0; i < texts.size(); ++i) {
    // Vectors of length 1: their product is the cosine of the angle between them.
    const float* row = rows.data() + i * dimension;
    const float cosine = std::inner_product(row, row + dimension, question.data(), 0.0f);
    if (cosine > highest) best = i, highest = cosine;
  }
  std::cout << texts[best] << "\n";
} catch (const hob::Exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
