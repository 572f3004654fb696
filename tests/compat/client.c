/* SPDX-License-Identifier: Apache-2.0 */
/* A client of the baseline: client MODEL SAVED. Compiled against abi/baseline/include, run with
 * today's library. It uses every struct and reads every field whose place matters; the exit code is
 * the line that went wrong, modulo 256, or 0. */
#include <hob/hob.h>
#include <stdio.h>
#include <string.h>

#define CHECK(condition)                                          \
  do {                                                            \
    if (!(condition)) {                                           \
      fprintf(stderr, "client.c:%d: %s\n", __LINE__, #condition); \
      return __LINE__ % 255 + 1;                                  \
    }                                                             \
  } while (0)

/* A failed call says why. */
#define OK(call)                                                                     \
  do {                                                                               \
    hob_error* error = NULL;                                                         \
    if ((call) != HOB_OK) {                                                          \
      fprintf(stderr, "client.c:%d: %s\n", __LINE__, hob_error_message(error).data); \
      return __LINE__ % 255 + 1;                                                     \
    }                                                                                \
  } while (0)

typedef void (*function)(void);
static const struct {
  const char* name;
  function address;
} kPromised[] = {
#define HOB_SYMBOL(name) {#name, (function)name},
#include "promised.inc"
};

static uint64_t progress_total;
static int32_t on_progress(void* user, uint64_t done, uint64_t total) {
  if (user != &progress_total || done > total) return 1;
  progress_total = total;
  return 0;
}

typedef struct {
  int32_t tokens;
  char text[4096];
} answer;

static int32_t on_token(void* user, const hob_token* token) {
  answer* const got = (answer*)user;
  if (token->struct_size < sizeof(hob_token)) return 1;
  got->tokens += token->id != HOB_NO_TOKEN;
  if (strlen(got->text) + token->text_size >= sizeof got->text) return 1;
  strncat(got->text, token->text, token->text_size);
  return 0;
}

static int use_model(const hob_model* model) {
  hob_model_info info = HOB_MODEL_INFO_INIT;
  hob_string text = {NULL, 0};
  int32_t *tokens = NULL, token[2] = {-1, 7};
  size_t count = 0, size = 0;
  char* back = NULL;
  uint8_t ends = 0;
  OK(hob_model_get_info(&info, model, &error));
  CHECK(info.struct_size == sizeof info && info.vocabulary_size > 0 && info.context_length == 256);
  CHECK(info.heads % info.kv_heads == 0 && info.max_batch_rows == 64 &&
        info.has_chat_template == 1);
  CHECK(info.parameters > 0 && info.file_bytes > 0 && info.scratch_bytes > 0 &&
        info.kv_bytes_per_token > 0);
  OK(hob_model_get_text(&text, model, HOB_MODEL_ARCHITECTURE, &error));
  CHECK(text.size == strlen("llama") && memcmp(text.data, "llama", text.size) == 0);
  OK(hob_model_tokenize(&tokens, &count, model, "a b", 3, HOB_TEXT_PLAIN, &error));
  CHECK(count > 0);
  OK(hob_model_detokenize(&back, &size, model, tokens, count, HOB_TEXT_PLAIN, &error));
  CHECK(size == 3 && memcmp(back, "a b", 3) == 0);
  hob_free(back);
  hob_free(tokens);
  OK(hob_model_find_token(token, model, "<|im_end|>", strlen("<|im_end|>"), &error));
  OK(hob_model_is_end_token(&ends, model, token[0], &error));
  CHECK(ends == 1 && token[1] == 7);
  return 0;
}

static int use_session(hob_session* session, const char* saved) {
  static answer streamed;
  const hob_string stop = {"never comes", 11};
  hob_sampler_options sampler = HOB_SAMPLER_OPTIONS_INIT;
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  hob_generate_result result = HOB_GENERATE_RESULT_INIT;
  hob_session_stats stats = HOB_SESSION_STATS_INIT;
  hob_session* fork = NULL;
  hob_string reply = {NULL, 0}, role = {NULL, 0}, text = {NULL, 0};
  hob_token token = HOB_TOKEN_INIT;
  hob_poll poll = HOB_POLL_NOTHING;
  hob_error* error = NULL;
  const int32_t* tokens = NULL;
  size_t count = 0;

  /* Each option is in its place: what is wrong is named. */
  sampler.temperature = -1.0f;
  CHECK(hob_session_set_sampler(session, &sampler, &error) == HOB_INVALID_ARGUMENT);
  CHECK(strstr(hob_error_message(error).data, "temperature") != NULL);
  hob_error_destroy(error);
  sampler.temperature = 0.8f;
  sampler.top_k = 5;
  sampler.top_p = 0.9f;
  sampler.repetition_penalty = 1.1f;
  sampler.seed = 7;
  OK(hob_session_set_sampler(session, &sampler, &error));

  OK(hob_session_add_message(session, "user", 4, "Hi", 2, &error));
  options.max_tokens = 12;
  options.stops = &stop;
  options.stop_count = 1;
  options.ignore_eos = 1;
  options.on_token = on_token;
  options.user = &streamed;
  options.max_time_ms = 60000;
  OK(hob_session_generate(&result, session, &options, &error));
  CHECK(result.finish_reason == HOB_FINISH_LENGTH && result.generated_tokens == 12 &&
        result.stop_index == -1);
  CHECK(result.prompt_tokens > 0 && result.cached_tokens == 0 && result.dropped_tokens == 0);
  OK(hob_session_get_reply(&reply, session, &error));
  CHECK(streamed.tokens == 12 && strcmp(streamed.text, reply.data) == 0);
  OK(hob_session_get_tokens(&tokens, &count, session, &error));
  CHECK(count == (size_t)(result.prompt_tokens + result.generated_tokens));
  OK(hob_session_get_stats(&stats, session, &error));
  CHECK(stats.context_tokens == 128 && stats.generated_tokens == 12 && stats.prefill_ns > 0);
  CHECK(stats.cache_bytes > 0 && stats.peak_bytes >= stats.cache_bytes);
  OK(hob_session_message_count(&count, session, &error));
  CHECK(count == 2);
  OK(hob_session_get_message(&role, &text, session, 1, &error));
  CHECK(strcmp(role.data, "assistant") == 0 && text.size == reply.size);

  OK(hob_session_save(session, saved, strlen(saved), &error));
  OK(hob_session_keep_messages(session, 1, &error));
  OK(hob_session_restore(session, saved, strlen(saved), &error));
  OK(hob_session_message_count(&count, session, &error));
  CHECK(count == 2);

  OK(hob_session_fork(&fork, session, &error));
  OK(hob_session_add_message(fork, "user", 4, "More", 4, &error));
  options.on_token = NULL;
  OK(hob_session_start(fork, &options, &error));
  count = 0;
  while (poll != HOB_POLL_END) {
    OK(hob_session_poll(&poll, &token, fork, -1, &error));
    count += poll == HOB_POLL_TOKEN && token.id != HOB_NO_TOKEN;
  }
  OK(hob_session_get_result(&result, fork, &error));
  CHECK(count == (size_t)result.generated_tokens && result.cached_tokens > 0);
  hob_session_cancel(fork);
  hob_session_destroy(fork);
  OK(hob_session_reset(session, &error));
  return 0;
}

int main(int argc, char** argv) {
  hob_runtime* runtime = NULL;
  hob_model* model = NULL;
  hob_session* session = NULL;
  hob_error* error = NULL;
  hob_runtime_options runtime_options = HOB_RUNTIME_OPTIONS_INIT;
  hob_model_options model_options = HOB_MODEL_OPTIONS_INIT;
  hob_session_options session_options = HOB_SESSION_OPTIONS_INIT;
  hob_runtime_info info = HOB_RUNTIME_INFO_INIT;
  hob_model_plan_info plan = HOB_MODEL_PLAN_INFO_INIT;
  size_t i;
  int failed;
  CHECK(argc == 3);
  for (i = 0; i < sizeof kPromised / sizeof kPromised[0]; ++i) CHECK(kPromised[i].address != NULL);
  CHECK(hob_abi_version() >> 16 == HOB_ABI_VERSION_MAJOR && hob_abi_version() >= HOB_ABI_VERSION);
  CHECK(hob_version().size > 0 && strcmp(hob_status_name(HOB_DATA_LOSS).data, "DATA_LOSS") == 0);

  runtime_options.threads = 1;
  runtime_options.memory_limit = 1 << 30;
  OK(hob_runtime_create(&runtime, &runtime_options, &error));
  CHECK(hob_model_open(&model, runtime, "no.gguf", 7, NULL, &error) == HOB_NOT_FOUND);
  CHECK(hob_error_code(error) == HOB_NOT_FOUND && hob_error_message(error).size > 0);
  hob_error_destroy(error);

  model_options.max_batch_rows = 64;
  model_options.kv_type = HOB_KV_INT8;
  model_options.progress = on_progress;
  model_options.progress_user = &progress_total;
  model_options.rope_scaling = HOB_ROPE_NONE;
  OK(hob_model_plan(&plan, runtime, argv[1], strlen(argv[1]), &model_options, &error));
  CHECK(plan.context_length == 256 && plan.max_batch_rows == 64 && plan.kv_page_tokens > 0);
  CHECK(plan.session_bytes >= 256 * plan.kv_bytes_per_token && plan.evaluate_bytes > 0);
  OK(hob_model_open(&model, runtime, argv[1], strlen(argv[1]), &model_options, &error));
  CHECK(progress_total > 0);
  OK(hob_runtime_get_info(&info, runtime, &error));
  CHECK(info.threads == 1 && info.bytes_in_use == plan.weight_bytes + plan.scratch_bytes);
  CHECK(info.peak_bytes >= info.bytes_in_use && info.peak_bytes < runtime_options.memory_limit);
  failed = use_model(model);
  if (failed != 0) return failed;

  session_options.context_tokens = 128;
  session_options.keep_tokens = 8;
  CHECK(hob_session_create(&session, model, &session_options, &error) == HOB_INVALID_ARGUMENT);
  CHECK(strstr(hob_error_message(error).data, "keep_tokens") != NULL);
  hob_error_destroy(error);
  session_options.roll = 1;
  OK(hob_session_create(&session, model, &session_options, &error));
  failed = use_session(session, argv[2]);
  if (failed != 0) return failed;
  hob_session_destroy(session);
  hob_model_destroy(model);
  hob_runtime_destroy(runtime);
  return 0;
}
