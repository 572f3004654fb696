/* SPDX-License-Identifier: Apache-2.0 */
/* Outside the promise: what is here may change or go with any release. */
#ifndef HOB_HOB_EXPERIMENTAL_H_
#define HOB_HOB_EXPERIMENTAL_H_

#include <hob/embed.h>
#include <hob/grammar.h>
#include <hob/graph.h>
#include <hob/handoff.h>
#include <hob/hob.h>
#include <hob/metrics.h>
#include <hob/ops.h>
#include <hob/tools.h>
#include <hob/verify.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Receives the logits of positions [first, first + rows): `logits` is [rows][vocabulary_size],
 * row-major, and lives for the call. Non-zero cancels. */
typedef int32_t (*hob_logits_fn)(void* user, size_t first, size_t rows, const float* logits);

/* Drops what the session holds, then runs `tokens` through the model, chunk by chunk, and hands out
 * the logits of every position. Afterwards the session holds `tokens`. Errors: HOB_OUT_OF_RANGE if
 * they are more than the context; HOB_INVALID_ARGUMENT for a token outside the vocabulary or none;
 * HOB_CANCELLED. On error the session is empty. */
HOB_API hob_status hob_session_evaluate(hob_session* session, const int32_t* tokens, size_t count,
                                        hob_logits_fn on_logits, void* user, hob_error** error);

/* How the library was built and what it found here, as a JSON object: "version", "abi", "kernels"
 * (compiled in), "cpu" (instruction sets that kernels may use; HOB_ISA narrows them), "provider"
 * (forced by HOB_PROVIDER), "build_type", "compiler", "system", "lto", "sanitizers", and by name
 * what a build may leave out: "xnnpack", "convert", "regex_jit", "signatures", "handoff". The
 * caller hob_frees *out_json. Errors: HOB_INVALID_ARGUMENT for an environment that names no such
 * kernels. Any thread. */
HOB_API hob_status hob_describe_library(char** out_json, size_t* out_size, hob_error** error);

/* Everything known of a model, as a JSON object: "file", "architecture", "name", "license",
 * "hyperparameters" (the file's own keys), "vocabulary", "tensors" (name, type, shape, bytes),
 * "graph" (name, op, provider, layer, packed_bytes of each planned node) and "memory". For a
 * vocabulary-only model, "graph" is empty and "memory" has "file_bytes" alone. The caller hob_frees
 * *out_json. */
HOB_API hob_status hob_model_describe(char** out_json, size_t* out_size, const hob_model* model,
                                      hob_error** error);

typedef int32_t hob_convert_weights;
enum {
  HOB_CONVERT_KEEP = 0, /* weights keep their type and values */
  HOB_CONVERT_INT8 = 1  /* matrices that are multiplied, of a multiple of 32 columns, become int8
                           with  a scale for each row: the fastest to prefill. What is not finite is
                           HOB_INVALID_ARGUMENT */
};

typedef struct hob_convert_options {
  uint32_t struct_size;
  hob_convert_weights weights;
  hob_progress_fn progress; /* NULL: none */
  void* progress_user;
} hob_convert_options;

#define HOB_CONVERT_OPTIONS_INIT {sizeof(hob_convert_options), HOB_CONVERT_KEEP, NULL, NULL}

/* Reads a GGUF or .hob file and writes it as .hob with its graph, whole or not at all. `options`
 * may be NULL. Errors as hob_model_open, and what writing a file gives; HOB_UNIMPLEMENTED in a
 * build that leaves it out, as hob_model_describe. Any thread. */
HOB_API hob_status hob_convert(const char* input, size_t input_size, const char* output,
                               size_t output_size, const hob_convert_options* options,
                               hob_error** error);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* HOB_HOB_EXPERIMENTAL_H_ */
