/* SPDX-License-Identifier: Apache-2.0 */
/* Chats with a model: chat MODEL [PROMPT]; without PROMPT, a message a line from standard input. */
#include <hob/hob.h>
#include <stdio.h>
#include <string.h>

static int32_t print_token(void* user, const hob_token* token) {
  fwrite(token->text, 1, token->text_size, (FILE*)user);
  return fflush((FILE*)user); /* anything but 0 ends the answer */
}

static hob_status answer(hob_session* session, const char* text, hob_error** error) {
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.max_tokens = 256;
  options.on_token = print_token;
  options.user = stdout;
  hob_status status = hob_session_add_message(session, "user", 4, text, strlen(text), error);
  if (status == HOB_OK) status = hob_session_generate(NULL, session, &options, error);
  putchar('\n');
  return status;
}

int main(int argc, char** argv) {
  hob_runtime* runtime = NULL;
  hob_model* model = NULL;
  hob_session* session = NULL;
  hob_error* error = NULL;
  const char* path = argc > 1 ? argv[1] : "";
  hob_status status = hob_runtime_create(&runtime, NULL, &error);
  if (status == HOB_OK) status = hob_model_open(&model, runtime, path, strlen(path), NULL, &error);
  if (status == HOB_OK) status = hob_session_create(&session, model, NULL, &error);
  if (status == HOB_OK && argc > 2) {
    status = answer(session, argv[2], &error);
  } else {
    char line[4096];
    while (status == HOB_OK && fgets(line, sizeof line, stdin) != NULL) {
      line[strcspn(line, "\n")] = '\0';
      status = answer(session, line, &error);
    }
  }
  if (status != HOB_OK) fprintf(stderr, "%s\n", hob_error_message(error).data);
  hob_error_destroy(error);
  hob_session_destroy(session);
  hob_model_destroy(model);
  hob_runtime_destroy(runtime);
  return status == HOB_OK ? 0 : 1;
}
