// SPDX-License-Identifier: Apache-2.0
// The tokenizer without a model: hob/tokenizer.h.
#include <atomic>
#include <thread>

#include "tests/abi/units.h"

#if !defined(_WIN32)
#include <sys/wait.h>
#include <unistd.h>
#endif

using namespace hob::test;

TEST_CASE("a tokenizer from a file answers as its model does") {
  const TokenizerPtr tokenizer = OpenTokenizer(ChatFixture());
  const RuntimePtr runtime = MakeRuntime(1);
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  for (const std::string text :
       {std::string(), std::string("hello there"), std::string("<|im_start|>user\nhé€"),
        std::string("a\0b", 3), std::string("\xF0\x9F\x98\x80 x")}) {
    for (const hob_text_flags flags : {0, 1, 2, 3}) {
      const std::vector<int32_t> tokens = Encode(tokenizer.get(), text, flags);
      int32_t* expected = nullptr;
      size_t count = 0;
      REQUIRE_OK(hob_model_tokenize(&expected, &count, model.get(), text.data(), text.size(), flags,
                                    &error));
      CHECK(tokens == std::vector<int32_t>(expected, expected + count));
      hob_free(expected);
      if ((flags & HOB_TEXT_ADD_SPECIAL) == 0) {
        CHECK(Decode(tokenizer.get(), tokens, HOB_TEXT_SHOW_SPECIAL) == text);
      }
    }
  }
  hob_tokenizer_info info = HOB_TOKENIZER_INFO_INIT;
  REQUIRE_OK(hob_tokenizer_get_info(&info, tokenizer.get(), &error));
  hob_model_info model_info = HOB_MODEL_INFO_INIT;
  REQUIRE_OK(hob_model_get_info(&model_info, model.get(), &error));
  CHECK(info.size == model_info.vocabulary_size);
  CHECK(info.bos_token == model_info.bos_token);
  CHECK(info.eos_token == model_info.eos_token);
}

TEST_CASE("tokens have a text, a kind and an end") {
  const TokenizerPtr tokenizer = OpenTokenizer(ChatFixture());
  hob_tokenizer_info info = HOB_TOKENIZER_INFO_INIT;
  REQUIRE_OK(hob_tokenizer_get_info(&info, tokenizer.get(), &error));
  for (int32_t id = 0; id < info.size; ++id) {
    hob_token_info token = HOB_TOKEN_INFO_INIT;
    REQUIRE_OK(hob_tokenizer_get_token(&token, tokenizer.get(), id, &error));
    REQUIRE(token.text.data[token.text.size] == '\0');
    int32_t found = -1;
    REQUIRE_OK(
        hob_tokenizer_find(&found, tokenizer.get(), token.text.data, token.text.size, &error));
    CHECK(found == id);
  }
  int32_t end = -1;
  REQUIRE_OK(hob_tokenizer_find(&end, tokenizer.get(), "<|im_end|>", 10, &error));
  hob_token_info token = HOB_TOKEN_INFO_INIT;
  REQUIRE_OK(hob_tokenizer_get_token(&token, tokenizer.get(), end, &error));
  CHECK(token.kind == HOB_TOKEN_CONTROL);
  CHECK(token.ends_answer == 1);
  CHECK(Text(token.text) == "<|im_end|>");
  CHECK(Try([&](auto e) {
          return hob_tokenizer_find(&end, tokenizer.get(), "no token", 8, e);
        }).status == HOB_NOT_FOUND);
  for (const int32_t id : {-1, info.size, INT32_MAX}) {
    const Outcome outcome =
        Try([&](auto e) { return hob_tokenizer_get_token(&token, tokenizer.get(), id, e); });
    CHECK(outcome.status == HOB_INVALID_ARGUMENT);
    CHECK(outcome.message.find(std::to_string(id)) != std::string::npos);
  }
}

