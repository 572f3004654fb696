/* SPDX-License-Identifier: Apache-2.0 */
/* Text to tokens and back, without a model's weights and without a runtime.
 *
 * The handles here hold memory alone: they have no threads, and work on in a forked child. */
#ifndef HOB_TOKENIZER_H_
#define HOB_TOKENIZER_H_

#include <hob/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How text becomes tokens and back; the values are bits to be combined. */
typedef uint32_t hob_text_flags;
enum {
  HOB_TEXT_PLAIN = 0,
  HOB_TEXT_ADD_SPECIAL = 1,   /* to tokens: add BOS, EOS, CLS, SEP as the model asks */
  HOB_TEXT_PARSE_SPECIAL = 2, /* to tokens: read "<|im_end|>" and its like as control tokens */
  HOB_TEXT_SHOW_SPECIAL = 4   /* to text: write control tokens out instead of dropping them */
};

/* Immutable. Threads: any number of threads may use one tokenizer at a time. */
typedef struct hob_tokenizer hob_tokenizer;

/* Reads the vocabulary of a GGUF or .hob file, with or without weights; what the file is afterwards
 * does not matter. Errors: HOB_NOT_FOUND, HOB_PERMISSION_DENIED, HOB_INVALID_ARGUMENT (not such a
 * file, or a broken one), HOB_DATA_LOSS (cut short), HOB_UNIMPLEMENTED (names the kind of tokenizer
 * that hob lacks). hob_model_get_tokenizer gives the one of an open model. Any thread. */
HOB_API hob_status hob_tokenizer_open(hob_tokenizer** out, const char* path, size_t path_size,
                                      hob_error** error);

/* Gives the handle up. Detokenizers made from it live on. */
HOB_API void hob_tokenizer_destroy(hob_tokenizer* tokenizer);

/* Token ids that a vocabulary lacks are -1. */
typedef struct hob_tokenizer_info {
  uint32_t struct_size;
  int32_t size;      /* ids are 0 to size - 1 */
  int32_t bos_token; /* begins a text */
  int32_t eos_token; /* ends it; see hob_token_info.ends_answer for all that do */
  int32_t unknown_token;
  int32_t separator_token;
  uint8_t adds_bos; /* 1: HOB_TEXT_ADD_SPECIAL puts a token before the text */
  uint8_t adds_eos; /* 1: and one after it */
  uint8_t reserved[6];
} hob_tokenizer_info;

#define HOB_TOKENIZER_INFO_INIT \
  {sizeof(hob_tokenizer_info), 0, -1, -1, -1, -1, 0, 0, {0, 0, 0, 0, 0, 0}}

/* Fills `out`, whose struct_size the caller has set. */
HOB_API hob_status hob_tokenizer_get_info(hob_tokenizer_info* out, const hob_tokenizer* tokenizer,
                                          hob_error** error);

/* Turns text into tokens. The caller hob_frees *out_tokens (NULL when there are none). Errors:
 * HOB_INVALID_ARGUMENT with the offset where `text` is not UTF-8, or for unknown flags;
 * HOB_RESOURCE_EXHAUSTED for more than 1 GiB of it. */
HOB_API hob_status hob_tokenizer_encode(int32_t** out_tokens, size_t* out_count,
                                        const hob_tokenizer* tokenizer, const char* text,
                                        size_t text_size, hob_text_flags flags, hob_error** error);

/* Turns tokens into text; bytes that are not UTF-8 become U+FFFD. The caller hob_frees *out_text.
 * Errors: HOB_INVALID_ARGUMENT for a token outside the vocabulary. */
HOB_API hob_status hob_tokenizer_decode(char** out_text, size_t* out_size,
                                        const hob_tokenizer* tokenizer, const int32_t* tokens,
                                        size_t count, hob_text_flags flags, hob_error** error);

/* The bytes of one token in a text, which may be part of a UTF-8 character. The caller hob_frees
 * *out_bytes. */
HOB_API hob_status hob_tokenizer_token_bytes(char** out_bytes, size_t* out_size,
                                             const hob_tokenizer* tokenizer, int32_t token,
                                             hob_text_flags flags, hob_error** error);

/* The token stored as exactly `text` ("<|im_end|>"). Errors: HOB_NOT_FOUND. */
HOB_API hob_status hob_tokenizer_find(int32_t* out, const hob_tokenizer* tokenizer,
                                      const char* text, size_t text_size, hob_error** error);

typedef int32_t hob_token_kind;
enum {
  HOB_TOKEN_NORMAL = 1,
  HOB_TOKEN_UNKNOWN = 2,      /* stands for what no token has */
  HOB_TOKEN_CONTROL = 3,      /* "<|im_end|>": no part of a text */
  HOB_TOKEN_USER_DEFINED = 4, /* found in every text before it is cut into others */
  HOB_TOKEN_UNUSED = 5,
  HOB_TOKEN_BYTE = 6 /* one byte */
};

typedef struct hob_token_info {
  uint32_t struct_size;
  hob_token_kind kind;
  hob_string text; /* as the vocabulary stores it, which is not how it reads; lives as long as the
                      tokenizer */
  uint8_t ends_answer;
  uint8_t reserved[7];
} hob_token_info;

#define HOB_TOKEN_INFO_INIT \
  {sizeof(hob_token_info), HOB_TOKEN_NORMAL, {NULL, 0}, 0, {0, 0, 0, 0, 0, 0, 0}}

/* Fills `out`, whose struct_size the caller has set. Errors: HOB_INVALID_ARGUMENT for a token
 * outside the vocabulary. */
HOB_API hob_status hob_tokenizer_get_token(hob_token_info* out, const hob_tokenizer* tokenizer,
                                           int32_t token, hob_error** error);

/* Turns a stream of tokens into text, piece by piece, each of whole characters. Threads: one at a
 * time; a second one at the same time gets HOB_FAILED_PRECONDITION. */
typedef struct hob_detokenizer hob_detokenizer;

/* `flags` as for hob_tokenizer_decode. */
HOB_API hob_status hob_detokenizer_create(hob_detokenizer** out, const hob_tokenizer* tokenizer,
                                          hob_text_flags flags, hob_error** error);
HOB_API void hob_detokenizer_destroy(hob_detokenizer* detokenizer);

/* Takes the next token; *out is the text that became complete, maybe none, and lives until the next
 * call on the detokenizer. Bytes that begin a character wait for the rest of it. Errors:
 * HOB_INVALID_ARGUMENT for a token outside the vocabulary, which is then left out. */
HOB_API hob_status hob_detokenizer_push(hob_string* out, hob_detokenizer* detokenizer,
                                        int32_t token, hob_error** error);

/* The end: *out is what was held back, as U+FFFD, and lives until the next call. The next token
 * begins a new text. */
HOB_API hob_status hob_detokenizer_finish(hob_string* out, hob_detokenizer* detokenizer,
                                          hob_error** error);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* HOB_TOKENIZER_H_ */
