/* SPDX-License-Identifier: Apache-2.0 */
/* Outside the promise: what is here may change or go with any release.
 *
 * hob's matrix product on its own: quantise a matrix, multiply rows by it, with the kernels, the
 * threads and the bits that a model would have. */
#ifndef HOB_OPS_H_
#define HOB_OPS_H_

#include <hob/base.h>
#include <hob/model.h>
#include <hob/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Element types of weights; the numbers below 1000 are GGUF's. */
typedef int32_t hob_type;
enum {
  HOB_TYPE_F32 = 0,
  HOB_TYPE_F16 = 1,
  HOB_TYPE_Q4_0 = 2, /* blocks of 32: columns are a multiple of that, and of 256 for _K */
  HOB_TYPE_Q4_1 = 3,
  HOB_TYPE_Q5_0 = 6,
  HOB_TYPE_Q5_1 = 7,
  HOB_TYPE_Q8_0 = 8,
  HOB_TYPE_Q4_K = 12,
  HOB_TYPE_Q5_K = 13,
  HOB_TYPE_Q6_K = 14,
  HOB_TYPE_BF16 = 30,
  HOB_TYPE_INT8 = 1000 /* int8 with an f32 scale for each row: the rows, then all scales. Columns
                          are a multiple of 4, and of 32 for speed */
};

/* How many bytes a matrix of that type takes; 0 for what cannot be. Any thread. */
HOB_API uint64_t hob_type_bytes(hob_type type, uint64_t rows, uint64_t columns);

/* Writes `values`, row-major [rows][columns], as rows of `type` to `out`, which has
 * hob_type_bytes of them: what a file of that type holds. They do not overlap. Errors, which leave
 * `out` in part written: HOB_INVALID_ARGUMENT, with row and column, for values that are not finite
 * or not in the type's range; HOB_UNIMPLEMENTED for _K types, which hob reads but does not make.
 * Any thread. */
HOB_API hob_status hob_quantize(void* out, size_t out_size, hob_type type, const float* values,
                                size_t rows, size_t columns, hob_error** error);

/* A weight matrix made ready for this machine. Immutable. Threads: any number of threads may use
 * one at a time; their products, and the steps of models of the same runtime, take turns. Not
 * from within a progress, log or allocator callback, which may hold the turn. */
typedef struct hob_matrix hob_matrix;

typedef struct hob_matrix_options {
  uint32_t struct_size;
  hob_activations activations; /* how rows enter products with block types and int8 */
  uint32_t max_rows; /* in one pass over the weights, at most 65536; 0: 512. More come in parts */
  uint32_t reserved;
} hob_matrix_options;

#define HOB_MATRIX_OPTIONS_INIT {sizeof(hob_matrix_options), HOB_ACTIVATIONS_INT16, 0, 0}

/* Makes a matrix W[rows][columns] of weights in the form of `type`, as hob_quantize writes and GGUF
 * files hold them; `data` is read during the call only. `options` may be NULL. Errors:
 * HOB_INVALID_ARGUMENT; HOB_UNIMPLEMENTED for a type that hob does not multiply;
 * HOB_RESOURCE_EXHAUSTED. */
HOB_API hob_status hob_matrix_create(hob_matrix** out, hob_runtime* runtime, hob_type type,
                                     const void* data, size_t size, size_t rows, size_t columns,
                                     const hob_matrix_options* options, hob_error** error);

/* The same from floats, quantised on the way. */
HOB_API hob_status hob_matrix_quantize(hob_matrix** out, hob_runtime* runtime, hob_type type,
                                       const float* values, size_t rows, size_t columns,
                                       const hob_matrix_options* options, hob_error** error);

/* Gives the handle up. */
HOB_API void hob_matrix_destroy(hob_matrix* matrix);

typedef struct hob_matrix_info {
  uint32_t struct_size;
  hob_type type;
  uint64_t rows;
  uint64_t columns;
  uint64_t weight_bytes;  /* of the runtime's memory, held for the weights */
  uint64_t scratch_bytes; /* and for products */
  hob_string provider;    /* "avx512vnni", "xnnpack", …; lives as long as the matrix */
} hob_matrix_info;

#define HOB_MATRIX_INFO_INIT {sizeof(hob_matrix_info), HOB_TYPE_F32, 0, 0, 0, 0, {NULL, 0}}

/* Fills `out`, whose struct_size the caller has set. */
HOB_API hob_status hob_matrix_get_info(hob_matrix_info* out, const hob_matrix* matrix,
                                       hob_error** error);

/* out[r] = W x[r] for each of `rows` rows: x is row-major [rows][columns of W], out is
 * [rows][rows of W], not overlapping x. A row's result has the same bits alone or among others,
 * with any number of threads: those that a model with this weight would compute. Allocates nothing.
 */
HOB_API hob_status hob_matrix_multiply(float* out, const hob_matrix* matrix, const float* x,
                                       size_t rows, hob_error** error);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* HOB_OPS_H_ */
