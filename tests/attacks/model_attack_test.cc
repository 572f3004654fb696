// SPDX-License-Identifier: Apache-2.0
// GGUF files that are well formed, of models that cannot be: hyperparameters, shapes and weights.
#include <cstring>
#include <limits>

#include "tests/attacks/attack.h"

using namespace hob::test;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

void CheckKey(std::string_view key, const Bytes& value, Parts parts,
              hob_status status = HOB_INVALID_ARGUMENT) {
  CAPTURE(key);
  CheckRefused(TinyModel().Set(key, value), status, parts);
}

// A model that opens, and whose answer is an error and not a token.
void CheckNoNumbers(const TinyModel& model) {
  const TemporaryFolder folder;
  const std::string path = folder / "nan.gguf";
  WriteBytes(path, model.Build());
  const RuntimePtr runtime = MakeRuntime();
  {
    const ModelPtr opened = OpenModel(runtime.get(), path);
    const SessionPtr session = MakeSession(opened.get());
    AddTokens(session.get(), {1, 2, 3});
    hob_sampler_options sampler = HOB_SAMPLER_OPTIONS_INIT;
    for (const float temperature : {0.0f, 1.0f}) {
      sampler.temperature = temperature;
      sampler.top_k = temperature > 0 ? 40 : 0;
      REQUIRE_OK(hob_session_set_sampler(session.get(), &sampler, &error));
      hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
      options.max_tokens = 4;
      CheckOutcome(
          Try([&](auto e) { return hob_session_generate(nullptr, session.get(), &options, e); }),
          HOB_DATA_LOSS, {"the model's logits are not numbers"});
    }
  }
  CheckStillAnswers(runtime.get());
}

}  // namespace

TEST_CASE("the tiny model itself answers") { CHECK(CheckAnswers(TinyModel().Build()).size() == 7); }

// Many loaders divide the width by the number of heads first and look later (SIGFPE).
TEST_CASE("class: no attention heads") {
  CheckKey("llama.attention.head_count", U32(0),
           {"'llama.attention.head_count' is 0; 1 to 4096 are allowed"});
  CheckKey("llama.attention.head_count", U32(0xFFFFFFFF),
           {"'llama.attention.head_count' is 4294967295"});
  CheckKey("llama.attention.head_count", U64(~uint64_t{0}), {"is 18446744073709551615"});
  CheckKey("llama.attention.head_count", F32(2), {"is not an integer"});
  CheckKey("llama.attention.head_count", Numbers<uint32_t>(kU32, {2, 2}), {"is not an integer"});
}

// Grouped heads: queries are divided by key-value heads.
TEST_CASE("class: key-value heads that do not divide the heads") {
  CheckKey("llama.attention.head_count_kv", U32(0), {"head_count_kv' is 0"});
  CheckKey("llama.attention.head_count_kv", U32(4),
           {"2 attention heads are not a multiple of 4 key-value heads"});
  CheckKey("llama.attention.head_count_kv", U32(0x80000000), {"head_count_kv' is 2147483648"});
}

// llama.cpp: block_count was not held against the 512 places of the arrays that it indexes.
TEST_CASE("llama.cpp#25821: more layers than there are") {
  CheckKey("llama.block_count", U32(513), {"tensor blk.1.attn_norm.weight is missing"});
  CheckKey("llama.block_count", U32(4097), {"'llama.block_count' is 4097; 1 to"});
  CheckKey("llama.block_count", U32(0x7FFFFFFF), {"'llama.block_count' is 2147483647"});
  CheckKey("llama.block_count", U32(0), {"'llama.block_count' is 0"});
}

// llama.cpp: a mixture of experts of which none is used: a division by 0 while loading.
TEST_CASE("llama.cpp#28345: zero experts used") {
  TinyModel model;
  model.Set("llama.expert_count", U32(8)).Set("llama.expert_used_count", U32(0));
  CheckRefused(model, HOB_UNIMPLEMENTED, {"llama.expert_count is 8", "mixture of experts"});
  CheckKey("llama.expert_count", U32(0xFFFFFFFF), {"'llama.expert_count' is 4294967295"});
}

// A norm divides by √(mean square + epsilon): below 0 that is no number.
TEST_CASE("class: a norm's epsilon that is negative or no number") {
  for (const float epsilon : {-1.0f, kNan, kInfinity, 2.0f}) {
    CheckKey("llama.attention.layer_norm_rms_epsilon", F32(epsilon),
             {"attn_norm", "epsilon is not a number from 0 to 1"});
  }
}

