// SPDX-License-Identifier: Apache-2.0
// The calls of everything but sessions: runtimes, models, tokenizers, samplers, templates,
// matrices.
#pragma once

#include "tests/fuzz/abi_world.h"

namespace hob::fuzz::abi {

inline void CreateRuntime(World& world) {
  hob_runtime_options options = HOB_RUNTIME_OPTIONS_INIT;
  options.threads = world.input.Byte() % 4 + (world.input.Byte() == 255 ? 100'000u : 0u);
  options.memory_limit = static_cast<uint64_t>(world.input.Range(0, 1000)) << 10;
  options.max_requests = world.input.Byte();
  if (world.input.Byte() >= 250) options.abi_version = world.input.Raw<uint32_t>();
  if (world.input.Byte() >= 250) options.reserved = 1;
  const Options<hob_runtime_options> some(world.input, options);
  if (some.get() == nullptr || options.threads == 0) return;  // threads as the machine has
  hob_runtime* runtime = nullptr;
  Call call;
  if (call(hob_runtime_create(&runtime, some.get(), call))) world.runtimes.Add(runtime, 2);
}

inline void OpenModel(World& world) {
  hob_model_options options = HOB_MODEL_OPTIONS_INIT;
  const uint8_t kind = world.input.Byte();
  options.max_batch_rows = 1 + world.input.Byte() % 16;
  if (kind >= 250) options.max_batch_rows = static_cast<uint32_t>(world.input.Range(0, 9000));
  options.activations = static_cast<hob_activations>(kind / 2 % 3);
  options.kv_type = static_cast<hob_kv_type>(kind / 8 % 3);
  options.vocabulary_only = kind >= 240;
  options.shared_cache_tokens = static_cast<int32_t>(world.input.Range(-2, 200));
  if (kind & 64) {
    options.rope_scaling = static_cast<hob_rope_scaling>(world.input.Byte() % 8);
    options.rope_factor = world.input.Real();
    options.rope_original_context = static_cast<uint32_t>(world.input.Integer());
  }
  static int32_t progress_calls = 0;
  options.progress = [](void* user, uint64_t done, uint64_t total) {
    Require(done <= total);
    return static_cast<int32_t>(++*static_cast<int32_t*>(user) == 7);
  };
  progress_calls = world.input.Byte() % 8 == 0 ? 0 : 100;
  options.progress_user = &progress_calls;
  const Options<hob_model_options> some(world.input, options);
  const Files& files = TheFiles();
  std::string path = kind % 16 == 15 ? files.broken : kind & 32 ? files.other : files.tiny;
  if (world.input.Byte() >= 224) path = std::string(world.input.Text(40));  // any name at all
  if (world.input.Byte() >= 250) path = std::filesystem::path(files.tiny).parent_path();
  hob_runtime* runtime = world.runtimes.Any(world.input);
  if (runtime == nullptr && world.input.Byte() < 250) runtime = SharedRuntime();
  hob_model_plan_info plan = HOB_MODEL_PLAN_INFO_INIT;
  Call told;
  const bool planned =
      told(hob_model_plan(&plan, runtime, path.data(), path.size(), some.get(), told));
  hob_model* model = nullptr;
  Call call;
  if (call(hob_model_open(&model, runtime, path.data(), path.size(), some.get(), call))) {
    Require(planned);
    world.models.Add(model, 3);
  } else {
    Require(model == nullptr);
  }
}

inline void ModelTexts(World& world) {
  const hob_model* model = world.AnyModel();
  hob_string text = {};
  Call call;
  call(hob_model_get_text(&text, model, world.input.Byte() % 12, call));
  hob_model_info info = HOB_MODEL_INFO_INIT;
  if (world.input.Byte() >= 200) info.struct_size = world.input.Byte() % sizeof(info);
  Call told;
  told(hob_model_get_info(&info, model, told));
  char* json = nullptr;
  size_t size = 0;
  Call describing;
  if (world.input.Byte() >= 240 &&
      describing(hob_model_describe(&json, &size, model, describing))) {
    hob_free(json);
  }
  hob_tokenizer* tokenizer = nullptr;
  Call taking;
  if (taking(hob_model_get_tokenizer(&tokenizer, model, taking))) world.tokenizers.Add(tokenizer);
}

inline void UseTokenizer(World& world) {
  if (world.input.Byte() >= 224) {
    hob_tokenizer* tokenizer = nullptr;
    const std::string& path = world.input.Bool() ? TheFiles().tiny : TheFiles().broken;
    Call call;
    if (call(hob_tokenizer_open(&tokenizer, path.data(), path.size(), call))) {
      world.tokenizers.Add(tokenizer);
    }
  }
  const hob_tokenizer* tokenizer = world.tokenizers.Any(world.input);
  const std::string_view text = world.input.Text(80);
  const hob_text_flags flags = world.input.Byte() % 9;
  int32_t* tokens = nullptr;
  size_t count = 0;
  Call call;
  if (!call(hob_tokenizer_encode(&tokens, &count, tokenizer, text.data(), text.size(), flags,
                                 call))) {
    return;
  }
  const Given<int32_t> held(tokens);
  char* back = nullptr;
  size_t size = 0;
  Call decoding;
  if (decoding(hob_tokenizer_decode(&back, &size, tokenizer, tokens, count, flags & 4, decoding))) {
    Require(back[size] == '\0');
    hob_free(back);
  }
  hob_token_info info = HOB_TOKEN_INFO_INIT;
  Call asking;
  asking(hob_tokenizer_get_token(&info, tokenizer, static_cast<int32_t>(world.input.Integer()),
                                 asking));
  int32_t id = -5;
  Call finding;
  if (!finding(hob_tokenizer_find(&id, tokenizer, text.data(), text.size(), finding))) {
    Require(id == -5);
  }
}

inline void UseDetokenizer(World& world) {
  hob_detokenizer* stream = nullptr;
  Call call;
  if (!call(hob_detokenizer_create(&stream, world.tokenizers.Any(world.input),
                                   world.input.Byte() % 5, call)))
    return;
  for (int count = world.input.Byte() % 16; count > 0; --count) {
    hob_string text = {};
    Call pushing;
    pushing(
        hob_detokenizer_push(&text, stream, static_cast<int32_t>(world.input.Byte()) - 2, pushing));
  }
  hob_string text = {};
  Require(hob_detokenizer_finish(&text, stream, nullptr) == HOB_OK);
  hob_detokenizer_destroy(stream);
}

inline void UseSampler(World& world) {
  if (world.input.Bool()) {
    hob_sampler* made = nullptr;
    const Options<hob_sampler_options> some(world.input, world.AnySampler());
    Call call;
    if (call(hob_sampler_create(&made, some.get(), call))) world.samplers.Add(made);
  }
  hob_sampler* sampler = world.samplers.Any(world.input);
  std::vector<float> logits(world.input.Byte() % 40);
  for (float& x : logits) x = static_cast<float>(world.input.Real());
  const int32_t recent[] = {world.input.Byte(), static_cast<int32_t>(world.input.Integer())};
  Call accepting;
  accepting(hob_sampler_accept(sampler, recent, world.input.Byte() % 3, accepting));
  std::vector<float> chances(logits.size());
  Call telling;
  const bool told = telling(hob_sampler_get_probabilities(chances.data(), sampler, logits.data(),
                                                          logits.size(), telling));
  int32_t token = -5;
  Call call;
  const bool chosen = call(hob_sampler_sample(&token, sampler, logits.data(), logits.size(), call));
  Require(told == chosen);
  if (chosen) {
    Require(token >= 0 && static_cast<size_t>(token) < logits.size());
  } else {
    Require(token == -5);
  }
}

inline void UseTemplate(World& world) {
  const std::string_view source = world.input.Text(120);
  hob_chat_template* made = nullptr;
  Call call;
  const bool ours = world.input.Bool();
  if (!call(ours ? hob_model_get_chat_template(&made, world.AnyModel(), call)
                 : hob_chat_template_create(&made, source.data(), source.size(), nullptr, call))) {
    return;
  }
  hob_render_options options = HOB_RENDER_OPTIONS_INIT;
  const std::string_view variables = world.input.Text(60), content = world.input.Text(60);
  options.variables = {variables.data(), variables.size()};
  const hob_chat_message messages[] = {{{"user", 4}, {content.data(), content.size()}},
                                       {{"assistant", 9}, {nullptr, 0}}};
  const Options<hob_render_options> some(world.input, options);
  char* text = nullptr;
  size_t size = 0;
  Call rendering;
  if (rendering(hob_chat_template_render(&text, &size, made, messages, world.input.Byte() % 3,
                                         some.get(), rendering))) {
    hob_free(text);
  }
  hob_chat_template_destroy(made);
}

inline void Matrix(World& world) {
  const size_t rows = static_cast<size_t>(world.input.Range(0, 40));
  const size_t columns = 32 * static_cast<size_t>(world.input.Range(0, 4));
  std::vector<float> values(rows * columns);
  Random random(world.input.Byte());
  for (float& x : values) x = random.Uniform();
  hob_matrix_options options = HOB_MATRIX_OPTIONS_INIT;
  options.activations = world.input.Byte() % 4;
  options.max_rows = world.input.Byte() % 4;
  const Options<hob_matrix_options> some(world.input, options);
  hob_matrix* matrix = nullptr;
  Call call;
  if (!call(hob_matrix_quantize(&matrix, SharedRuntime(),
                                static_cast<hob_type>(world.input.Range(0, 15)), values.data(),
                                rows, columns, some.get(), call))) {
    return;
  }
  std::vector<float> x(columns * 5), out(rows * 5);
  for (float& value : x) value = random.Uniform();
  Require(hob_matrix_multiply(out.data(), matrix, x.data(), 5, nullptr) == HOB_OK);
  hob_matrix_destroy(matrix);
}

}  // namespace hob::fuzz::abi
