// SPDX-License-Identifier: Apache-2.0
// Tokenizers, detokenizers, chat templates and samplers on their own.
#include <cmath>

#include "tests/inject/scenario.h"

namespace hob::inject {
namespace {

// Marks that NFC composes, digits, line breaks, and characters outside the vocabulary.
constexpr std::string_view kText =
    "Cafe\xCC\x81 12345,  na\xC3\xAFve\n\n\tx = f(y); \xF0\x9F\x8C\x8A \xE6\xB8\xAF <|im_end|>";

void Tokenizer(Probe& probe, const std::string& path) {
  TokenizerHandle tokenizer(probe);
  if (!probe.Call("hob_tokenizer_open", [&](hob_error** e) {
        return hob_tokenizer_open(tokenizer.out(), path.data(), path.size(), e);
      })) {
    return;
  }
  hob_tokenizer_info info = HOB_TOKENIZER_INFO_INIT;
  if (!probe.Call("hob_tokenizer_get_info",
                  [&](hob_error** e) { return hob_tokenizer_get_info(&info, tokenizer, e); })) {
    return;
  }
  const hob_text_flags flags = HOB_TEXT_ADD_SPECIAL | HOB_TEXT_PARSE_SPECIAL;
  Given<int32_t> tokens(probe);
  if (!probe.Call("hob_tokenizer_encode", [&](hob_error** e) {
        return hob_tokenizer_encode(&tokens.data, &tokens.size, tokenizer, kText.data(),
                                    kText.size(), flags, e);
      })) {
    return;
  }
  probe.Same("tokens", tokens.bytes());
  Given<char> text(probe), bytes(probe);
  if (!probe.Call("hob_tokenizer_decode",
                  [&](hob_error** e) {
                    return hob_tokenizer_decode(&text.data, &text.size, tokenizer, tokens.data,
                                                tokens.size, HOB_TEXT_SHOW_SPECIAL, e);
                  }) ||
      !probe.Call("hob_tokenizer_token_bytes", [&](hob_error** e) {
        return hob_tokenizer_token_bytes(&bytes.data, &bytes.size, tokenizer, tokens.data[0],
                                         HOB_TEXT_SHOW_SPECIAL, e);
      })) {
    return;
  }
  probe.Same("text", text.bytes());
  hob_token_info token = HOB_TOKEN_INFO_INIT;
  int32_t found = -1;
  if (!probe.Call("hob_tokenizer_get_token",
                  [&](hob_error** e) {
                    return hob_tokenizer_get_token(&token, tokenizer, info.size / 2, e);
                  }) ||
      !probe.Call("hob_tokenizer_find", [&](hob_error** e) {
        return hob_tokenizer_find(&found, tokenizer, token.text.data, token.text.size, e);
      })) {
    return;
  }
  probe.Check(found == info.size / 2, "a token is found by its text");

  DetokenizerHandle detokenizer(probe);
  if (!probe.Call("hob_detokenizer_create", [&](hob_error** e) {
        return hob_detokenizer_create(detokenizer.out(), tokenizer, HOB_TEXT_SHOW_SPECIAL, e);
      })) {
    return;
  }
  std::string joined;
  for (size_t i = 0; i < tokens.size; ++i) {
    hob_string piece = {nullptr, 0};
    if (!probe.Call("hob_detokenizer_push", [&](hob_error** e) {
          return hob_detokenizer_push(&piece, detokenizer, tokens.data[i], e);
        })) {
      return;
    }
    joined.append(piece.data, piece.size);
  }
  hob_string rest = {nullptr, 0};
  if (!probe.Call("hob_detokenizer_finish",
                  [&](hob_error** e) { return hob_detokenizer_finish(&rest, detokenizer, e); })) {
    return;
  }
  probe.Same("pieces", joined + std::string(rest.data, rest.size));
}

constexpr std::string_view kTemplate = R"({%- macro line(m) -%}
<|{{ m.role }}|>{{ m['content'] | trim | replace('a', 'b') }}
{%- endmacro -%}
{%- set ns = namespace(seen=0) -%}
{{ bos_token }}
{%- for message in messages if message.role != 'tool' %}
{%- set ns.seen = ns.seen + 1 %}
{{ loop.index }}. {{ line(message) }} {{ message.content.split(' ') | join('_') | upper }}
{%- endfor %}
{%- if tools %}{{ tools | tojson(indent=2) }}{{ tools | map(attribute='name') | list }}{% endif %}
{{ "%s of %d" | format('messages', ns.seen) }} {{ {'a': [1, 2.5, none]} | tojson }}
{%- if add_generation_prompt %}<|assistant|>{% endif %})";

void Template(Probe& probe) {
  TemplateHandle chat_template(probe);
  hob_chat_template_options options = HOB_CHAT_TEMPLATE_OPTIONS_INIT;
  options.bos_text = {"<s>", 3};
  options.eos_text = {"</s>", 4};
  if (!probe.Call("hob_chat_template_create", [&](hob_error** e) {
        return hob_chat_template_create(chat_template.out(), kTemplate.data(), kTemplate.size(),
                                        &options, e);
      })) {
    return;
  }
  const hob_chat_message messages[] = {{{"system", 6}, {"You are a helpful assistant.", 28}},
                                       {{"user", 4}, {kMessage.data(), kMessage.size()}}};
  hob_render_options render = HOB_RENDER_OPTIONS_INIT;
  constexpr std::string_view kVariables =
      R"({"tools": [{"name": "weather", "arguments": {"town": "string", "days": [1, 2, 3]}}]})";
  render.variables = {kVariables.data(), kVariables.size()};
  Given<char> text(probe);
  if (!probe.Call("hob_chat_template_render", [&](hob_error** e) {
        return hob_chat_template_render(&text.data, &text.size, chat_template, messages, 2, &render,
                                        e);
      })) {
    return;
  }
  probe.Same("rendered", text.bytes());
}

void Sampler(Probe& probe) {
  SamplerHandle sampler(probe), other(probe);
  hob_sampler_options options = HOB_SAMPLER_OPTIONS_INIT;
  options.temperature = 0.8f;
  options.top_k = 40;
  options.top_p = 0.9f;
  options.min_p = 0.01f;
  options.repetition_penalty = 1.2f;
  options.repetition_window = 0;
  if (!probe.Call("hob_sampler_create",
                  [&](hob_error** e) { return hob_sampler_create(sampler.out(), &options, e); })) {
    return;
  }
  std::vector<float> logits(1000), probabilities(1000);
  for (size_t i = 0; i < logits.size(); ++i) {
    logits[i] = std::sin(static_cast<float>(i) * 0.7f) * 6;
  }
  if (!probe.Call("hob_sampler_create",
                  [&](hob_error** e) { return hob_sampler_create(other.out(), &options, e); })) {
    return;
  }
  const int32_t prompt[] = {1, 2, 3, 500};
  if (!probe.Call("hob_sampler_accept",
                  [&](hob_error** e) { return hob_sampler_accept(sampler, prompt, 4, e); })) {
    return;
  }
  if (!probe.Call("hob_sampler_get_probabilities", [&](hob_error** e) {
        return hob_sampler_get_probabilities(probabilities.data(), other, logits.data(),
                                             logits.size(), e);
      })) {
    return;
  }
  probe.Same("probabilities", {reinterpret_cast<const char*>(probabilities.data()), 4000});
  std::string drawn;
  for (int i = 0; i < 4; ++i) {
    int32_t token = -1;
    if (!probe.Call("hob_sampler_sample",
                    [&](hob_error** e) {
                      return hob_sampler_sample(&token, sampler, logits.data(), logits.size(), e);
                    }) ||
        !probe.Call("hob_sampler_accept",
                    [&](hob_error** e) { return hob_sampler_accept(sampler, &token, 1, e); })) {
      return;
    }
    drawn += std::to_string(token) + " ";
  }
  probe.Same("drawn", drawn);
  uint64_t state = 0;
  if (!probe.Call("hob_sampler_get_drawn",
                  [&](hob_error** e) { return hob_sampler_get_drawn(&state, sampler, e); }) ||
      !probe.Call("hob_sampler_set_drawn",
                  [&](hob_error** e) { return hob_sampler_set_drawn(sampler, state, e); }) ||
      !probe.Call("hob_sampler_reset",
                  [&](hob_error** e) { return hob_sampler_reset(sampler, e); })) {
    return;
  }
  probe.Check(state == 4, "four numbers were drawn");
}

}  // namespace

void AddTextScenarios(std::vector<Scenario>& out) {
  for (const char* const fixture : {"smollm-q4_1.gguf", "gemma3-q8_0.gguf", "llama3-q8_0.gguf"}) {
    out.push_back({"tokenizer of " + std::string(fixture),
                   [fixture](const Files& files) -> Run {
                     const std::string path = files.Fixture(fixture);
                     return [path](Probe& probe) { Tokenizer(probe, path); };
                   },
                   80});
  }
  out.push_back({"chat template", [](const Files&) -> Run { return Template; }, 300});
  out.push_back({"sampler", [](const Files&) -> Run { return Sampler; }, 200});
}

}  // namespace hob::inject
