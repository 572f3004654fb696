/* SPDX-License-Identifier: Apache-2.0 */
/* What Swift imports of hob: the stable C interface, and what it cannot import of it: Swift does not see macros of
 * braces, so each HOB_..._INIT that the binding uses is handed out by a function here. */
#ifndef CHOB_H_
#define CHOB_H_

#include <hob/hob.h>

#define CHOB_INIT(type, init)             \
  static inline type chob_##type(void) {  \
    const type value = init;              \
    return value;                         \
  }

CHOB_INIT(hob_runtime_options, HOB_RUNTIME_OPTIONS_INIT)
CHOB_INIT(hob_runtime_info, HOB_RUNTIME_INFO_INIT)
CHOB_INIT(hob_model_options, HOB_MODEL_OPTIONS_INIT)
CHOB_INIT(hob_model_plan_info, HOB_MODEL_PLAN_INFO_INIT)
CHOB_INIT(hob_model_info, HOB_MODEL_INFO_INIT)
CHOB_INIT(hob_sampler_options, HOB_SAMPLER_OPTIONS_INIT)
CHOB_INIT(hob_session_options, HOB_SESSION_OPTIONS_INIT)
CHOB_INIT(hob_session_stats, HOB_SESSION_STATS_INIT)
CHOB_INIT(hob_token, HOB_TOKEN_INIT)
CHOB_INIT(hob_generate_options, HOB_GENERATE_OPTIONS_INIT)
CHOB_INIT(hob_generate_result, HOB_GENERATE_RESULT_INIT)
CHOB_INIT(hob_tokenizer_info, HOB_TOKENIZER_INFO_INIT)
CHOB_INIT(hob_token_info, HOB_TOKEN_INFO_INIT)
CHOB_INIT(hob_chat_template_options, HOB_CHAT_TEMPLATE_OPTIONS_INIT)
CHOB_INIT(hob_render_options, HOB_RENDER_OPTIONS_INIT)

#undef CHOB_INIT

#endif /* CHOB_H_ */
