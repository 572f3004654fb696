/* SPDX-License-Identifier: Apache-2.0 */
/* A model: weights and tokenizer of one file, loaded once and shared by any number of sessions. */
#ifndef HOB_MODEL_H_
#define HOB_MODEL_H_

#include <hob/base.h>
#include <hob/runtime.h>
#include <hob/template.h>
#include <hob/tokenizer.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Immutable once open. Threads: any number of threads may use one model at a time. */
typedef struct hob_model hob_model;

/* How activations enter the products with block-quantised weights. */
typedef int32_t hob_activations;
enum {
  HOB_ACTIVATIONS_INT16 = 0, /* 16-bit integers: the answers that f32 gives */
  HOB_ACTIVATIONS_INT8 = 1,  /* 8 bit: prefill 1.5 times as fast, answers may differ */
  HOB_ACTIVATIONS_F32 = 2 /* f32, with an f32 cache instead of an f16 one: for references, slow */
};

/* The element type of the key/value cache. */
typedef int32_t hob_kv_type;
enum {
  HOB_KV_MODEL = -1, /* of a session's: as the model was opened with */
  HOB_KV_F16 = 0,
  HOB_KV_F32 = 1,
  HOB_KV_INT8 = 2 /* int8 with a scale for each token and head: half the bytes of f16, faster */
};

/* How rotary positions are stretched for contexts longer than the model was trained on. All but
 * HOB_ROPE_MODEL replace what the file says of it. */
typedef int32_t hob_rope_scaling;
enum {
  HOB_ROPE_MODEL = 0,  /* as the file says */
  HOB_ROPE_NONE = 1,   /* not at all, whatever the file says */
  HOB_ROPE_LINEAR = 2, /* positions divided by the factor */
  HOB_ROPE_NTK = 3,    /* a larger base ("NTK-aware"), the same for short and long texts */
  HOB_ROPE_YARN = 4,   /* slow frequencies alone divided by the factor */
  HOB_ROPE_LLAMA3 = 5  /* the same as Llama 3.1 does it */
};

/* Told how far a long job is, in bytes. Non-zero cancels it. Called on the calling thread. */
typedef int32_t (*hob_progress_fn)(void* user, uint64_t done, uint64_t total);

typedef struct hob_model_options {
  uint32_t struct_size;
  uint32_t max_batch_rows; /* most tokens in one pass over the weights, at most 8192; 0: 512 */
  hob_activations activations;
  hob_kv_type kv_type;     /* of sessions that choose none of their own */
  uint8_t vocabulary_only; /* 1: the tokenizer alone, no weights; no session can be made */
  uint8_t reserved[7];
  hob_progress_fn progress; /* NULL: none; used during hob_model_open only */
  void* progress_user;
  hob_rope_scaling rope_scaling;
  uint32_t rope_original_context; /* tokens the unscaled model was trained on; 0: the file's */
  double rope_factor; /* 1 to 65536: the context length becomes so many times the original one; 0
                         for HOB_ROPE_MODEL and HOB_ROPE_NONE */
  int32_t shared_cache_tokens; /* sessions whose texts begin alike share what was computed of that:
                                  how many tokens of cache are kept for it; 0: 4096, -1: none */
  uint32_t reserved2;
  uint8_t copy_file; /* 1: read the file into the runtime's memory, rather than map it. Then it may
                        be cut short, altered or removed; a mapped one that is cut short ends the
                        process (SIGBUS). Costs file_bytes of hob_model_info; for a .hob file with
                        int8 weights, little more than the mapping's pages */
  uint8_t reserved3[7];
} hob_model_options;

#define HOB_MODEL_OPTIONS_INIT \
  {sizeof(hob_model_options),  \
   0,                          \
   HOB_ACTIVATIONS_INT16,      \
   HOB_KV_F16,                 \
   0,                          \
   {0, 0, 0, 0, 0, 0, 0},      \
   NULL,                       \
   NULL,                       \
   HOB_ROPE_MODEL,             \
   0,                          \
   0,                          \
   0,                          \
   0,                          \
   0,                          \
   {0, 0, 0, 0, 0, 0, 0}}

