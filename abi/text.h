// SPDX-License-Identifier: Apache-2.0
// What a model and a tokenizer on its own answer alike.
#pragma once

#include <hob/tokenizer.h>

#include "abi/arguments.h"
#include "lib/text/tokenizer.h"

namespace hob::abi {

StatusOr<bool> ReadShowSpecial(hob_text_flags flags);
StatusOr<text::EncodeOptions> ReadEncodeFlags(hob_text_flags flags);
Status Encode(int32_t** out_tokens, size_t* out_count, const text::Tokenizer& tokenizer,
              const char* text, size_t text_size, hob_text_flags flags);
Status Decode(char** out_text, size_t* out_size, const text::Tokenizer& tokenizer,
              const int32_t* tokens, size_t count, hob_text_flags flags);
Status TokenBytes(char** out_bytes, size_t* out_size, const text::Tokenizer& tokenizer,
                  int32_t token, hob_text_flags flags);
Status FindToken(int32_t* out, const text::Tokenizer& tokenizer, const char* text,
                 size_t text_size);

}  // namespace hob::abi
