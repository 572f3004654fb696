// SPDX-License-Identifier: Apache-2.0
// What stands around the vocabulary in tokenizer.json, recognised among what hob's tokenizers do.
// A step that is not known is refused: it would change what the model reads.
#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_format.h"
#include "lib/format/hugging_face.h"
#include "lib/format/validate.h"
#include "lib/text/pretokenizer_table.h"
#include "lib/text/unicode.h"

namespace hob::format {
namespace {

constexpr std::string_view kMark = "\xE2\x96\x81";  // "▁", SentencePiece's space

Status NotRun(std::string_view message) {
  return Error(StatusCode::kUnimplemented, message,
               "Use the model's GGUF file, or a hob that knows it.");
}

std::string_view TypeOf(JsonValue step) {
  const auto type = step.Find("type");
  return type.has_value() ? type->Text().value_or("?") : "?";
}

bool FlagOf(JsonValue step, std::string_view key, bool fallback) {
  const auto flag = step.Find(key);
  return flag.has_value() ? flag->Bool().value_or(fallback) : fallback;
}

std::string_view TextOf(JsonValue step, std::string_view key) {
  const auto text = step.Find(key);
  return text.has_value() ? text->Text().value_or("") : "";
}

// The steps of `part`, those of a Sequence one by one. None where it is null.
Status Flatten(JsonValue tokenizer, std::string_view part, std::string_view list,
               std::vector<JsonValue>* steps) {
  const auto whole = tokenizer.Find(part);
  if (!whole.has_value()) return absl::OkStatus();
  if (!whole->is(JsonKind::kObject)) {
    return Error(StatusCode::kInvalidArgument, Concat(part, " is ", whole->KindName()));
  }
  if (TypeOf(*whole) != "Sequence") {
    steps->push_back(*whole);
    return absl::OkStatus();
  }
  const auto inner = whole->Find(list);
  if (!inner.has_value()) return absl::OkStatus();
  return inner->ForEachElement([&](JsonValue step) {
    steps->push_back(step);
    return absl::OkStatus();
  });
}

Status Unknown(std::string_view part, JsonValue step, std::string_view kind) {
  return NotRun(Concat(part, " ", Quoted(TypeOf(step)), " is not supported for ", kind));
}

// A pattern in the table's spelling: characters beyond ASCII as \x{HEX}.
std::string Spell(std::string_view pattern) {
  std::string spelled;
  for (size_t i = 0; i < pattern.size();) {
    const text::Utf8Step step = text::StepUtf8(pattern, i);
    if (step.length == 1) {
      spelled += pattern[i];
    } else {
      spelled += absl::StrFormat("\\x{%04X}", static_cast<uint32_t>(step.value));
    }
    i += step.length;
  }
  return spelled;
}

// ---- byte-level BPE

constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

Status AddSplit(JsonValue step, std::vector<std::string>* patterns) {
  if (TextOf(step, "behavior") != "Isolated" || FlagOf(step, "invert", false)) {
    return NotRun(Concat("pre_tokenizer Split with behavior ", Quoted(TextOf(step, "behavior")),
                         FlagOf(step, "invert", false) ? ", inverted," : "",
                         " is not supported for byte-level BPE"));
  }
  const auto pattern = step.Find("pattern");
  const std::string_view regex = pattern.has_value() ? TextOf(*pattern, "Regex") : "";
  if (regex.empty()) return NotRun("pre_tokenizer Split without a Regex is not supported");
  patterns->push_back(Spell(regex));
  return absl::OkStatus();
}

Status ReadByteLevel(JsonValue tokenizer, bool ignore_merges, HfPipeline* pipeline) {
  std::vector<JsonValue> steps;
  HOB_RETURN_IF_ERROR(Flatten(tokenizer, "normalizer", "normalizers", &steps));
  bool nfc = false;
  for (const JsonValue step : steps) {
    if (TypeOf(step) != "NFC") return Unknown("normalizer", step, "byte-level BPE");
    nfc = true;
  }
  pipeline->changes_text = nfc;
  steps.clear();
  HOB_RETURN_IF_ERROR(Flatten(tokenizer, "pre_tokenizer", "pretokenizers", &steps));
  std::vector<std::string> patterns;
  bool byte_level = false;
  for (const JsonValue step : steps) {
    if (byte_level) return NotRun("pre_tokenizer has steps after ByteLevel");
    if (TypeOf(step) == "Split") {
      HOB_RETURN_IF_ERROR(AddSplit(step, &patterns));
    } else if (TypeOf(step) == "Digits") {
      patterns.emplace_back(FlagOf(step, "individual_digits", false) ? R"(\p{N})" : R"(\p{N}+)");
    } else if (TypeOf(step) == "ByteLevel") {
      byte_level = true;
      if (FlagOf(step, "add_prefix_space", true)) {
        return NotRun("pre_tokenizer ByteLevel with add_prefix_space is not supported");
      }
      if (FlagOf(step, "use_regex", true)) patterns.emplace_back(kGpt2Pattern);
    } else {
      return Unknown("pre_tokenizer", step, "byte-level BPE");
    }
  }
  if (!byte_level) return NotRun("pre_tokenizer has no ByteLevel step");
  const std::vector<std::string_view> views(patterns.begin(), patterns.end());
  const std::string_view name = text::FindPretokenizerName(views, nfc, ignore_merges);
  if (!name.empty()) {
    pipeline->pre = std::string(name);
    return absl::OkStatus();
  }
  constexpr size_t kShown = 8;  // no tokenizer that hob knows has as many
  std::string all;
  for (size_t i = 0; i < std::min(patterns.size(), kShown); ++i) {
    all += Concat(all.empty() ? "" : ", ", Quoted(patterns[i]));
  }
  if (patterns.size() > kShown) all += Concat(" and ", patterns.size() - kShown, " more");
  return NotRun(Concat("pre_tokenizer's patterns are none that hob knows", nfc ? " with NFC" : "",
                       ignore_merges ? " with ignore_merges" : "", ": ", all));
}

// ---- SentencePiece's BPE

bool IsReplace(JsonValue step, std::string_view from, std::string_view to) {
  const auto pattern = step.Find("pattern");
  return TypeOf(step) == "Replace" && pattern.has_value() && TextOf(*pattern, "String") == from &&
         TextOf(step, "content") == to;
}

Status ReadMetaspace(JsonValue step, HfPipeline* pipeline) {
  if (TextOf(step, "replacement") != kMark) {
    return NotRun(Concat("pre_tokenizer Metaspace with replacement ",
                         Quoted(TextOf(step, "replacement")), " is not supported"));
  }
  if (FlagOf(step, "split", true)) {
    return NotRun("pre_tokenizer Metaspace that splits is not supported");
  }
  const std::string_view scheme = TextOf(step, "prepend_scheme");
  if (scheme != "always" && scheme != "first" && scheme != "never") {
    return NotRun(Concat("pre_tokenizer Metaspace with prepend_scheme ", Quoted(scheme),
                         " is not supported"));
  }
  pipeline->add_space_prefix = scheme != "never";
  if (scheme != "never") pipeline->pre = Concat("metaspace-", scheme);
  return absl::OkStatus();
}

Status ReadSentencePiece(JsonValue tokenizer, HfPipeline* pipeline) {
  pipeline->pre = "default";
  std::vector<JsonValue> steps;
  HOB_RETURN_IF_ERROR(Flatten(tokenizer, "normalizer", "normalizers", &steps));
  bool replaced = false;
  for (const JsonValue step : steps) {
    if (TypeOf(step) == "Prepend" && TextOf(step, "prepend") == kMark && !replaced) {
      pipeline->add_space_prefix = true;
    } else if (IsReplace(step, " ", kMark)) {
      replaced = true;
    } else {
      return Unknown("normalizer", step, "SentencePiece's BPE");
    }
  }
  pipeline->changes_text = !steps.empty();
  steps.clear();
  HOB_RETURN_IF_ERROR(Flatten(tokenizer, "pre_tokenizer", "pretokenizers", &steps));
  bool metaspace = false;
  for (const JsonValue step : steps) {
    const auto pattern = step.Find("pattern");
    if (TypeOf(step) == "Metaspace" && !metaspace && !replaced) {
      metaspace = true;
      HOB_RETURN_IF_ERROR(ReadMetaspace(step, pipeline));
    } else if (TypeOf(step) == "Split" && replaced && pattern.has_value() &&
               TextOf(*pattern, "String") == " ") {
      // Gemma's: the normaliser has left no space to split at.
    } else {
      return Unknown("pre_tokenizer", step, "SentencePiece's BPE");
    }
  }
  if (!replaced && !metaspace) {
    return NotRun("neither normalizer nor pre_tokenizer writes spaces as SentencePiece does");
  }
  return absl::OkStatus();
}

// ---- WordPiece

Status ReadWordPiece(JsonValue tokenizer, HfPipeline* pipeline) {
  std::vector<JsonValue> steps;
  HOB_RETURN_IF_ERROR(Flatten(tokenizer, "normalizer", "normalizers", &steps));
  if (steps.size() != 1 || TypeOf(steps[0]) != "BertNormalizer") {
    return NotRun("a normalizer other than BertNormalizer is not supported for WordPiece");
  }
  const JsonValue step = steps[0];
  const bool lowercase = FlagOf(step, "lowercase", true);
  if (!FlagOf(step, "clean_text", true) || !FlagOf(step, "handle_chinese_chars", true) ||
      FlagOf(step, "strip_accents", lowercase) != lowercase) {
    return NotRun(
        "normalizer BertNormalizer is supported with clean_text and handle_chinese_chars, and "
        "with strip_accents where it is lowercase alone");
  }
  pipeline->lowercase = lowercase;
  pipeline->changes_text = true;
  steps.clear();
  HOB_RETURN_IF_ERROR(Flatten(tokenizer, "pre_tokenizer", "pretokenizers", &steps));
  if (steps.size() != 1 || TypeOf(steps[0]) != "BertPreTokenizer") {
    return NotRun("a pre_tokenizer other than BertPreTokenizer is not supported for WordPiece");
  }
  return absl::OkStatus();
}

// ---- decoder and post-processor

Status CheckDecoder(JsonValue tokenizer, std::string_view kind) {
  std::vector<JsonValue> steps;
  HOB_RETURN_IF_ERROR(Flatten(tokenizer, "decoder", "decoders", &steps));
  for (const JsonValue step : steps) {
    const std::string_view type = TypeOf(step);
    const bool known = kind == "gpt2"   ? type == "ByteLevel"
                       : kind == "bert" ? type == "WordPiece" && TextOf(step, "prefix") == "##"
                                        : IsReplace(step, kMark, " ") || type == "ByteFallback" ||
                                              type == "Fuse" || type == "Metaspace" ||
                                              (type == "Strip" && TextOf(step, "content") == " ");
    if (!known) return Unknown("decoder", step, kind);
  }
  return absl::OkStatus();
}

// The id of a special token that a template names.
StatusOr<int32_t> TemplateToken(JsonValue processor, JsonValue piece) {
  const std::string_view name = TextOf(piece, "id");
  const auto tokens = processor.Find("special_tokens");
  const auto token = tokens.has_value() ? tokens->Find(name) : std::nullopt;
  std::vector<int64_t> ids;
  if (token.has_value() && token->Find("ids").has_value()) {
    HOB_RETURN_IF_ERROR(token->Find("ids")->ForEachElement([&](JsonValue id) {
      ids.push_back(id.Integer().value_or(-1));
      return absl::OkStatus();
    }));
  }
  if (ids.size() != 1 || ids[0] < 0 || ids[0] > std::numeric_limits<int32_t>::max()) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("post_processor: special token ", Quoted(name), " has no single id"));
  }
  return static_cast<int32_t>(ids[0]);
}

