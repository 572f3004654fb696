/* SPDX-License-Identifier: Apache-2.0 */
/* A session: one conversation with a model, or one raw text that it continues. */
#ifndef HOB_SESSION_H_
#define HOB_SESSION_H_

#include <hob/base.h>
#include <hob/model.h>
#include <hob/sampler.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Threads: one at a time, save hob_session_cancel; a second one at the same time, or a call from
 * within a callback, gets HOB_FAILED_PRECONDITION. Sessions of one model run side by side. */
typedef struct hob_session hob_session;

typedef struct hob_session_options {
  uint32_t struct_size;
  int32_t context_tokens;             /* prompt and answers; 0: the model's context length */
  const hob_sampler_options* sampler; /* NULL: greedy; read during the call only */
  uint8_t roll; /* 1: where the context is full, go on with a part of it, without end: the first
                   keep_tokens and the latest tokens stay, and half of the rest is dropped at a
                   time. The model then reads what stays anew */
  uint8_t speculate; /* 1: guess tokens that the prompt has after the same words, and check several
                        in one pass (prompt lookup). The answer is the same, bit for bit; one that
                        repeats its prompt, as edits and summaries do, comes faster */
  uint8_t reserved[2];
  int32_t keep_tokens;  /* at most half the context; 0 unless `roll` */
  hob_kv_type kv_type;  /* of its cache; HOB_KV_MODEL: as the model was opened. Sessions of one
                           model with caches of several types run together, in the same steps */
  int32_t draft_tokens; /* that `draft` guesses at a time, at most 15; 0: as many as pay, none where
                           guessing does not */
  hob_model* draft;     /* NULL: none. A smaller model of the same runtime and vocabulary, which
                           guesses tokens as `speculate` does: the answer is the same, bit for bit,
                           and comes faster where the draft model often guesses right. The session
                           keeps it, and a cache in it; the handle may be destroyed */
} hob_session_options;

#define HOB_SESSION_OPTIONS_INIT \
  {sizeof(hob_session_options), 0, NULL, 0, 0, {0, 0}, 0, HOB_KV_MODEL, 0, NULL}

/* Creates an empty session. `options` may be NULL. Errors: HOB_INVALID_ARGUMENT names the option;
 * HOB_FAILED_PRECONDITION for a vocabulary-only model or an encoder; HOB_RESOURCE_EXHAUSTED, with
 * the numbers and the context that would fit, if the model, the draft model and this session alone
 * would pass the runtime's memory_limit. The cache is allocated as the conversation grows: an
 * answer that several sessions together leave no memory for fails with HOB_RESOURCE_EXHAUSTED, and
 * the session stays as it was. */
HOB_API hob_status hob_session_create(hob_session** out, hob_model* model,
                                      const hob_session_options* options, hob_error** error);

/* Creates another session that goes on from where this one is: the same messages or text, sampler
 * state and cache, whose memory both share until one writes to it. Errors: HOB_FAILED_PRECONDITION
 * while `session` answers; HOB_RESOURCE_EXHAUSTED. */
HOB_API hob_status hob_session_fork(hob_session** out, const hob_session* session,
                                    hob_error** error);

/* Destroys the session; called from within its callback, cancels and destroys it afterwards. */
HOB_API void hob_session_destroy(hob_session* session);

/* Changes how tokens are chosen from now on; the random state starts anew from the seed. */
HOB_API hob_status hob_session_set_sampler(hob_session* session, const hob_sampler_options* sampler,
                                           hob_error** error);

/* Appends a message to the conversation; role is "system", "user", "assistant" or what else the
 * model's chat template knows. Control tokens that the text spells out ("<|im_end|>") are read as
 * text: they cannot end the message or begin another. Errors: HOB_FAILED_PRECONDITION if the model
 * has no chat template or the session holds raw text; HOB_INVALID_ARGUMENT for text that is not
 * UTF-8. A failed add leaves the session as it was. */
HOB_API hob_status hob_session_add_message(hob_session* session, const char* role, size_t role_size,
                                           const char* text, size_t text_size, hob_error** error);

