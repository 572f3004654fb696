// SPDX-License-Identifier: Apache-2.0
// Embeddings of a small encoder with random weights: what a text's vector may depend on, options,
// errors. tests/golden compares a real one's with the original implementation.
#include <atomic>
#include <cmath>
#include <cstring>
#include <thread>

#include "tests/abi/client.h"
#include "tests/support/bert_folder.h"

using namespace hob::test;

namespace {

const std::vector<std::string_view> kTexts = {
    "a",
    "hello, world!",
    "",
    "the quick brown fox jumps",
    "ab cd ef gh",
    "[x]",
    "nobody knows you when",
    "\xC3\x89t\xC3\xA9",
    "zzz zzz zzz zzz zzz zzz",
    "a b c d e f g h i j k l m n o p q r s t u v w x y z"};
constexpr size_t kWidth = 64;

struct Encoder {
  explicit Encoder(const BertFolder& made = {}, uint32_t threads = 2,
                   hob_model_options options = HOB_MODEL_OPTIONS_INIT) {
    made.Write(folder / "m");
    Open(folder / "m", threads, options);
  }
  void Open(const std::string& path, uint32_t threads, const hob_model_options& options) {
    hob_runtime_options runtime_options = HOB_RUNTIME_OPTIONS_INIT;
    runtime_options.threads = threads;
    hob_runtime* r = nullptr;
    REQUIRE(hob_runtime_create(&r, &runtime_options, nullptr) == HOB_OK);
    runtime.reset(r);
    hob_model* m = nullptr;
    const Outcome opened =
        Try([&](auto e) { return hob_model_open(&m, r, path.data(), path.size(), &options, e); });
    INFO(opened.message);
    REQUIRE(opened.status == HOB_OK);
    model.reset(m);
  }
  TemporaryFolder folder;
  RuntimePtr runtime;
  ModelPtr model;
};

using EmbedderPtr = std::unique_ptr<hob_embedder, Destroyer<hob_embedder_destroy>>;

EmbedderPtr Make(const ModelPtr& model, const hob_embedder_options* options = nullptr) {
  hob_embedder* embedder = nullptr;
  const Outcome made =
      Try([&](auto e) { return hob_embedder_create(&embedder, model.get(), options, e); });
  INFO(made.message);
  REQUIRE(made.status == HOB_OK);
  return EmbedderPtr(embedder);
}

Outcome CannotMake(const ModelPtr& model, const hob_embedder_options* options = nullptr) {
  hob_embedder* embedder = nullptr;
  return Try([&](auto e) { return hob_embedder_create(&embedder, model.get(), options, e); });
}

std::vector<float> Embed(const EmbedderPtr& embedder, const std::vector<std::string_view>& texts,
                         uint64_t* tokens = nullptr) {
  std::vector<hob_string> list;
  for (const std::string_view text : texts) list.push_back({text.data(), text.size()});
  std::vector<float> rows(texts.size() * kWidth);
  const Outcome done = Try([&](auto e) {
    return hob_embedder_embed(rows.data(), rows.size(), tokens, embedder.get(), list.data(),
                              list.size(), e);
  });
  INFO(done.message);
  REQUIRE(done.status == HOB_OK);
  return rows;
}

std::vector<float> Row(const std::vector<float>& rows, size_t index) {
  return {rows.begin() + static_cast<ptrdiff_t>(index * kWidth),
          rows.begin() + static_cast<ptrdiff_t>((index + 1) * kWidth)};
}

double Dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * b[i];
  return sum;
}
double Cosine(const std::vector<float>& a, const std::vector<float>& b) {
  return Dot(a, b) / std::sqrt(Dot(a, a) * Dot(b, b));
}

}  // namespace

TEST_CASE("a text's vector is the same bits alone, in any batch and on any number of threads") {
  std::vector<float> first;
  for (const uint32_t threads : {1u, 2u, 4u}) {
    const Encoder encoder({}, threads);
    const EmbedderPtr embedder = Make(encoder.model);
    uint64_t tokens = 0, counted = 0;
    const std::vector<float> rows = Embed(embedder, kTexts, &tokens);
    if (first.empty()) first = rows;
    CHECK((rows == first));
    for (size_t i = 0; i < kTexts.size(); ++i) {
      CAPTURE(threads, i);
      const std::vector<float> alone = Embed(embedder, {kTexts[i]});
      CHECK((alone == Row(rows, i)));
      CHECK(std::abs(Dot(alone, alone) - 1) < 1e-6);
      size_t count = 0;
      REQUIRE(hob_embedder_count_tokens(&count, embedder.get(), kTexts[i].data(), kTexts[i].size(),
                                        nullptr) == HOB_OK);
      counted += count;
    }
    CHECK(tokens == counted);
    // Many passes, in another order, with what stood first at the end.
    std::vector<std::string_view> many;
    for (int i = 0; i < 40; ++i) many.insert(many.end(), kTexts.rbegin(), kTexts.rend());
    const std::vector<float> all = Embed(embedder, many);
    bool same = true;
    for (size_t i = 0; i < many.size(); ++i) {
      same = same && Row(all, i) == Row(rows, kTexts.size() - 1 - i % kTexts.size());
    }
    CHECK(same);
  }
  // Different texts are told apart.
  CHECK(Cosine(Row(first, 0), Row(first, 1)) < 0.999);
}