Status ReadTemplate(JsonValue processor, HfPipeline* pipeline) {
  const auto single = processor.Find("single");
  if (!single.has_value()) return NotRun("post_processor TemplateProcessing without single");
  bool text = false;
  HOB_RETURN_IF_ERROR(single->ForEachElement([&](JsonValue piece) -> Status {
    if (const auto sequence = piece.Find("Sequence"); sequence.has_value()) {
      if (text || TextOf(*sequence, "id") != "A") {
        return NotRun("post_processor TemplateProcessing with more than one text");
      }
      text = true;
      return absl::OkStatus();
    }
    const auto special = piece.Find("SpecialToken");
    if (!special.has_value()) return NotRun("post_processor TemplateProcessing with another piece");
    std::optional<int32_t>& place = text ? pipeline->last : pipeline->first;
    if (place.has_value()) {
      return NotRun("post_processor TemplateProcessing with two special tokens on one side");
    }
    HOB_ASSIGN_OR_RETURN(place, TemplateToken(processor, *special));
    return absl::OkStatus();
  }));
  return text ? absl::OkStatus() : NotRun("post_processor TemplateProcessing without a text");
}

// ["[SEP]", 102]
StatusOr<int32_t> PairId(JsonValue processor, std::string_view key) {
  int64_t id = -1;
  if (const auto pair = processor.Find(key); pair.has_value()) {
    HOB_RETURN_IF_ERROR(pair->ForEachElement([&](JsonValue value) {
      id = value.Integer().value_or(id);
      return absl::OkStatus();
    }));
  }
  if (id < 0 || id > std::numeric_limits<int32_t>::max()) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("post_processor: ", key, " is not a token and its id"));
  }
  return static_cast<int32_t>(id);
}

