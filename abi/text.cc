// SPDX-License-Identifier: Apache-2.0
#include "abi/text.h"

#include <span>
#include <string>
#include <vector>

namespace hob::abi {

StatusOr<bool> ReadShowSpecial(hob_text_flags flags) {
  if ((flags & ~uint32_t{HOB_TEXT_SHOW_SPECIAL}) != 0) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("flags are ", flags, "; to text, there is HOB_TEXT_SHOW_SPECIAL alone"));
  }
  return (flags & HOB_TEXT_SHOW_SPECIAL) != 0;
}

StatusOr<text::EncodeOptions> ReadEncodeFlags(hob_text_flags flags) {
  if ((flags & ~uint32_t{HOB_TEXT_ADD_SPECIAL | HOB_TEXT_PARSE_SPECIAL}) != 0) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("flags are ", flags,
                        "; to tokens, there are HOB_TEXT_ADD_SPECIAL and HOB_TEXT_PARSE_SPECIAL"));
  }
  text::EncodeOptions options;
  options.add_special = (flags & HOB_TEXT_ADD_SPECIAL) != 0;
  options.parse_special = (flags & HOB_TEXT_PARSE_SPECIAL) != 0;
  return options;
}

Status Encode(int32_t** out_tokens, size_t* out_count, const text::Tokenizer& tokenizer,
              const char* text, size_t text_size, hob_text_flags flags) {
  if (out_tokens == nullptr) return NullArgument("out_tokens");
  if (out_count == nullptr) return NullArgument("out_count");
  HOB_RETURN_IF_ERROR(CheckRange(text, text_size, "text"));
  HOB_ASSIGN_OR_RETURN(const auto options, ReadEncodeFlags(flags));
  HOB_ASSIGN_OR_RETURN(const std::vector<int32_t> tokens,
                       tokenizer.Encode(View(text, text_size), options));
  int32_t* copy = nullptr;
  if (!tokens.empty()) {
    const size_t bytes = tokens.size() * sizeof(int32_t);
    copy = static_cast<int32_t*>(std::malloc(bytes));
    if (copy == nullptr) {
      return Error(StatusCode::kResourceExhausted,
                   Concat("out of memory for ", tokens.size(), " tokens"));
    }
    std::memcpy(copy, tokens.data(), bytes);
  }
  *out_tokens = copy;
  *out_count = tokens.size();
  return absl::OkStatus();
}

Status Decode(char** out_text, size_t* out_size, const text::Tokenizer& tokenizer,
              const int32_t* tokens, size_t count, hob_text_flags flags) {
  if (out_text == nullptr) return NullArgument("out_text");
  if (out_size == nullptr) return NullArgument("out_size");
  HOB_RETURN_IF_ERROR(CheckRange(tokens, count, "tokens"));
  HOB_ASSIGN_OR_RETURN(const bool special, ReadShowSpecial(flags));
  HOB_ASSIGN_OR_RETURN(const std::string text, tokenizer.Decode(std::span(tokens, count), special));
  return CopyOut(out_text, out_size, text);
}

Status TokenBytes(char** out_bytes, size_t* out_size, const text::Tokenizer& tokenizer,
                  int32_t token, hob_text_flags flags) {
  if (out_bytes == nullptr) return NullArgument("out_bytes");
  if (out_size == nullptr) return NullArgument("out_size");
  HOB_ASSIGN_OR_RETURN(const bool special, ReadShowSpecial(flags));
  HOB_ASSIGN_OR_RETURN(const std::string bytes, tokenizer.Piece(token, special));
  return CopyOut(out_bytes, out_size, bytes);
}

Status FindToken(int32_t* out, const text::Tokenizer& tokenizer, const char* text,
                 size_t text_size) {
  if (out == nullptr) return NullArgument("out");
  HOB_RETURN_IF_ERROR(CheckRange(text, text_size, "text"));
  const int32_t token = tokenizer.Find(View(text, text_size));
  if (token < 0) return Error(StatusCode::kNotFound, "no token has that text");
  *out = token;
  return absl::OkStatus();
}

}  // namespace hob::abi
