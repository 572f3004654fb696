// SPDX-License-Identifier: Apache-2.0
// hob chat: a conversation, token by token.
#include <cstdio>
#include <filesystem>
#include <memory>

#include "tools/common.h"
#include "tools/handoff.h"
#include "tools/line_reader.h"

namespace tool {
namespace {

struct Options {
  ModelOptions model;
  SamplingOptions sampling;
  ContextOptions context;
  GrammarOptions grammar;
  HandoffOptions handoff;
  std::string prompt, system;
  std::string session;   // a file; empty: none
  bool samples = false;  // sampler options are given
  int32_t max_tokens = 1024;
};

constexpr std::string_view kHelp =
    "/help            this list\n"
    "/history         the conversation so far\n"
    "/system TEXT     begin anew with this system message\n"
    "/reset           begin anew\n"
    "/stats           speed and memory of the last answer\n"
    "/exit, Ctrl-D    leave\n"
    "Ctrl-C stops an answer.\n";

class Chat {
 public:
  Chat(const Options& options, const Loaded& loaded, hob::Session session)
      : session_(std::move(session)),
        system_(options.system),
        path_(options.session),
        grammar_(options.grammar.Make(loaded.model)),
        handoff_(options.handoff.Make(loaded.runtime)),
        mode_(options.handoff.mode()) {
    generate_.max_tokens = options.max_tokens;
    generate_.grammar = grammar_ ? grammar_->get() : nullptr;
    if (path_.empty() || !std::filesystem::exists(path_)) {
      Begin();
      return;
    }
    Check(session_.Restore(path_));
    if (options.samples) Check(session_.SetSampler(options.sampling.sampler));
  }

  size_t messages() const { return Check(session_.MessageCount()); }

  // Answers on standard output. False when nobody reads it any more.
  bool Answer(const std::string& text) {
    const size_t before = Check(session_.MessageCount());
    Check(session_.AddMessage("user", text));
    const CancelOnInterrupt interrupt(session_.get());
    bool readable = true;
    const auto print = [&](std::string_view piece) { return readable = Print(piece); };
    hob_handoff_report report = HOB_HANDOFF_REPORT_INIT;
    const hob::Result<hob_finish_reason> finish = Generate(print, report);
    if (!finish.ok()) {
      Check(session_.KeepMessages(before));  // the conversation goes on as if it had not been asked
      Fail(finish.error());
    }
    if (handoff_) std::fprintf(stderr, "\n[%s]", DescribeSource(report).c_str());
    if (*finish == HOB_FINISH_CONTEXT_FULL) {
      std::fputs("\n[the context is full: /reset begins anew]", stderr);
    }
    readable = readable && Print(interrupt.interrupted() ? " [stopped]\n" : "\n");
    if (!path_.empty()) Check(session_.Save(path_));
    return readable;
  }

  // A line that begins with "/". False to leave.
  bool Command(const std::string& line) {
    const size_t space = line.find(' ');
    const std::string name = line.substr(0, space);
    if (name == "/exit" || name == "/quit") return false;
    if (name == "/help") {
      Print(kHelp);
    } else if (name == "/history") {
      for (size_t i = 0; i < messages(); ++i) {
        const hob::MessageView message = Check(session_.Message(i));
        Print(message.role);
        Print(": ");
        Print(message.text);
        Print("\n");
      }
    } else if (name == "/reset" || name == "/system") {
      if (name == "/system") system_ = space == std::string::npos ? "" : line.substr(space + 1);
      Check(session_.Reset());
      Begin();
      Print("A new conversation.\n");
    } else if (name == "/stats") {
      Stats();
    } else {
      Print("No such command: " + name + ". /help lists them.\n");
    }
    return true;
  }

