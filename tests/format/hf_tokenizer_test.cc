// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch_test_macros.hpp>
#include <functional>

#include "lib/format/hugging_face.h"
#include "lib/text/tokenizer.h"
#include "tests/support/bert_folder.h"
#include "tests/support/fixture_file.h"
#include "tests/support/hf_folder.h"

namespace hob::format {
namespace {

using nlohmann::json;

StatusOr<Vocabulary> Read(const json& tokenizer, const json& settings = json::object()) {
  const auto first = Json::Parse(tokenizer.dump()), second = Json::Parse(settings.dump());
  if (!first.ok()) return first.status();
  const JsonValue files[] = {second->root()};
  return ReadHfTokenizer(first->root(), files);
}

const char* const kTexts[] = {"",
                              "hello",
                              " hello the  and",
                              "then, the\n\nother  in 1234 ...",
                              "I'm the one\r\n\tof they",
                              "caf\xC3\xA9 e\xCC\x81 \xE4\xBD\xA0\xE5\xA5\xBD \xF0\x9F\x98\x80",
                              "\xE2\x96\x81the \xE2\x96\x81 the"};

TEST_CASE("the fixtures' vocabularies survive the way through tokenizer.json") {
  for (const char* name :
       {"llama-float", "llama3-q8_0", "smollm-q4_1", "qwen2-bf16", "gemma3-f16"}) {
    DYNAMIC_SECTION(name) {
      const auto fixture = testing::OpenFixture(name);
      const Vocabulary& gguf = fixture->vocabulary;
      const auto hf = Read(test::TokenizerOf(gguf), test::TokenizerConfigOf(gguf));
      INFO(hf.status());
      REQUIRE(hf.ok());
      CHECK(hf->model == gguf.model);
      CHECK(hf->tokens == gguf.tokens);
      CHECK(hf->types == gguf.types);
      CHECK(hf->bos == gguf.bos);
      CHECK(hf->eos == gguf.eos);
      CHECK(hf->padding == gguf.padding);
      CHECK(hf->add_bos == gguf.add_bos);
      CHECK(hf->add_space_prefix == gguf.add_space_prefix);
      const auto ours = text::Tokenizer::Create(*hf), theirs = text::Tokenizer::Create(gguf);
      REQUIRE(ours.ok());
      REQUIRE(theirs.ok());
      for (const char* text : kTexts) {
        for (const bool special : {false, true}) {
          const text::EncodeOptions options{.add_special = special, .parse_special = special};
          const auto a = (*ours)->Encode(text, options), b = (*theirs)->Encode(text, options);
          CAPTURE(text, special);
          CHECK(*a == *b);
          CHECK(*(*ours)->Decode(*a, true) == *(*theirs)->Decode(*b, true));
        }
      }
    }
  }
}

// A SentencePiece-like vocabulary by hand.
json Pieces() {
  json vocab = {{"<unk>", 0}, {"<s>", 1}, {"</s>", 2}};
  for (int byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof(name), "<0x%02X>", byte);
    vocab[name] = 3 + byte;
  }
  int id = 259;
  for (const char* piece : {"\xE2\x96\x81", "a", "b", "ab",
                            "\xE2\x96\x81"
                            "a",
                            "abb"}) {
    vocab[piece] = id++;
  }
  return {{"added_tokens",
           {test::AddedToken(0, "<unk>", true), test::AddedToken(1, "<s>", true),
            test::AddedToken(2, "</s>", true)}},
          {"normalizer", nullptr},
          {"pre_tokenizer",
           {{"type", "Metaspace"},
            {"replacement", "\xE2\x96\x81"},
            {"prepend_scheme", "first"},
            {"split", false}}},
          {"post_processor", nullptr},
          {"decoder", {{"type", "Metaspace"}}},
          {"model",
           {{"type", "BPE"},
            {"unk_token", "<unk>"},
            {"byte_fallback", true},
            {"vocab", vocab},
            {"merges", json::array({{"\xE2\x96\x81", "a"}, {"a", "b"}})}}}};
}

std::vector<int32_t> Ids(const json& tokenizer, std::string_view text) {
  const auto vocabulary = Read(tokenizer);
  INFO(vocabulary.status());
  REQUIRE(vocabulary.ok());
  const auto made = text::Tokenizer::Create(*vocabulary);
  INFO(made.status());
  REQUIRE(made.ok());
  const auto ids = (*made)->Encode(text, {.parse_special = true});
  REQUIRE(ids.ok());
  return *ids;
}

TEST_CASE("merges alone join pieces, in their order") {
  // "abb" is a token, but no merge makes it.
  CHECK(Ids(Pieces(), "abb") == std::vector<int32_t>{263, 261, 261});
  CHECK(Ids(Pieces(), " ab") == std::vector<int32_t>{263, 261});
  json other = Pieces();
  other["model"]["merges"] = {"a b", "\xE2\x96\x81 a", "ab b"};
  CHECK(Ids(other, "abb") == std::vector<int32_t>{259, 264});
  CHECK(Ids(other, "c") == std::vector<int32_t>{259, 3 + 'c'});
}

TEST_CASE("which texts get a space before them") {
  json tokenizer = Pieces();
  using V = std::vector<int32_t>;
  CHECK(Ids(tokenizer, "b<s>b") == V{259, 261, 1, 261});
  CHECK(Ids(tokenizer, " b") == V{259, 261});
  CHECK(Ids(tokenizer, "<s>b") == V{1, 261});
  tokenizer["pre_tokenizer"]["prepend_scheme"] = "always";
  CHECK(Ids(tokenizer, "b<s>b") == V{259, 261, 1, 259, 261});
  CHECK(Ids(tokenizer, "<s> b") == V{1, 259, 261});
  tokenizer["pre_tokenizer"]["prepend_scheme"] = "never";
  CHECK(Ids(tokenizer, "b<s>b") == V{261, 1, 261});
  tokenizer["pre_tokenizer"] = nullptr;
  const std::string mark = "\xE2\x96\x81";
  tokenizer["normalizer"] = {
      {"type", "Sequence"},
      {"normalizers",
       {{{"type", "Prepend"}, {"prepend", mark}},
        {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", mark}}}}};
  CHECK(Ids(tokenizer, " b<s>b") == V{259, 259, 261, 1, 259, 261});
}

json Words() {
  return test::BertFolder::Tokenizer(
      {{"[UNK]", 0}, {"[CLS]", 1}, {"[SEP]", 2}, {"play", 3}, {"##ing", 4}, {",", 5}});
}

TEST_CASE("WordPiece") {
  const auto vocabulary =
      Read(Words(), {{"cls_token", "[CLS]"}, {"sep_token", "[SEP]"}, {"unk_token", "[UNK]"}});
  INFO(vocabulary.status());
  REQUIRE(vocabulary.ok());
  CHECK(vocabulary->model == "bert");
  CHECK(vocabulary->tokens[4] == "ing");
  const auto tokenizer = text::Tokenizer::Create(*vocabulary);
  REQUIRE(tokenizer.ok());
  CHECK(*(*tokenizer)->Encode("Playing, x", {.add_special = true}) ==
        std::vector<int32_t>{1, 3, 4, 5, 0, 2});
}

TEST_CASE("WordPiece: a bracket alone is a word") {
  json words = Words();
  for (const char* token : {"[", "]", "[unused1]"}) {
    words["model"]["vocab"][token] = words["model"]["vocab"].size();
  }
  const auto vocabulary = Read(words, {{"cls_token", "[CLS]"}, {"sep_token", "[SEP]"}});
  INFO(vocabulary.status());
  REQUIRE(vocabulary.ok());
  const auto tokenizer = text::Tokenizer::Create(*vocabulary);
  REQUIRE(tokenizer.ok());
  CHECK(*(*tokenizer)->Encode("[play] [unused1]", {}) == std::vector<int32_t>{6, 3, 7, 6, 0, 7});
}

TEST_CASE("end tokens come from the generation's configuration") {
  const auto add = [](const json& generation, const json& config, Vocabulary* vocabulary) {
    const auto g = Json::Parse(generation.dump()), c = Json::Parse(config.dump());
    return AddGenerationTokens(generation.is_null() ? std::nullopt : std::optional(g->root()),
                               c->root(), vocabulary);
  };
  const auto made = Read(Pieces());
  REQUIRE(made.ok());
  Vocabulary v = *made;
  REQUIRE(add({{"eos_token_id", {2, 1}}}, {{"eos_token_id", 0}, {"bos_token_id", 1}}, &v).ok());
  CHECK(v.eos == 2);
  CHECK(v.eot == 1);
  CHECK(v.bos == 1);
  v = *made;
  REQUIRE(add(nullptr, {{"eos_token_id", 2}}, &v).ok());
  CHECK(v.eos == 2);
  CHECK(v.eot == -1);
  v = *made;
  CHECK(add(nullptr, {{"eos_token_id", 9999}}, &v).code() == StatusCode::kInvalidArgument);
  v = *made;
  CHECK(add({{"eos_token_id", {2, 1, 260}}}, {}, &v).code() == StatusCode::kUnimplemented);
}

TEST_CASE("a tokenizer that hob does not run, or that does not hold together, is refused") {
  struct Case {
    const char* what;
    std::function<void(json&)> change;
    StatusCode code;
    const char* message;
  };
  constexpr StatusCode kInvalid = StatusCode::kInvalidArgument;
  constexpr StatusCode kNotRun = StatusCode::kUnimplemented;
  const auto check = [](const json& start, std::span<const Case> cases) {
    for (const Case& c : cases) {
      json tokenizer = start;
      c.change(tokenizer);
      const Status status = Read(tokenizer, {{"eos_token", nullptr}}).status();
      CAPTURE(c.what, status);
      CHECK(status.code() == c.code);
      CHECK(status.message().find(c.message) != std::string::npos);
      CHECK(!HintOf(status).empty());
    }
  };
  const Case pieces[] = {
      {"no model", [](json& t) { t.erase("model"); }, kInvalid, "no model"},
      {"Unigram", [](json& t) { t["model"]["type"] = "Unigram"; }, kNotRun, "'Unigram'"},
      {"no vocabulary", [](json& t) { t["model"]["vocab"] = json::array(); }, kInvalid, "vocab"},
      {"an id as text", [](json& t) { t["model"]["vocab"]["a"] = "260"; }, kInvalid, "'a'"},
      {"an id in use", [](json& t) { t["model"]["vocab"]["a"] = 261; }, kInvalid, "two tokens"},
      {"no merges", [](json& t) { t["model"].erase("merges"); }, kInvalid, "merges"},
      {"a merge of one", [](json& t) { t["model"]["merges"][0] = {"a"}; }, kInvalid, "merge 0"},
      {"a merge as text of one", [](json& t) { t["model"]["merges"][0] = "ab"; }, kInvalid,
       "merge 0"},
      {"no unknown token", [](json& t) { t["model"]["unk_token"] = "?"; }, kInvalid, "'?'"},
      {"no byte token",
       [](json& t) {
         t["model"]["vocab"].erase("<0x41>");
         t["model"]["vocab"]["x"] = 3 + 0x41;
       },
       kNotRun, "<0x41>"},
      {"dropout", [](json& t) { t["model"]["dropout"] = 0.1; }, kNotRun, "dropout"},
      {"a suffix", [](json& t) { t["model"]["end_of_word_suffix"] = "</w>"; }, kNotRun, "suffix"},
      {"a normaliser", [](json& t) { t["normalizer"] = {{"type", "NFKC"}}; }, kNotRun, "'NFKC'"},
      {"no spaces", [](json& t) { t["pre_tokenizer"] = nullptr; }, kNotRun, "spaces"},
      {"a pre-tokenizer", [](json& t) { t["pre_tokenizer"]["type"] = "Whitespace"; }, kNotRun,
       "'Whitespace'"},
      {"a scheme", [](json& t) { t["pre_tokenizer"]["prepend_scheme"] = "last"; }, kNotRun,
       "'last'"},
      {"splits", [](json& t) { t["pre_tokenizer"]["split"] = true; }, kNotRun, "splits"},
      {"a decoder", [](json& t) { t["decoder"]["type"] = "CTC"; }, kNotRun, "'CTC'"},
      {"a post-processor", [](json& t) { t["post_processor"] = {{"type", "RobertaProcessing"}}; },
       kNotRun, "'RobertaProcessing'"},
      {"a token that swallows spaces", [](json& t) { t["added_tokens"][1]["rstrip"] = true; },
       kNotRun, "rstrip"},
      {"a token without text", [](json& t) { t["added_tokens"][1].erase("content"); }, kInvalid,
       "no content"},
      {"a token with another id", [](json& t) { t["added_tokens"][1]["id"] = 500; }, kInvalid,
       "'<s>' has id 500, but also 1"},
  };
  check(Pieces(), pieces);
  const Case bytes[] = {
      {"a regex",
       [](json& t) {
         t["pre_tokenizer"] = {
             {"type", "Sequence"},
             {"pretokenizers",
              {test::Split("[a-z]+"),
               {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}}}};
       },
       kNotRun, "'[a-z]+'"},
      {"a space before", [](json& t) { t["pre_tokenizer"]["add_prefix_space"] = true; }, kNotRun,
       "add_prefix_space"},
      {"another behaviour",
       [](json& t) {
         t["pre_tokenizer"] = test::Split("x");
         t["pre_tokenizer"]["behavior"] = "Removed";
       },
       kNotRun, "'Removed'"},
      {"no bytes", [](json& t) { t["pre_tokenizer"] = nullptr; }, kNotRun, "no ByteLevel"},
      {"NFC with GPT-2's", [](json& t) { t["normalizer"] = {{"type", "NFC"}}; }, kNotRun,
       "with NFC"},
      {"whole tokens with GPT-2's", [](json& t) { t["model"]["ignore_merges"] = true; }, kNotRun,
       "ignore_merges"},
      {"two tokens before a text",
       [](json& t) {
         const json token = {{"SpecialToken", {{"id", "x"}}}};
         t["post_processor"] = {{"type", "TemplateProcessing"},
                                {"single", {token, token, {{"Sequence", {{"id", "A"}}}}}},
                                {"special_tokens", {{"x", {{"ids", {0}}}}}}};
       },
       kNotRun, "two special tokens"},
      {"a token that is none",
       [](json& t) {
         t["post_processor"] = {
             {"type", "TemplateProcessing"},
             {"single", {{{"SpecialToken", {{"id", "x"}}}}, {{"Sequence", {{"id", "A"}}}}}},
             {"special_tokens", {{"x", {{"ids", {99}}}}}}};
       },
       kInvalid, "id 99"},
  };
  const json small = {
      {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}},
      {"decoder", {{"type", "ByteLevel"}}},
      {"model",
       {{"type", "BPE"}, {"vocab", {{"a", 0}, {"b", 1}, {"ab", 2}}}, {"merges", {"a b"}}}}};
  CHECK(Read(small).ok());
  check(small, bytes);
  const Case words[] = {
      {"accents", [](json& t) { t["normalizer"]["strip_accents"] = false; }, kNotRun, "accents"},
      {"capitals", [](json& t) { t["normalizer"]["lowercase"] = false; }, kNotRun, "capitals"},
      {"long words", [](json& t) { t["model"]["max_input_chars_per_word"] = 200; }, kNotRun,
       "max_input"},
  };
  check(Words(), words);
}

}  // namespace
}  // namespace hob::format
