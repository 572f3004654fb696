/* SPDX-License-Identifier: Apache-2.0 */
/* A short chat over all that an app uses, for valgrind: short_chat MODEL_FILE. Exit code 0 where
 * all went well, errors included that are provoked. */
#include <hob/hob.h>
#include <stdio.h>
#include <string.h>

static int failed(hob_error* error, const char* what) {
  const hob_string message = hob_error_message(error);
  fprintf(stderr, "%s: %.*s\n", what, (int)message.size, message.data);
  hob_error_destroy(error);
  return 1;
}

#define CHECK(call)                                    \
  do {                                                 \
    hob_error* error = NULL;                           \
    if ((call) != HOB_OK) return failed(error, #call); \
  } while (0)

static int32_t on_token(void* user, const hob_token* token) {
  *(size_t*)user += token->text_size;
  return 0;
}

static int chat(hob_model* model) {
  hob_session* session = NULL;
  hob_session* fork = NULL;
  hob_session_options session_options = HOB_SESSION_OPTIONS_INIT;
  hob_sampler_options sampler = HOB_SAMPLER_OPTIONS_INIT;
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  size_t bytes = 0, saved_size = 0;
  void* saved = NULL;
  sampler.temperature = 0.7f;
  sampler.seed = 1;
  session_options.sampler = &sampler;
  options.max_tokens = 6;
  options.on_token = on_token;
  options.user = &bytes;
  CHECK(hob_session_create(&session, model, &session_options, &error));
  CHECK(hob_session_add_message(session, "user", 4, "Hello there", 11, &error));
  CHECK(hob_session_generate(NULL, session, &options, &error));
  CHECK(hob_session_fork(&fork, session, &error));
  CHECK(hob_session_add_message(session, "user", 4, "And again", 9, &error));
  CHECK(hob_session_generate(NULL, session, &options, &error));
  CHECK(hob_session_save_buffer(&saved, &saved_size, session, &error));
  CHECK(hob_session_restore_buffer(fork, saved, saved_size, &error));
  hob_free(saved);
  CHECK(hob_session_generate(NULL, fork, &options, &error));
  hob_session_destroy(fork);
  hob_session_destroy(session);
  return 0;
}

int main(int argc, char** argv) {
  hob_runtime* runtime = NULL;
  hob_model* model = NULL;
  hob_error* refused = NULL;
  hob_runtime_options options = HOB_RUNTIME_OPTIONS_INIT;
  int code;
  if (argc != 2) return 2;
  options.threads = 2;
  CHECK(hob_runtime_create(&runtime, &options, &error));
  if (hob_model_open(&model, runtime, "/nowhere", 8, NULL, &refused) != HOB_NOT_FOUND) return 3;
  hob_error_destroy(refused);
  CHECK(hob_model_open(&model, runtime, argv[1], strlen(argv[1]), NULL, &error));
  code = chat(model);
  hob_model_destroy(model);
  hob_runtime_destroy(runtime);
  return code;
}
