/* SPDX-License-Identifier: Apache-2.0 */
#include <hob/hob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
  const char *path = getenv("HOB_MODEL"), *text = "What is the capital of France?";
  hob_runtime* runtime = NULL;
  hob_model* model = NULL;
  hob_session* session = NULL;
  hob_string reply = {NULL, 0};
  if (path == NULL) return 77; /* skipped */
  if (hob_runtime_create(&runtime, NULL, NULL) != HOB_OK) return 1;
  if (hob_model_open(&model, runtime, path, strlen(path), NULL, NULL) != HOB_OK) return 2;
  if (hob_session_create(&session, model, NULL, NULL) != HOB_OK) return 3;
  if (hob_session_add_message(session, "user", 4, text, strlen(text), NULL) != HOB_OK) return 4;
  if (hob_session_generate(NULL, session, NULL, NULL) != HOB_OK) return 5;
  if (hob_session_get_reply(&reply, session, NULL) == HOB_OK) puts(reply.data);
  hob_session_destroy(session);
  hob_model_destroy(model);
  hob_runtime_destroy(runtime);
  return 0;
}
