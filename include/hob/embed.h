/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts to vectors, by a model that is an encoder (BERT and its like): texts that mean much the
 * same get vectors that point much the same way. Outside the promise so far: hob_experimental.h.
 */
#ifndef HOB_EMBED_H_
#define HOB_EMBED_H_

#include <hob/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Immutable. Threads: any number of threads may use one embedder at a time; their passes over the
 * weights take turns with each other and with the sessions of the runtime. */
typedef struct hob_embedder hob_embedder;

/* How the rows of a text's tokens become the one of the text. */
typedef int32_t hob_pooling;
enum {
  HOB_POOLING_MODEL = 0, /* as the model's files say; the mean where they do not */
  HOB_POOLING_MEAN = 1,
  HOB_POOLING_CLS = 2 /* the row of [CLS], the token before the text */
};

/* Whether vectors are scaled to length 1, so that their dot product is their cosine. */
typedef int32_t hob_normalization;
enum {
  HOB_NORMALIZATION_MODEL = 0, /* as the model's files say; scaled where they do not */
  HOB_NORMALIZATION_ON = 1,
  HOB_NORMALIZATION_OFF = 2
};

typedef struct hob_embedder_options {
  uint32_t struct_size;
  hob_pooling pooling;
  hob_normalization normalization;
  int32_t max_tokens;    /* of a text that are read, [CLS] and [SEP] included; 0: as many as the
                            model was trained for, its context or max_batch_rows at most. What a
                            longer text has beyond is left out */
  uint8_t refuse_longer; /* 1: a longer text is HOB_OUT_OF_RANGE instead */
  uint8_t reserved[7];
  hob_progress_fn progress; /* of hob_embedder_embed, on its thread: texts done and in all, after
                               each pass; non-zero gives HOB_CANCELLED; NULL: none */
  void* progress_user;
} hob_embedder_options;

#define HOB_EMBEDDER_OPTIONS_INIT \
  {sizeof(hob_embedder_options),  \
   HOB_POOLING_MODEL,             \
   HOB_NORMALIZATION_MODEL,       \
   0,                             \
   0,                             \
   {0, 0, 0, 0, 0, 0, 0},         \
   NULL,                          \
   NULL}

/* Makes an embedder of a model, which stays alive with it. `options` may be NULL. Errors:
 * HOB_FAILED_PRECONDITION for a model that is no encoder, or was opened with its vocabulary only;
 * HOB_INVALID_ARGUMENT names the option. */
HOB_API hob_status hob_embedder_create(hob_embedder** out, hob_model* model,
                                       const hob_embedder_options* options, hob_error** error);
HOB_API void hob_embedder_destroy(hob_embedder* embedder);

typedef struct hob_embedder_info {
  uint32_t struct_size;
  int32_t dimension;  /* floats of a vector */
  int32_t max_tokens; /* of a text that are read */
  hob_pooling pooling;
  uint8_t normalized; /* 1: vectors have length 1 */
  uint8_t reserved[7];
} hob_embedder_info;

#define HOB_EMBEDDER_INFO_INIT \
  {sizeof(hob_embedder_info), 0, 0, HOB_POOLING_MODEL, 0, {0, 0, 0, 0, 0, 0, 0}}

/* Fills `out`, whose struct_size the caller has set. */
HOB_API hob_status hob_embedder_get_info(hob_embedder_info* out, const hob_embedder* embedder,
                                         hob_error** error);

/* Writes a vector of `dimension` floats for each text to `out`, one after another; out_size is the
 * number of floats that it has room for. Any number of texts takes the same working memory: as many
 * as fit in max_batch_rows tokens share a pass over the weights. A vector depends on its text
 * alone, to the bit, whatever stands beside it and however many threads there are.
 *
 * *out_tokens becomes the number of tokens that were read in all; it may be NULL. On error the
 * contents of `out` are undefined.
 *
 * Errors: HOB_INVALID_ARGUMENT for a text that is not UTF-8, naming it, and for an `out` too small;
 * HOB_OUT_OF_RANGE by refuse_longer; HOB_CANCELLED. */
HOB_API hob_status hob_embedder_embed(float* out, size_t out_size, uint64_t* out_tokens,
                                      const hob_embedder* embedder, const hob_string* texts,
                                      size_t count, hob_error** error);

/* How many tokens a text has, [CLS] and [SEP] included, also beyond max_tokens. Errors:
 * HOB_INVALID_ARGUMENT if it is not UTF-8. */
HOB_API hob_status hob_embedder_count_tokens(size_t* out, const hob_embedder* embedder,
                                             const char* text, size_t text_size, hob_error** error);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* HOB_EMBED_H_ */
