/* SPDX-License-Identifier: Apache-2.0 */
/* How the next token is chosen: repetition penalty, temperature, top-k, top-p, min-p, draw. */
#ifndef HOB_SAMPLER_H_
#define HOB_SAMPLER_H_

#include <hob/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* HOB_SAMPLER_OPTIONS_INIT is greedy: the likeliest token, the smaller id if two are equal. */
typedef struct hob_sampler_options {
  uint32_t struct_size;
  float temperature;         /* 0: greedy; else up to 100 */
  int32_t top_k;             /* keep the k likeliest; 0: all */
  float top_p;               /* keep the likeliest that sum to p, in (0, 1]; 1: all */
  float min_p;               /* drop those below min_p times the likeliest, in [0, 1); 0: none */
  float repetition_penalty;  /* > 0, at most 100; 1: none */
  int32_t repetition_window; /* how many last tokens it looks at; 0: all */
  uint32_t reserved;
  uint64_t seed; /* the same seed gives the same tokens on any machine, for the same logits */
} hob_sampler_options;

#define HOB_SAMPLER_OPTIONS_INIT {sizeof(hob_sampler_options), 0.0f, 0, 1.0f, 0.0f, 1.0f, 64, 0, 0}

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* HOB_SAMPLER_H_ */
