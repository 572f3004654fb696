// SPDX-License-Identifier: Apache-2.0
#include <hob/embed.h>

#include <string_view>
#include <vector>

#include "abi/handles.h"
#include "lib/base/checked.h"
#include "lib/session/embedder.h"

struct hob_embedder {
  std::shared_ptr<const hob::Embedder> object;
  const hob::Runtime& runtime() const { return object->model().runtime(); }
};

namespace hob::abi {
namespace {

StatusOr<EmbedderOptions> ReadOptions(const hob_embedder_options* options) {
  HOB_ASSIGN_OR_RETURN(
      const hob_embedder_options given,
      ReadStruct(options, hob_embedder_options(HOB_EMBEDDER_OPTIONS_INIT), "hob_embedder_options"));
  HOB_RETURN_IF_ERROR(CheckBool(given.refuse_longer, "hob_embedder_options.refuse_longer"));
  HOB_RETURN_IF_ERROR(CheckReserved(given.reserved, "hob_embedder_options"));
  if (given.pooling < HOB_POOLING_MODEL || given.pooling > HOB_POOLING_CLS) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("hob_embedder_options.pooling is ", given.pooling, ", no hob_pooling"));
  }
  if (given.normalization < HOB_NORMALIZATION_MODEL ||
      given.normalization > HOB_NORMALIZATION_OFF) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("hob_embedder_options.normalization is ", given.normalization,
                        ", no hob_normalization"));
  }
  EmbedderOptions read;
  read.pooling = static_cast<Pooling>(given.pooling);
  if (given.normalization != HOB_NORMALIZATION_MODEL) {
    read.normalize = given.normalization == HOB_NORMALIZATION_ON;
  }
  read.max_tokens = given.max_tokens;
  read.refuse_longer = given.refuse_longer != 0;
  if (given.progress != nullptr) {
    read.progress = [progress = given.progress, user = given.progress_user](
                        uint64_t done, uint64_t total) { return progress(user, done, total) == 0; };
  }
  return read;
}

Status Embed(float* out, size_t out_size, uint64_t* out_tokens, const Embedder& embedder,
             std::span<const hob_string> texts) {
  const auto wanted = CheckedMul(texts.size(), static_cast<size_t>(embedder.dimension()));
  if (!wanted.has_value() || out_size < *wanted) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("out has room for ", out_size, " floats; ", texts.size(), " texts take ",
                        embedder.dimension(), " each"));
  }
  if (out == nullptr && *wanted > 0) return NullArgument("out");
  std::vector<std::string_view> views;
  views.reserve(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    HOB_RETURN_IF_ERROR(CheckRange(texts[i].data, texts[i].size, Concat("texts[", i, "]")));
    views.push_back(View(texts[i].data, texts[i].size));
  }
  uint64_t tokens = 0;
  HOB_RETURN_IF_ERROR(embedder.Embed(views, out, &tokens));
  if (out_tokens != nullptr) *out_tokens = tokens;
  return absl::OkStatus();
}

}  // namespace
}  // namespace hob::abi

extern "C" {

hob_status hob_embedder_create(hob_embedder** out, hob_model* model,
                               const hob_embedder_options* options, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_RETURN_IF_ERROR(CheckHandle(model, "model"));
    HOB_ASSIGN_OR_RETURN(const hob::EmbedderOptions read, ReadOptions(options));
    HOB_ASSIGN_OR_RETURN(auto embedder, hob::Embedder::Create(model->object, read));
    *out = Adopt(new hob_embedder{std::move(embedder)});
    return absl::OkStatus();
  });
}

void hob_embedder_destroy(hob_embedder* embedder) { hob::abi::Destroy(embedder); }

hob_status hob_embedder_get_info(hob_embedder_info* out, const hob_embedder* embedder,
                                 hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_RETURN_IF_ERROR(CheckHandle(embedder, "embedder"));
    HOB_RETURN_IF_ERROR(CheckOutStruct(out, "hob_embedder_info"));
    const hob::Embedder& object = *embedder->object;
    hob_embedder_info info = HOB_EMBEDDER_INFO_INIT;
    info.dimension = object.dimension();
    info.max_tokens = object.max_tokens();
    info.pooling = static_cast<hob_pooling>(object.pooling());
    info.normalized = object.normalizes() ? 1 : 0;
    WriteStruct(out, info);
    return absl::OkStatus();
  });
}

hob_status hob_embedder_embed(float* out, size_t out_size, uint64_t* out_tokens,
                              const hob_embedder* embedder, const hob_string* texts, size_t count,
                              hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_RETURN_IF_ERROR(CheckHandle(embedder, "embedder"));
    HOB_RETURN_IF_ERROR(CheckRange(texts, count, "texts"));
    // Alive for the call, even if the progress callback destroys the handle.
    const std::shared_ptr<const hob::Embedder> object = embedder->object;
    return Embed(out, out_size, out_tokens, *object, {texts, count});
  });
}

hob_status hob_embedder_count_tokens(size_t* out, const hob_embedder* embedder, const char* text,
                                     size_t text_size, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_RETURN_IF_ERROR(CheckHandle(embedder, "embedder"));
    HOB_RETURN_IF_ERROR(CheckRange(text, text_size, "text"));
    HOB_ASSIGN_OR_RETURN(const std::vector<int32_t> tokens,
                         embedder->object->Tokens(View(text, text_size)));
    *out = tokens.size();
    return absl::OkStatus();
  });
}

}  // extern "C"
