/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who made a file, asked before it is opened. Outside the promise so far: hob_experimental.h.
 *
 * A signature is a small text file in minisign's format, made by `hob sign` or `minisign -S`: an
 * Ed25519 signature of the file's BLAKE2b-512, and a trusted comment that is signed with it. The
 * app holds the public keys; nothing in the file or the signature is believed before one of them
 * fits. docs/howto/sign-models.md says how keys are made and files signed.
 */
#ifndef HOB_VERIFY_H_
#define HOB_VERIFY_H_

#include <hob/model.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hob_verify_options {
  uint32_t struct_size;
  uint32_t reserved;         /* 0 */
  hob_string signature;      /* the text of the signature; empty: it is read from a file */
  hob_string signature_path; /* that file; empty: the verified file's path and ".minisig" */
  hob_progress_fn progress;  /* NULL: none; non-zero gives HOB_CANCELLED */
  void* progress_user;
} hob_verify_options;

#define HOB_VERIFY_OPTIONS_INIT {sizeof(hob_verify_options), 0, {NULL, 0}, {NULL, 0}, NULL, NULL}

/* Reads the file at `path` from end to end and checks its signature against `keys`, of which one
 * has to have made it: several let an app take to a new key while files of the old one are about.
 * A key is the text of a .pub file, or only its line that begins with RW. `options` may be NULL.
 *
 * *out_comment becomes the signature's trusted comment, which the caller hob_frees: a version
 * written there tells an old file from a new one. out_comment and out_size may be NULL.
 *
 * What was checked are the bytes that were read by this call. hob_model_open reads again, and maps:
 * from this call until the model is destroyed nobody whom the app does not trust may be able to
 * write to the file or to its folder. Where somebody may, copy the file into a folder of the app's
 * own first, then verify and open the copy.
 *
 * Errors: HOB_UNAUTHENTICATED if no key fits, or the file, the signature or its comment was
 * altered; HOB_INVALID_ARGUMENT for what is no signature or no public key, and no keys;
 * HOB_DATA_LOSS for a signature cut short; HOB_NOT_FOUND without file or signature;
 * HOB_UNIMPLEMENTED for a signature of the bytes themselves (minisign -l), and in a build that
 * leaves signatures out. Any thread. */
HOB_API hob_status hob_verify_file(char** out_comment, size_t* out_size, const char* path,
                                   size_t path_size, const hob_string* keys, size_t key_count,
                                   const hob_verify_options* options, hob_error** error);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* HOB_VERIFY_H_ */
