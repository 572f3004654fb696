/* SPDX-License-Identifier: Apache-2.0 */
/* Outside the promise: what is here may change or go with any release.
 *
 * A graph of one's own: rows of floats come in, go through operators, and come out, in memory that
 * is planned before the first run, with the fusions, kernels and bits that a model would have.
 * docs/reference/ops.md lists the operators. */
#ifndef HOB_GRAPH_H_
#define HOB_GRAPH_H_

#include <hob/base.h>
#include <hob/model.h>
#include <hob/ops.h>
#include <hob/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A graph that is being built: values, and nodes that make values of values. A value can be read
 * only once it is there, so that no cycle can be. A call that fails changes nothing. Threads: one
 * at a time; a second one at the same time gets HOB_FAILED_PRECONDITION. */
typedef struct hob_graph hob_graph;

/* A value of a graph, counted from 0. All values but weights have as many rows as a run says. */
typedef int32_t hob_value;
#define HOB_NO_VALUE (-1) /* an input of a node that is left out */

/* Copies of weights are memory of `runtime`. */
HOB_API hob_status hob_graph_create(hob_graph** out, hob_runtime* runtime, hob_error** error);
/* Gives the handle up. Programs made of it live on. */
HOB_API void hob_graph_destroy(hob_graph* graph);

/* Adds an input of f32 rows. The name is for messages and may be empty. Errors:
 * HOB_INVALID_ARGUMENT. */
HOB_API hob_status hob_graph_add_input(hob_value* out, hob_graph* graph, const char* name,
                                       size_t name_size, size_t columns, hob_error** error);

typedef struct hob_weight {
  uint32_t struct_size;
  hob_type type;
  hob_string name;  /* for messages, each once; may be empty */
  const void* data; /* as hob_quantize writes it */
  size_t size;      /* in bytes */
  size_t rows;      /* 0: a vector */
  size_t columns;
  uint8_t borrow; /* 1: `data`, 8-byte aligned, is not copied, and stays as it is while the graph
                     and programs made of it live. 0: it is copied, if need be until it is packed */
  uint8_t reserved[7];
} hob_weight;

#define HOB_WEIGHT_INIT \
  {sizeof(hob_weight), HOB_TYPE_F32, {NULL, 0}, NULL, 0, 0, 0, 0, {0, 0, 0, 0, 0, 0, 0}}

/* Adds a weight. Errors: HOB_INVALID_ARGUMENT; HOB_UNIMPLEMENTED for a type that hob does not
 * multiply; HOB_RESOURCE_EXHAUSTED. */
HOB_API hob_status hob_graph_add_weight(hob_value* out, hob_graph* graph, const hob_weight* weight,
                                        hob_error** error);

/* A constant of a node: a whole number or a real one, as the operator has it. */
typedef int32_t hob_attribute_kind;
enum { HOB_ATTRIBUTE_INTEGER = 0, HOB_ATTRIBUTE_REAL = 1 };
typedef struct hob_attribute {
  hob_string name;
  hob_attribute_kind kind;
  uint32_t reserved;
  int64_t integer;
  double real;
} hob_attribute;

typedef struct hob_node {
  uint32_t struct_size;
  uint32_t reserved;
  hob_string op;           /* "matmul" */
  hob_string name;         /* for messages; may be empty */
  const hob_value* inputs; /* HOB_NO_VALUE where an optional one is left out */
  size_t input_count;
  const hob_attribute* attributes;
  size_t attribute_count;
  const size_t* columns; /* of each output */
  size_t output_count;
} hob_node;

#define HOB_NODE_INIT {sizeof(hob_node), 0, {NULL, 0}, {NULL, 0}, NULL, 0, NULL, 0, NULL, 0}

/* Adds a node and checks it: its outputs are *out_first and the values after it. All of `node` is
 * read during the call only. Errors: HOB_INVALID_ARGUMENT, which names the node and what of it is
 * wrong: operator, value, shape, type or attribute; HOB_UNIMPLEMENTED for operators that need a
 * session's cache. */
HOB_API hob_status hob_graph_add_node(hob_value* out_first, hob_graph* graph, const hob_node* node,
                                      hob_error** error);

/* Makes a value leave the graph, after those named before it. Errors: HOB_INVALID_ARGUMENT. */
HOB_API hob_status hob_graph_add_output(hob_graph* graph, hob_value value, hob_error** error);

/* A graph made ready to run. Threads: any number of threads may use one at a time; their runs, and
 * the steps of models of the same runtime, take turns. Not from within a progress, log or allocator
 * callback, which may hold the turn. */
typedef struct hob_program hob_program;

typedef struct hob_program_options {
  uint32_t struct_size;
  hob_activations activations; /* how rows enter products with block types and int8 */
  uint32_t max_rows; /* in one pass over the graph, at most 65536; 0: 512. More come in parts */
  uint32_t reserved;
} hob_program_options;

#define HOB_PROGRAM_OPTIONS_INIT {sizeof(hob_program_options), HOB_ACTIVATIONS_INT16, 0, 0}

/* Fuses, plans, chooses kernels, packs weights. `options` may be NULL. What is added to the graph
 * later does not change the program. Errors: HOB_INVALID_ARGUMENT; HOB_RESOURCE_EXHAUSTED. */
HOB_API hob_status hob_program_create(hob_program** out, hob_graph* graph,
                                      const hob_program_options* options, hob_error** error);
HOB_API void hob_program_destroy(hob_program* program);

typedef struct hob_program_info {
  uint32_t struct_size;
  uint32_t max_rows;
  uint64_t weight_bytes;  /* of the runtime's memory, held for weights; borrowed ones are none */
  uint64_t scratch_bytes; /* and for values and kernels */
} hob_program_info;

#define HOB_PROGRAM_INFO_INIT {sizeof(hob_program_info), 0, 0, 0}

/* Fills `out`, whose struct_size the caller has set. */
HOB_API hob_status hob_program_get_info(hob_program_info* out, const hob_program* program,
                                        hob_error** error);

typedef struct hob_run_options {
  uint32_t struct_size;
  int32_t position;      /* of the first row, for rope_angles */
  const int32_t* tokens; /* one a row, for embedding; else NULL */
} hob_run_options;

#define HOB_RUN_OPTIONS_INIT {sizeof(hob_run_options), 0, NULL}

/* Runs `rows` rows: inputs[i] is row-major [rows][columns of input i], and so is outputs[i], which
 * overlaps no input. `options` may be NULL. A row's result has the same bits alone or among others,
 * with any number of threads. Allocates nothing, with up to 8 inputs and outputs. Errors:
 * HOB_INVALID_ARGUMENT, also where the counts are not the graph's. */
HOB_API hob_status hob_program_run(float* const* outputs, size_t output_count,
                                   const hob_program* program, const float* const* inputs,
                                   size_t input_count, size_t rows, const hob_run_options* options,
                                   hob_error** error);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* HOB_GRAPH_H_ */
