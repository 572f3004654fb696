/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers by an OpenAI-compatible endpoint where the local model is not the right one: local first,
 * never without the user's consent, and every answer says where it came from. Outside the promise
 * so far: hob_experimental.h. docs/howto/hand-off.md shows it at work.
 */
#ifndef HOB_HANDOFF_H_
#define HOB_HANDOFF_H_

#include <hob/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An endpoint and when to use it. Threads: any number of threads may use one at a time, each with a
 * session of its own. */
typedef struct hob_handoff hob_handoff;

/* The charge of the battery in percent; negative: not known, or it does not matter (no battery, or
 * one that is charging). On the thread of hob_handoff_answer. */
typedef int32_t (*hob_battery_fn)(void* user);

/* Sees each message before it is sent. *out is `text`; to send another text, point it to bytes in
 * UTF-8 that live until the next call of this function or the end of hob_handoff_answer. Non-zero
 * refuses: nothing is sent and the answer is a local one. On the thread of hob_handoff_answer. */
typedef int32_t (*hob_redact_fn)(void* user, hob_string role, hob_string text, hob_string* out);

typedef struct hob_handoff_options {
  uint32_t struct_size;
  uint8_t consent;    /* 1: the user agreed that messages go to `url`. Without it nothing is ever
                         sent, whatever else is set; hob_handoff_set_consent changes it later */
  uint8_t allow_http; /* 1: http:// also to other hosts than this one: anybody between reads all */
  uint8_t reserved[2];
  hob_string url;      /* https://HOST[:PORT]/PATH, before "/chat/completions"; http:// only to
                          localhost, 127.0.0.0/8 and [::1] */
  hob_string model;    /* the endpoint's name for it */
  hob_string api_key;  /* sent as a bearer token; empty: none. It is never logged nor told */
  hob_string key_file; /* in place of api_key: read once, space at its end left out */

  /* When the policy asks the endpoint. A limit of 0 is none, but for max_prompt_tokens. */
  int32_t max_prompt_tokens;   /* the prompt is longer; 0: than the session's context, unless it
                                  rolls */
  int32_t max_queue_depth;     /* more answers of the runtime wait for their first token */
  int32_t min_battery_percent; /* less charge */
  int32_t judge_tokens;        /* of the local answer that max_mean_entropy looks at; 0: 16 */
  float max_mean_entropy; /* the first judge_tokens tokens of the local answer are less certain:
                             mean entropy of what the model held of each, before grammar and
                             sampler, in nats. They are held back until that is known, then the
                             answer streams; one that ends before is not judged */

  /* How it is asked; 0: what stands here. */
  uint32_t connect_timeout_ms; /* 10000 */
  uint32_t idle_timeout_ms;    /* without a byte of the answer, the first one too: 30000 */
  uint32_t total_timeout_ms;   /* of an answer, all attempts and waits between them: 120000 */
  int32_t retries;             /* after the first attempt, at most 10; -1: none; 0: 2 */
  uint32_t backoff_ms;         /* before the first retry at most, doubled for each further: 250 */
  int32_t breaker_failures; /* that many requests failed one after another: the endpoint rests for
                               breaker_cooldown_ms, then one request tries it: 3 */
  uint32_t breaker_cooldown_ms; /* 30000 */

  hob_redact_fn redact; /* NULL: messages are sent as they are */
  void* redact_user;
  hob_battery_fn battery; /* NULL: as the system tells (Linux); elsewhere it is not known */
  void* battery_user;
} hob_handoff_options;

#define HOB_HANDOFF_OPTIONS_INIT \
  {sizeof(hob_handoff_options),  \
   0,                            \
   0,                            \
   {0, 0},                       \
   {NULL, 0},                    \
   {NULL, 0},                    \
   {NULL, 0},                    \
   {NULL, 0},                    \
   0,                            \
   0,                            \
   0,                            \
   0,                            \
   0.0f,                         \
   0,                            \
   0,                            \
   0,                            \
   0,                            \
   0,                            \
   0,                            \
   0,                            \
   NULL,                         \
   NULL,                         \
   NULL,                         \
   NULL}

/* Checks and copies the options; asks nobody. libcurl is loaded when something is sent for the
 * first time. Errors: HOB_INVALID_ARGUMENT names the option; what reading key_file gives;
 * HOB_UNIMPLEMENTED in a build without hand-off. */
HOB_API hob_status hob_handoff_create(hob_handoff** out, hob_runtime* runtime,
                                      const hob_handoff_options* options, hob_error** error);

/* Answers on their way end first. */
HOB_API void hob_handoff_destroy(hob_handoff* handoff);

/* The user agreed (1), or does not any more (0): then a request on its way is cut. */
HOB_API hob_status hob_handoff_set_consent(hob_handoff* handoff, uint8_t consent,
                                           hob_error** error);

/* Whom to ask, for one answer. */
typedef int32_t hob_handoff_mode;
enum {
  HOB_HANDOFF_AUTO = 0,  /* as the options say, local first */
  HOB_HANDOFF_NEVER = 1, /* the local model */
  HOB_HANDOFF_REMOTE = 2 /* the endpoint, if the user consented and it can be had */
};

typedef int32_t hob_answer_source;
enum {
  HOB_SOURCE_NONE = 0, /* there is no answer */
  HOB_SOURCE_LOCAL = 1,
  HOB_SOURCE_REMOTE = 2
};

