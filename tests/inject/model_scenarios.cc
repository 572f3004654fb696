// SPDX-License-Identifier: Apache-2.0
// Opening models of each format and type, and what an open one tells.
#include "tests/inject/scenario.h"
#include "tests/support/hf_folder.h"

namespace hob::inject {
namespace {

// What a run shares with the others: the runtime. The answer of a model just opened is looked at.
void OpenAndAnswer(Probe& probe, hob_runtime* runtime, const std::string& path,
                   const hob_model_options& options) {
  ModelHandle model(probe);
  SessionHandle session(probe);
  if (!probe.Call("hob_model_open", [&](hob_error** e) {
        return hob_model_open(model.out(), runtime, path.data(), path.size(), &options, e);
      })) {
    return;
  }
  if (options.vocabulary_only != 0) return;
  if (!probe.Call("hob_session_create", [&](hob_error** e) {
        return hob_session_create(session.out(), model, nullptr, e);
      })) {
    return;
  }
  const int32_t prompt[] = {5, 17, 40, 9, 60};
  if (!probe.Call("hob_session_add_tokens",
                  [&](hob_error** e) { return hob_session_add_tokens(session, prompt, 5, e); })) {
    return;
  }
  hob_generate_options generate = HOB_GENERATE_OPTIONS_INIT;
  generate.max_tokens = 4;
  generate.ignore_eos = 1;
  const int32_t* tokens = nullptr;
  size_t count = 0;
  if (!probe.Call(
          "hob_session_generate",
          [&](hob_error** e) { return hob_session_generate(nullptr, session, &generate, e); }) ||
      !probe.Call("hob_session_get_tokens", [&](hob_error** e) {
        return hob_session_get_tokens(&tokens, &count, session, e);
      })) {
    return;
  }
  probe.Same("tokens", {reinterpret_cast<const char*>(tokens), count * sizeof(int32_t)});
}

int32_t NoProgress(void*, uint64_t, uint64_t) { return 0; }

Scenario Open(const std::string& name, const std::string& fixture, const hob_model_options& options,
              int64_t points = 60) {
  return {name,
          [fixture, options](const Files& files) -> Run {
            auto world = std::make_shared<World>(files, fixture);
            const std::string path = files.Fixture(fixture);
            return [world, path, options](Probe& probe) {
              OpenAndAnswer(probe, world->runtime, path, options);
            };
          },
          points};
}

Scenario OpenConverted(const std::string& name, hob_convert_weights weights) {
  return {name, [weights](const Files& files) -> Run {
            auto world = std::make_shared<World>(files, "smollm-q4_1.gguf");
            const std::string from = files.Fixture("smollm-q4_1.gguf"), to = files / "model.hob";
            hob_convert_options options = HOB_CONVERT_OPTIONS_INIT;
            options.weights = weights;
            Must(hob_convert(from.data(), from.size(), to.data(), to.size(), &options, nullptr),
                 "hob_convert");
            return [world, to](Probe& probe) {
              OpenAndAnswer(probe, world->runtime, to, HOB_MODEL_OPTIONS_INIT);
            };
          }};
}

// A Hugging Face folder of two safetensors files.
Scenario OpenFolder(const std::string& name, const std::string& fixture, bool copied) {
  return {name, [fixture, copied](const Files& files) -> Run {
            auto world = std::make_shared<World>(files, fixture);
            const std::string folder = files / "folder";
            const auto model = OpenModelFile(files.Fixture(fixture));
            Must(static_cast<hob_status>(model.status().code()), "OpenModelFile");
            test::WriteHfFolder(**model, folder, 2);
            hob_model_options options = HOB_MODEL_OPTIONS_INIT;
            options.copy_file = copied ? 1 : 0;
            return [world, folder, options](Probe& probe) {
              OpenAndAnswer(probe, world->runtime, folder, options);
            };
          }};
}

// XNNPACK and the regex engine start at their first use in a process.
void FirstUse(Probe& probe, const std::string& path) {
  RuntimeHandle runtime(probe);
  hob_runtime_options options = HOB_RUNTIME_OPTIONS_INIT;
  options.threads = 2;
  if (!probe.Call("hob_runtime_create",
                  [&](hob_error** e) { return hob_runtime_create(runtime.out(), &options, e); })) {
    return;
  }
  OpenAndAnswer(probe, runtime, path, HOB_MODEL_OPTIONS_INIT);
}

void PlanMemory(Probe& probe, hob_runtime* runtime, const std::string& path) {
  hob_model_plan_info info = HOB_MODEL_PLAN_INFO_INIT;
  if (!probe.Call("hob_model_plan", [&](hob_error** e) {
        return hob_model_plan(&info, runtime, path.data(), path.size(), nullptr, e);
      })) {
    return;
  }
  probe.Same("plan", {reinterpret_cast<const char*>(&info), sizeof(info)});
}

bool Properties(Probe& probe, hob_model* model) {
  hob_model_info info = HOB_MODEL_INFO_INIT;
  if (!probe.Call("hob_model_get_info",
                  [&](hob_error** e) { return hob_model_get_info(&info, model, e); })) {
    return false;
  }
  probe.Same("info", {reinterpret_cast<const char*>(&info), sizeof(info)});
  for (hob_model_text which = HOB_MODEL_ARCHITECTURE; which <= HOB_MODEL_HASH; ++which) {
    hob_string text = {nullptr, 0};
    if (!probe.Call("hob_model_get_text",
                    [&](hob_error** e) { return hob_model_get_text(&text, model, which, e); })) {
      return false;
    }
    probe.Same("text " + std::to_string(which), {text.data, text.size});
  }
  Given<char> json(probe);
  if (!probe.Call("hob_model_describe", [&](hob_error** e) {
        return hob_model_describe(&json.data, &json.size, model, e);
      })) {
    return false;
  }
  probe.Same("description", json.bytes());
  return true;
}

bool Texts(Probe& probe, hob_model* model) {
  TokenizerHandle tokenizer(probe);
  TemplateHandle chat_template(probe);
  if (!probe.Call(
          "hob_model_get_tokenizer",
          [&](hob_error** e) { return hob_model_get_tokenizer(tokenizer.out(), model, e); }) ||
      !probe.Call("hob_model_get_chat_template", [&](hob_error** e) {
        return hob_model_get_chat_template(chat_template.out(), model, e);
      })) {
    return false;
  }
  Given<int32_t> tokens(probe);
  if (!probe.Call("hob_model_tokenize", [&](hob_error** e) {
        return hob_model_tokenize(&tokens.data, &tokens.size, model, kMessage.data(),
                                  kMessage.size(), HOB_TEXT_PLAIN, e);
      })) {
    return false;
  }
  probe.Same("tokens", tokens.bytes());
  Given<char> text(probe), bytes(probe);
  if (!probe.Call("hob_model_detokenize",
                  [&](hob_error** e) {
                    return hob_model_detokenize(&text.data, &text.size, model, tokens.data,
                                                tokens.size, HOB_TEXT_PLAIN, e);
                  }) ||
      !probe.Call("hob_model_token_bytes", [&](hob_error** e) {
        return hob_model_token_bytes(&bytes.data, &bytes.size, model, tokens.data[0],
                                     HOB_TEXT_PLAIN, e);
      })) {
    return false;
  }
  probe.Check(text.bytes() == kMessage, "tokens become the text that they came of");
  int32_t found = -1;
  uint8_t ends = 0;
  const std::string end = "<|im_end|>";
  if (!probe.Call("hob_model_find_token",
                  [&](hob_error** e) {
                    return hob_model_find_token(&found, model, end.data(), end.size(), e);
                  }) ||
      !probe.Call("hob_model_is_end_token",
                  [&](hob_error** e) { return hob_model_is_end_token(&ends, model, found, e); })) {
    return false;
  }
  probe.Check(ends == 1, "<|im_end|> ends an answer");
  return true;
}

}  // namespace

void AddModelScenarios(std::vector<Scenario>& out) {
  hob_model_options options = HOB_MODEL_OPTIONS_INIT;
  options.progress = NoProgress;
  out.push_back(Open("open GGUF, Q4_1, byte-level BPE", "smollm-q4_1.gguf", options, 120));
  hob_model_options vocabulary = HOB_MODEL_OPTIONS_INIT;
  vocabulary.vocabulary_only = 1;
  out.push_back(Open("open GGUF, vocabulary alone", "smollm-q4_1.gguf", vocabulary));
  out.push_back(Open("open GGUF, Gemma 3, Q8_0", "gemma3-q8_0.gguf", options));
  out.push_back(Open("open GGUF, f32 by XNNPACK", "llama-float.gguf", options));
  out.push_back(Open("open GGUF, K types", "llama3-k.gguf", options, 30));
  out.push_back(Open("open GGUF, Qwen 2, Q5_0", "qwen2-q5_0.gguf", options, 30));
  hob_model_options rope = HOB_MODEL_OPTIONS_INIT;
  rope.rope_scaling = HOB_ROPE_YARN;
  rope.rope_factor = 2;
  rope.rope_original_context = 128;
  rope.kv_type = HOB_KV_INT8;
  rope.activations = HOB_ACTIVATIONS_INT8;
  out.push_back(Open("open GGUF, Q4_0, YaRN and int8", "llama-q4_0.gguf", rope, 30));
  hob_model_options copied = HOB_MODEL_OPTIONS_INIT;
  copied.copy_file = 1;
  out.push_back(Open("open GGUF, copied", "smollm-q4_1.gguf", copied));
  out.push_back(OpenConverted("open .hob", HOB_CONVERT_KEEP));
  out.push_back(OpenConverted("open .hob, int8", HOB_CONVERT_INT8));
  out.push_back(OpenFolder("open a folder, Qwen 2", "qwen2-bf16.gguf", false));
  out.push_back(OpenFolder("open a folder, Qwen 3, copied", "qwen3-f16.gguf", true));
  for (const char* const fixture : {"llama-float.gguf", "smollm-q4_1.gguf"}) {
    out.push_back({"first use in a process, " + std::string(fixture),
                   [fixture](const Files& files) -> Run {
                     const std::string path = files.Fixture(fixture);
                     return [path](Probe& probe) { FirstUse(probe, path); };
                   },
                   40, true});
  }
  out.push_back({"plan a model", [](const Files& files) -> Run {
                   auto world = std::make_shared<World>(files, "smollm-q4_1.gguf");
                   const std::string path = files.Fixture("smollm-q4_1.gguf");
                   return [world, path](Probe& probe) { PlanMemory(probe, world->runtime, path); };
                 }});
  // A hash is computed once: each run opens its own model, quietly where that is not the subject.
  out.push_back({"what a model tells",
                 [](const Files& files) -> Run {
                   auto world = std::make_shared<World>(files, "smollm-q4_1.gguf");
                   const std::string path = files.Fixture("smollm-q4_1.gguf");
                   return [world, path](Probe& probe) {
                     hob_model_options light = HOB_MODEL_OPTIONS_INIT;
                     light.max_batch_rows = 8;
                     ModelHandle model(probe);
                     Must(hob_model_open(model.out(), world->runtime, path.data(), path.size(),
                                         &light, nullptr),
                          "hob_model_open");
                     if (Properties(probe, model)) Texts(probe, model);
                   };
                 },
                 100});
}

}  // namespace hob::inject
