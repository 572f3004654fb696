/* SPDX-License-Identifier: Apache-2.0 */
/* Local first, and another model where this one is unsure: handoff MODEL PROMPT [URL NAME
 * KEY_FILE]. Without a URL there is no consent, and nothing leaves this computer. */
#include <hob/hob_experimental.h>
#include <stdio.h>
#include <string.h>

static hob_string text_of(const char* text) {
  hob_string string;
  string.data = text;
  string.size = strlen(text);
  return string;
}

static int32_t print_token(void* user, const hob_token* token) {
  (void)user;
  fwrite(token->text, 1, token->text_size, stdout);
  return 0;
}

/* Messages with this word stay here. */
static int32_t redact(void* user, hob_string role, hob_string text, hob_string* out) {
  const char word[] = "secret";
  (void)user, (void)role, (void)out;
  for (size_t i = 0; i + sizeof word - 1 <= text.size; ++i) {
    if (memcmp(text.data + i, word, sizeof word - 1) == 0) return 1;
  }
  return 0;
}

int main(int argc, char** argv) {
  const hob_string path = text_of(argc > 1 ? argv[1] : "");
  const hob_string prompt = text_of(argc > 2 ? argv[2] : "What is the capital of France?");
  hob_runtime* runtime = NULL;
  hob_model* model = NULL;
  hob_session* session = NULL;
  hob_handoff* handoff = NULL;
  hob_error* error = NULL;

  hob_handoff_options options = HOB_HANDOFF_OPTIONS_INIT;
  options.consent = argc > 4; /* ask the user, and keep the answer */
  options.url = text_of(argc > 4 ? argv[3] : "https://localhost/v1");
  options.model = text_of(argc > 4 ? argv[4] : "none");
  options.key_file = text_of(argc > 5 ? argv[5] : "");
  options.max_mean_entropy = 2.5f;
  options.min_battery_percent = 15;
  options.redact = redact;

  hob_generate_options generate = HOB_GENERATE_OPTIONS_INIT;
  generate.max_tokens = 64;
  generate.on_token = print_token;
  hob_handoff_report report = HOB_HANDOFF_REPORT_INIT;

  hob_status status = hob_runtime_create(&runtime, NULL, &error);
  if (status == HOB_OK) {
    status = hob_model_open(&model, runtime, path.data, path.size, NULL, &error);
  }
  if (status == HOB_OK) status = hob_session_create(&session, model, NULL, &error);
  if (status == HOB_OK) status = hob_handoff_create(&handoff, runtime, &options, &error);
  if (status == HOB_OK) {
    status = hob_session_add_message(session, "user", 4, prompt.data, prompt.size, &error);
  }
  if (status == HOB_OK) {
    status = hob_handoff_answer(&report, handoff, session, HOB_HANDOFF_AUTO, &generate, &error);
  }
  if (status == HOB_OK) {
    printf("\n(%s)\n", report.source == HOB_SOURCE_REMOTE ? "by the endpoint" : "by this computer");
  } else {
    fprintf(stderr, "%s\n", hob_error_message(error).data);
  }
  hob_error_destroy(error);
  hob_handoff_destroy(handoff);
  hob_session_destroy(session);
  hob_model_destroy(model);
  hob_runtime_destroy(runtime);
  return status == HOB_OK ? 0 : 1;
}
