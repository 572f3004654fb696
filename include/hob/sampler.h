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

/* A sampler on its own: a session has one inside. It holds memory alone and works on in a forked
 * child. Threads: one at a time; a second one at the same time gets HOB_FAILED_PRECONDITION. */
typedef struct hob_sampler hob_sampler;

/* `options` may be NULL: greedy. Errors: HOB_INVALID_ARGUMENT names the option. Any thread. */
HOB_API hob_status hob_sampler_create(hob_sampler** out, const hob_sampler_options* options,
                                      hob_error** error);
HOB_API void hob_sampler_destroy(hob_sampler* sampler);

/* Tells what the repetition penalty looks at: tokens of the prompt, and each token that was chosen.
 * Sampling itself tells it nothing. Ids that the logits do not have are passed over. */
HOB_API hob_status hob_sampler_accept(hob_sampler* sampler, const int32_t* tokens, size_t count,
                                      hob_error** error);

/* Chooses the next token by logits[count], one of each id. Errors: HOB_INVALID_ARGUMENT if there
 * are none, one is NaN or +infinity, or all are -infinity. */
HOB_API hob_status hob_sampler_sample(int32_t* out, hob_sampler* sampler, const float* logits,
                                      size_t count, hob_error** error);

/* Writes to out[count] how likely hob_sampler_sample is to choose each token; those that the chain
 * drops have 0. Draws nothing. `out` may be `logits`. Errors as hob_sampler_sample. */
HOB_API hob_status hob_sampler_get_probabilities(float* out, hob_sampler* sampler,
                                                 const float* logits, size_t count,
                                                 hob_error** error);

/* Forgets the accepted tokens and starts anew from the seed. */
HOB_API hob_status hob_sampler_reset(hob_sampler* sampler, hob_error** error);

/* The random state: how many numbers were drawn since the seed. With the options and the accepted
 * tokens, it makes a sampler go on elsewhere as this one would. */
HOB_API hob_status hob_sampler_get_drawn(uint64_t* out, const hob_sampler* sampler,
                                         hob_error** error);
HOB_API hob_status hob_sampler_set_drawn(hob_sampler* sampler, uint64_t drawn, hob_error** error);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* HOB_SAMPLER_H_ */