/* Opens a GGUF or .hob file, checks it, and makes its weights ready. `options` may be NULL. The
 * file is mapped and must not change while the model lives (to replace it, rename another over it),
 * unless copy_file is set. Errors: HOB_NOT_FOUND,
 * HOB_PERMISSION_DENIED, HOB_INVALID_ARGUMENT (not a model, or a broken one), HOB_DATA_LOSS (cut
 * short), HOB_UNIMPLEMENTED (names the family, tensor type or tokenizer that hob lacks),
 * HOB_FAILED_PRECONDITION (a model without rotary positions cannot have them scaled),
 * HOB_RESOURCE_EXHAUSTED, HOB_CANCELLED (by `progress`). A failed open leaves nothing behind. What
 * would pass the runtime's memory_limit is refused before anything but the file's copy is
 * allocated, with the bytes needed and what would fit. */
HOB_API hob_status hob_model_open(hob_model** out, hob_runtime* runtime, const char* path,
                                  size_t path_size, const hob_model_options* options,
                                  hob_error** error);

/* What opening a file and its sessions take, in bytes of the runtime's memory: bytes_in_use of
 * hob_runtime_info. For a vocabulary-only model all is 0. */
typedef struct hob_model_plan_info {
  uint32_t struct_size;
  int32_t context_length;      /* in tokens: what the model was made for */
  int32_t max_batch_rows;      /* as used for this plan */
  int32_t kv_page_tokens;      /* a session's cache grows by pages of so many tokens */
  uint64_t weight_bytes;       /* allocated for packed weights, and for the file if it is copied */
  uint64_t mapped_bytes;       /* of weights that are read in the mapped file: not allocated */
  uint64_t scratch_bytes;      /* allocated for activations, kernels and the logits of a step */
  uint64_t kv_bytes_per_token; /* of a session's cache, of kv_type of the options */
  uint64_t kv_page_bytes;      /* likewise */
  uint64_t session_bytes; /* likewise, of one that holds context_length tokens; of one that holds n:
                             (n + kv_page_tokens - 1) / kv_page_tokens * kv_page_bytes */
  uint64_t evaluate_bytes; /* beside that, while hob_session_evaluate runs */
} hob_model_plan_info;

#define HOB_MODEL_PLAN_INFO_INIT {sizeof(hob_model_plan_info), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}

/* Tells what hob_model_open with the same arguments would take, before anything is allocated:
 * weight_bytes + scratch_bytes when it opens, and a session's pages as its conversation grows; of
 * those, shared_cache_tokens may outlive their sessions, until memory_limit wants them back. By
 * the code that opens models, so it holds for this machine's kernels and the runtime's threads.
 * Fills `out`, whose struct_size the caller has set; `options` may be NULL. The runtime's
 * memory_limit is not looked at. Errors: as hob_model_open. */
HOB_API hob_status hob_model_plan(hob_model_plan_info* out, hob_runtime* runtime, const char* path,
                                  size_t path_size, const hob_model_options* options,
                                  hob_error** error);

/* Gives the handle up. Sessions made from it live on. */
HOB_API void hob_model_destroy(hob_model* model);

/* Sizes that a vocabulary-only model does not know are 0; token ids that a model lacks are -1. */
typedef struct hob_model_info {
  uint32_t struct_size;
  int32_t vocabulary_size;
  int32_t context_length; /* in tokens: what the model was made for, or rope_scaling made it */
  int32_t layers;
  int32_t width;
  int32_t heads;
  int32_t kv_heads;
  int32_t head_dim;
  int32_t bos_token; /* begins a text */
  int32_t eos_token; /* ends it; see hob_model_is_end_token for all that do */
  int32_t max_batch_rows;
  uint8_t has_chat_template;
  uint8_t reserved[3];
  uint64_t parameters;
  uint64_t file_bytes;
  uint64_t weight_bytes;       /* allocated for packed weights, and for the file if it is copied */
  uint64_t scratch_bytes;      /* allocated for activations */
  uint64_t kv_bytes_per_token; /* of a session's cache, of the model's kv_type */
} hob_model_info;

