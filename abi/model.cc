// SPDX-License-Identifier: Apache-2.0
#include <hob/model.h>

#include <cstddef>
#include <optional>

#include "abi/handles.h"
#include "abi/text.h"
#include "abi/unit_handles.h"
#include "lib/session/plan.h"

namespace hob::abi {

StatusOr<DType> ReadActivations(hob_activations given, std::string_view what) {
  constexpr DType kActivations[] = {DType::kQ16Act, DType::kQ8Act, DType::kF32};
  if (given < HOB_ACTIVATIONS_INT16 || given > HOB_ACTIVATIONS_F32) {
    return Error(StatusCode::kInvalidArgument, Concat(what, " is ", given, ", not 0, 1 or 2"));
  }
  return kActivations[given];
}

StatusOr<DType> ReadKvType(hob_kv_type given, DType activations, std::string_view what) {
  constexpr DType kTypes[] = {DType::kF16, DType::kF32, DType::kQC8};
  if (given < HOB_KV_F16 || given > HOB_KV_INT8) {
    return Error(StatusCode::kInvalidArgument,
                 Concat(what, " is ", given, ", not HOB_KV_F16, HOB_KV_F32 or HOB_KV_INT8"));
  }
  // f16 is the default, which would not be a reference's.
  if (activations == DType::kF32 && given == HOB_KV_F16) return DType::kF32;
  return kTypes[given];
}

namespace {

StatusOr<RopeOverride> ReadRope(const hob_model_options& given) {
  constexpr std::optional<RopeScalingType> kTypes[] = {
      std::nullopt,          RopeScalingType::kNone, RopeScalingType::kLinear,
      RopeScalingType::kNtk, RopeScalingType::kYarn, RopeScalingType::kLlama3};
  if (given.rope_scaling < HOB_ROPE_MODEL || given.rope_scaling > HOB_ROPE_LLAMA3) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("hob_model_options.rope_scaling is ", given.rope_scaling, ", not 0 to 5"));
  }
  return RopeOverride{.type = kTypes[given.rope_scaling],
                      .factor = given.rope_factor,
                      .original_context = given.rope_original_context};
}

StatusOr<ModelOptions> ReadModelOptions(const hob_model_options* given_options) {
  HOB_ASSIGN_OR_RETURN(
      const hob_model_options given,
      ReadStruct(given_options, hob_model_options(HOB_MODEL_OPTIONS_INIT), "hob_model_options",
                 std::index_sequence<offsetof(hob_model_options, rope_scaling),
                                     offsetof(hob_model_options, copy_file)>()));
  HOB_RETURN_IF_ERROR(CheckBool(given.vocabulary_only, "hob_model_options.vocabulary_only"));
  HOB_RETURN_IF_ERROR(CheckBool(given.copy_file, "hob_model_options.copy_file"));
  HOB_RETURN_IF_ERROR(CheckReserved(given.reserved, "hob_model_options"));
  HOB_RETURN_IF_ERROR(CheckReserved(given.reserved3, "hob_model_options"));
  if (given.reserved2 != 0) {
    return Error(StatusCode::kInvalidArgument, "hob_model_options.reserved2 is not zero");
  }
  ModelOptions options;
  options.vocabulary_only = given.vocabulary_only != 0;
  options.copy_file = given.copy_file != 0;
  HOB_ASSIGN_OR_RETURN(options.activations,
                       ReadActivations(given.activations, "hob_model_options.activations"));
  HOB_ASSIGN_OR_RETURN(options.kv_type,
                       ReadKvType(given.kv_type, options.activations, "hob_model_options.kv_type"));
  options.max_batch_rows = given.max_batch_rows;
  options.shared_cache_tokens = given.shared_cache_tokens;
  HOB_ASSIGN_OR_RETURN(options.rope, ReadRope(given));
  if (given.progress != nullptr) {
    options.progress = [progress = given.progress, user = given.progress_user](uint64_t done,
                                                                               uint64_t total) {
      return progress(user, done, total) == 0;
    };
  }
  return options;
}

hob_model_plan_info PlanInfo(const ModelPlan& plan) {
  hob_model_plan_info info = HOB_MODEL_PLAN_INFO_INIT;
  info.context_length = plan.executor.shape.context_length;
  info.max_batch_rows = plan.executor.max_rows;
  info.kv_page_tokens = kKvPageTokens;
  info.weight_bytes = plan.weight_bytes();
  info.mapped_bytes = plan.copied_bytes != 0 ? 0 : plan.executor.mapped_bytes;
  info.scratch_bytes = plan.scratch_bytes();
  info.kv_page_bytes = plan.executor.kv.page_bytes();
  info.kv_bytes_per_token = info.kv_page_bytes / kKvPageTokens;
  info.session_bytes = plan.session_bytes(info.context_length);
  info.evaluate_bytes = plan.evaluate_bytes;
  return info;
}

