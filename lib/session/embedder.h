// SPDX-License-Identifier: Apache-2.0
// Texts to vectors, by a model that is an encoder.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "lib/base/status.h"
#include "lib/format/model_file.h"
#include "lib/ops/step.h"
#include "lib/session/model.h"

namespace hob {

struct EmbedderOptions {
  Pooling pooling = Pooling::kModel;
  std::optional<bool> normalize;  // nothing: as the model says
  int32_t max_tokens = 0;         // of a text that are read, [CLS] and [SEP] included; 0: all that
                                  // the model was made for
  bool refuse_longer = false;     // longer texts are an error, and not cut
  Progress progress;              // texts done and in all, after each pass; false cancels
};

// Immutable; thread-safe. Passes take turns with the steps of the runtime's models.
class Embedder {
 public:
  // FAILED_PRECONDITION for a model that is no encoder; INVALID_ARGUMENT names the option.
  static StatusOr<std::unique_ptr<Embedder>> Create(std::shared_ptr<Model> model,
                                                    const EmbedderOptions& options);

  // A row of dimension() floats for each text, to `out`. A text's row depends on that text alone.
  // Several texts share a pass over the weights, as many as have room in max_batch_rows, so memory
  // does not grow with their number. `tokens`, unless null: how many were read in all.
  // INVALID_ARGUMENT (not UTF-8), OUT_OF_RANGE (too long a text, by refuse_longer), CANCELLED.
  Status Embed(std::span<const std::string_view> texts, float* out, uint64_t* tokens) const;

  // Tokens of a text, all of them.
  StatusOr<std::vector<int32_t>> Tokens(std::string_view text) const;

  const Model& model() const { return *model_; }
  int32_t dimension() const { return dimension_; }
  int32_t max_tokens() const { return max_tokens_; }
  Pooling pooling() const { return pooling_; }
  bool normalizes() const { return normalize_; }

 private:
  Embedder() = default;
  // As many of a text's tokens as are read.
  StatusOr<std::vector<int32_t>> Cut(std::vector<int32_t> tokens) const;

  std::shared_ptr<Model> model_;
  int32_t dimension_ = 0, max_tokens_ = 0;
  Pooling pooling_ = Pooling::kMean;
  bool normalize_ = true, refuse_longer_ = false;
  Progress progress_;
};

}  // namespace hob
