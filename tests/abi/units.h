// SPDX-License-Identifier: Apache-2.0
// The pieces that stand alone, with handles that destroy themselves.
#pragma once

#include "tests/abi/client.h"

namespace hob::test {

using TokenizerPtr = std::unique_ptr<hob_tokenizer, Destroyer<hob_tokenizer_destroy>>;
using DetokenizerPtr = std::unique_ptr<hob_detokenizer, Destroyer<hob_detokenizer_destroy>>;
using TemplatePtr = std::unique_ptr<hob_chat_template, Destroyer<hob_chat_template_destroy>>;
using MatrixPtr = std::unique_ptr<hob_matrix, Destroyer<hob_matrix_destroy>>;
using GraphPtr = std::unique_ptr<hob_graph, Destroyer<hob_graph_destroy>>;
using ProgramPtr = std::unique_ptr<hob_program, Destroyer<hob_program_destroy>>;
using SamplerPtr = std::unique_ptr<hob_sampler, Destroyer<hob_sampler_destroy>>;

inline TokenizerPtr OpenTokenizer(const std::string& path) {
  hob_tokenizer* tokenizer = nullptr;
  REQUIRE_OK(hob_tokenizer_open(&tokenizer, path.data(), path.size(), &error));
  return TokenizerPtr(tokenizer);
}

inline std::vector<int32_t> Encode(const hob_tokenizer* tokenizer, std::string_view text,
                                   hob_text_flags flags = HOB_TEXT_PLAIN) {
  int32_t* tokens = nullptr;
  size_t count = 0;
  REQUIRE_OK(
      hob_tokenizer_encode(&tokens, &count, tokenizer, text.data(), text.size(), flags, &error));
  std::vector<int32_t> copy(tokens, tokens + count);
  hob_free(tokens);
  return copy;
}

inline std::string Decode(const hob_tokenizer* tokenizer, const std::vector<int32_t>& tokens,
                          hob_text_flags flags = HOB_TEXT_PLAIN) {
  char* text = nullptr;
  size_t size = 0;
  REQUIRE_OK(
      hob_tokenizer_decode(&text, &size, tokenizer, tokens.data(), tokens.size(), flags, &error));
  std::string copy(text, size);
  CHECK(text[size] == '\0');
  hob_free(text);
  return copy;
}

inline TemplatePtr MakeTemplate(std::string_view source,
                                const hob_chat_template_options* options = nullptr) {
  hob_chat_template* made = nullptr;
  REQUIRE_OK(hob_chat_template_create(&made, source.data(), source.size(), options, &error));
  return TemplatePtr(made);
}

inline hob_string Piece(std::string_view text) { return {text.data(), text.size()}; }

// Numbers in [-1, 1), the same everywhere.
inline std::vector<float> Numbers(size_t count, uint32_t seed = 1) {
  std::vector<float> values(count);
  for (float& value : values) {
    seed = seed * 1664525u + 1013904223u;
    value = static_cast<float>(seed >> 8) * 0x1p-23f - 1.0f;
  }
  return values;
}

inline MatrixPtr QuantizeMatrix(hob_runtime* runtime, hob_type type, const std::vector<float>& w,
                                size_t rows, const hob_matrix_options* options = nullptr) {
  hob_matrix* matrix = nullptr;
  REQUIRE_OK(hob_matrix_quantize(&matrix, runtime, type, w.data(), rows, w.size() / rows, options,
                                 &error));
  return MatrixPtr(matrix);
}

inline SamplerPtr MakeSampler(const hob_sampler_options& options) {
  hob_sampler* sampler = nullptr;
  REQUIRE_OK(hob_sampler_create(&sampler, &options, &error));
  return SamplerPtr(sampler);
}

}  // namespace hob::test
