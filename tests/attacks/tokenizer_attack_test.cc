// SPDX-License-Identifier: Apache-2.0
// Vocabularies and texts that broke tokenizers.
#if defined(__unix__)
#include <sys/mman.h>
#endif

#include <filesystem>
#include <limits>

#include "tests/attacks/attack.h"

using namespace hob::test;

namespace {

constexpr size_t kMegabyte = 1u << 20;

TokenizerPtr Tokenizer(const File& file) {
  const TemporaryFolder folder;
  WriteBytes(folder / "vocabulary.gguf", file);
  return OpenTokenizer(folder / "vocabulary.gguf");
}

// Refused as a tokenizer, and as a model whose vocabulary alone is wanted.
void CheckVocabulary(const File& file, hob_status status, Parts parts) {
  const TemporaryFolder folder;
  const std::string path = folder / "attack.model";
  WriteBytes(path, file);
  CheckOutcome(Try([&](auto e) {
                 hob_tokenizer* tokenizer = nullptr;
                 return hob_tokenizer_open(&tokenizer, path.data(), path.size(), e);
               }),
               status, parts);
  hob_model_options options = HOB_MODEL_OPTIONS_INIT;
  options.vocabulary_only = 1;
  CheckRefused(file, status, parts, &options);
}

Outcome EncodeOutcome(const hob_tokenizer* tokenizer, std::string_view text) {
  return Try([&](auto e) {
    int32_t* tokens = nullptr;
    size_t count = 0;
    const hob_status status = hob_tokenizer_encode(&tokens, &count, tokenizer, text.data(),
                                                   text.size(), HOB_TEXT_PLAIN, e);
    hob_free(tokens);
    return status;
  });
}

// Encodes the text and decodes it again: the same text.
size_t CheckRoundTrip(const hob_tokenizer* tokenizer, const std::string& text) {
  const std::vector<int32_t> tokens = Encode(tokenizer, text);
  CHECK(Decode(tokenizer, tokens) == text);
  return tokens.size();
}

using Keys = std::vector<std::pair<std::string, Bytes>>;

Keys With(Keys keys, std::string_view key, const Bytes& value) {
  for (auto& [name, old] : keys) {
    if (name == key) {
      old = value;
      return keys;
    }
  }
  keys.emplace_back(key, value);
  return keys;
}

}  // namespace

// llama.cpp: the length of a token's text went through a 32-bit integer before it was compared
// with the room in a buffer. Carried by one string of 2 GiB; here the file is sparse.
TEST_CASE("CVE-2025-49847: a token of 2 GiB") {
  const TemporaryFolder folder;
  const std::string path = folder / "long.gguf";
  constexpr uint64_t kLength = (uint64_t{1} << 31) + 1;
  GgufBuilder builder;
  builder.Key("general.architecture", "llama").Key("tokenizer.ggml.model", "gpt2");
  builder.RawKey("tokenizer.ggml.tokens", ArrayHead(kText, 1).Put(kLength));
  const File head = builder.Build();
  WriteBytes(path, head);
  std::filesystem::resize_file(path, head.size() + kLength);
  const RuntimePtr runtime = MakeRuntime();
  const double peak = PeakMiB([&] {
    CheckOutcome(OpenOutcome(runtime.get(), path), HOB_INVALID_ARGUMENT,
                 {"key 'tokenizer.ggml.tokens'", "element 0",
                  "2147483649 bytes long; at most 67108864 are allowed"});
  });
  CHECK(peak < 64);
  CheckStillAnswers(runtime.get());

  // What is allowed as a string is still no token.
  const TinyModel tiny;
  std::vector<std::string> tokens = tiny.tokens();
  tokens.push_back(std::string(70000, 'x'));
  CheckVocabulary(VocabularyFile({{"tokenizer.ggml.model", Text("gpt2")},
                                  {"tokenizer.ggml.pre", Text("gpt-2")},
                                  {"tokenizer.ggml.tokens", Texts(tokens)},
                                  {"tokenizer.ggml.merges", Texts({"a b"})}}),
                  HOB_INVALID_ARGUMENT, {"token 259 has 70000 bytes; at most 65535 are allowed"});
}