#define HOB_MODEL_INFO_INIT \
  {sizeof(hob_model_info), 0, 0, 0, 0, 0, 0, 0, -1, -1, 0, 0, {0, 0, 0}, 0, 0, 0, 0, 0}

/* Fills `out`, whose struct_size the caller has set. */
HOB_API hob_status hob_model_get_info(hob_model_info* out, const hob_model* model,
                                      hob_error** error);

typedef int32_t hob_model_text;
enum {
  HOB_MODEL_ARCHITECTURE = 1, /* "llama" */
  HOB_MODEL_NAME = 2,
  HOB_MODEL_LICENSE = 3,
  HOB_MODEL_CONTAINER = 4,     /* "GGUF v3" */
  HOB_MODEL_CHAT_TEMPLATE = 5, /* Jinja source */
  HOB_MODEL_TOKENIZER = 6,     /* "gpt2/smollm" */
  HOB_MODEL_PATH = 7,
  HOB_MODEL_HASH = 8 /* 32 hex digits, XXH3-128 of the file; the first call reads all of it */
};

/* A text property; empty if the file has none. *out lives as long as the model. Errors:
 * HOB_INVALID_ARGUMENT for an unknown `which`. */
HOB_API hob_status hob_model_get_text(hob_string* out, const hob_model* model, hob_model_text which,
                                      hob_error** error);

/* The model's tokenizer and chat template, as handles of their own, which outlive the model. The
 * caller destroys them. The template's errors: HOB_FAILED_PRECONDITION if the model has none; what
 * hob_chat_template_create says of one that hob cannot read. */
HOB_API hob_status hob_model_get_tokenizer(hob_tokenizer** out, const hob_model* model,
                                           hob_error** error);
HOB_API hob_status hob_model_get_chat_template(hob_chat_template** out, const hob_model* model,
                                               hob_error** error);

/* As hob_tokenizer_encode, _decode, _token_bytes and _find do it, without that handle. */

/* Turns text into tokens. The caller hob_frees *out_tokens (NULL when there are none). Errors:
 * HOB_INVALID_ARGUMENT with the offset where `text` is not UTF-8, or for unknown flags. */
HOB_API hob_status hob_model_tokenize(int32_t** out_tokens, size_t* out_count,
                                      const hob_model* model, const char* text, size_t text_size,
                                      hob_text_flags flags, hob_error** error);

/* Turns tokens into text; bytes that are not UTF-8 become U+FFFD. The caller hob_frees *out_text.
 * Errors: HOB_INVALID_ARGUMENT for a token outside the vocabulary. */
HOB_API hob_status hob_model_detokenize(char** out_text, size_t* out_size, const hob_model* model,
                                        const int32_t* tokens, size_t count, hob_text_flags flags,
                                        hob_error** error);

/* The bytes of one token, which may be part of a UTF-8 character. The caller hob_frees *out_bytes.
 */
HOB_API hob_status hob_model_token_bytes(char** out_bytes, size_t* out_size, const hob_model* model,
                                         int32_t token, hob_text_flags flags, hob_error** error);

/* The token stored as exactly `text` ("<|im_end|>"). Errors: HOB_NOT_FOUND. */
HOB_API hob_status hob_model_find_token(int32_t* out, const hob_model* model, const char* text,
                                        size_t text_size, hob_error** error);

/* *out = 1 if `token` ends an answer, else 0. */
HOB_API hob_status hob_model_is_end_token(uint8_t* out, const hob_model* model, int32_t token,
                                          hob_error** error);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* HOB_MODEL_H_ */
