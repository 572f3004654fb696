// SPDX-License-Identifier: Apache-2.0
#include <hob/tokenizer.h>

#include <string>

#include "abi/text.h"
#include "abi/unit_handles.h"
#include "lib/format/model_file.h"
#include "lib/text/unicode.h"

namespace hob::abi {
namespace {

Status CheckTokenizer(const hob_tokenizer* tokenizer) { return CheckLive(tokenizer, "tokenizer"); }

StatusOr<std::shared_ptr<const text::Tokenizer>> OpenTokenizer(const std::string& path) {
  HOB_RETURN_IF_ERROR(text::CheckUtf8(path, "the path of the tokenizer's file"));
  HOB_ASSIGN_OR_RETURN(const auto file, OpenModelFile(path));
  auto tokenizer = text::Tokenizer::Create(file->vocabulary);
  if (!tokenizer.ok()) return Annotate(tokenizer.status(), path);
  return std::shared_ptr<const text::Tokenizer>(*std::move(tokenizer));
}

}  // namespace
}  // namespace hob::abi

extern "C" {

hob_status hob_tokenizer_open(hob_tokenizer** out, const char* path, size_t path_size,
                              hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_RETURN_IF_ERROR(CheckRange(path, path_size, "path"));
    HOB_ASSIGN_OR_RETURN(auto object, OpenTokenizer(std::string(View(path, path_size))));
    *out = Adopt(new hob_tokenizer{std::move(object)});
    return absl::OkStatus();
  });
}

void hob_tokenizer_destroy(hob_tokenizer* tokenizer) { hob::abi::Delete(tokenizer); }

hob_status hob_tokenizer_get_info(hob_tokenizer_info* out, const hob_tokenizer* tokenizer,
                                  hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_RETURN_IF_ERROR(CheckTokenizer(tokenizer));
    HOB_RETURN_IF_ERROR(CheckOutStruct(out, "hob_tokenizer_info"));
    const hob::text::Tokenizer& object = *tokenizer->object;
    hob_tokenizer_info info = HOB_TOKENIZER_INFO_INIT;
    info.size = static_cast<int32_t>(object.size());
    info.bos_token = object.bos();
    info.eos_token = object.eos();
    info.unknown_token = object.unknown();
    info.separator_token = object.separator();
    info.adds_bos = object.adds_bos() ? 1 : 0;
    info.adds_eos = object.adds_eos() ? 1 : 0;
    WriteStruct(out, info);
    return absl::OkStatus();
  });
}

hob_status hob_tokenizer_encode(int32_t** out_tokens, size_t* out_count,
                                const hob_tokenizer* tokenizer, const char* text, size_t text_size,
                                hob_text_flags flags, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_RETURN_IF_ERROR(CheckTokenizer(tokenizer));
    return Encode(out_tokens, out_count, *tokenizer->object, text, text_size, flags);
  });
}

hob_status hob_tokenizer_decode(char** out_text, size_t* out_size, const hob_tokenizer* tokenizer,
                                const int32_t* tokens, size_t count, hob_text_flags flags,
                                hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_RETURN_IF_ERROR(CheckTokenizer(tokenizer));
    return Decode(out_text, out_size, *tokenizer->object, tokens, count, flags);
  });
}

hob_status hob_tokenizer_token_bytes(char** out_bytes, size_t* out_size,
                                     const hob_tokenizer* tokenizer, int32_t token,
                                     hob_text_flags flags, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_RETURN_IF_ERROR(CheckTokenizer(tokenizer));
    return TokenBytes(out_bytes, out_size, *tokenizer->object, token, flags);
  });
}

hob_status hob_tokenizer_find(int32_t* out, const hob_tokenizer* tokenizer, const char* text,
                              size_t text_size, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_RETURN_IF_ERROR(CheckTokenizer(tokenizer));
    return FindToken(out, *tokenizer->object, text, text_size);
  });
}

hob_status hob_tokenizer_get_token(hob_token_info* out, const hob_tokenizer* tokenizer,
                                   int32_t token, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_RETURN_IF_ERROR(CheckTokenizer(tokenizer));
    HOB_RETURN_IF_ERROR(CheckOutStruct(out, "hob_token_info"));
    const hob::text::Tokenizer& object = *tokenizer->object;
    if (token < 0 || static_cast<size_t>(token) >= object.size()) {
      return hob::Error(
          hob::StatusCode::kInvalidArgument,
          hob::Concat("token ", token, " is outside the vocabulary of ", object.size()));
    }
    hob_token_info info = HOB_TOKEN_INFO_INIT;
    info.kind = static_cast<hob_token_kind>(object.Type(token));
    info.text = ToHobString(object.StoredText(token));
    info.ends_answer = object.IsEndOfGeneration(token) ? 1 : 0;
    WriteStruct(out, info);
    return absl::OkStatus();
  });
}

hob_status hob_detokenizer_create(hob_detokenizer** out, const hob_tokenizer* tokenizer,
                                  hob_text_flags flags, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_RETURN_IF_ERROR(CheckTokenizer(tokenizer));
    HOB_ASSIGN_OR_RETURN(const bool special, ReadShowSpecial(flags));
    *out = Adopt(new hob_detokenizer{
        tokenizer->object, hob::text::StreamingDetokenizer(*tokenizer->object, special), {}, {}});
    return absl::OkStatus();
  });
}

void hob_detokenizer_destroy(hob_detokenizer* detokenizer) { hob::abi::Delete(detokenizer); }

hob_status hob_detokenizer_push(hob_string* out, hob_detokenizer* detokenizer, int32_t token,
                                hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_ASSIGN_OR_RETURN(const auto use,
                         Exclusive<hob_detokenizer>::Begin(detokenizer, "detokenizer"));
    HOB_ASSIGN_OR_RETURN(use->piece, use->object.Push(token));
    *out = ToHobString(use->piece);
    return absl::OkStatus();
  });
}

hob_status hob_detokenizer_finish(hob_string* out, hob_detokenizer* detokenizer,
                                  hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_ASSIGN_OR_RETURN(const auto use,
                         Exclusive<hob_detokenizer>::Begin(detokenizer, "detokenizer"));
    use->piece = use->object.Finish();
    *out = ToHobString(use->piece);
    return absl::OkStatus();
  });
}

}  // extern "C"