// llama.cpp: the number of a text's tokens was compared as a signed integer with the room for
// them: past 2^31 all of them were copied. The library makes the room itself, and counts in size_t.
// hob: makes the room itself and counts in size_t; a text above 1 GiB is RESOURCE_EXHAUSTED.
TEST_CASE("CVE-2025-52566: more tokens than the room for them") {
  const TokenizerPtr tokenizer = Tokenizer(BpeVocabulary("gpt-2"));
  CHECK(CheckRoundTrip(tokenizer.get(), Times(2 * kMegabyte, "x.")) == 4 * kMegabyte);
#if defined(__unix__)
  // A text of 3 GiB that is never read: it is refused for its size alone.
  constexpr size_t kSize = size_t{3} << 30;
  void* pages = mmap(nullptr, kSize, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  REQUIRE(pages != MAP_FAILED);
  CheckOutcome(EncodeOutcome(tokenizer.get(), {static_cast<const char*>(pages), kSize}),
               HOB_RESOURCE_EXHAUSTED, {"text of 3221225472 bytes; at most 1073741824"});
  munmap(pages, kSize);
#endif
}

// llama.cpp (PLaMo-2): the digits of a byte token went through stoi to an index: "<0x-1>" wrote
// before a table, "<0xZZ>" threw. Such tokens are ordinary text here.
// hob: takes them as ordinary text.
TEST_CASE("llama.cpp#25969: byte tokens that are no bytes") {
  const TokenizerPtr tokenizer = Tokenizer(VocabularyFile(SentencePieceKeys(
      {{"<0x-1>", 6}, {"<0xZZ>", 6}, {"<0x>", 6}, {"<0x100>", 6}, {"<0x0A>", 6}, {"", 6}})));
  const std::vector<int32_t> tokens = Encode(tokenizer.get(), "a\n\xC3\xBF");
  CHECK(tokens.size() >= 2);
  for (const int32_t token : {98, 99, 100, 101, 103}) {
    CHECK(Decode(tokenizer.get(), {token}).size() <= 7);  // the text of the token, no byte
  }
  CHECK(Decode(tokenizer.get(), {102}) == "\n");
}

// llama.cpp: std::regex recurses once a character: tens of thousands of one kind overflowed the
// stack, with the pattern of Qwen 2.
// hob: encodes it, on a heap-limited PCRE2.
TEST_CASE("llama.cpp#21257: a long run of one letter") {
  for (const char* pre : {"qwen2", "llama-bpe", "gpt-2", "smollm"}) {
    CAPTURE(pre);
    const TokenizerPtr tokenizer = Tokenizer(BpeVocabulary(pre));
    for (const std::string_view unit : {"A", "ab", "\xE4\xB8\xAD", "1", "."}) {
      CheckRoundTrip(tokenizer.get(), Times(kMegabyte / 4, unit));
    }
  }
}

// llama.cpp: many blank lines did the same (Qwen 3).
// hob: encodes it.
TEST_CASE("llama.cpp#14655: a text of blank lines") {
  for (const char* pre :
       {"qwen2", "deepseek-v3", "gpt-4o", "bailingmoe", "seed-coder", "default"}) {
    CAPTURE(pre);
    const TokenizerPtr tokenizer = Tokenizer(BpeVocabulary(pre));
    for (const std::string_view unit : {"\n", " ", "\r\n", "\t \n", " \xE3\x80\x80"}) {
      CheckRoundTrip(tokenizer.get(), Times(kMegabyte / 4, unit) + "x");
      CheckRoundTrip(tokenizer.get(), "x" + Times(kMegabyte / 4, unit));
    }
  }
}

// llama.cpp: the pattern of GPT-4o, with a lookahead in a repetition, needed 26,000 characters.
// hob: encodes it.
TEST_CASE("llama.cpp#27783: the pre-tokenizer of GPT-4o") {
  const TokenizerPtr tokenizer = Tokenizer(BpeVocabulary("gpt-4o"));
  for (const std::string_view unit : {"A", "a", "Aa", "aA", "'s", "/", "\xD0\x96"}) {
    CheckRoundTrip(tokenizer.get(), Times(kMegabyte / 2, unit));
  }
}

// llama.cpp: DeepSeek's with a long run of letters, as tools put out.
// hob: encodes it.
TEST_CASE("llama.cpp#26965: the pre-tokenizers of DeepSeek") {
  for (const char* pre : {"deepseek-v3", "deepseek-llm", "deepseek-coder"}) {
    CAPTURE(pre);
    const TokenizerPtr tokenizer = Tokenizer(BpeVocabulary(pre));
    for (const std::string_view unit : {"Z", "!a", "\xE4\xB8\x80", " z"}) {
      CheckRoundTrip(tokenizer.get(), Times(kMegabyte / 4, unit));
    }
  }
}

// llama.cpp: Mistral's pattern with runs of capitals.
// hob: encodes it.
TEST_CASE("llama.cpp#15594: the pre-tokenizer of Tekken") {
  const TokenizerPtr tokenizer = Tokenizer(BpeVocabulary("tekken"));
  CheckRoundTrip(tokenizer.get(), Times(kMegabyte, "A") + "a");
  CheckRoundTrip(tokenizer.get(), Times(kMegabyte / 4, "\xCC\x81"));
}

// A reader of UTF-8 that trusts the first byte of a character reads past the end of the text.
TEST_CASE("class: truncated UTF-8") {
  const TokenizerPtr tokenizer = Tokenizer(BpeVocabulary("smollm"));
  struct Case {
    std::string_view text;
    std::string_view place;
  };
  for (const Case& c :
       {Case{"ab\xF0\x9F\x98", "byte 2"}, Case{"\xE2\x82", "byte 0"}, Case{"\xC3", "byte 0"},
        Case{"a\x80z", "byte 1"}, Case{"\xED\xA0\x80", "byte 0"},
        Case{"\xF5\x80\x80\x80", "byte 0"}, Case{"\xC0\xAF", "byte 0"}}) {
    CheckOutcome(EncodeOutcome(tokenizer.get(), c.text), HOB_INVALID_ARGUMENT,
                 {"text is not UTF-8 at", c.place});
  }
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const SessionPtr session = MakeSession(model.get());
  CheckOutcome(Try([&](auto e) { return AddMessage(session.get(), "user", "\xE2\x82", e); }),
               HOB_INVALID_ARGUMENT, {"UTF-8 at byte 0"});
  CheckStillAnswers(runtime.get());
}

// llama.cpp: the ids of special tokens indexed the table of tokens unchecked (GHSA-g4cc-763q-h9h6
// and what it left open), also the defaults of a vocabulary too small for them.
TEST_CASE("llama.cpp#25475: special tokens outside the vocabulary") {
  const Keys keys = SentencePieceKeys({});
  for (const char* name : {"bos", "eos", "eot", "unknown", "separator", "padding", "mask"}) {
    const std::string key = "tokenizer.ggml." + std::string(name) + "_token_id";
    CheckVocabulary(VocabularyFile(With(keys, key, U32(98))), HOB_INVALID_ARGUMENT,
                    {"token is 98, but there are 98 tokens"});
    CheckVocabulary(VocabularyFile(With(keys, key, I32(-2))), HOB_INVALID_ARGUMENT, {key, "-2"});
    CheckVocabulary(VocabularyFile(With(keys, key, U32(~0u))), HOB_INVALID_ARGUMENT,
                    {key, "4294967295"});
  }
  // Two tokens: the defaults of SentencePiece, 0 to 2, do not apply.
  const TokenizerPtr tokenizer = Tokenizer(VocabularyFile(
      {{"tokenizer.ggml.model", Text("llama")}, {"tokenizer.ggml.tokens", Texts({"a", "b"})}}));
  CHECK(Encode(tokenizer.get(), "ab", HOB_TEXT_ADD_SPECIAL).size() <= 2);
}

// llama.cpp: scores and types were read for as many tokens as there are, however long they were.
TEST_CASE("llama.cpp#20735: scores and types of another length than the tokens") {
  const Keys keys = SentencePieceKeys({});
  CheckVocabulary(VocabularyFile(With(keys, "tokenizer.ggml.scores", Numbers<float>(kF32, {1, 2}))),
                  HOB_INVALID_ARGUMENT, {"2 scores for 98 tokens"});
  CheckVocabulary(
      VocabularyFile(With(keys, "tokenizer.ggml.token_type", Numbers<int32_t>(kI32, {1}))),
      HOB_INVALID_ARGUMENT, {"1 token types for 98 tokens"});
  CheckVocabulary(VocabularyFile(With(keys, "tokenizer.ggml.token_type", U32(1))),
                  HOB_INVALID_ARGUMENT, {"'tokenizer.ggml.token_type' is not an array"});
  CheckVocabulary(VocabularyFile(With(keys, "tokenizer.ggml.token_type",
                                      Numbers(kI32, std::vector<int32_t>(98, 7)))),
                  HOB_INVALID_ARGUMENT, {"token 0 has unknown type 7"});
}

// llama.cpp: arrays were cast to the type that is usual for their key; of smaller elements, three
// times as much was read as there is.
TEST_CASE("llama.cpp#26690: scores and types of another type of element") {
  const Keys keys = SentencePieceKeys({});
  const std::vector<uint8_t> bytes(98, 1);
  CheckVocabulary(VocabularyFile(With(keys, "tokenizer.ggml.scores", Numbers(kU8, bytes))),
                  HOB_INVALID_ARGUMENT,
                  {"'tokenizer.ggml.scores' is not an array of floating-point numbers"});
  CheckVocabulary(VocabularyFile(With(keys, "tokenizer.ggml.token_type", Numbers(kBool, bytes))),
                  HOB_INVALID_ARGUMENT,
                  {"'tokenizer.ggml.token_type' is not an array of integers"});
  CheckVocabulary(VocabularyFile(With(keys, "tokenizer.ggml.tokens", Numbers(kU8, bytes))),
                  HOB_INVALID_ARGUMENT, {"'tokenizer.ggml.tokens' is not an array of strings"});
  // Integers of any width are the integers that they are.
  const TokenizerPtr tokenizer =
      Tokenizer(VocabularyFile(With(keys, "tokenizer.ggml.token_type", Numbers(kU8, bytes))));
  CheckRoundTrip(tokenizer.get(), "text");
}

// Scores order the merges: with NaN no order holds, and a sort may run out of its array.
TEST_CASE("class: scores that are no numbers") {
  std::vector<float> scores(98, -1.0f);
  scores[40] = std::numeric_limits<float>::quiet_NaN();
  CheckVocabulary(
      VocabularyFile(With(SentencePieceKeys({}), "tokenizer.ggml.scores", Numbers(kF32, scores))),
      HOB_INVALID_ARGUMENT, {"the score of token 40 is not a number"});
  scores[40] = std::numeric_limits<float>::infinity();  // has its place in the order
  const TokenizerPtr tokenizer = Tokenizer(
      VocabularyFile(With(SentencePieceKeys({}), "tokenizer.ggml.scores", Numbers(kF32, scores))));
  CheckRoundTrip(tokenizer.get(), "some text");
}

// A merge is two symbols with a space between; readers split at a space that is not there.
TEST_CASE("class: merges that are none") {
  const TinyModel tiny;
  const auto file = [&](const Bytes& merges) {
    return VocabularyFile({{"tokenizer.ggml.model", Text("gpt2")},
                           {"tokenizer.ggml.pre", Text("gpt-2")},
                           {"tokenizer.ggml.tokens", Texts(tiny.tokens())},
                           {"tokenizer.ggml.merges", merges}});
  };
  CheckVocabulary(file(Texts({"a b", "ab"})), HOB_INVALID_ARGUMENT, {"merge 1 is not two symbols"});
  CheckVocabulary(file(Texts({""})), HOB_INVALID_ARGUMENT, {"merge 0 is not two symbols"});
  CheckVocabulary(file(Texts({"a "})), HOB_INVALID_ARGUMENT, {"merge 0 is not two symbols"});
  CheckVocabulary(file(Texts({})), HOB_INVALID_ARGUMENT, {"0 merges for 259 tokens"});
  CheckVocabulary(file(Numbers<int32_t>(kI32, {1})), HOB_INVALID_ARGUMENT,
                  {"'tokenizer.ggml.merges' is not an array of strings"});
  // Of parts that are no tokens: what they make falls back to bytes.
  const TokenizerPtr tokenizer = Tokenizer(file(Texts({"x y", "xy z", "nowhere else", "a b"})));
  CheckRoundTrip(tokenizer.get(), "xyz ab nowhereelse");
}

// llama.cpp: two tokens with one text met an assertion. Published models have such (Gemma 4): the
// lower id is found, both are decoded.
// hob: opens it; the lower id is found.
TEST_CASE("llama.cpp#25739: duplicate tokens") {
  const TinyModel tiny;
  std::vector<std::string> tokens = tiny.tokens();
  tokens.push_back("ab");
  tokens.push_back("a");
  const TokenizerPtr tokenizer =
      Tokenizer(VocabularyFile({{"tokenizer.ggml.model", Text("gpt2")},
                                {"tokenizer.ggml.pre", Text("gpt-2")},
                                {"tokenizer.ggml.tokens", Texts(tokens)},
                                {"tokenizer.ggml.merges", Texts({"a b", "a b"})}}));
  CHECK(Encode(tokenizer.get(), "ab") == std::vector<int32_t>{256});
  CHECK(Decode(tokenizer.get(), {259, 260}) == "aba");
}

// The vocabulary wants a BOS token before each text and has none.
// hob: adds none.
TEST_CASE("class: a missing BOS token") {
  const TinyModel tiny;
  const TokenizerPtr tokenizer =
      Tokenizer(VocabularyFile({{"tokenizer.ggml.model", Text("gpt2")},
                                {"tokenizer.ggml.pre", Text("gpt-2")},
                                {"tokenizer.ggml.tokens", Texts(tiny.tokens())},
                                {"tokenizer.ggml.add_bos_token", Flag(true)},
                                {"tokenizer.ggml.add_eos_token", Flag(true)},
                                {"tokenizer.ggml.merges", Texts({"a b"})}}));
  CHECK(Encode(tokenizer.get(), "ab", HOB_TEXT_ADD_SPECIAL) == std::vector<int32_t>{256});
}

// The kind of tokenizer chooses the code: an unknown one fell through to a default.
TEST_CASE("class: tokenizers that nobody knows") {
  const Keys keys = SentencePieceKeys({});
  CheckVocabulary(VocabularyFile(With(keys, "tokenizer.ggml.model", Text("runes"))),
                  HOB_UNIMPLEMENTED, {"tokenizer model \"runes\" is not supported"});
  CheckVocabulary(VocabularyFile(With(keys, "tokenizer.ggml.tokens", Texts({}))),
                  HOB_INVALID_ARGUMENT, {"vocabulary"});
  CheckVocabulary(BpeVocabulary("no such"), HOB_UNIMPLEMENTED,
                  {"pre-tokenizer \"no such\" is not supported"});
  CheckVocabulary(VocabularyFile({{"tokenizer.ggml.model", Text("bert")},
                                  {"tokenizer.ggml.tokens", Texts({"a"})}}),
                  HOB_INVALID_ARGUMENT, {"WordPiece without an unknown token"});
}

// Special tokens are looked for at each byte: one as long as the text makes that its square.
TEST_CASE("class: special tokens as long as a text") {
  const Keys keys = SentencePieceKeys({{Times(100000, "a") + "b", 3}});
  CheckVocabulary(VocabularyFile(keys), HOB_INVALID_ARGUMENT,
                  {"special token 98 has 100001 bytes; at most 512 are allowed"});
  std::vector<std::pair<std::string, int32_t>> many;
  for (int i = 0; i < 9000; ++i) many.emplace_back(std::to_string(i) + Times(500, "x"), 4);
  CheckVocabulary(VocabularyFile(SentencePieceKeys(many)), HOB_INVALID_ARGUMENT,
                  {"the special tokens have", "at most 4194304 are allowed"});
  // The longest that is allowed, and a text that nearly is it at every byte.
  const TokenizerPtr tokenizer =
      Tokenizer(VocabularyFile(SentencePieceKeys({{Times(511, "a") + "b", 4}, {"a", 4}})));
  CHECK(Encode(tokenizer.get(), Times(kMegabyte / 8, "a")).size() >= kMegabyte / 8);
}

// One word of a megabyte: byte-pair merging that scans all pairs for each merge takes its square.
// hob: encodes it in n log n.
TEST_CASE("class: a word of a megabyte") {
  const TokenizerPtr bpe = Tokenizer(BpeVocabulary("gpt-2"));
  CHECK(CheckRoundTrip(bpe.get(), Times(kMegabyte / 2, "ab")) == kMegabyte / 2);
  const TokenizerPtr pieces = Tokenizer(VocabularyFile(
      SentencePieceKeys({{"ab", 1}, {"abab", 1}, {"abababab", 1}, {Times(8192, "ab"), 1}})));
  CHECK(CheckRoundTrip(pieces.get(), Times(kMegabyte / 2, "ab")) < kMegabyte / 2);
  const TokenizerPtr words =
      Tokenizer(VocabularyFile({{"tokenizer.ggml.model", Text("bert")},
                                {"tokenizer.ggml.tokens", Texts({"[UNK]", "a", "b"})},
                                {"tokenizer.ggml.unknown_token_id", U32(0)}}));
  CHECK(Encode(words.get(), Times(kMegabyte / 2, "ab")) == std::vector<int32_t>{0});
}

// Ordering combining marks takes the square of their number in a row.
// hob: orders them 128 at a time.
TEST_CASE("class: a letter with a million accents") {
  const TokenizerPtr tokenizer = Tokenizer(BpeVocabulary("qwen2"));  // normalises (NFC)
  CHECK(Encode(tokenizer.get(), "a" + Times(kMegabyte / 4, "\xCC\x81\xCC\x96")).size() >
        kMegabyte / 2);
}

// Ids index the table of tokens.
TEST_CASE("class: token ids that are none") {
  const TokenizerPtr tokenizer = Tokenizer(BpeVocabulary("gpt-2"));
  for (const int32_t id :
       {-1, 259, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()}) {
    CheckOutcome(Try([&](auto e) {
                   char* text = nullptr;
                   size_t size = 0;
                   return hob_tokenizer_decode(&text, &size, tokenizer.get(), &id, 1,
                                               HOB_TEXT_PLAIN, e);
                 }),
                 HOB_INVALID_ARGUMENT,
                 {"token id " + std::to_string(id) + " is not one of the vocabulary's 259"});
  }
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const SessionPtr session = MakeSession(model.get());
  const int32_t bad[] = {1, 1 << 30};
  CheckOutcome(Try([&](auto e) { return hob_session_add_tokens(session.get(), bad, 2, e); }),
               HOB_INVALID_ARGUMENT, {"1073741824"});
  CheckStillAnswers(runtime.get());
}
