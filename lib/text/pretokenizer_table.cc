// SPDX-License-Identifier: Apache-2.0
// The patterns are those of the tokenizer.json files of the models that the names stand for, in
// PCRE2's syntax. Where a pattern would take quadratic time on hostile text, an equivalent stands
// here instead. \s and \S mean Unicode's White_Space (see pretokenizer.cc).
#include "lib/text/pretokenizer_table.h"

#include <algorithm>

namespace hob::text {
namespace {

#define HOB_CONTRACTION "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define HOB_WORD R"re([^\r\n\p{L}\p{N}]?\p{L}+)re"
#define HOB_SYMBOLS R"re( ?[^\s\p{L}\p{N}]+[\r\n]*)re"
#define HOB_SPACES R"re(\s*[\r\n]+|\s+(?!\S)|\s+)re"
// A capitalised, lower-case or caseless word, then one in capitals.
#define HOB_CASED(lower, upper)                                                               \
  R"re([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)re" lower \
  R"re(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)re" upper
// The same without Han characters: each class is the complement of all other categories and Han.
#define HOB_CASED_NOT_HAN                                                      \
  R"re([^\r\n\p{L}\p{N}]?[^\p{Ll}\p{N}\p{P}\p{S}\p{Z}\p{C}\p{sc:Han}]*)re"     \
  R"re([^\p{Lu}\p{Lt}\p{N}\p{P}\p{S}\p{Z}\p{C}\p{sc:Han}]+)re" HOB_CONTRACTION \
  R"re(?|[^\r\n\p{L}\p{N}]?[^\p{Ll}\p{N}\p{P}\p{S}\p{Z}\p{C}\p{sc:Han}]+)re"   \
  R"re([^\p{Lu}\p{Lt}\p{N}\p{P}\p{S}\p{Z}\p{C}\p{sc:Han}]*)re" HOB_CONTRACTION "?"

#define HOB_GPT2 R"re('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)re"
#define HOB_LLAMA3 HOB_CONTRACTION "|" HOB_WORD R"re(|\p{N}{1,3}|)re" HOB_SYMBOLS "|" HOB_SPACES
#define HOB_QWEN2 HOB_CONTRACTION "|" HOB_WORD R"re(|\p{N}|)re" HOB_SYMBOLS "|" HOB_SPACES
#define HOB_GPT4O                                     \
  HOB_CASED(HOB_CONTRACTION "?", HOB_CONTRACTION "?") \
  R"re(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|)re" HOB_SPACES
#define HOB_ASCII_SYMBOL_WORD R"re([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+)re"
#define HOB_DEEPSEEK3   \
  HOB_ASCII_SYMBOL_WORD \
  R"re(|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|)re" HOB_SPACES
#define HOB_CJK R"re([\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)re"
#define HOB_DEEPSEEK_CJK R"re([\x{4E00}-\x{9FA5}\x{0800}-\x{4E00}\x{AC00}-\x{D7FF}]+)re"
#define HOB_BLOOM R"re( ?[^(\s|.,!?\x{2026}\x{3002}\x{FF0C}\x{3001}\x{0964}\x{06D4}\x{060C})]+)re"
#define HOB_DEEPSEEK_LETTERS                                                            \
  R"re(\s?[A-Za-z\x{B5}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1BA}\x{1BC}-\x{1BF})re"      \
  R"re(\x{1C4}-\x{293}\x{295}-\x{2AF}\x{370}-\x{373}\x{376}\x{377}\x{37B}-\x{37D})re"   \
  R"re(\x{37F}\x{386}\x{388}-\x{38A}\x{38C}\x{38E}-\x{3A1}\x{3A3}-\x{3F5})re"           \
  R"re(\x{3F7}-\x{481}\x{48A}-\x{52F}\x{531}-\x{556}\x{10A0}-\x{10C5})re"               \
  R"re(\x{13A0}-\x{13F5}\x{13F8}-\x{13FD}\x{1C90}-\x{1CBA}\x{1CBD}-\x{1CBF})re"         \
  R"re(\x{1D00}-\x{1D2B}\x{1D6B}-\x{1D77}\x{1D79}-\x{1D9A}\x{1E00}-\x{1F15})re"         \
  R"re(\x{1F18}-\x{1F1D}\x{1F20}-\x{1F45}\x{1F48}-\x{1F4D}\x{1F50}-\x{1F57}\x{1F59})re" \
  R"re(\x{1F5B}\x{1F5D}\x{1F5F}-\x{1F7D}\x{1F80}-\x{1FB4}\x{1FB6}-\x{1FBC}\x{1FBE})re"  \
  R"re(\x{1FC2}-\x{1FC4}\x{1FC6}-\x{1FCC}\x{1FD0}-\x{1FD3}\x{1FD6}-\x{1FDB})re"         \
  R"re(\x{1FE0}-\x{1FEC}\x{1FF2}-\x{1FF4}\x{1FF6}-\x{1FFC}\x{2102}\x{2107})re"          \
  R"re(\x{210A}-\x{2113}\x{2115}\x{2119}-\x{211D}\x{2124}\x{2126}\x{2128})re"           \
  R"re(\x{212A}-\x{212D}\x{212F}-\x{2134}\x{2139}\x{213C}-\x{213F}\x{2145}-\x{2149})re" \
  R"re(\x{214E}\x{2183}\x{2184}\x{2C00}-\x{2C7B}\x{2C7E}-\x{2CE4}\x{2CEB}-\x{2CEE})re"  \
  R"re(\x{2CF2}\x{2CF3}\x{A640}-\x{A66D}\x{A680}-\x{A69B}\x{A722}-\x{A76F})re"          \
  R"re(\x{A771}-\x{A787}\x{A78B}-\x{A78E}\x{AB70}-\x{ABBF}\x{FB00}-\x{FB06})re"         \
  R"re(\x{FB13}-\x{FB17}\x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A}\x{10400}-\x{1044F})re"       \
  R"re(\x{104B0}-\x{104D3}\x{104D8}-\x{104FB}\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2})re" \
  R"re(\x{118A0}-\x{118DF}\x{1E900}-\x{1E943})re"                                       \
  R"re(]+)re"

constexpr PretokenizerRule kRules[] = {
    {.names = "default",
     .steps = {R"re([\p{P}\$\+<=>\^~\|]+)re", HOB_GPT2, R"re(\p{N}+)re", "[0-9][0-9][0-9]"}},
    {.names =
         "gpt-2 phi-2 mpt olmo jais trillion granite-docling gigachat mellum modern-bert a.x-4.0 "
         "exaone4 roberta-bpe jina-es jina-de jina-v1-en jina-v2-es jina-v2-de jina-v2-code",
     .steps = {HOB_GPT2}},
    {.names = "starcoder refact command-r smollm codeshell exaone minerva-7b mellum2",
     .steps = {R"re(\p{N})re", HOB_GPT2}},
    {.names = "llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano",
     .steps = {HOB_LLAMA3},
     .ignore_merges = true},
    {.names = "dbrx smaug-bpe chatglm-bpe glm4", .steps = {HOB_LLAMA3}},
    {.names = "qwen2 deepseek-r1-qwen megrez", .steps = {HOB_QWEN2}, .nfc = true},
    {.names = "stablelm2 hunyuan solar-open grok-2 kormo f2llmv2", .steps = {HOB_QWEN2}},
    {.names = "qwen35",
     .steps = {HOB_CONTRACTION R"re(|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}|)re"
                               R"re( ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|)re" HOB_SPACES},
     .nfc = true},
    {.names = "falcon", .steps = {R"re([\p{P}\$\+<=>\^~\|`]+)re", HOB_GPT2, "[0-9][0-9][0-9]"}},
    {.names = "bloom poro-chat gpt3-finnish", .steps = {HOB_BLOOM}},
    {.names = "viking", .steps = {HOB_BLOOM, R"re(\p{N})re"}},
    {.names = "deepseek-llm",
     .steps = {R"re([\r\n])re", HOB_DEEPSEEK_LETTERS,
               R"re(\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F})re"
               R"re(\x{3000}-\x{3002}]+)re",
               R"re((?<!\s)\s++\z)re", HOB_DEEPSEEK_CJK, R"re(\p{N}+)re"}},
    {.names = "deepseek-coder",
     .steps = {R"re([\r\n])re", R"re(\s?\p{L}+)re", R"re(\s?\p{P}+)re", HOB_DEEPSEEK_CJK,
               R"re(\p{N})re"}},
    {.names = "deepseek-v3 hunyuan-dense joyai-llm",
     .steps = {R"re(\p{N}{1,3})re", HOB_CJK, HOB_DEEPSEEK3}},
    {.names = "tekken",
     .steps = {HOB_CASED("", "") R"re(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|)re" HOB_SPACES},
     .ignore_merges = true},
    {.names = "gpt-4o llama4 kanana2 minimax-m2", .steps = {HOB_GPT4O}},
    {.names = "kimi-k2",
     .steps = {R"re(\p{sc:Han}+|)re" HOB_CASED_NOT_HAN R"re(|\p{N}{1,3}|)re" HOB_SYMBOLS
               "|" HOB_SPACES}},
    {.names = "tiny_aya cohere2moe", .steps = {kGroupWholeNumbers, HOB_GPT4O}},
    {.names = "superbpe", .steps = {R"re(\p{N}+)re", kGroupDigits}},
    {.names = "bailingmoe bailingmoe2 llada-moe",
     .steps = {R"re('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}|)re"
               R"re( ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)re"}},
    {.names = "seed-coder",
     .steps = {HOB_CONTRACTION "|" HOB_WORD R"re(|\p{N}| ?[^\s\p{L}\p{N}\r\n]+|)re" HOB_SPACES}},
    {.names = "exaone-moe",
     .steps = {HOB_CONTRACTION
               R"re(|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*+(?: \p{L}\p{M}*+)*+)++|\p{N}|)re"
               R"re( ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+)re"}},
    {.names = "jais-2",
     .steps = {HOB_LLAMA3,
               R"re(\A\s*+\S[\s\S]*|\A\s*[\r\n]+\z|\s{512}|\s{256}|\s{128}|\s{64}|\s{32}|)re"
               R"re(\s{16}|\s{8}|\s{4}|\s{1,2})re"}},
    {.names = "chameleon",
     .steps = {"<sentinel:[0-9]+>", "(?:IMGIMG)[A-I]{1,4}Z", R"re([\t\n]|    |  )re",
               R"re(\p{N})re", R"re([\p{P}!-/:-@\[-`{-~])re", HOB_GPT2}},
    {.names = "minicpm5",
     .steps = {R"re(\p{N}{1,3})re",
               HOB_CONTRACTION "|" HOB_WORD R"re(|\p{N}+|)re" HOB_SYMBOLS "|" HOB_SPACES},
     .ignore_merges = true},
    {.names = "laguna", .steps = {R"re([^\n]+|\n+)re", HOB_QWEN2}},
};

}  // namespace

const PretokenizerRule* FindPretokenizerRule(std::string_view name) {
  if (name.empty()) name = "default";
  if (name.find(' ') != std::string_view::npos) return nullptr;
  for (const PretokenizerRule& rule : kRules) {
    for (size_t begin = 0; begin < rule.names.size();) {
      const size_t end = std::min(rule.names.find(' ', begin), rule.names.size());
      if (rule.names.substr(begin, end - begin) == name) return &rule;
      begin = end + 1;
    }
  }
  return nullptr;
}

std::string_view FindPretokenizerName(std::span<const std::string_view> steps, bool nfc,
                                      bool ignore_merges) {
  for (const PretokenizerRule& rule : kRules) {
    if (rule.nfc != nfc || rule.ignore_merges != ignore_merges) continue;
    if (steps.empty() || steps.size() > std::size(rule.steps)) continue;
    bool same = steps.size() == std::size(rule.steps) || rule.steps[steps.size()].empty();
    for (size_t i = 0; i < steps.size(); ++i) same = same && rule.steps[i] == steps[i];
    if (same) return rule.names.substr(0, rule.names.find(' '));
  }
  return {};
}

}  // namespace hob::text
