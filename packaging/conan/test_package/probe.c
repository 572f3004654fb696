/* SPDX-License-Identifier: Apache-2.0 */
/* An app in C that links an installed hob: versions agree, a runtime starts, a missing model is an
 * error object. */
#include <hob/hob.h>
#include <stdio.h>
#include <string.h>

int main(void) {
  static const char kPath[] = "/no/such/model.gguf";
  hob_runtime* runtime = NULL;
  hob_model* model = NULL;
  hob_error* error = NULL;
  hob_status status;
  if (hob_abi_version() != HOB_ABI_VERSION) return 1;
  if (hob_runtime_create(&runtime, NULL, &error) != HOB_OK || error != NULL) return 2;
  status = hob_model_open(&model, runtime, kPath, strlen(kPath), NULL, &error);
  if (status != HOB_NOT_FOUND || model != NULL || hob_error_code(error) != status) return 3;
  printf("hob %s: %s\n", hob_version().data, hob_error_message(error).data);
  hob_error_destroy(error);
  hob_runtime_destroy(runtime);
  return 0;
}
