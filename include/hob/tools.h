/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tools: functions of the app that a model may ask for. Outside the promise so far:
 * hob_experimental.h.
 *
 * An app tells the model what it can call (names, descriptions, JSON Schemas of the arguments). The
 * model then answers in words, or with calls, which the app carries out; what came of them goes
 * back as messages of role "tool", and the model goes on. A grammar sees to it that each call is of
 * a tool that there is, with arguments that are valid under its schema. Each family of models has
 * its own way to be told and to call; where a chat template knows nothing of tools, hob adds what
 * it takes to the system message. docs/howto/tools.md.
 */
#ifndef HOB_TOOLS_H_
#define HOB_TOOLS_H_

#include <hob/base.h>
#include <hob/model.h>
#include <hob/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Tools for one model. Immutable, but for grammars that it keeps. Threads: any number of sessions
 * may use one. */
typedef struct hob_tools hob_tools;

typedef struct hob_tools_options {
  uint32_t struct_size;
  uint32_t reserved;
  hob_string style; /* how calls are written: "hermes" (Qwen, too), "llama3", "mistral", "smollm";
                       empty: as the model's chat template does */
} hob_tools_options;

#define HOB_TOOLS_OPTIONS_INIT {sizeof(hob_tools_options), 0, {NULL, 0}}

/* Reads tools as chat APIs have them, a JSON array of at most 128: [{"type": "function",
 * "function": {"name": …, "description": …, "parameters": a JSON Schema}}]. `options` may be NULL.
 * Errors: HOB_INVALID_ARGUMENT says what is wrong and where; HOB_UNIMPLEMENTED names the keyword
 * that hob lacks (docs/reference/grammars.md); HOB_FAILED_PRECONDITION if the model has no chat
 * template. Any thread. */
HOB_API hob_status hob_tools_create(hob_tools** out, const hob_model* model, const char* json,
                                    size_t json_size, const hob_tools_options* options,
                                    hob_error** error);

/* Gives the handle up. Sessions that use the tools go on. */
HOB_API void hob_tools_destroy(hob_tools* tools);

typedef int32_t hob_tool_choice;
enum {
  HOB_TOOL_AUTO = 0,    /* words, calls, or calls behind words: the model chooses */
  HOB_TOOL_NONE = 1,    /* words alone */
  HOB_TOOL_REQUIRED = 2 /* calls alone */
};

typedef struct hob_tool_use {
  uint32_t struct_size;
  hob_tool_choice choice;
  hob_string only;       /* the one tool that may be called; empty: any */
  uint8_t single;        /* 1: at most one call in an answer; else up to 16 */
  uint8_t unconstrained; /* 1: no grammar; what the model writes may be no valid call, and then is
                            part of the text */
  uint8_t reserved[6];
} hob_tool_use;

#define HOB_TOOL_USE_INIT {sizeof(hob_tool_use), HOB_TOOL_AUTO, {NULL, 0}, 0, 0, {0, 0, 0, 0, 0, 0}}

/* Lets answers of the session use `tools`, from now on; NULL: none. `use` may be NULL. They are of
 * the prompt and not of the conversation: hob_session_save leaves them out. An answer that made
 * calls ends with HOB_FINISH_TOOL_CALLS; its calls are no part of its text, and not streamed.
 * Errors: HOB_INVALID_ARGUMENT if the tools are of another model; HOB_NOT_FOUND if `only` is none
 * of them. hob_session_generate with a grammar gives HOB_INVALID_ARGUMENT while there are tools. */
HOB_API hob_status hob_session_set_tools(hob_session* session, const hob_tools* tools,
                                         const hob_tool_use* use, hob_error** error);

/* A call that the model made. */
typedef struct hob_tool_call {
  uint32_t struct_size;
  uint32_t reserved;
  hob_string id; /* nine letters and digits: "tool_call_id" of what came of it */
  hob_string name;
  hob_string arguments; /* a JSON object */
} hob_tool_call;

#define HOB_TOOL_CALL_INIT {sizeof(hob_tool_call), 0, {NULL, 0}, {NULL, 0}, {NULL, 0}}

/* How many calls the last answer made. */
HOB_API hob_status hob_session_tool_call_count(size_t* out, const hob_session* session,
                                               hob_error** error);

/* Call `index` of the last answer, from 0. Fills `out`, whose struct_size the caller has set; its
 * texts live until the next call that changes the session. Errors: HOB_OUT_OF_RANGE. */
HOB_API hob_status hob_session_get_tool_call(hob_tool_call* out, const hob_session* session,
                                             size_t index, hob_error** error);

/* As hob_session_add_message, with what else the message has, a JSON object: for what came of a
 * call {"tool_call_id": …, "name": …} with role "tool"; {"tool_calls": […]} for calls of an earlier
 * conversation. Empty: nothing. Errors also: HOB_INVALID_ARGUMENT says what is wrong with it. */
HOB_API hob_status hob_session_add_message_fields(hob_session* session, const char* role,
                                                  size_t role_size, const char* text,
                                                  size_t text_size, const char* fields,
                                                  size_t fields_size, hob_error** error);

/* What message `index` has beside role and text: a JSON object, or nothing. *out lives until the
 * next call that changes the session. Errors: HOB_OUT_OF_RANGE. */
HOB_API hob_status hob_session_get_message_fields(hob_string* out, const hob_session* session,
                                                  size_t index, hob_error** error);

/* Carries a call out, on the thread that called hob_session_run_tools. Puts what came of it, or
 * what went wrong, in words or JSON, in *out_result, which is to live until the function is called
 * again or hob_session_run_tools returns. Non-zero ends the loop. */
typedef int32_t (*hob_tool_fn)(void* user, const hob_tool_call* call, hob_string* out_result);

typedef struct hob_tool_function {
  hob_string name; /* as in the tools */
  hob_tool_fn call;
  void* user;
} hob_tool_function;

typedef struct hob_tool_loop {
  uint32_t struct_size;
  int32_t max_tool_rounds; /* answers with calls that are carried out, 1 to 1000; the answer behind
                              the last one is in words. 0: 8 */
  const hob_tool_function* functions; /* one for each tool that may be called */
  size_t function_count;
  const hob_generate_options* generate; /* of each answer; NULL: hob_session_generate's defaults */
} hob_tool_loop;

#define HOB_TOOL_LOOP_INIT {sizeof(hob_tool_loop), 0, NULL, 0, NULL}

/* Answers as hob_session_generate, carries out what the answer calls, and answers again, until an
 * answer makes no call. With HOB_TOOL_REQUIRED or `only`, that holds of the first answer. The
 * conversation has all of it; a failed call leaves it as it was. If a function ends the loop, `out`
 * says HOB_FINISH_CANCELLED, and the conversation has what was done before that answer. `out` may
 * be NULL. Errors: those of hob_session_generate; HOB_FAILED_PRECONDITION if the session has no
 * tools; HOB_INVALID_ARGUMENT if a tool that may be called has no function. */
HOB_API hob_status hob_session_run_tools(hob_generate_result* out, hob_session* session,
                                         const hob_tool_loop* loop, hob_error** error);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* HOB_TOOLS_H_ */
