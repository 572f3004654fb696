/* SPDX-License-Identifier: Apache-2.0 */
/* A client of tomorrow: its HOB_ABI_VERSION_MINOR is one higher than the library's, and its
 * hob_runtime_options has a field more, of_tomorrow. */
#include <hob/hob.h>
#include <stdio.h>
#include <string.h>

static int failed;

static void expect(int line, const hob_runtime_options* options, hob_status wanted,
                   const char* words) {
  hob_runtime* runtime = NULL;
  hob_error* error = NULL;
  const hob_status status = hob_runtime_create(&runtime, options, &error);
  const char* const message = error == NULL ? "" : hob_error_message(error).data;
  if (status != wanted || strstr(message, words) == NULL ||
      (status != HOB_OK && hob_error_hint(error).size == 0)) {
    fprintf(stderr, "newer.c:%d: status %d: %s\n", line, (int)status, message);
    failed = 1;
  }
  hob_error_destroy(error);
  hob_runtime_destroy(runtime);
}

int main(void) {
  hob_runtime_options options = HOB_RUNTIME_OPTIONS_INIT;
  char versions[100];
  /* As its header makes it: refused, with both versions. */
  snprintf(versions, sizeof versions, "version %d.%d of the interface, but this library has %u.%u",
           HOB_ABI_VERSION_MAJOR, HOB_ABI_VERSION_MINOR, (unsigned)(hob_abi_version() >> 16),
           (unsigned)(hob_abi_version() & 0xFFFF));
  expect(__LINE__, &options, HOB_FAILED_PRECONDITION, versions);
  options.of_tomorrow = 1;
  expect(__LINE__, &options, HOB_FAILED_PRECONDITION, versions);
  /* Another major version, older or newer. */
  options.abi_version = HOB_ABI_VERSION + 0x10000;
  expect(__LINE__, &options, HOB_FAILED_PRECONDITION, "of the interface");
  /* A client that says it does without what is new: the larger struct is taken where its end is
   * zero. */
  options.abi_version = hob_abi_version();
  expect(__LINE__, &options, HOB_INVALID_ARGUMENT, "hob_runtime_options");
  options.of_tomorrow = 0;
  expect(__LINE__, &options, HOB_OK, "");
  return failed;
}
