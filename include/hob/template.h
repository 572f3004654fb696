/* SPDX-License-Identifier: Apache-2.0 */
/* Chat templates: what makes one text of a conversation, without a model and without a runtime.
 *
 * A template is Jinja as model files carry it, run in a sandbox of bounded time and memory:
 * docs/reference/chat-templates.md. The handle holds memory alone and works on in a forked child.
 */
#ifndef HOB_TEMPLATE_H_
#define HOB_TEMPLATE_H_

#include <hob/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Immutable. Threads: any number of threads may use one template at a time. */
typedef struct hob_chat_template hob_chat_template;

typedef struct hob_chat_template_options {
  uint32_t struct_size;
  uint32_t reserved;
  hob_string bos_text; /* what the template has as bos_token and eos_token; copied */
  hob_string eos_text;
} hob_chat_template_options;

#define HOB_CHAT_TEMPLATE_OPTIONS_INIT {sizeof(hob_chat_template_options), 0, {NULL, 0}, {NULL, 0}}

/* Reads the template in `source`, which is copied. `options` may be NULL: both texts are empty.
 * Errors: HOB_INVALID_ARGUMENT with line and column; HOB_UNIMPLEMENTED names what hob's Jinja
 * lacks; HOB_RESOURCE_EXHAUSTED where it is too long or too deep. hob_model_get_chat_template gives
 * the one of an open model. Any thread. */
HOB_API hob_status hob_chat_template_create(hob_chat_template** out, const char* source,
                                            size_t source_size,
                                            const hob_chat_template_options* options,
                                            hob_error** error);
HOB_API void hob_chat_template_destroy(hob_chat_template* chat_template);

typedef struct hob_chat_message {
  hob_string role; /* "system", "user", "assistant", "tool" */
  hob_string content;
} hob_chat_message;

typedef struct hob_render_options {
  uint32_t struct_size;
  uint8_t add_generation_prompt; /* 1: the text ends where the assistant is to speak */
  uint8_t reserved[3];
  /* Further variables, a JSON object: {"tools": [...], "enable_thinking": false}. They win over
   * those that hob sets, "messages" included. Empty: none. */
  hob_string variables;
} hob_render_options;

#define HOB_RENDER_OPTIONS_INIT {sizeof(hob_render_options), 1, {0, 0, 0}, {NULL, 0}}

/* The text that the template makes of `messages`. `options` may be NULL. The caller hob_frees
 * *out_text. Errors: HOB_INVALID_ARGUMENT with what the template objects to, or the line of what it
 * cannot do, or for text that is not UTF-8; HOB_UNIMPLEMENTED; HOB_RESOURCE_EXHAUSTED where it
 * takes too long or too much. */
HOB_API hob_status hob_chat_template_render(char** out_text, size_t* out_size,
                                            const hob_chat_template* chat_template,
                                            const hob_chat_message* messages, size_t count,
                                            const hob_render_options* options, hob_error** error);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* HOB_TEMPLATE_H_ */