/* How many messages the conversation holds, answers included. */
HOB_API hob_status hob_session_message_count(size_t* out, const hob_session* session,
                                             hob_error** error);

/* Message `index`, from 0. The texts live until the next call that changes the session. Errors:
 * HOB_OUT_OF_RANGE if there are not as many. */
HOB_API hob_status hob_session_get_message(hob_string* out_role, hob_string* out_text,
                                           const hob_session* session, size_t index,
                                           hob_error** error);

/* Keeps the first `count` messages and drops the later ones. HOB_INVALID_ARGUMENT if there are
 * fewer. */
HOB_API hob_status hob_session_keep_messages(hob_session* session, size_t count, hob_error** error);

/* Appends raw text, or raw tokens, to continue from; `flags` as for hob_model_tokenize. Errors:
 * HOB_FAILED_PRECONDITION if the session holds messages; HOB_OUT_OF_RANGE, with both numbers, if
 * it would pass the context; HOB_INVALID_ARGUMENT. A failed add leaves the session as it was. */
HOB_API hob_status hob_session_add_text(hob_session* session, const char* text, size_t text_size,
                                        hob_text_flags flags, hob_error** error);
HOB_API hob_status hob_session_add_tokens(hob_session* session, const int32_t* tokens, size_t count,
                                          hob_error** error);

/* No token: see hob_token.id. */
#define HOB_NO_TOKEN (-1)

/* A token, and the natural logarithm of the probability that the model gave it. */
typedef struct hob_token_logprob {
  int32_t id;
  float logprob;
} hob_token_logprob;

/* A piece of the answer; it and what it points to live for the callback. */
typedef struct hob_token {
  uint32_t struct_size; /* in a callback, of the library's hob_token: fields past it are
                           not there */
  int32_t id;           /* HOB_NO_TOKEN: text held back until the end */
  const char* text;     /* the text that this token made complete: whole characters, maybe none */
  size_t text_size;
  const hob_token_logprob* likeliest; /* with hob_generate_options.top_logprobs: the likeliest
                                         tokens at this place, likeliest first */
  int32_t likeliest_count;
  float logprob; /* with hob_generate_options.logprobs: of this token; else 0 */
} hob_token;

#define HOB_TOKEN_INIT {sizeof(hob_token), HOB_NO_TOKEN, NULL, 0, NULL, 0, 0.0f}

/* Receives the answer, on the thread that called hob_session_generate. Non-zero ends it. One that
 * takes long holds up its own session only. */
typedef int32_t (*hob_token_fn)(void* user, const hob_token* token);

typedef struct hob_generate_options {
  uint32_t struct_size;
  int32_t max_tokens;      /* of the answer; 0: until the context is full */
  const hob_string* stops; /* texts, not empty, that end the answer and are not part of it */
  size_t stop_count;       /* at most 64, each at most 4096 bytes */
  uint8_t ignore_eos;      /* 1: tokens that end an answer are tokens like any other */
  uint8_t reserved[7];
  hob_token_fn on_token; /* NULL: none; not used by hob_session_start */
  void* user;
  int32_t priority; /* against the runtime's other answers: higher ones are always served first */
  uint32_t max_time_ms;              /* from now, after which the answer ends as it is; 0: any */
  const struct hob_grammar* grammar; /* that the answer has to match: see hob/grammar.h; NULL: any
                                        text. Kept for as long as the answer needs it */
  int32_t top_logprobs; /* tell this many likeliest tokens with each token, at most 20 */
  uint8_t logprobs;     /* 1: tell with each token how likely the model held it, before the grammar
                           and the sampler's options */
  uint8_t reserved2[3];
} hob_generate_options;

#define HOB_GENERATE_OPTIONS_INIT \
  {sizeof(hob_generate_options),  \
   0,                             \
   NULL,                          \
   0,                             \
   0,                             \
   {0, 0, 0, 0, 0, 0, 0},         \
   NULL,                          \
   NULL,                          \
   0,                             \
   0,                             \
   NULL,                          \
   0,                             \
   0,                             \
   {0, 0, 0}}