Status ReadPostProcessor(JsonValue tokenizer, std::string_view kind, HfPipeline* pipeline) {
  std::vector<JsonValue> steps;
  HOB_RETURN_IF_ERROR(Flatten(tokenizer, "post_processor", "processors", &steps));
  for (const JsonValue step : steps) {
    const std::string_view type = TypeOf(step);
    if (type == "ByteLevel" && kind == "gpt2") continue;  // offsets alone
    if (pipeline->first.has_value() || pipeline->last.has_value()) {
      return NotRun("post_processor puts tokens around a text twice");
    }
    if (type == "TemplateProcessing") {
      HOB_RETURN_IF_ERROR(ReadTemplate(step, pipeline));
    } else if (type == "BertProcessing" && kind == "bert") {
      HOB_ASSIGN_OR_RETURN(pipeline->first, PairId(step, "cls"));
      HOB_ASSIGN_OR_RETURN(pipeline->last, PairId(step, "sep"));
    } else {
      return Unknown("post_processor", step, kind);
    }
  }
  return absl::OkStatus();
}

}  // namespace

StatusOr<HfPipeline> ReadHfPipeline(JsonValue tokenizer, std::string_view kind,
                                    bool ignore_merges) {
  HfPipeline pipeline;
  if (kind == "gpt2") {
    HOB_RETURN_IF_ERROR(ReadByteLevel(tokenizer, ignore_merges, &pipeline));
  } else if (kind == "llama") {
    HOB_RETURN_IF_ERROR(ReadSentencePiece(tokenizer, &pipeline));
  } else {
    HOB_RETURN_IF_ERROR(ReadWordPiece(tokenizer, &pipeline));
  }
  HOB_RETURN_IF_ERROR(CheckDecoder(tokenizer, kind));
  HOB_RETURN_IF_ERROR(ReadPostProcessor(tokenizer, kind, &pipeline));
  return pipeline;
}

}  // namespace hob::format
