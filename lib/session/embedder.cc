// SPDX-License-Identifier: Apache-2.0
#include "lib/session/embedder.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <utility>
#include <variant>

namespace hob {
namespace {

std::string Key(const ModelFile& file, std::string_view name) {
  return Concat(file.architecture, ".", name);
}

// As the model's file says; normalised where it does not.
StatusOr<bool> ReadNormalize(const ModelFile& file) {
  const std::string key = Key(file, "embedding.normalize");
  const MetaValue* value = file.metadata.Find(key);
  if (value == nullptr) return true;
  if (const bool* flag = std::get_if<bool>(value)) return *flag;
  return Error(StatusCode::kInvalidArgument, Concat(key, " is not a bool"));
}

StatusOr<Pooling> ReadPooling(const ModelFile& file) {
  HOB_ASSIGN_OR_RETURN(const int64_t type, file.metadata.Int(Key(file, "pooling_type"), 0, 2, 1));
  return type == 2 ? Pooling::kFirst : Pooling::kMean;
}

// To length 1; a row of zeros stays. The sum runs from the first to the last column.
void Normalize(float* row, size_t columns) {
  double sum = 0;
  for (size_t i = 0; i < columns; ++i) sum += double{row[i]} * row[i];
  if (!(sum > 0)) return;
  const double factor = 1.0 / std::sqrt(sum);
  for (size_t i = 0; i < columns; ++i) row[i] = static_cast<float>(row[i] * factor);
}

// The texts of the next pass.
struct Pass {
  std::vector<int32_t> tokens, first_rows;
  std::vector<SequenceRows> texts;

  void Add(const std::vector<int32_t>& text) {
    const auto first = static_cast<int32_t>(tokens.size());
    first_rows.push_back(first);
    texts.push_back({.first_row = first, .rows = static_cast<int32_t>(text.size())});
    tokens.insert(tokens.end(), text.begin(), text.end());
  }
  void Clear() {
    tokens.clear();
    first_rows.clear();
    texts.clear();
  }
};

}  // namespace

StatusOr<std::unique_ptr<Embedder>> Embedder::Create(std::shared_ptr<Model> model,
                                                     const EmbedderOptions& options) {
  if (model->batcher() == nullptr) {
    return Error(StatusCode::kFailedPrecondition, "the model was opened with its vocabulary only",
                 "Open it without vocabulary_only to embed texts.");
  }
  const Executor& executor = model->batcher()->executor();
  const ModelShape& shape = executor.shape();
  const ModelFile& file = model->file();
  if (!shape.encoder()) {
    return Error(StatusCode::kFailedPrecondition,
                 Concat("the model (", file.architecture,
                        ") is a decoder: it generates, and does not embed texts"),
                 "Open an encoder of the BERT family, such as all-MiniLM-L6-v2.");
  }
  std::unique_ptr<Embedder> embedder(new Embedder);
  embedder->dimension_ = shape.embedding;
  HOB_ASSIGN_OR_RETURN(embedder->pooling_, ReadPooling(file));
  if (options.pooling != Pooling::kModel) embedder->pooling_ = options.pooling;
  HOB_ASSIGN_OR_RETURN(embedder->normalize_, ReadNormalize(file));
  if (options.normalize.has_value()) embedder->normalize_ = *options.normalize;

  // A text is never cut into two passes.
  const int32_t most = std::min(shape.context_length, executor.max_rows());
  HOB_ASSIGN_OR_RETURN(const int64_t own, file.metadata.Int(Key(file, "embedding.max_tokens"), 1,
                                                            INT32_MAX, shape.context_length));
  embedder->max_tokens_ = static_cast<int32_t>(std::min<int64_t>(own, most));
  if (options.max_tokens != 0) embedder->max_tokens_ = options.max_tokens;
  constexpr int32_t kLeast = 3;  // one between [CLS] and [SEP]
  if (options.max_tokens != 0 && (options.max_tokens < kLeast || options.max_tokens > most)) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("embedder option max_tokens is ", options.max_tokens, ", not between ",
                        kLeast, " and ", most),
                 most < shape.context_length
                     ? Concat("Open the model with max_batch_rows of up to ", shape.context_length,
                              " for longer texts.")
                     : "");
  }
  if (embedder->max_tokens_ < kLeast) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("the model reads ", embedder->max_tokens_, " tokens of a text"),
                 "Open it with a larger max_batch_rows.");
  }
  embedder->refuse_longer_ = options.refuse_longer;
  embedder->progress_ = options.progress;
  embedder->model_ = std::move(model);
  return embedder;
}

StatusOr<std::vector<int32_t>> Embedder::Tokens(std::string_view text) const {
  text::EncodeOptions options;
  options.add_special = true;
  return model_->tokenizer().Encode(text, options);
}

StatusOr<std::vector<int32_t>> Embedder::Cut(std::vector<int32_t> tokens) const {
  if (tokens.empty()) return Error(StatusCode::kInvalidArgument, "it has no tokens");
  const auto most = static_cast<size_t>(max_tokens_);
  if (tokens.size() <= most) return tokens;
  if (refuse_longer_) {
    return Error(StatusCode::kOutOfRange,
                 Concat("it has ", tokens.size(), " tokens, of which ", most, " can be read"),
                 "Cut it into parts.");
  }
  const int32_t last = tokens.back();
  tokens.resize(most);
  if (model_->tokenizer().adds_eos()) tokens.back() = last;
  return tokens;
}

Status Embedder::Embed(std::span<const std::string_view> texts, float* out,
                       uint64_t* tokens) const {
  Batcher& batcher = *model_->batcher();
  const auto max_rows = static_cast<size_t>(batcher.executor().max_rows());
  const auto columns = static_cast<size_t>(dimension_);
  const std::atomic<bool> stop{false};
  uint64_t read = 0;
  size_t done = 0;
  Pass pass;
  const auto run = [&]() -> Status {
    float* rows = out + done * columns;
    const Step step{.tokens = pass.tokens,
                    .sequences = pass.texts,
                    .logit_rows = pass.first_rows,
                    .logits = rows,
                    .pooling = pooling_};
    HOB_RETURN_IF_ERROR(batcher.scheduler().RunAlone(batcher, step, stop));
    for (size_t i = 0; normalize_ && i < pass.texts.size(); ++i) {
      Normalize(rows + i * columns, columns);
    }
    done += pass.texts.size();
    pass.Clear();
    if (progress_ != nullptr && !progress_(done, texts.size())) {
      return Error(StatusCode::kCancelled, "embedding was cancelled by the progress callback");
    }
    return absl::OkStatus();
  };
  for (size_t i = 0; i < texts.size(); ++i) {
    auto all = Tokens(texts[i]);
    auto text = all.ok() ? Cut(*std::move(all)) : std::move(all);
    if (!text.ok()) return Annotate(text.status(), Concat("text ", i));
    if (pass.tokens.size() + text->size() > max_rows) HOB_RETURN_IF_ERROR(run());
    pass.Add(*text);
    read += text->size();
  }
  if (!pass.texts.empty()) HOB_RETURN_IF_ERROR(run());
  if (tokens != nullptr) *tokens = read;
  return absl::OkStatus();
}

}  // namespace hob
