// SPDX-License-Identifier: Apache-2.0
// A valid small GGUF model of any family whose keys, vocabulary, shapes, types, offsets and values
// are changed as the input says, opened with any options: it is refused, or it answers, the same
// twice, and leaves no memory behind.
#include "tests/fuzz/tiny_model.h"
#include "tests/fuzz/whole_model.h"

namespace hob::fuzz {
namespace {

// Keys that are not there at first.
constexpr std::string_view kMoreKeys[] = {"rope.scaling.type",
                                          "rope.scaling.factor",
                                          "rope.scaling.attn_factor",
                                          "rope.scaling.original_context_length",
                                          "rope.scaling.finetuned",
                                          "rope.scaling.yarn_beta_fast",
                                          "rope.scaling.yarn_beta_slow",
                                          "rope.scaling.yarn_ext_factor",
                                          "rope.scale_linear",
                                          "rope.local.freq_base",
                                          "rope.freq_base_swa",
                                          "attention.sliding_window",
                                          "attention.sliding_window_pattern",
                                          "attention.scale",
                                          "expert_count",
                                          "vocab_size",
                                          "attn_logit_softcapping",
                                          "final_logit_softcapping",
                                          "attention.causal",
                                          "attention.head_count_kv"};
constexpr std::string_view kWords[] = {"llama", "qwen2",    "qwen3",   "gemma3", "mistral", "gpt2",
                                       "bert",  "linear",   "yarn",    "llama3", "ntk",     "none",
                                       "",      "longrope", "default", "smollm", "tekken"};

test::Bytes AnyValue(Input& input) {
  test::Bytes bytes;
  switch (input.Byte() % 8) {
    case 0:
      return bytes.Put<uint32_t>(test::kU32).Put(static_cast<uint32_t>(input.Integer()));
    case 1:
      return bytes.Put<uint32_t>(test::kI64).Put(input.Integer());
    case 2:
      return bytes.Put<uint32_t>(test::kF32).Put(static_cast<float>(input.Real()));
    case 3:
      return bytes.Put<uint32_t>(test::kF64).Put(input.Real());
    case 4:
      return bytes.Put<uint32_t>(test::kBool).Put(input.Byte());
    case 5:
      return bytes.Put<uint32_t>(test::kText).Text(input.Pick(kWords));
    case 6:
      return bytes.Put<uint32_t>(test::kText).Text(input.Text());
    default: {
      const auto count = static_cast<uint64_t>(input.Range(0, 12));
      const bool real = input.Bool();
      bytes.Put<uint32_t>(test::kArray).Put<uint32_t>(real ? test::kF32 : test::kI32).Put(count);
      for (uint64_t i = 0; i < count; ++i) {
        if (real) {
          bytes.Put(static_cast<float>(input.Real()));
        } else {
          bytes.Put(static_cast<int32_t>(input.Integer()));
        }
      }
      return bytes;
    }
  }
}

void ChangeKeys(Input& input, TinyModel& model) {
  const size_t at = input.Byte() % model.keys.size();
  switch (input.Byte() % 6) {
    case 0:
      model.keys.erase(model.keys.begin() + static_cast<ptrdiff_t>(at));
      if (model.keys.empty()) model.Key("general.name", "");
      break;
    case 1: {  // one that families know
      const std::string prefix = model.tensors.empty()
                                     ? "llama."
                                     : std::string(input.Pick(std::array<std::string_view, 4>{
                                           "llama.", "qwen2.", "qwen3.", "gemma3."}));
      model.keys.push_back({prefix + std::string(input.Pick(kMoreKeys)), AnyValue(input)});
      break;
    }
    case 2:  // one token more, fewer, or other
      if (TinyKey* tokens = model.Find("tokenizer.ggml.tokens")) {
        std::vector<std::string> texts(static_cast<size_t>(input.Range(0, 12)));
        for (std::string& text : texts) text = input.Text(8);
        TinyModel other;
        other.Texts(tokens->name, texts);
        *tokens = other.keys[0];
      }
      break;
    case 3:
      model.keys[at].name = input.Text();
      break;
    default:
      model.keys[at].value = AnyValue(input);
  }
}

void ChangeTensors(Input& input, TinyModel& model) {
  if (model.tensors.empty()) return;
  TinyTensor& tensor = model.tensors[input.Byte() % model.tensors.size()];
  switch (input.Byte() % 8) {
    case 0:
      model.tensors.erase(model.tensors.begin() + (&tensor - model.tensors.data()));
      break;
    case 1:
      tensor.type = static_cast<uint32_t>(input.Range(0, 40));
      break;
    case 2:  // another shape, with the bytes that it takes if they are few
      tensor.dimensions[input.Byte() % tensor.dimensions.size()] =
          static_cast<uint64_t>(input.Integer());
      if (input.Bool()) tensor.data.resize(static_cast<size_t>(input.Range(0, 8192)));
      break;
    case 3:
      tensor.dimensions.resize(1 + input.Byte() % 5, 1);
      break;
    case 4:
      tensor.shift = input.Integer();
      break;
    case 5: {  // values of any bits, scales that are no numbers too
      Random random(input.Raw<uint32_t>());
      const size_t every = 1 + input.Byte() % 64;
      for (size_t i = 0; i < tensor.data.size(); i += every) {
        tensor.data[i] = static_cast<uint8_t>(random.Next());
      }
      break;
    }
    case 6: {
      TinyTensor copy = tensor;
      constexpr std::string_view kNames[] = {"rope_freqs.weight",   "output.weight",
                                             "blk.0.attn_q.bias",   "blk.0.attn_q_norm.weight",
                                             "blk.1.attn_q.weight", "blk.0.attn_norm.weight"};
      copy.name = std::string(input.Pick(kNames));
      model.tensors.push_back(std::move(copy));
      break;
    }
    default:
      std::swap(tensor.data, model.tensors[input.Byte() % model.tensors.size()].data);
  }
}

ModelOptions AnyOptions(Input& input) {
  ModelOptions options;
  const uint8_t kinds = input.Byte();
  constexpr DType kActivations[] = {DType::kQ16Act, DType::kQ8Act, DType::kF32};
  options.activations = kActivations[kinds % 3];
  options.kv_type = KvLayout::kTypes[kinds / 4 % 3];
  options.vocabulary_only = (kinds & 0xC0) == 0xC0;
  if ((kinds & 0x30) == 0x30) {
    options.rope.type = static_cast<RopeScalingType>(input.Byte() % 5);
    options.rope.factor = input.Real();
    options.rope.original_context = input.Integer();
  }
  return options;
}

}  // namespace
}  // namespace hob::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hob::fuzz::Input input(data, size);
  hob::fuzz::TinyModel model = hob::fuzz::MakeTiny(input.Byte());
  const hob::ModelOptions options = hob::fuzz::AnyOptions(input);
  for (int edits = 0; edits < 64 && !input.empty(); ++edits) {
    const uint8_t kind = input.Byte();
    if (kind == 255) {
      model.version = input.Byte();
    } else if (kind % 2 == 0) {
      hob::fuzz::ChangeKeys(input, model);
    } else {
      hob::fuzz::ChangeTensors(input, model);
    }
  }
  hob::fuzz::TryModel(model.Build(), options);
  return 0;
}
