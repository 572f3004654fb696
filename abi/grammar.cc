// SPDX-License-Identifier: Apache-2.0
#include "lib/text/grammar/grammar.h"

#include <hob/grammar.h>

#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "abi/unit_handles.h"

namespace hob::abi {
namespace {

StatusOr<text::Grammar> ReadGrammar(hob_grammar_kind kind, std::string_view source) {
  switch (kind) {
    case HOB_GRAMMAR_JSON_SCHEMA:
      return text::ReadJsonSchema(source);
    case HOB_GRAMMAR_REGEX:
      return text::ReadRegex(source);
    case HOB_GRAMMAR_GBNF:
      return text::ReadGbnf(source);
    default:
      return Error(StatusCode::kInvalidArgument, Concat("kind is ", kind, ", no hob_grammar_kind"));
  }
}

StatusOr<hob_grammar*> Compile(const text::Grammar& grammar, const hob_tokenizer* tokenizer) {
  HOB_ASSIGN_OR_RETURN(auto object, text::CompiledGrammar::Create(grammar, tokenizer->object));
  return Adopt(new hob_grammar{std::move(object)});
}

using MatcherUse = Exclusive<hob_matcher>;

}  // namespace
}  // namespace hob::abi

extern "C" {

hob_status hob_grammar_create(hob_grammar** out, const hob_tokenizer* tokenizer,
                              hob_grammar_kind kind, const char* source, size_t source_size,
                              hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_RETURN_IF_ERROR(CheckLive(tokenizer, "tokenizer"));
    HOB_RETURN_IF_ERROR(CheckRange(source, source_size, "source"));
    HOB_ASSIGN_OR_RETURN(const auto grammar, ReadGrammar(kind, View(source, source_size)));
    HOB_ASSIGN_OR_RETURN(*out, Compile(grammar, tokenizer));
    return absl::OkStatus();
  });
}

hob_status hob_grammar_create_choices(hob_grammar** out, const hob_tokenizer* tokenizer,
                                      const hob_string* texts, size_t count, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_RETURN_IF_ERROR(CheckLive(tokenizer, "tokenizer"));
    HOB_RETURN_IF_ERROR(CheckRange(texts, count, "texts"));
    std::vector<std::string_view> list;
    for (size_t i = 0; i < count; ++i) {
      HOB_RETURN_IF_ERROR(CheckRange(texts[i].data, texts[i].size, hob::Concat("texts[", i, "]")));
      list.push_back(View(texts[i].data, texts[i].size));
    }
    HOB_ASSIGN_OR_RETURN(const auto grammar, hob::text::ReadChoices(list));
    HOB_ASSIGN_OR_RETURN(*out, Compile(grammar, tokenizer));
    return absl::OkStatus();
  });
}

void hob_grammar_destroy(hob_grammar* grammar) { hob::abi::Delete(grammar); }

hob_status hob_matcher_create(hob_matcher** out, const hob_grammar* grammar, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_RETURN_IF_ERROR(CheckLive(grammar, "grammar"));
    HOB_ASSIGN_OR_RETURN(auto object, hob::text::Matcher::Create(grammar->object));
    *out = Adopt(new hob_matcher{std::move(object), {}});
    return absl::OkStatus();
  });
}

void hob_matcher_destroy(hob_matcher* matcher) { hob::abi::Delete(matcher); }

hob_status hob_matcher_mask_logits(hob_matcher* matcher, float* logits, size_t count,
                                   hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_ASSIGN_OR_RETURN(const auto use, MatcherUse::Begin(matcher, "matcher"));
    HOB_RETURN_IF_ERROR(CheckRange(logits, count, "logits"));
    return use->object.MaskLogits(std::span(logits, count));
  });
}

hob_status hob_matcher_accept(hob_matcher* matcher, const int32_t* tokens, size_t count,
                              hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_ASSIGN_OR_RETURN(const auto use, MatcherUse::Begin(matcher, "matcher"));
    HOB_RETURN_IF_ERROR(CheckRange(tokens, count, "tokens"));
    HOB_ASSIGN_OR_RETURN(const size_t taken, use->object.Accept(std::span(tokens, count)));
    if (taken == count) return absl::OkStatus();
    return hob::Error(
        hob::StatusCode::kInvalidArgument,
        hob::Concat("tokens[", taken, "], ", tokens[taken], ", does not fit the grammar"));
  });
}

hob_status hob_matcher_get_end(uint8_t* out_may, uint8_t* out_must, const hob_matcher* matcher,
                               hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_ASSIGN_OR_RETURN(const auto use, Exclusive<const hob_matcher>::Begin(matcher, "matcher"));
    if (out_may != nullptr) *out_may = use->object.can_end() ? 1 : 0;
    if (out_must != nullptr) *out_must = use->object.must_end() ? 1 : 0;
    return absl::OkStatus();
  });
}

hob_status hob_matcher_forced_text(hob_string* out, hob_matcher* matcher, size_t most,
                                   hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_ASSIGN_OR_RETURN(const auto use, MatcherUse::Begin(matcher, "matcher"));
    HOB_RETURN_IF_ERROR(use->object.ForcedText(most, use->text));
    *out = {use->text.data(), use->text.size()};
    return absl::OkStatus();
  });
}

hob_status hob_matcher_reset(hob_matcher* matcher, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_ASSIGN_OR_RETURN(const auto use, MatcherUse::Begin(matcher, "matcher"));
    use->object.Reset();
    return absl::OkStatus();
  });
}

}  // extern "C"