// Rotary frequencies are powers of the base: of zero or below they are infinite or no numbers.
TEST_CASE("class: a rotary base of zero, below, or no number") {
  for (const float base : {0.0f, -10000.0f, kNan, kInfinity}) {
    CheckKey("llama.rope.freq_base", F32(base), {"rope_angles", "base is not a number from 1 to"});
  }
}

// Rotary positions turn channels in pairs: an odd or too large number of them reads past the head.
TEST_CASE("class: rotary dimensions that are odd or wider than a head") {
  CheckKey("llama.rope.dimension_count", U32(3), {"dimensions is odd"});
  CheckKey("llama.rope.dimension_count", U32(18), {"'llama.rope.dimension_count' is 18; 2 to 16"});
  CheckKey("llama.rope.dimension_count", U32(0x80000000), {"is 2147483648"});
}

// Positions are divided by a factor that the file gives.
TEST_CASE("class: rope scaling by a factor that is none") {
  for (const float factor : {0.0f, -1.0f, kNan, kInfinity}) {
    TinyModel model;
    model.Set("llama.rope.scaling.type", Text("linear"));
    model.Set("llama.rope.scaling.factor", F32(factor));
    CheckRefused(model, HOB_INVALID_ARGUMENT, {"llama.rope.scaling.factor is not above 0"});
  }
  CheckKey("llama.rope.scaling.type", Text("sideways"), {"rope scaling of type \"sideways\""},
           HOB_UNIMPLEMENTED);
}

// The cache is sized by the context: 0 makes none, 2^63 wraps.
TEST_CASE("class: a context of 0 or 2^63 tokens") {
  CheckKey("llama.context_length", U32(0), {"'llama.context_length' is 0"});
  CheckKey("llama.context_length", U64(uint64_t{1} << 63),
           {"'llama.context_length' is 9223372036854775808"});
  CheckKey("llama.context_length", U64((uint64_t{1} << 63) - 1), {"is 9223372036854775807"});
}

// The largest context that is allowed takes memory only as it is used, and none of a budget.
TEST_CASE("class: a context that is larger than memory") {
  const TemporaryFolder folder;
  const std::string path = folder / "long.gguf";
  WriteBytes(path, TinyModel().Set("llama.context_length", U32(1u << 24)).Build());
  hob_runtime_options options = HOB_RUNTIME_OPTIONS_INIT;
  options.threads = 2;
  options.memory_limit = 64u << 20;
  hob_runtime* made = nullptr;
  REQUIRE_OK(hob_runtime_create(&made, &options, &error));
  const RuntimePtr runtime(made);
  const double peak = PeakMiB([&] {
    const ModelPtr model = OpenModel(runtime.get(), path);
    hob_session* session = nullptr;
    const Outcome outcome =
        Try([&](auto e) { return hob_session_create(&session, model.get(), nullptr, e); });
    CheckOutcome(outcome, HOB_RESOURCE_EXHAUSTED,
                 {"a session of 16777216 tokens needs", "memory_limit is 67108864"});
  });
  CHECK(peak < 128);
  CheckStillAnswers(runtime.get());
}

// Loops that run to a hyperparameter read past tensors that are smaller.
TEST_CASE("class: a width that the tensors do not have") {
  CheckKey("llama.embedding_length", U32(64), {"blk.0.attn_norm.weight has 32 elements"});
  CheckKey("llama.embedding_length", U32(0), {"'llama.embedding_length' is 0"});
  CheckKey("llama.embedding_length", U32(0xFFFFFFFF), {"'llama.embedding_length' is 4294967295"});
  CheckKey("llama.feed_forward_length", U32(64), {"blk.0.ffn_gate"});
  CheckKey("llama.attention.key_length", U32(4096), {"blk.0.attn_q"});
  CheckKey("llama.attention.value_length", U32(8), {"keys of 16 and values of 8 channels"},
           HOB_UNIMPLEMENTED);
}

// Token ids index the embedding: a vocabulary that is larger reads past it.
TEST_CASE("class: a vocabulary larger than the embedding") {
  TinyModel model;
  std::vector<std::string> tokens = model.tokens();
  for (int i = 0; i < 100; ++i) tokens.push_back("more" + std::to_string(i));
  model.Vocabulary(tokens);
  CheckRefused(model, HOB_INVALID_ARGUMENT,
               {"the vocabulary has 359 tokens, but the model knows 259"});
}