typedef int32_t hob_finish_reason;
enum {
  HOB_FINISH_END = 1,          /* the model ended its answer */
  HOB_FINISH_LENGTH = 2,       /* max_tokens */
  HOB_FINISH_STOP = 3,         /* a stop text came */
  HOB_FINISH_CANCELLED = 4,    /* by the callback or hob_session_cancel */
  HOB_FINISH_CONTEXT_FULL = 5, /* no room for a further token */
  HOB_FINISH_TIME = 6,         /* max_time_ms is over */
  HOB_FINISH_TOOL_CALLS = 7    /* the model called tools: see hob/tools.h */
};

typedef struct hob_generate_result {
  uint32_t struct_size;
  hob_finish_reason finish_reason;
  int32_t stop_index;       /* which of `stops` came; -1: none */
  int32_t prompt_tokens;    /* all that the answer rests on, cached ones included */
  int32_t cached_tokens;    /* of them, found in the cache */
  int32_t generated_tokens; /* chosen, a token that ended the answer included */
  int64_t dropped_tokens;   /* of the conversation, that a session which rolls sees no more */
} hob_generate_result;

#define HOB_GENERATE_RESULT_INIT {sizeof(hob_generate_result), 0, -1, 0, 0, 0, 0}

/* Answers the conversation, or continues the raw text, and appends the answer to the session: in a
 * conversation as a message of role "assistant". Blocks until done; being cancelled is a success
 * with HOB_FINISH_CANCELLED. Cancelled before its first token, it appends nothing. `out` and
 * `options` may be NULL. Errors: HOB_FAILED_PRECONDITION if the session is empty; HOB_OUT_OF_RANGE,
 * with both numbers, if the prompt is longer than the context; HOB_INVALID_ARGUMENT (an option, or
 * the chat template refuses the messages); HOB_RESOURCE_EXHAUSTED (memory, or more than
 * max_requests answers are on their way); HOB_DATA_LOSS if the model computes no numbers, as one
 * with damaged weights. A failed call appends nothing.
 *
 * The runtime computes on threads of its own, all sessions' answers together, and may be a few
 * tokens ahead of the callback; what it had chosen when the answer is cancelled has not happened.
 */
HOB_API hob_status hob_session_generate(hob_generate_result* out, hob_session* session,
                                        const hob_generate_options* options, hob_error** error);

/* The same without blocking: starts an answer, which hob_session_poll then fetches. Until it has
 * reported HOB_POLL_END, or failed, calls that would change, copy or save the session give
 * HOB_FAILED_PRECONDITION; those that read it (messages, tokens, reply, result, stats) tell what it
 * was before. Errors as hob_session_generate. */
HOB_API hob_status hob_session_start(hob_session* session, const hob_generate_options* options,
                                     hob_error** error);

typedef int32_t hob_poll;
enum {
  HOB_POLL_NOTHING = 0, /* not yet */
  HOB_POLL_TOKEN = 1,   /* *token is filled */
  HOB_POLL_END = 2      /* the answer is over and appended: hob_session_get_result */
};

/* Fetches the next piece of a started answer, waiting for it at most `timeout_ms`; 0 does not wait,
 * and a negative one waits without end. token->text lives until the next call on the session;
 * `token` may be NULL. Errors: HOB_FAILED_PRECONDITION if no answer was started; what ended the
 * answer, which then appends nothing. */
HOB_API hob_status hob_session_poll(hob_poll* out, hob_token* token, hob_session* session,
                                    int32_t timeout_ms, hob_error** error);

/* How the last answer ended. Fills `out`, whose struct_size the caller has set. */
HOB_API hob_status hob_session_get_result(hob_generate_result* out, const hob_session* session,
                                          hob_error** error);

/* Ends the answer that is on its way, within one step, prefill included; if none is,
 * does nothing. A started one reports its end to hob_session_poll. Any thread, and a signal handler
 * too, as long as the session lives. */
