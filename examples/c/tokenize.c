/* SPDX-License-Identifier: Apache-2.0 */
/* Shows how a model's tokenizer cuts a text, without the model: tokenize FILE TEXT. */
#include <hob/tokenizer.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char** argv) {
  const char* path = argc > 1 ? argv[1] : "";
  const char* text = argc > 2 ? argv[2] : "";
  hob_tokenizer* tokenizer = NULL;
  hob_error* error = NULL;
  int32_t* tokens = NULL;
  size_t count = 0;
  hob_status status = hob_tokenizer_open(&tokenizer, path, strlen(path), &error);
  if (status == HOB_OK) {
    status = hob_tokenizer_encode(&tokens, &count, tokenizer, text, strlen(text), HOB_TEXT_PLAIN,
                                  &error);
  }
  for (size_t i = 0; status == HOB_OK && i < count; ++i) {
    char* bytes = NULL;
    size_t size = 0;
    status = hob_tokenizer_token_bytes(&bytes, &size, tokenizer, tokens[i], HOB_TEXT_PLAIN, &error);
    if (status == HOB_OK) printf("%6d '%.*s'\n", (int)tokens[i], (int)size, bytes);
    hob_free(bytes);
  }
  if (status != HOB_OK) fprintf(stderr, "%s\n", hob_error_message(error).data);
  hob_error_destroy(error);
  hob_free(tokens);
  hob_tokenizer_destroy(tokenizer);
  return status == HOB_OK ? 0 : 1;
}
