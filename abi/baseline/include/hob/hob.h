/* SPDX-License-Identifier: Apache-2.0 */
/* All of hob's stable C interface. Start at hob_runtime_create, hob_model_open, hob_session_create.
 */
#ifndef HOB_HOB_H_
#define HOB_HOB_H_

#include <hob/base.h>
#include <hob/model.h>
#include <hob/runtime.h>
#include <hob/sampler.h>
#include <hob/session.h>
#include <hob/template.h>
#include <hob/tokenizer.h>

#endif /* HOB_HOB_H_ */