hob_model_info Info(const Model& model) {
  hob_model_info info = HOB_MODEL_INFO_INIT;
  info.vocabulary_size = static_cast<int32_t>(model.tokenizer().size());
  info.bos_token = model.tokenizer().bos();
  info.eos_token = model.tokenizer().eos();
  info.has_chat_template = model.has_chat_template() ? 1 : 0;
  info.parameters = model.parameters();
  info.weight_bytes = model.weight_bytes();
  info.file_bytes = model.file().file_bytes();
  if (model.batcher() == nullptr) return info;
  const Executor& executor = model.batcher()->executor();
  const ModelShape& shape = executor.shape();
  info.vocabulary_size = shape.vocabulary;
  info.context_length = shape.context_length;
  info.layers = shape.layers;
  info.width = shape.width;
  info.heads = shape.heads;
  info.kv_heads = shape.kv_heads;
  info.head_dim = shape.head_dim;
  info.max_batch_rows = executor.max_rows();
  info.scratch_bytes = model.batcher()->scratch_bytes();
  info.kv_bytes_per_token = executor.kv_layout().page_bytes() / kKvPageTokens;
  return info;
}

}  // namespace

}  // namespace hob::abi

extern "C" {

hob_status hob_model_open(hob_model** out, hob_runtime* runtime, const char* path, size_t path_size,
                          const hob_model_options* options, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_RETURN_IF_ERROR(CheckHandle(runtime, "runtime"));
    HOB_RETURN_IF_ERROR(CheckRange(path, path_size, "path"));
    HOB_ASSIGN_OR_RETURN(const hob::ModelOptions read, ReadModelOptions(options));
    HOB_ASSIGN_OR_RETURN(
        auto model, hob::Model::Open(runtime->object, std::string(View(path, path_size)), read));
    *out = Adopt(new hob_model{std::move(model)});
    return absl::OkStatus();
  });
}

hob_status hob_model_plan(hob_model_plan_info* out, hob_runtime* runtime, const char* path,
                          size_t path_size, const hob_model_options* options, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_RETURN_IF_ERROR(CheckHandle(runtime, "runtime"));
    HOB_RETURN_IF_ERROR(CheckOutStruct(out, "hob_model_plan_info"));
    HOB_RETURN_IF_ERROR(CheckRange(path, path_size, "path"));
    HOB_ASSIGN_OR_RETURN(const hob::ModelOptions read, ReadModelOptions(options));
    HOB_ASSIGN_OR_RETURN(
        const hob::ModelPlan plan,
        hob::Model::Plan(runtime->object, std::string(View(path, path_size)), read));
    WriteStruct(out, PlanInfo(plan));
    return absl::OkStatus();
  });
}

void hob_model_destroy(hob_model* model) { hob::abi::Destroy(model); }

hob_status hob_model_get_info(hob_model_info* out, const hob_model* model, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_RETURN_IF_ERROR(CheckHandle(model, "model"));
    HOB_RETURN_IF_ERROR(CheckOutStruct(out, "hob_model_info"));
    WriteStruct(out, Info(*model->object));
    return absl::OkStatus();
  });
}

hob_status hob_model_get_text(hob_string* out, const hob_model* model, hob_model_text which,
                              hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_RETURN_IF_ERROR(CheckHandle(model, "model"));
    HOB_ASSIGN_OR_RETURN(const std::string_view text,
                         model->object->Property(static_cast<hob::ModelText>(which)));
    *out = ToHobString(text);
    return absl::OkStatus();
  });
}

hob_status hob_model_get_tokenizer(hob_tokenizer** out, const hob_model* model, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_RETURN_IF_ERROR(CheckHandle(model, "model"));
    *out = Adopt(new hob_tokenizer{model->object->SharedTokenizer()});
    return absl::OkStatus();
  });
}

hob_status hob_model_get_chat_template(hob_chat_template** out, const hob_model* model,
                                       hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_RETURN_IF_ERROR(CheckHandle(model, "model"));
    HOB_ASSIGN_OR_RETURN(auto object, model->object->SharedChatTemplate());
    *out = Adopt(new hob_chat_template{std::move(object), model->object->ChatVariables()});
    return absl::OkStatus();
  });
}

hob_status hob_model_tokenize(int32_t** out_tokens, size_t* out_count, const hob_model* model,
                              const char* text, size_t text_size, hob_text_flags flags,
                              hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_RETURN_IF_ERROR(CheckHandle(model, "model"));
    return Encode(out_tokens, out_count, model->object->tokenizer(), text, text_size, flags);
  });
}

hob_status hob_model_detokenize(char** out_text, size_t* out_size, const hob_model* model,
                                const int32_t* tokens, size_t count, hob_text_flags flags,
                                hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_RETURN_IF_ERROR(CheckHandle(model, "model"));
    return Decode(out_text, out_size, model->object->tokenizer(), tokens, count, flags);
  });
}

hob_status hob_model_token_bytes(char** out_bytes, size_t* out_size, const hob_model* model,
                                 int32_t token, hob_text_flags flags, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_RETURN_IF_ERROR(CheckHandle(model, "model"));
    return TokenBytes(out_bytes, out_size, model->object->tokenizer(), token, flags);
  });
}

hob_status hob_model_find_token(int32_t* out, const hob_model* model, const char* text,
                                size_t text_size, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_RETURN_IF_ERROR(CheckHandle(model, "model"));
    return FindToken(out, model->object->tokenizer(), text, text_size);
  });
}

hob_status hob_model_is_end_token(uint8_t* out, const hob_model* model, int32_t token,
                                  hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_RETURN_IF_ERROR(CheckHandle(model, "model"));
    *out = model->object->tokenizer().IsEndOfGeneration(token) ? 1 : 0;
    return absl::OkStatus();
  });
}

}  // extern "C"