/* Why the endpoint was to answer. */
typedef int32_t hob_handoff_reason;
enum {
  HOB_HANDOFF_REASON_NONE = 0, /* it was not */
  HOB_HANDOFF_REASON_PROMPT = 1,
  HOB_HANDOFF_REASON_QUEUE = 2,
  HOB_HANDOFF_REASON_BATTERY = 3,
  HOB_HANDOFF_REASON_ENTROPY = 4,
  HOB_HANDOFF_REASON_REQUESTED = 5 /* HOB_HANDOFF_REMOTE */
};

/* Why the local model answered although the endpoint was to. */
typedef int32_t hob_handoff_fallback;
enum {
  HOB_FALLBACK_NONE = 0,      /* it did not */
  HOB_FALLBACK_CONSENT = 1,   /* the user did not consent */
  HOB_FALLBACK_REQUEST = 2,   /* raw text, tools, a grammar, logprobs or ignore_eos: only the
                                   local model gives those */
  HOB_FALLBACK_REDACTION = 3, /* `redact` refused */
  HOB_FALLBACK_BREAKER = 4,   /* the endpoint rests after failures */
  HOB_FALLBACK_LIBRARY = 5,   /* libcurl is not on this system */
  HOB_FALLBACK_REMOTE = 6     /* the endpoint failed: remote_status, http_status, remote_message */
};

typedef struct hob_handoff_report {
  uint32_t struct_size;
  hob_answer_source source; /* where the answer came from */
  hob_handoff_reason reason;
  hob_handoff_fallback fallback;
  hob_status remote_status; /* of the last request that failed; HOB_OK: none did */
  int32_t http_status;      /* of the last response; 0: none came */
  int32_t attempts;         /* requests that were made */
  hob_finish_reason finish_reason;
  int32_t prompt_tokens;           /* as the source counts them; -1: it did not tell */
  int32_t generated_tokens;        /* likewise */
  int32_t judged_tokens;           /* of the local answer; 0: it was not judged */
  float mean_entropy;              /* of them */
  uint64_t time_to_first_token_ns; /* from the call to the first piece; 0: there was none */
  uint64_t delivered_bytes;        /* of text, to on_token; also of an answer that broke off */
  hob_string remote_message;       /* what failed, for people; until the session's next answer */
} hob_handoff_report;

#define HOB_HANDOFF_REPORT_INIT \
  {sizeof(hob_handoff_report),  \
   HOB_SOURCE_NONE,             \
   HOB_HANDOFF_REASON_NONE,     \
   HOB_FALLBACK_NONE,           \
   HOB_OK,                      \
   0,                           \
   0,                           \
   0,                           \
   0,                           \
   0,                           \
   0,                           \
   0.0f,                        \
   0,                           \
   0,                           \
   {NULL, 0}}

/* Answers a session's conversation as hob_session_generate does, with the same options and errors,
 * by the local model or by the endpoint; the answer becomes a message of the session either way.
 * Blocks; hob_session_cancel ends it wherever it is. Pieces from the endpoint have no token
 * (HOB_NO_TOKEN); it gets the messages, max_tokens, and samples in its own way. Stop texts and
 * max_time_ms count for it too.
 *
 * An endpoint that fails before its first piece leaves the answer to the local model, which gives
 * it bit for bit as without hand-off. One that fails later fails the answer: pieces of two models
 * are never joined, and what was delivered cannot be taken back. Such an error is HOB_UNAVAILABLE,
 * HOB_DEADLINE_EXCEEDED, HOB_DATA_LOSS or HOB_RESOURCE_EXHAUSTED, with attempts in `out`; nothing
 * is appended.
 *
 * `out` and `options` may be NULL. `out` is filled on errors of the answer, too. A local answer
 * that was judged and given up counts as HOB_CANCELLED in hob_runtime_metrics.answers_failed. */
HOB_API hob_status hob_handoff_answer(hob_handoff_report* out, hob_handoff* handoff,
                                      hob_session* session, hob_handoff_mode mode,
                                      const hob_generate_options* options, hob_error** error);

typedef int32_t hob_breaker_state;
enum {
  HOB_BREAKER_CLOSED = 0,   /* the endpoint is asked */
  HOB_BREAKER_OPEN = 1,     /* it rests */
  HOB_BREAKER_HALF_OPEN = 2 /* one request tries it */
};

/* Of a hob_handoff since it was created. */
typedef struct hob_handoff_metrics {
  uint32_t struct_size;
  hob_breaker_state breaker;
  uint64_t breaker_opened; /* times */
  uint64_t answers_local;  /* given, fallbacks included */
  uint64_t answers_remote;
  uint64_t answers_failed;      /* no answer came, local errors included */
  uint64_t reasons[8];          /* answers, by hob_handoff_reason */
  uint64_t fallbacks[8];        /* answers, by hob_handoff_fallback */
  uint64_t attempts;            /* requests */
  uint64_t remote_failures[24]; /* requests, by hob_status */
} hob_handoff_metrics;

/* All zero but its size. */
#define HOB_HANDOFF_METRICS_INIT \
  {sizeof(hob_handoff_metrics), HOB_BREAKER_CLOSED, 0, 0, 0, 0, {0}, {0}, 0, {0}}

/* Fills `out`, whose struct_size the caller has set. Any thread. */
HOB_API hob_status hob_handoff_get_metrics(hob_handoff_metrics* out, const hob_handoff* handoff,
                                           hob_error** error);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* HOB_HANDOFF_H_ */
