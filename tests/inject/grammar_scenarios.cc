// SPDX-License-Identifier: Apache-2.0
// Grammars and matchers on their own, and an answer of a grammar.
#include "tests/inject/scenario.h"

namespace hob::inject {
namespace {

constexpr std::string_view kSchema = R"({
  "type": "object",
  "properties": {"name": {"type": "string"}, "next": {"$ref": "#"}, "kind": {"enum": ["a", 1]}},
  "required": ["name"],
  "additionalProperties": false
})";
constexpr std::string_view kRegex = "(harbour|town)s? [0-9]{1,3}";
constexpr std::string_view kGbnf = "root ::= \"(\" (root | [a-z]+) \")\"";

struct Source {
  hob_grammar_kind kind;
  std::string_view text;
  std::string_view answer;  // that it matches
};
constexpr Source kSources[] = {
    {HOB_GRAMMAR_JSON_SCHEMA, kSchema, R"({"name": "x", "next": {"name": "y"}, "kind": 1})"},
    {HOB_GRAMMAR_REGEX, kRegex, "towns 12"},
    {HOB_GRAMMAR_GBNF, kGbnf, "((story))"}};

bool Create(Probe& probe, GrammarHandle& grammar, hob_tokenizer* tokenizer, const Source& source) {
  return probe.Call("hob_grammar_create", [&](hob_error** e) {
    return hob_grammar_create(grammar.out(), tokenizer, source.kind, source.text.data(),
                              source.text.size(), e);
  });
}

void Match(Probe& probe, hob_tokenizer* tokenizer, const Source& source) {
  GrammarHandle grammar(probe);
  if (!Create(probe, grammar, tokenizer, source)) return;
  MatcherHandle matcher(probe);
  if (!probe.Call("hob_matcher_create",
                  [&](hob_error** e) { return hob_matcher_create(matcher.out(), grammar, e); })) {
    return;
  }
  Given<int32_t> tokens(probe);
  if (!probe.Call("hob_tokenizer_encode", [&](hob_error** e) {
        return hob_tokenizer_encode(&tokens.data, &tokens.size, tokenizer, source.answer.data(),
                                    source.answer.size(), HOB_TEXT_PLAIN, e);
      })) {
    return;
  }
  hob_tokenizer_info info = HOB_TOKENIZER_INFO_INIT;
  if (!probe.Call("hob_tokenizer_get_info",
                  [&](hob_error** e) { return hob_tokenizer_get_info(&info, tokenizer, e); })) {
    return;
  }
  std::vector<float> logits(static_cast<size_t>(info.size));
  std::string masks, forced;
  for (size_t i = 0; i < tokens.size; ++i) {
    std::fill(logits.begin(), logits.end(), 1.0f);
    hob_string text = {nullptr, 0};
    if (!probe.Call("hob_matcher_mask_logits",
                    [&](hob_error** e) {
                      return hob_matcher_mask_logits(matcher, logits.data(), logits.size(), e);
                    }) ||
        !probe.Call(
            "hob_matcher_forced_text",
            [&](hob_error** e) { return hob_matcher_forced_text(&text, matcher, 20, e); }) ||
        !probe.Call("hob_matcher_accept", [&](hob_error** e) {
          return hob_matcher_accept(matcher, tokens.data + i, 1, e);
        })) {
      return;
    }
    for (const float logit : logits) masks.push_back(logit == 1.0f ? '1' : '0');
    forced.append(text.data, text.size);
  }
  probe.Same("masks of " + std::string(source.text), masks);
  probe.Same("forced of " + std::string(source.text), forced);
  uint8_t may = 0;
  if (!probe.Call("hob_matcher_get_end",
                  [&](hob_error** e) { return hob_matcher_get_end(&may, nullptr, matcher, e); })) {
    return;
  }
  probe.Check(may == 1, "the text is whole");
  probe.Call("hob_matcher_reset", [&](hob_error** e) { return hob_matcher_reset(matcher, e); });
}

void Grammars(Probe& probe, const std::string& path) {
  TokenizerHandle tokenizer(probe);
  if (!probe.Call("hob_tokenizer_open", [&](hob_error** e) {
        return hob_tokenizer_open(tokenizer.out(), path.data(), path.size(), e);
      })) {
    return;
  }
  for (const Source& source : kSources) Match(probe, tokenizer, source);
  const hob_string choices[] = {{"yes", 3}, {"no", 2}};
  GrammarHandle grammar(probe);
  probe.Call("hob_grammar_create_choices", [&](hob_error** e) {
    return hob_grammar_create_choices(grammar.out(), tokenizer, choices, 2, e);
  });
}

void Answer(Probe& probe, hob_model* model) {
  TokenizerHandle tokenizer(probe);
  if (!probe.Call("hob_model_get_tokenizer", [&](hob_error** e) {
        return hob_model_get_tokenizer(tokenizer.out(), model, e);
      })) {
    return;
  }
  GrammarHandle grammar(probe);
  if (!Create(probe, grammar, tokenizer, kSources[0])) return;
  SessionHandle session(probe);
  if (!probe.Call("hob_session_create", [&](hob_error** e) {
        return hob_session_create(session.out(), model, nullptr, e);
      })) {
    return;
  }
  if (!AddMessage(probe, session, kMessage)) return;
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.max_tokens = 12;
  options.grammar = grammar;
  options.logprobs = 1;
  options.top_logprobs = 3;
  if (!probe.Call("hob_session_generate", [&](hob_error** e) {
        return hob_session_generate(nullptr, session, &options, e);
      })) {
    return;
  }
  hob_string reply = {nullptr, 0};
  if (!probe.Call("hob_session_get_reply",
                  [&](hob_error** e) { return hob_session_get_reply(&reply, session, e); })) {
    return;
  }
  probe.Same("reply", {reply.data, reply.size});
}

}  // namespace

void AddGrammarScenarios(std::vector<Scenario>& out) {
  out.push_back({"grammars",
                 [](const Files& files) -> Run {
                   const std::string path = files.Fixture("smollm-q4_1.gguf");
                   return [path](Probe& probe) { Grammars(probe, path); };
                 },
                 200});
  out.push_back({"answer of a grammar", [](const Files& files) -> Run {
                   auto world = std::make_shared<World>(files, "smollm-q4_1.gguf");
                   return [world](Probe& probe) { Answer(probe, world->model); };
                 }});
}

}  // namespace hob::inject
