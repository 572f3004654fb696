// SPDX-License-Identifier: Apache-2.0
// What the subcommands share: options, opening a model, errors, exit codes.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <exception>
#include <hob/hob_experimental.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tool {

// Exit codes, documented in docs/reference/cli.md.
inline constexpr int kOk = 0;
inline constexpr int kFailed = 1;  // the work could not be done
inline constexpr int kUsage = 2;   // the command line is wrong
inline constexpr int kInterrupted = 130;

// Ends the command with a message on stderr.
struct Failure : std::exception {
  explicit Failure(std::string what, std::string hint = {}, int exit_code = kFailed)
      : what_text(std::move(what)), hint(std::move(hint)), code(exit_code) {}
  const char* what() const noexcept override { return what_text.c_str(); }
  std::string what_text, hint;
  int code;
};

// The value, or a Failure that carries the error's message and hint.
[[noreturn]] void Fail(const hob::Error& error);
template <typename T>
T Check(hob::Result<T> result) {
  if (!result.ok()) Fail(result.error());
  return std::move(*result);
}
inline void Check(hob::Result<void> result) {
  if (!result.ok()) Fail(result.error());
}

// --model, --threads, --copy-file, and for commands that run the model --activations, --precise,
// --kv and
// --rope.
struct ModelOptions {
  std::string path;  // empty: the default model
  uint32_t threads = 0;
  hob_activations activations = HOB_ACTIVATIONS_INT16;
  hob_kv_type kv = HOB_KV_F16;
  std::string rope = "model";  // as --rope has it
  hob_rope_scaling rope_scaling = HOB_ROPE_MODEL;
  double rope_factor = 0;
  uint32_t rope_original_context = 0;
  int32_t shared_cache_tokens = 0;  // as in hob_model_options
  bool copy_file = false;           // likewise
  uint32_t max_requests = 0;        // as in hob_runtime_options
  uint64_t memory_limit = 0;        // likewise
  std::string draft;                // path of a draft model; empty: none

  // By the names below; a CLI::ValidationError for others.
  void SetActivations(const std::string& name);
  void SetKv(const std::string& name);
  void SetRope(const std::string& text);  // TYPE[:FACTOR[:ORIGINAL]]
  const char* ActivationsName() const;
  const char* KvName() const;  // of the cache that the model will have
};
void AddModelOptions(CLI::App& app, ModelOptions& options, bool runs = true);

struct Loaded;

// --context, --roll, --keep, --speculate and --draft.
struct ContextOptions {
  int32_t tokens = 0, keep = 0;
  bool roll = false, speculate = false;
  void Apply(hob_session_options& session, const Loaded& loaded) const;
};
void AddContextOptions(CLI::App& app, ContextOptions& options, ModelOptions& model);

// --temperature and the rest of the sampler chain; greedy by default.
struct SamplingOptions {
  hob_sampler_options sampler = HOB_SAMPLER_OPTIONS_INIT;
  bool greedy = false;  // asked for by name
};
void AddSamplingOptions(CLI::App& app, SamplingOptions& options);

// --json-schema, --regex, --gbnf and --choices: the form of an answer.
struct GrammarOptions {
  std::string json_schema, regex, gbnf;  // the first and the last: a file's path, or the text
  std::vector<std::string> choices;
  // The grammar that is asked for, if one is.
  std::optional<hob::Grammar> Make(const hob::Model& model) const;
};
void AddGrammarOptions(CLI::App& app, GrammarOptions& options);

// The default model's file in the cache folder (${XDG_CACHE_HOME:-~/.cache}/hob/models/).
std::string DefaultModelPath();

struct Loaded {
  hob::Runtime runtime;
  hob::Model model;
  std::optional<hob::Model> draft;
  double load_ms;
};
// Opens the model, with a progress bar on a terminal; `batch_rows` as in hob_model_options.
Loaded Load(const ModelOptions& options, bool vocabulary_only = false, uint32_t batch_rows = 0);

// A whole file, or standard input for "-".
std::string ReadText(const std::string& path);

// The token ids in a JSON file, or on standard input for "-"; a Failure for anything else.
std::vector<int32_t> ReadTokens(const std::string& path);

// Bytes as "93.8 MiB".
std::string Bytes(uint64_t bytes);

// Writes `text` to standard output at once; false when nobody reads it any more.
bool Print(std::string_view text);

// A bar on standard error while it is a terminal; nothing else. Erased when done.
class ProgressBar {
 public:
  explicit ProgressBar(std::string label);
  ~ProgressBar();
  void Update(uint64_t done, uint64_t total);
  // For the C interface's callbacks; `user` is a ProgressBar.
  static int32_t Callback(void* user, uint64_t done, uint64_t total);

 private:
  std::string label_;
  bool terminal_;
  int shown_ = -1;  // percent
};

// While it lives, an interrupt (Ctrl-C) cancels `session` instead of ending the program.
class CancelOnInterrupt {
 public:
  explicit CancelOnInterrupt(hob_session* session);
  ~CancelOnInterrupt();
  bool interrupted() const;
};

// The lines of hob --version.
std::string DescribeVersion();

// Each adds its subcommand to `app`.
void AddChat(CLI::App& app);
void AddRun(CLI::App& app);
void AddConvert(CLI::App& app);
void AddInspect(CLI::App& app);
void AddKeygen(CLI::App& app);
void AddSign(CLI::App& app);
void AddVerify(CLI::App& app);
void AddEmbed(CLI::App& app);
void AddPerplexity(CLI::App& app);
void AddTokenize(CLI::App& app);
void AddLogits(CLI::App& app);
void AddBench(CLI::App& app);
#if defined(HOB_HAVE_SERVE)
void AddServe(CLI::App& app);
#endif

}  // namespace tool