TEST_CASE("a detokenizer gives whole characters, and what is left at the end") {
  TokenizerPtr tokenizer = OpenTokenizer(ChatFixture());
  const std::string text = "a€ and \xF0\x9F\x98\x80!";
  const std::vector<int32_t> tokens = Encode(tokenizer.get(), text);
  REQUIRE(tokens.size() > 8);  // the characters are cut
  hob_detokenizer* made = nullptr;
  REQUIRE_OK(hob_detokenizer_create(&made, tokenizer.get(), HOB_TEXT_PLAIN, &error));
  const DetokenizerPtr detokenizer(made);
  tokenizer.reset();  // lives on in the detokenizer
  for (int round = 0; round < 2; ++round) {
    std::string streamed;
    hob_string piece;
    for (const int32_t token : tokens) {
      REQUIRE_OK(hob_detokenizer_push(&piece, detokenizer.get(), token, &error));
      CHECK(piece.data[piece.size] == '\0');
      streamed += Text(piece);
      CHECK(text.compare(0, streamed.size(), streamed) == 0);
    }
    REQUIRE_OK(hob_detokenizer_finish(&piece, detokenizer.get(), &error));
    CHECK(piece.size == 0);
    CHECK(streamed == text);
  }
  hob_string piece;
  REQUIRE_OK(hob_detokenizer_push(&piece, detokenizer.get(), tokens[1], &error));
  CHECK(piece.size == 0);  // the first byte of €
  CHECK(Try([&](auto e) {
          return hob_detokenizer_push(&piece, detokenizer.get(), 1'000'000, e);
        }).status == HOB_INVALID_ARGUMENT);
  REQUIRE_OK(hob_detokenizer_finish(&piece, detokenizer.get(), &error));
  CHECK(Text(piece) == "\xEF\xBF\xBD");
}

TEST_CASE("a model's tokenizer outlives the model and its runtime") {
  hob_tokenizer* made = nullptr;
  {
    const RuntimePtr runtime = MakeRuntime(1);
    const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
    REQUIRE_OK(hob_model_get_tokenizer(&made, model.get(), &error));
  }
  const TokenizerPtr tokenizer(made);
  CHECK(Decode(tokenizer.get(), Encode(tokenizer.get(), "hello")) == "hello");
}

TEST_CASE("a file without a vocabulary that hob reads is refused by name") {
  hob_tokenizer* out = nullptr;
  const auto open = [&](const std::string& path) {
    return Try([&](auto e) { return hob_tokenizer_open(&out, path.data(), path.size(), e); });
  };
  CHECK(open("/no/such/file.gguf").status == HOB_NOT_FOUND);
  CHECK(open(Fixture("README.md")).status == HOB_INVALID_ARGUMENT);
  CHECK(open("\xFF").status == HOB_INVALID_ARGUMENT);
  CHECK(out == nullptr);
}

TEST_CASE("a length that no memory holds is refused") {
  hob_tokenizer* out = nullptr;
  CHECK(Try([&](auto e) { return hob_tokenizer_open(&out, "x", SIZE_MAX, e); }).status ==
        HOB_RESOURCE_EXHAUSTED);
  CHECK(out == nullptr);
}

TEST_CASE("many threads share one tokenizer") {
  const TokenizerPtr tokenizer = OpenTokenizer(ChatFixture());
  const std::vector<int32_t> expected = Encode(tokenizer.get(), "the same text");
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        int32_t* tokens = nullptr;
        size_t count = 0;
        if (hob_tokenizer_encode(&tokens, &count, tokenizer.get(), "the same text", 13, 0,
                                 nullptr) != HOB_OK ||
            std::vector<int32_t>(tokens, tokens + count) != expected) {
          ++wrong;
        }
        hob_free(tokens);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

#if !defined(_WIN32)
TEST_CASE("a tokenizer works on in a forked child") {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  SKIP("the sanitizers do not follow a fork");
#endif
  const TokenizerPtr tokenizer = OpenTokenizer(ChatFixture());
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    alarm(60);
    int32_t* tokens = nullptr;
    size_t count = 0;
    const hob_status status =
        hob_tokenizer_encode(&tokens, &count, tokenizer.get(), "hello", 5, 0, nullptr);
    _exit(status == HOB_OK && count > 0 ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
#endif
