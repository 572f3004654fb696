/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a runtime has done so far, for whoever watches it. Outside the promise so far:
 * hob_experimental.h. docs/howto/monitor.md says what to look at.
 */
#ifndef HOB_METRICS_H_
#define HOB_METRICS_H_

#include <hob/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HOB_HISTOGRAM_BUCKETS 24

/* How many values were in each of some ranges: counts[0] those up to `first`, counts[i] those above
 * first * 2^(i-1) and up to first * 2^i, and the last one all above. */
typedef struct hob_histogram {
  double first;
  double sum; /* of all values */
  uint64_t counts[HOB_HISTOGRAM_BUCKETS];
} hob_histogram;

/* Of all models and sessions of a runtime since it was created. */
typedef struct hob_runtime_metrics {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t answers_started;    /* refused ones included */
  uint64_t answers_running;    /* now */
  uint64_t answers_waiting;    /* of these, without a token yet */
  uint64_t answers_ended[8];   /* by hob_finish_reason */
  uint64_t answers_failed[24]; /* by hob_status; HOB_CANCELLED: its session was destroyed */
  uint64_t prompt_tokens;      /* of answers that have a token */
  uint64_t cached_tokens;      /* of them, those that were in the cache */
  uint64_t generated_tokens;
  uint64_t guessed_tokens; /* by hob_session_options.speculate or a draft model */
  uint64_t right_tokens;   /* of them, those that the model chose, too */
  uint64_t steps;          /* passes over the weights */
  uint64_t step_rows;      /* tokens that went through them */
  double step_seconds;     /* that they took together */
  uint64_t kv_pages;       /* now: of all caches, and those kept for sessions that begin alike */
  uint64_t bytes_in_use;   /* now, as hob_runtime_info has it */
  uint64_t peak_bytes;
  uint64_t memory_limit;             /* of hob_runtime_options; 0: none */
  hob_histogram time_to_first_token; /* seconds from the start of an answer */
  hob_histogram time_between_tokens; /* seconds, of one answer */
  hob_histogram answers_in_step;     /* answers and prompts that shared a pass */
} hob_runtime_metrics;

#define HOB_HISTOGRAM_INIT {0.0, 0.0, {0}}
/* All zero but its size. */
#define HOB_RUNTIME_METRICS_INIT \
  {sizeof(hob_runtime_metrics),  \
   0,                            \
   0,                            \
   0,                            \
   0,                            \
   {0},                          \
   {0},                          \
   0,                            \
   0,                            \
   0,                            \
   0,                            \
   0,                            \
   0,                            \
   0,                            \
   0.0,                          \
   0,                            \
   0,                            \
   0,                            \
   0,                            \
   HOB_HISTOGRAM_INIT,           \
   HOB_HISTOGRAM_INIT,           \
   HOB_HISTOGRAM_INIT}

/* Fills `out`, whose struct_size the caller has set. Takes no lock, so that it never holds up an
 * answer; figures that change together may be seen apart. Any thread. */
HOB_API hob_status hob_runtime_get_metrics(hob_runtime_metrics* out, const hob_runtime* runtime,
                                           hob_error** error);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* HOB_METRICS_H_ */
