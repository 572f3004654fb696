/* SPDX-License-Identifier: Apache-2.0 */
/* What stream_overhead.py is compared with: stream_overhead MODEL TOKENS WAY, WAY callback or poll. For each line on
 * standard input an answer of TOKENS tokens, then a line with the nanoseconds that it took. */
#define _POSIX_C_SOURCE 199309L
#include <hob/hob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int32_t take(void* user, const hob_token* token) {
  *(size_t*)user += token->text_size;
  return 0;
}

static void check(hob_status status, hob_error* error) {
  if (status == HOB_OK) return;
  fprintf(stderr, "%s\n", hob_error_message(error).data);
  exit(1);
}

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  hob_runtime* runtime = NULL;
  hob_model* model = NULL;
  hob_session* session = NULL;
  hob_error* error = NULL;
  hob_runtime_options runtime_options = HOB_RUNTIME_OPTIONS_INIT;
  runtime_options.threads = 1;
  check(hob_runtime_create(&runtime, &runtime_options, &error), error);
  check(hob_model_open(&model, runtime, argv[1], strlen(argv[1]), NULL, &error), error);
  check(hob_session_create(&session, model, NULL, &error), error);
  size_t bytes = 0;
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.max_tokens = atoi(argv[2]);
  options.ignore_eos = 1;
  options.on_token = take;
  options.user = &bytes;
  const int poll = strcmp(argv[3], "poll") == 0;
  char line[16];
  while (fgets(line, sizeof line, stdin) != NULL) {
    check(hob_session_reset(session, &error), error);
    check(hob_session_add_message(session, "user", 4, "hello", 5, &error), error);
    const int64_t begin = now();
    if (poll) {
      hob_poll kind = HOB_POLL_NOTHING;
      hob_token token = HOB_TOKEN_INIT;
      check(hob_session_start(session, &options, &error), error);
      while (kind != HOB_POLL_END) {
        check(hob_session_poll(&kind, &token, session, -1, &error), error);
        if (kind == HOB_POLL_TOKEN) bytes += token.text_size;
      }
    } else {
      check(hob_session_generate(NULL, session, &options, &error), error);
    }
    printf("%lld\n", (long long)(now() - begin));
    fflush(stdout);
  }
  hob_session_destroy(session);
  hob_model_destroy(model);
  hob_runtime_destroy(runtime);
  return 0;
}
