// SPDX-License-Identifier: Apache-2.0
// Texts of any bytes with the vocabularies of real tokenizers: what is encoded comes back, no text
// becomes a control token unasked, and a stream of tokens, cut anyhow, is the text of all of them.
#include <array>

#include "lib/format/model_file.h"
#include "lib/text/detokenizer.h"
#include "lib/text/tokenizer.h"
#include "lib/text/unicode.h"
#include "tests/fuzz/fuzz.h"

namespace hob::fuzz {
namespace {

struct Vocabulary {
  std::unique_ptr<text::Tokenizer> tokenizer;
  bool exact = false;  // what was encoded is decoded as it was
  bool nfc = false;    // or in NFC
};

const std::array<Vocabulary, 5>& Vocabularies() {
  static const auto& all = *new std::array<Vocabulary, 5>([] {
    constexpr std::string_view kFiles[] = {"smollm-q4_1", "qwen2-q5_0", "llama3-q8_0", "llama-q4_0",
                                           "gemma3-q8_0"};
    std::array<Vocabulary, 5> made;
    for (size_t i = 0; i < made.size(); ++i) {
      const auto file =
          OpenModelFile(SourceDir() / "tests/fixtures" / (std::string(kFiles[i]) + ".gguf"));
      Require(file.ok());
      auto tokenizer = text::Tokenizer::Create((*file)->vocabulary);
      Require(tokenizer.ok());
      made[i].tokenizer = *std::move(tokenizer);
      made[i].exact = (*file)->vocabulary.model == "gpt2";
      made[i].nfc = (*file)->vocabulary.pre == "qwen2";
    }
    return made;
  }());
  return all;
}

void CheckUnicode(std::string_view text, bool valid) {
  std::string whole;
  size_t at = 0;
  bool all_valid = true;
  while (at < text.size()) {
    const text::Utf8Step step = text::StepUtf8(text, at);
    Require(step.length >= 1 && step.length <= text.size() - at);
    all_valid = all_valid && step.state == text::Utf8State::kValid;
    if (step.state == text::Utf8State::kValid) text::AppendUtf8(step.value, whole);
    at += step.length;
  }
  Require(all_valid == valid);
  if (!valid) return;
  Require(whole == text);
  const auto nfc = text::NormalizeNfc(text);
  Require(nfc.ok());
  Require(text::FindInvalidUtf8(*nfc) == std::string_view::npos);
  // Long runs of marks are normalised in parts.
  if (text.size() < 200) Require(*text::NormalizeNfc(*nfc) == *nfc);
}

// TakeCompleteUtf8 of pieces is that of the whole.
void CheckPieces(std::string_view text, Random& cuts) {
  std::string pending(text);
  const std::string whole = text::TakeCompleteUtf8(pending);
  const std::string left = pending;
  std::string joined;
  pending.clear();
  for (size_t at = 0; at < text.size();) {
    const size_t count = std::min(text.size() - at, 1 + cuts.Below(4));
    pending += text.substr(at, count);
    joined += text::TakeCompleteUtf8(pending);
    at += count;
  }
  Require(joined == whole && pending == left);
}

void CheckStream(const text::Tokenizer& tokenizer, const std::vector<int32_t>& ids, bool special) {
  const auto whole = tokenizer.Decode(ids, special);
  text::StreamingDetokenizer stream(tokenizer, special);
  std::string joined;
  bool known = true;
  for (const int32_t id : ids) {
    const auto piece = stream.Push(id);
    known = known && piece.ok();
    if (!piece.ok()) continue;
    Require(text::FindInvalidUtf8(*piece) == std::string_view::npos);
    joined += *piece;
  }
  joined += stream.Finish();
  Require(whole.ok() == known);
  if (known) Require(*whole == joined);
}

bool IsControl(const text::Tokenizer& tokenizer, int32_t id) {
  return tokenizer.Type(id) == TokenType::kControl;
}

void CheckText(const Vocabulary& vocabulary, std::string_view text) {
  const text::Tokenizer& tokenizer = *vocabulary.tokenizer;
  const bool valid = text::FindInvalidUtf8(text) == std::string_view::npos;
  for (const bool parse : {false, true}) {
    const auto ids = tokenizer.Encode(text, {.add_special = false, .parse_special = parse});
    Require(ids.ok() == valid);
    if (!valid) continue;
    for (const int32_t id : *ids) {
      Require(id >= 0 && static_cast<size_t>(id) < tokenizer.size());
      if (!parse) Require(!IsControl(tokenizer, id));
    }
    const auto around = tokenizer.Encode(text, {.add_special = true, .parse_special = parse});
    Require(around.ok() &&
            around->size() == ids->size() + tokenizer.adds_bos() + tokenizer.adds_eos());
    Require(std::equal(ids->begin(), ids->end(), around->begin() + tokenizer.adds_bos()));
    CheckStream(tokenizer, *ids, parse);
    const auto decoded = tokenizer.Decode(*ids, true);
    Require(decoded.ok() && text::FindInvalidUtf8(*decoded) == std::string_view::npos);
    if (vocabulary.exact && !parse) {
      Require(*decoded == (vocabulary.nfc ? *text::NormalizeNfc(text) : std::string(text)));
    }
  }
}

}  // namespace
}  // namespace hob::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hob::fuzz;
  Input input(data, size);
  const uint8_t choice = input.Byte();
  const Vocabulary& vocabulary = Vocabularies()[choice % 5];
  Random cuts(input.Byte());
  if (choice & 0x80) {  // tokens, now and then none of the vocabulary
    std::vector<int32_t> ids;
    while (!input.empty()) {
      const auto id = static_cast<int32_t>(input.Raw<uint16_t>());
      const auto count = static_cast<int32_t>(vocabulary.tokenizer->size());
      ids.push_back(id >= 0xFFF0 ? id - 0xFFF8 : id % count);
    }
    CheckStream(*vocabulary.tokenizer, ids, (choice & 0x40) != 0);
    return 0;
  }
  const std::string_view text = input.Rest();
  CheckUnicode(text, hob::text::FindInvalidUtf8(text) == std::string_view::npos);
  CheckPieces(text, cuts);
  CheckText(vocabulary, text);
  return 0;
}