// Shapes are used as the family has them, whatever the tensor says.
TEST_CASE("class: weights of another rank or shape") {
  struct Case {
    TinyTensor tensor;
    std::string_view part;
  };
  const Case cases[] = {
      {FloatTensor("blk.0.attn_q.weight", {32 * 32}), "blk.0.attn_q"},
      {FloatTensor("blk.0.attn_q.weight", {32, 16}), "blk.0.attn_q"},
      {FloatTensor("blk.0.attn_k.weight", {16, 32}), "blk.0.attn_k"},
      {FloatTensor("blk.0.attn_norm.weight", {16}), "blk.0.attn_norm"},
      {FloatTensor("blk.0.attn_norm.weight", {31}), "blk.0.attn_norm"},
      {FloatTensor("blk.0.ffn_norm.weight", {32, 2}), "blk.0.ffn_norm"},
      {FloatTensor("blk.0.ffn_down.weight", {32, 32, 2}), "blk.0.ffn_down"},
      {FloatTensor("token_embd.weight", {32 * 259}), "token_embd.weight"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.tensor.name);
    CheckRefused(TinyModel().Replace(c.tensor), HOB_INVALID_ARGUMENT, {c.part});
  }
  CheckRefused(TinyModel().Add(FloatTensor("blk.0.attn_q.bias", {7})), HOB_INVALID_ARGUMENT,
               {"blk.0.attn_q"});
}

// Loaders that look a tensor up and use it without a look at the result.
TEST_CASE("class: a tensor that is missing") {
  for (const char* name : {"token_embd.weight", "blk.0.attn_norm.weight", "blk.0.attn_k.weight",
                           "blk.0.ffn_down.weight", "output_norm.weight"}) {
    CheckRefused(TinyModel().EraseTensor(name), HOB_INVALID_ARGUMENT, {name, "is missing"});
  }
}

// What a graph divides by comes from a tensor here.
TEST_CASE("class: rotary divisors that are zero or no number") {
  for (const float divisor : {-0.0f, kNan, 1e-30f}) {
    TinyTensor tensor = FloatTensor("rope_freqs.weight", {8}, 1.0f);
    std::memcpy(tensor.data.data() + 8, &divisor, sizeof(divisor));
    CheckRefused(TinyModel().Add(tensor), HOB_INVALID_ARGUMENT, {"a divisor is zero or no number"});
  }
  CheckRefused(TinyModel().Add(FloatTensor("rope_freqs.weight", {7}, 1.0f)), HOB_INVALID_ARGUMENT,
               {"the divisors"});
}

// Logits that are no numbers: a sampler that sorts or sums them loops or reads out of bounds.
// hob: opens it; generating is DATA_LOSS: "the model's logits are not numbers".
TEST_CASE("class: weights that are no numbers") {
  for (const float value : {kNan, kInfinity}) {
    CheckNoNumbers(TinyModel().Replace(FloatTensor("output_norm.weight", {32}, value)));
    CheckNoNumbers(TinyModel().Replace(FloatTensor("token_embd.weight", {32, 259}, value)));
  }
  TinyTensor blocks{.name = "blk.0.ffn_down.weight", .type = 8, .dimensions = {32, 32}, .data = {}};
  for (int row = 0; row < 32; ++row) {  // Q8_0: a scale in f16, then 32 bytes
    blocks.data.insert(blocks.data.end(), {0x00, 0x7E});
    blocks.data.insert(blocks.data.end(), 32, 1);
  }
  CheckNoNumbers(TinyModel().Replace(blocks));
}

// A window or its pattern of another length than the layers.
TEST_CASE("class: a sliding window that is none") {
  CheckKey("llama.attention.sliding_window", U64(uint64_t{1} << 40),
           {"'llama.attention.sliding_window' is 1099511627776"});
  const TemporaryFolder folder;
  TinyModel model;
  model.Set("general.architecture", Text("gemma3"));
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, uint32_t>>{{"block_count", 1},
                                                     {"context_length", 64},
                                                     {"embedding_length", 32},
                                                     {"feed_forward_length", 32},
                                                     {"attention.head_count", 2},
                                                     {"attention.head_count_kv", 1},
                                                     {"attention.sliding_window", 16}}) {
    model.Set("gemma3." + name, U32(value));
  }
  model.Set("gemma3.attention.sliding_window_pattern", Numbers<uint8_t>(kBool, {1, 0, 1}));
  CheckRefused(model, HOB_INVALID_ARGUMENT, {"sliding_window_pattern has 3 elements for 1 layers"});
  model.Set("gemma3.attention.sliding_window_pattern", U32(0));
  CheckRefused(model, HOB_INVALID_ARGUMENT, {"sliding_window_pattern' is 0"});
}

