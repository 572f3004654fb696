// SPDX-License-Identifier: Apache-2.0
// hob run: one answer to one prompt.
#include <algorithm>
#include <cstdio>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>

#include "tools/common.h"
#include "tools/handoff.h"
#include "tools/record.h"

namespace tool {
namespace {

struct Options {
  ModelOptions model;
  SamplingOptions sampling;
  ContextOptions context;
  GrammarOptions grammar;
  HandoffOptions handoff;
  std::string prompt, system, record, replay;
  int32_t max_tokens = 1024;
  bool raw = false, json = false;
};

void Run(const Options& options) {
  if (!options.replay.empty()) return Replay(options.replay, options.model);
  const std::string prompt = options.prompt == "-" ? ReadText("-") : options.prompt;
  Loaded loaded = Load(options.model);
  hob_session_options session_options = HOB_SESSION_OPTIONS_INIT;
  session_options.sampler = &options.sampling.sampler;
  options.context.Apply(session_options, loaded);
  hob::Session session = Check(hob::Session::Create(loaded.model, session_options));
  if (options.raw) {
    Check(session.AddText(prompt, HOB_TEXT_ADD_SPECIAL));
  } else {
    if (!options.system.empty()) Check(session.AddMessage("system", options.system));
    Check(session.AddMessage("user", prompt));
  }
  hob_generate_options generate = HOB_GENERATE_OPTIONS_INIT;
  generate.max_tokens = options.max_tokens;
  const std::optional<hob::Grammar> grammar = options.grammar.Make(loaded.model);
  generate.grammar = grammar ? grammar->get() : nullptr;
  const CancelOnInterrupt interrupt(session.get());
  const auto print = [&](std::string_view text) { return options.json || Print(text); };
  hob_generate_result result = HOB_GENERATE_RESULT_INIT;
  hob_handoff_report report = HOB_HANDOFF_REPORT_INIT;
  if (std::optional<hob::Handoff> handoff = options.handoff.Make(loaded.runtime)) {
    report = Check(handoff->Answer(session, print, options.handoff.mode(), generate));
    result = Check(session.LastResult());  // of a local answer
    result.finish_reason = report.finish_reason;
    result.prompt_tokens = report.prompt_tokens;
    result.generated_tokens = report.generated_tokens;
  } else {
    result = Check(session.Generate(print, generate));
  }
  if (options.json) {
    const hob_session_stats stats = Check(session.Stats());
    const hob::TokenView tokens = session.Tokens();
    nlohmann::ordered_json out;
    out["text"] = std::string(session.Reply());
    out["finish_reason"] = FinishName(result.finish_reason);
    if (!options.handoff.url.empty()) {
      out["source"] = SourceName(report.source);
      out["handoff_reason"] = ReasonName(report.reason);
      out["handoff_fallback"] = FallbackName(report.fallback);
      out["handoff_message"] = std::string(hob::ToView(report.remote_message));
      out["handoff_attempts"] = report.attempts;
      out["mean_entropy"] = report.mean_entropy;
    }
    out["prompt_tokens"] = result.prompt_tokens;
    out["generated_tokens"] = result.generated_tokens;
    out["dropped_tokens"] = result.dropped_tokens;
    out["tokens"] = std::vector<int32_t>(tokens.begin(), tokens.end());
    out["load_ms"] = loaded.load_ms;
    out["time_to_first_token_ms"] = static_cast<double>(stats.time_to_first_token_ns) / 1e6;
    out["prefill_tps"] = stats.prefill_tokens_per_second;
    out["decode_tps"] = stats.decode_tokens_per_second;
    out["guessed_tokens"] = stats.guessed_tokens;
    out["right_tokens"] = stats.right_tokens;
    out["peak_bytes"] = stats.peak_bytes;
    Print(out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  } else {
    Print("\n");
    if (!options.handoff.url.empty()) {
      std::fprintf(stderr, "[%s]\n", DescribeSource(report).c_str());
    }
  }
  if (!options.record.empty()) {
    if (result.generated_tokens == 0) throw Failure("there is no answer to record");
    WriteRecord(MakeRecord(loaded, options.model, options.sampling.sampler, options.max_tokens,
                           options.context.tokens, result, session),
                options.record);
  }
  if (interrupt.interrupted()) throw Failure("", "", kInterrupted);
}

}  // namespace

void AddRun(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("run", "answer one prompt");
  AddModelOptions(*command, options->model);
  AddSamplingOptions(*command, options->sampling);
  AddContextOptions(*command, options->context, options->model);
  AddGrammarOptions(*command, options->grammar);
  AddHandoffOptions(*command, options->handoff);
  command->add_option("--system", options->system, "system message");
  command
      ->add_option("-n,--max-tokens", options->max_tokens, "longest answer; 0: the context's end")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_flag("--raw", options->raw,
                    "continue the prompt as it is, without the chat template");
  command->add_flag("--json", options->json, "answer, tokens and timings as JSON");
  CLI::Option* record = command->add_option(
      "--record", options->record, "write a record of the answer, for --replay, to this file");
  // What was dropped is not in the record, nor is a grammar; and another model cannot be replayed.
  for (const char* other :
       {"--roll", "--json-schema", "--regex", "--gbnf", "--choice", "--handoff-url"}) {
    record->excludes(other);
  }
  CLI::Option* prompt =
      command->add_option("prompt", options->prompt, "the prompt; - reads standard input");
  CLI::Option* replay =
      command->add_option("--replay", options->replay,
                          "give the answer of this record again and say where it first differs");
  command->callback([options, command, prompt, replay] {
    if (replay->count() == 0 && prompt->count() == 0) throw CLI::RequiredError("prompt");
    // All but the model and the threads comes from the record.
    const CLI::Option* const free[] = {replay, command->get_option("--model"),
                                       command->get_option("--threads")};
    for (const CLI::Option* option : command->get_options()) {
      if (replay->count() == 0 || option->count() == 0) continue;
      if (std::find(std::begin(free), std::end(free), option) == std::end(free)) {
        throw CLI::ExcludesError("--replay", option->get_name());
      }
    }
    Run(*options);
  });
}

}  // namespace tool