TEST_CASE("max_batch_rows, several threads at a time and a converted file change no bit") {
  const Encoder encoder;
  const EmbedderPtr embedder = Make(encoder.model);
  const std::vector<float> rows = Embed(embedder, kTexts);

  hob_model_options options = HOB_MODEL_OPTIONS_INIT;
  options.max_batch_rows = 33;
  const Encoder narrow({}, 2, options);
  CHECK((Embed(Make(narrow.model), kTexts) == rows));

  std::atomic<int> same{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      std::vector<hob_string> list;
      for (const std::string_view text : kTexts) list.push_back({text.data(), text.size()});
      std::vector<float> mine(rows.size());
      for (int i = 0; i < 10; ++i) {
        if (hob_embedder_embed(mine.data(), mine.size(), nullptr, embedder.get(), list.data(),
                               list.size(), nullptr) == HOB_OK &&
            mine == rows) {
          ++same;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(same == 40);

  const std::string from = encoder.folder / "m", to = encoder.folder / "m.hob";
  if (hob_convert(from.data(), from.size(), to.data(), to.size(), nullptr, nullptr) ==
      HOB_UNIMPLEMENTED) {
    return;
  }
  Encoder converted;
  converted.Open(to, 2, HOB_MODEL_OPTIONS_INIT);
  CHECK((Embed(Make(converted.model), kTexts) == rows));
}

TEST_CASE("int8 weights stay near, and keep what holds of bits") {
  const Encoder encoder;
  const std::vector<float> precise = Embed(Make(encoder.model), kTexts);
  const std::string from = encoder.folder / "m", to = encoder.folder / "m.hob";
  hob_convert_options convert = HOB_CONVERT_OPTIONS_INIT;
  convert.weights = HOB_CONVERT_INT8;
  const hob_status made =
      hob_convert(from.data(), from.size(), to.data(), to.size(), &convert, nullptr);
  if (made == HOB_UNIMPLEMENTED) SKIP("this build leaves conversion out");
  REQUIRE(made == HOB_OK);
  for (const hob_activations activations : {HOB_ACTIVATIONS_INT16, HOB_ACTIVATIONS_INT8}) {
    std::vector<float> first;
    for (const uint32_t threads : {1u, 3u}) {
      hob_model_options options = HOB_MODEL_OPTIONS_INIT;
      options.activations = activations;
      Encoder int8;
      int8.Open(to, threads, options);
      const EmbedderPtr embedder = Make(int8.model);
      const std::vector<float> rows = Embed(embedder, kTexts);
      if (first.empty()) first = rows;
      CHECK((rows == first));
      for (size_t i = 0; i < kTexts.size(); ++i) {
        CAPTURE(activations, threads, i);
        CHECK((Embed(embedder, {kTexts[i]}) == Row(rows, i)));
        CHECK(Cosine(Row(rows, i), Row(precise, i)) > 0.995);
      }
    }
  }
}

TEST_CASE("pooling and normalisation are the model's, or what options say") {
  BertFolder plain;
  plain.cls = true;
  plain.normalize = false;
  const Encoder encoder(plain), usual;
  hob_embedder_info info = HOB_EMBEDDER_INFO_INIT;
  const EmbedderPtr raw = Make(encoder.model), scaled = Make(usual.model);
  REQUIRE(hob_embedder_get_info(&info, raw.get(), nullptr) == HOB_OK);
  CHECK(info.dimension == kWidth);
  CHECK(info.max_tokens == 96);
  CHECK(info.pooling == HOB_POOLING_CLS);
  CHECK(info.normalized == 0);
  REQUIRE(hob_embedder_get_info(&info, scaled.get(), nullptr) == HOB_OK);
  CHECK(info.pooling == HOB_POOLING_MEAN);
  CHECK(info.normalized == 1);

  const std::vector<float> first = Embed(raw, kTexts);
  CHECK(std::abs(Dot(Row(first, 1), Row(first, 1)) - 1) > 0.1);
  hob_embedder_options options = HOB_EMBEDDER_OPTIONS_INIT;
  options.pooling = HOB_POOLING_MEAN;
  options.normalization = HOB_NORMALIZATION_ON;
  CHECK((Embed(Make(encoder.model, &options), kTexts) == Embed(scaled, kTexts)));
  options.pooling = HOB_POOLING_CLS;
  options.normalization = HOB_NORMALIZATION_OFF;
  CHECK((Embed(Make(usual.model, &options), kTexts) == first));
  CHECK(Cosine(Row(first, 1), Row(Embed(scaled, kTexts), 1)) < 0.9999);

  BertFolder bare;  // transformers' files alone
  bare.modules = false;
  bare.prefix = "bert.";
  const Encoder folder(bare);
  CHECK((Embed(Make(folder.model), kTexts) == Embed(scaled, kTexts)));
}

TEST_CASE("a long text is cut before its end token, or refused") {
  BertFolder short_texts;
  short_texts.max_tokens = 6;
  const Encoder encoder(short_texts), usual;
  const EmbedderPtr embedder = Make(encoder.model);
  // [CLS] a b c d [SEP]
  CHECK((Embed(embedder, {"a b c d e f"}) == Embed(Make(usual.model), {"a b c d"})));
  uint64_t tokens = 0;
  Embed(embedder, {"a b c d e f", "a"}, &tokens);
  CHECK(tokens == 9);
  size_t count = 0;
  REQUIRE(hob_embedder_count_tokens(&count, embedder.get(), "a b c d e f", 11, nullptr) == HOB_OK);
  CHECK(count == 8);

  hob_embedder_options options = HOB_EMBEDDER_OPTIONS_INIT;
  options.refuse_longer = 1;
  const EmbedderPtr strict = Make(encoder.model, &options);
  const hob_string texts[] = {{"a b c d", 7}, {"a b c d e", 9}};
  std::vector<float> rows(2 * kWidth);
  Outcome outcome = Try([&](auto e) {
    return hob_embedder_embed(rows.data(), rows.size(), nullptr, strict.get(), texts, 2, e);
  });
  CHECK(outcome.status == HOB_OUT_OF_RANGE);
  CHECK(outcome.message.find("text 1: it has 7 tokens, of which 6") != std::string::npos);

  options.max_tokens = 96;  // as many as there are positions
  CHECK((Embed(Make(encoder.model, &options), {"a b c d e f"}) ==
         Embed(Make(usual.model), {"a b c d e f"})));
  options.max_tokens = 97;
  outcome = CannotMake(encoder.model, &options);
  CHECK(outcome.status == HOB_INVALID_ARGUMENT);
  CHECK(outcome.message.find("max_tokens is 97, not between 3 and 96") != std::string::npos);
}

TEST_CASE("what an embedder refuses") {
  const Encoder encoder;
  const EmbedderPtr embedder = Make(encoder.model);
  std::vector<float> rows(2 * kWidth);
  const hob_string texts[] = {{"fine", 4}, {"\xFF", 1}};
  const auto embed = [&](size_t room, size_t count) {
    return Try([&](auto e) {
      return hob_embedder_embed(rows.data(), room, nullptr, embedder.get(), texts, count, e);
    });
  };
  CHECK(embed(rows.size(), 1).status == HOB_OK);
  CHECK(embed(0, 0).status == HOB_OK);
  Outcome outcome = embed(rows.size(), 2);
  CHECK(outcome.status == HOB_INVALID_ARGUMENT);
  CHECK(outcome.message.find("text 1: text is not UTF-8 at byte 0") != std::string::npos);
  outcome = embed(rows.size() - 1, 2);
  CHECK(outcome.status == HOB_INVALID_ARGUMENT);
  CHECK(outcome.message.find("room for 127 floats; 2 texts take 64 each") != std::string::npos);

  hob_embedder_options options = HOB_EMBEDDER_OPTIONS_INIT;
  options.pooling = 3;
  CHECK(CannotMake(encoder.model, &options).status == HOB_INVALID_ARGUMENT);
  options = HOB_EMBEDDER_OPTIONS_INIT;
  options.normalization = 3;
  CHECK(CannotMake(encoder.model, &options).status == HOB_INVALID_ARGUMENT);
  options = HOB_EMBEDDER_OPTIONS_INIT;
  options.max_tokens = 2;
  CHECK(CannotMake(encoder.model, &options).status == HOB_INVALID_ARGUMENT);

  int passes = 0;
  options = HOB_EMBEDDER_OPTIONS_INIT;
  options.progress = [](void* user, uint64_t done, uint64_t total) -> int32_t {
    ++*static_cast<int*>(user);
    return done < total ? 1 : 0;
  };
  options.progress_user = &passes;
  const EmbedderPtr told = Make(encoder.model, &options);
  CHECK((Embed(told, kTexts) == Embed(embedder, kTexts)));  // one pass
  CHECK(passes == 1);
  const std::string line = "a b c d e f g h i j k l m n o p q r s t u v w x y z";
  const std::vector<hob_string> many(100, hob_string{line.data(), line.size()});
  rows.resize(many.size() * kWidth);
  CHECK(hob_embedder_embed(rows.data(), rows.size(), nullptr, told.get(), many.data(), many.size(),
                           nullptr) == HOB_CANCELLED);
  CHECK(passes == 2);  // the first of some
}

TEST_CASE("encoders do not generate, decoders do not embed") {
  const Encoder encoder;
  hob_session* session = nullptr;
  Outcome outcome =
      Try([&](auto e) { return hob_session_create(&session, encoder.model.get(), nullptr, e); });
  CHECK(outcome.status == HOB_FAILED_PRECONDITION);
  CHECK(outcome.message.find("(bert) is an encoder") != std::string::npos);
  CHECK(outcome.hint.find("embedder") != std::string::npos);

  Encoder decoder;
  decoder.Open((hob::testing::SourceDir() / "tests/fixtures/smollm-q4_1.gguf").string(), 1,
               HOB_MODEL_OPTIONS_INIT);
  outcome = CannotMake(decoder.model);
  CHECK(outcome.status == HOB_FAILED_PRECONDITION);
  CHECK(outcome.message.find("(llama) is a decoder") != std::string::npos);

  hob_session_options options = HOB_SESSION_OPTIONS_INIT;
  options.draft = encoder.model.get();
  hob_model* same = nullptr;  // in the encoder's runtime
  const std::string path = (hob::testing::SourceDir() / "tests/fixtures/smollm-q4_1.gguf").string();
  REQUIRE(hob_model_open(&same, encoder.runtime.get(), path.data(), path.size(), nullptr,
                         nullptr) == HOB_OK);
  const ModelPtr target(same);
  outcome = Try([&](auto e) { return hob_session_create(&session, same, &options, e); });
  CHECK(outcome.status == HOB_FAILED_PRECONDITION);
  CHECK(outcome.message.find("the draft model (bert) is an encoder") != std::string::npos);

  hob_model_options vocabulary = HOB_MODEL_OPTIONS_INIT;
  vocabulary.vocabulary_only = 1;
  Encoder words;
  words.Open(encoder.folder / "m", 1, vocabulary);
  CHECK(CannotMake(words.model).status == HOB_FAILED_PRECONDITION);
}

TEST_CASE("an encoder's plan is what it takes, without a cache") {
  const Encoder encoder;
  hob_model_plan_info plan = HOB_MODEL_PLAN_INFO_INIT;
  const std::string path = encoder.folder / "m";
  REQUIRE(hob_model_plan(&plan, encoder.runtime.get(), path.data(), path.size(), nullptr,
                         nullptr) == HOB_OK);
  hob_model_info info = HOB_MODEL_INFO_INIT;
  REQUIRE(hob_model_get_info(&info, encoder.model.get(), nullptr) == HOB_OK);
  CHECK(plan.scratch_bytes == info.scratch_bytes);
  CHECK(plan.weight_bytes == info.weight_bytes);
  CHECK(plan.kv_bytes_per_token == 0);
  CHECK(plan.session_bytes == 0);
  CHECK(plan.evaluate_bytes == 0);
  CHECK(info.kv_heads == 0);
  CHECK(info.width == kWidth);
  // No batch takes memory of the runtime.
  const EmbedderPtr embedder = Make(encoder.model);
  hob_runtime_info before = HOB_RUNTIME_INFO_INIT, after = HOB_RUNTIME_INFO_INIT;
  REQUIRE(hob_runtime_get_info(&before, encoder.runtime.get(), nullptr) == HOB_OK);
  Embed(embedder, std::vector<std::string_view>(500, kTexts[3]));
  REQUIRE(hob_runtime_get_info(&after, encoder.runtime.get(), nullptr) == HOB_OK);
  CHECK(after.peak_bytes == before.peak_bytes);
}