// Work that grows with the square of what a file of a few megabytes can name.
// hob: opens it in time and memory that grow with the file; 1,024 layers are the limit.
TEST_CASE("class: as many layers as are allowed, each tiny") {
  constexpr int kLayers = 1000;
  TinyModel model;
  model.Set("llama.block_count", U32(kLayers));
  for (int layer = 1; layer < kLayers; ++layer) {
    const std::string blk = "blk." + std::to_string(layer) + ".";
    for (const char* norm : {"attn_norm", "ffn_norm"}) {
      model.Add(FloatTensor(blk + norm + ".weight", {32}, 1.0f));
    }
    for (const char* part : {"attn_q", "attn_output", "ffn_gate", "ffn_up", "ffn_down"}) {
      model.Add(FloatTensor(blk + part + ".weight", {32, 32}));
    }
    model.Add(FloatTensor(blk + "attn_k.weight", {32, 16}));
    model.Add(FloatTensor(blk + "attn_v.weight", {32, 16}));
  }
  std::vector<int32_t> tokens;
  const double peak = PeakMiB([&] { tokens = CheckAnswers(model.Build(), 1); });
  CHECK(tokens.size() == 4);
  CHECK(peak < 512);
}

// The family decides which code reads the tensors.
TEST_CASE("class: an architecture that is missing, no text or unknown") {
  CheckRefused(TinyModel().Erase("general.architecture"), HOB_INVALID_ARGUMENT,
               {"general.architecture is missing"});
  CheckKey("general.architecture", U32(1), {"'general.architecture' is not a string"});
  CheckKey("general.architecture", Text("perceptron"),
           {"models of architecture \"perceptron\" are not supported"}, HOB_UNIMPLEMENTED);
  CheckKey("general.architecture", Text(std::string(100000, 'x')), {"xxx"}, HOB_UNIMPLEMENTED);
}

// Files for tokenizing have no weights at all.
TEST_CASE("class: a vocabulary alone, opened for its weights") {
  CheckRefused(BpeVocabulary("smollm"), HOB_INVALID_ARGUMENT,
               {"the file holds a vocabulary only, no weights"});
}

// LoRA: adapters are files of the same format, with shapes of their own. llama.cpp read an
// adapter's tensors without a look at the end of the file.
TEST_CASE("llama.cpp#27056: an adapter opened as a model, whole and cut short") {
  GgufBuilder builder;
  builder.Key("general.architecture", "llama")
      .Key("general.type", "adapter")
      .Key("adapter.type", "lora")
      .RawKey("adapter.lora.alpha", F32(16));
  builder.Tensor("blk.0.attn_q.weight.lora_a", 0, {32, 4}, 512);
  builder.Tensor("blk.0.attn_q.weight.lora_b", 0, {4, 32}, 512);
  File file = builder.Build();
  CheckRefused(file, HOB_UNIMPLEMENTED, {"is an adapter ('lora'), not a model"});
  file.resize(file.size() - 100);
  CheckRefused(file, HOB_DATA_LOSS, {"tensor 'blk.0.attn_q.weight.lora_b' takes 512 bytes"});
}

// Shapes that do not fit the base model, or each other, met assertions.
TEST_CASE("class: LoRA shapes") {
  GgufBuilder builder;  // no general.type: an adapter by its tensors
  builder.Key("general.architecture", "llama");
  builder.Tensor("blk.0.attn_q.weight.lora_a", 0, {32, 4}, 512);
  builder.Tensor("blk.0.attn_q.weight.lora_b", 0, {7, 3}, 84);
  CheckRefused(builder.Build(), HOB_UNIMPLEMENTED, {"is an adapter ('lora'), not a model"});
  // Among a model's own tensors too: it would be left out in silence.
  CheckRefused(TinyModel().Add(FloatTensor("blk.0.attn_q.weight.lora_a", {32, 4})),
               HOB_UNIMPLEMENTED, {"is an adapter"});
}

// Projectors and statistics are files of the same format.
TEST_CASE("class: other things than models in GGUF") {
  for (const char* type : {"mmproj", "imatrix"}) {
    CheckKey("general.type", Text(type),
             {"is not a model but of general.type '" + std::string(type) + "'"}, HOB_UNIMPLEMENTED);
  }
  CheckKey("general.type", U32(1), {"'general.type' is not a string"});
}