 private:
  template <typename F>
  hob::Result<hob_finish_reason> Generate(const F& print, hob_handoff_report& report) {
    if (handoff_) {
      auto answered = handoff_->Answer(session_, print, mode_, generate_, &report);
      if (!answered.ok()) return std::move(answered).TakeError();
      return answered->finish_reason;
    }
    auto result = session_.Generate(print, generate_);
    if (!result.ok()) return std::move(result).TakeError();
    return result->finish_reason;
  }

  void Begin() {
    if (!system_.empty()) Check(session_.AddMessage("system", system_));
  }

  void Stats() {
    const hob_session_stats s = Check(session_.Stats());
    char text[256];
    std::snprintf(text, sizeof(text),
                  "%llu prompt tokens (%llu cached), %llu generated; first after %.0f ms; "
                  "prefill %.0f tok/s, decode %.0f tok/s; peak %s\n",
                  static_cast<unsigned long long>(s.prompt_tokens),
                  static_cast<unsigned long long>(s.cached_tokens),
                  static_cast<unsigned long long>(s.generated_tokens),
                  static_cast<double>(s.time_to_first_token_ns) / 1e6, s.prefill_tokens_per_second,
                  s.decode_tokens_per_second, Bytes(s.peak_bytes).c_str());
    Print(text);
  }

  hob::Session session_;
  std::string system_, path_;
  std::optional<hob::Grammar> grammar_;
  std::optional<hob::Handoff> handoff_;
  hob_handoff_mode mode_;
  hob_generate_options generate_ = HOB_GENERATE_OPTIONS_INIT;
};

void Run(const Options& options) {
  LineReader reader;
  Loaded loaded = Load(options.model);
  hob_session_options session_options = HOB_SESSION_OPTIONS_INIT;
  session_options.sampler = &options.sampling.sampler;
  options.context.Apply(session_options, loaded);
  Chat chat(options, loaded, Check(hob::Session::Create(loaded.model, session_options)));
  if (!options.prompt.empty()) {
    chat.Answer(options.prompt);
    return;
  }
  if (reader.terminal()) {
    if (!options.session.empty() && chat.messages() > 0) {
      Print("The conversation of " + std::to_string(chat.messages()) + " messages in " +
            options.session + " goes on; /history shows it.\n");
    }
    Print(std::string(loaded.model.Text(HOB_MODEL_NAME)) + " (licence: " +
          std::string(loaded.model.Text(HOB_MODEL_LICENSE)) + "). /help lists commands.\n");
  }
  for (;;) {
    bool interrupted = false;
    const std::optional<std::string> line = reader.Read("> ", interrupted);
    if (interrupted) {
      Print("\nCtrl-D or /exit leaves.\n");
      continue;
    }
    if (!line.has_value()) break;
    if (line->find_first_not_of(" \t") == std::string::npos) continue;
    try {
      if (line->front() == '/' ? !chat.Command(*line) : !chat.Answer(*line)) return;
    } catch (const Failure& failure) {
      if (!reader.terminal()) throw;
      std::fprintf(stderr, "%s\n", failure.what());  // the conversation goes on
    }
  }
  if (reader.terminal()) Print("\n");
}

}  // namespace

void AddChat(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("chat", "talk to the assistant");
  AddModelOptions(*command, options->model);
  AddSamplingOptions(*command, options->sampling);
  AddContextOptions(*command, options->context, options->model);
  AddGrammarOptions(*command, options->grammar);
  AddHandoffOptions(*command, options->handoff);
  command->add_option("-p,--prompt", options->prompt, "answer this and leave");
  command->add_option("--system", options->system, "system message");
  command
      ->add_option("-n,--max-tokens", options->max_tokens, "longest answer; 0: the context's end")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--session", options->session,
                      "go on with the conversation in this file, and save it there each turn");
  command->callback([options, command] {
    for (const char* name : {"--temperature", "--top-k", "--top-p", "--min-p", "--seed",
                             "--repetition-penalty", "--repetition-window", "--greedy"}) {
      options->samples = options->samples || command->count(name) > 0;
    }
    Run(*options);
  });
}

}  // namespace tool