HOB_API void hob_session_cancel(hob_session* session);

/* Drops messages, tokens and cache. The sampler starts anew from its seed. */
HOB_API hob_status hob_session_reset(hob_session* session, hob_error** error);

/* Saves the session to a file, whole or not at all: messages or raw text, the last answer, the
 * cache, and the options with the state of the sampler, but for `speculate` and the draft model,
 * which change no answer. The file is bound to the model's file, to
 * the model's activations, and to the version of its format. A file that exists is replaced.
 * Errors: HOB_FAILED_PRECONDITION while an answer is on its way; what writing a file gives
 * (HOB_NOT_FOUND, HOB_PERMISSION_DENIED, …), and then `path` is as it was. The first save or
 * restore of a model reads its whole file once. */
HOB_API hob_status hob_session_save(const hob_session* session, const char* path, size_t path_size,
                                    hob_error** error);

/* The same bytes in memory. The caller hob_frees *out. Errors also: HOB_RESOURCE_EXHAUSTED. */
HOB_API hob_status hob_session_save_buffer(void** out, size_t* out_size, const hob_session* session,
                                           hob_error** error);

/* Makes the session the one that was saved: it answers bit for bit as that one would have. Its
 * options become the saved ones, roll, kv_type and sampler too; only a context that is larger than
 * what this session was created with is cut to that. All is checked before the session is touched:
 * a failed restore leaves it as it was. Errors: HOB_FAILED_PRECONDITION while an answer is on its
 * way, or where model or activations are others than those that it was saved with;
 * HOB_OUT_OF_RANGE, with both numbers, if the context that this session was created with does not
 * hold the saved tokens, or is smaller than one that rolls; HOB_DATA_LOSS (cut short or damaged);
 * HOB_INVALID_ARGUMENT (not a saved session); HOB_UNIMPLEMENTED (another version of the format);
 * HOB_RESOURCE_EXHAUSTED, also if a session of the saved kv_type would pass memory_limit as for
 * hob_session_create; what reading a file gives. */
HOB_API hob_status hob_session_restore(hob_session* session, const char* path, size_t path_size,
                                       hob_error** error);

/* The same from memory, which is read during the call only and need not be aligned. */
HOB_API hob_status hob_session_restore_buffer(hob_session* session, const void* data, size_t size,
                                              hob_error** error);

/* The text of the last answer. *out lives until the next call that changes the session. */
HOB_API hob_status hob_session_get_reply(hob_string* out, const hob_session* session,
                                         hob_error** error);

/* The tokens that the last answer rested on and those of the answer; for raw text, all so far.
 * *out_tokens lives until the next call that changes the session. */
HOB_API hob_status hob_session_get_tokens(const int32_t** out_tokens, size_t* out_count,
                                          const hob_session* session, hob_error** error);

/* Of the last answer. */
typedef struct hob_session_stats {
  uint32_t struct_size;
  int32_t context_tokens;
  uint64_t prompt_tokens;
  uint64_t cached_tokens;
  uint64_t generated_tokens;
  uint64_t time_to_first_token_ns;
  uint64_t prefill_ns; /* over prompt_tokens - cached_tokens */
  uint64_t decode_ns;  /* over generated_tokens - 1: the first one comes with the prefill */
  double prefill_tokens_per_second;
  double decode_tokens_per_second;
  uint64_t cache_bytes;    /* that the session holds, that of its draft model included */
  uint64_t peak_bytes;     /* of the runtime */
  uint64_t guessed_tokens; /* by `speculate` or a draft model */
  uint64_t right_tokens;   /* of them, those that the model chose, too */
} hob_session_stats;

#define HOB_SESSION_STATS_INIT \
  {sizeof(hob_session_stats), 0, 0, 0, 0, 0, 0, 0, 0.0, 0.0, 0, 0, 0, 0}

/* Fills `out`, whose struct_size the caller has set. */
HOB_API hob_status hob_session_get_stats(hob_session_stats* out, const hob_session* session,
                                         hob_error** error);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* HOB_SESSION_H_ */
