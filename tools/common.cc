// SPDX-License-Identifier: Apache-2.0
#include "tools/common.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

namespace tool {

void Fail(const hob::Error& error) {
  throw Failure(std::string(error.message()), std::string(error.hint()));
}

namespace {

// By the numbers of hob_activations, hob_kv_type and hob_rope_scaling.
constexpr const char* kActivations[] = {"int16", "int8", "f32"};
constexpr const char* kKv[] = {"f16", "f32", "int8"};
constexpr const char* kRope[] = {"model", "none", "linear", "ntk", "yarn", "llama3"};

template <size_t kCount>
int32_t NumberOf(const char* option, const std::string& name, const char* const (&names)[kCount]) {
  std::string known;
  for (size_t i = 0; i < kCount; ++i) {
    if (CLI::detail::to_lower(name) == names[i]) return static_cast<int32_t>(i);
    known += std::string(i == 0 ? "" : ", ") + names[i];
  }
  throw CLI::ValidationError(option, name + " is none of " + known);
}

}  // namespace

void ModelOptions::SetActivations(const std::string& name) {
  activations = NumberOf("--activations", name, kActivations);
}

void ModelOptions::SetKv(const std::string& name) { kv = NumberOf("--kv", name, kKv); }

// As in "yarn:4" or "llama3:8:8192".
void ModelOptions::SetRope(const std::string& text) {
  const std::vector<std::string> parts = CLI::detail::split(text, ':');
  if (parts.size() > 3) {
    throw CLI::ValidationError("--rope", text + " is not TYPE[:FACTOR[:ORIGINAL]]");
  }
  rope = text;
  rope_scaling = NumberOf("--rope", parts[0], kRope);
  rope_factor = 0;
  rope_original_context = 0;
  if (parts.size() > 1 && !CLI::detail::lexical_cast(parts[1], rope_factor)) {
    throw CLI::ValidationError("--rope", parts[1] + " is not a number");
  }
  if (parts.size() > 2 && !CLI::detail::lexical_cast(parts[2], rope_original_context)) {
    throw CLI::ValidationError("--rope", parts[2] + " is not a number of tokens");
  }
}

const char* ModelOptions::ActivationsName() const { return kActivations[activations]; }

const char* ModelOptions::KvName() const {
  const bool reference = activations == HOB_ACTIVATIONS_F32 && kv == HOB_KV_F16;
  return kKv[reference ? HOB_KV_F32 : kv];
}

void AddModelOptions(CLI::App& app, ModelOptions& options, bool runs) {
  app.add_option("-m,--model", options.path,
                 "model file, GGUF or .hob (default: the default model)");
  app.add_option("-t,--threads", options.threads, "threads (default: as many as may be used)");
  app.add_flag("--copy-file", options.copy_file,
               "read the model file into memory rather than map it: it may then change or go");
  if (!runs) return;
  CLI::Option* activations =
      app.add_option_function<std::string>(
             "--activations", [&options](const std::string& name) { options.SetActivations(name); },
             "int16 (default), int8 (faster prefill, answers may differ) or f32 (slow)")
          ->type_name("NAME");
  app.add_flag_callback(
         "--precise", [&options] { options.activations = HOB_ACTIVATIONS_F32; },
         "f32 activations and cache: --activations f32")
      ->excludes(activations);
  app.add_option_function<std::string>(
         "--kv", [&options](const std::string& name) { options.SetKv(name); },
         "the key/value cache: f16 (default), f32 or int8 (half the memory, faster)")
      ->type_name("NAME");
  app.add_option_function<std::string>(
         "--rope", [&options](const std::string& text) { options.SetRope(text); },
         "longer contexts: linear, ntk, yarn or llama3, then :FACTOR, then :ORIGINAL context if "
         "the file does not say; none: unscaled")
      ->type_name("TYPE[:FACTOR]");
}

void ContextOptions::Apply(hob_session_options& session, const Loaded& loaded) const {
  session.context_tokens = tokens;
  session.roll = roll ? 1 : 0;
  session.keep_tokens = keep;
  session.speculate = speculate ? 1 : 0;
  session.draft = loaded.draft ? loaded.draft->get() : nullptr;
}

void AddContextOptions(CLI::App& app, ContextOptions& options, ModelOptions& model) {
  app.add_option("-c,--context", options.tokens, "tokens remembered; 0: all the model can")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  CLI::Option* roll =
      app.add_flag("--roll", options.roll, "where the context is full, drop old tokens and go on");
  app.add_option("--keep", options.keep, "tokens at the beginning that --roll never drops")
      ->check(CLI::NonNegativeNumber)
      ->needs(roll)
      ->capture_default_str();
  app.add_flag("--speculate", options.speculate,
               "guess tokens from the prompt and check several in one pass: the same answer, "
               "faster where it repeats the prompt");
  app.add_option("--draft", model.draft,
                 "a smaller model of the same vocabulary that guesses tokens: the same answer, "
                 "faster where it guesses right")
      ->type_name("FILE");
}

void AddSamplingOptions(CLI::App& app, SamplingOptions& options) {
  hob_sampler_options& s = options.sampler;
  app.add_flag("--greedy", options.greedy, "always the likeliest token: the default");
  app.add_option("--temperature", s.temperature, "above 0: draw; 0: greedy")
      ->excludes("--greedy")
      ->capture_default_str();
  app.add_option("--top-k", s.top_k, "keep the k likeliest tokens; 0: all")->capture_default_str();
  app.add_option("--top-p", s.top_p, "keep the likeliest that sum to p; 1: all")
      ->capture_default_str();
  app.add_option("--min-p", s.min_p, "drop tokens below this share of the likeliest; 0: none")
      ->capture_default_str();
  app.add_option("--repetition-penalty", s.repetition_penalty, "1: none")->capture_default_str();
  app.add_option("--repetition-window", s.repetition_window, "last tokens that it looks at; 0: all")
      ->capture_default_str();
  app.add_option("--seed", s.seed, "the same seed gives the same answer")->capture_default_str();
}

std::optional<hob::Grammar> GrammarOptions::Make(const hob::Model& model) const {
  // A schema begins with a brace, and a grammar has "::=", as no path does.
  const auto text = [](const std::string& given, std::string_view mark) {
    return given == "-" || given.find(mark) == std::string::npos ? ReadText(given) : given;
  };
  if (json_schema.empty() && regex.empty() && gbnf.empty() && choices.empty()) return std::nullopt;
  const hob::Tokenizer tokenizer = Check(model.GetTokenizer());
  if (!json_schema.empty()) {
    return Check(hob::Grammar::JsonSchema(tokenizer, text(json_schema, "{")));
  }
  if (!regex.empty()) return Check(hob::Grammar::Regex(tokenizer, regex));
  if (!gbnf.empty()) return Check(hob::Grammar::Gbnf(tokenizer, text(gbnf, "::=")));
  const std::vector<std::string_view> views(choices.begin(), choices.end());
  return Check(hob::Grammar::Choices(tokenizer, views));
}

void AddGrammarOptions(CLI::App& app, GrammarOptions& options) {
  CLI::Option* const all[] = {
      app.add_option("--json-schema", options.json_schema,
                     "answer with JSON of this schema: a file, or the schema itself")
          ->type_name("FILE|JSON"),
      app.add_option("--regex", options.regex, "answer with a text that matches this")
          ->type_name("PATTERN"),
      app.add_option("--gbnf", options.gbnf,
                     "answer with a text of this grammar: a file, or the grammar itself")
          ->type_name("FILE|GBNF"),
      app.add_option("--choice", options.choices,
                     "answer with one of these; may be given several times")
          ->allow_extra_args(false)
          ->type_name("TEXT")};
  for (CLI::Option* option : all) {
    for (CLI::Option* other : all) {
      if (other != option) option->excludes(other);
    }
  }
}

std::string DefaultModelPath() {
  std::filesystem::path cache;
  if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg != nullptr && *xdg != '\0') {
    cache = xdg;
  } else if (const char* home = std::getenv("HOME"); home != nullptr) {
    cache = std::filesystem::path(home) / ".cache";
  }
  return cache / "hob" / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf";
}

Loaded Load(const ModelOptions& options, bool vocabulary_only, uint32_t batch_rows) {
  std::string path = options.path;
  if (path.empty()) {
    path = DefaultModelPath();
    if (!std::filesystem::exists(path)) {
      throw Failure("the default model is not at " + path,
                    "run ./dev setup in a clone of hob to fetch it, or name a file with --model");
    }
  }
  hob_runtime_options runtime_options = HOB_RUNTIME_OPTIONS_INIT;
  runtime_options.threads = options.threads;
  runtime_options.max_requests = options.max_requests;
  runtime_options.memory_limit = options.memory_limit;
  hob::Runtime runtime = Check(hob::Runtime::Create(runtime_options));
  hob_model_options model_options = HOB_MODEL_OPTIONS_INIT;
  model_options.activations = options.activations;
  model_options.kv_type = options.kv;
  model_options.vocabulary_only = vocabulary_only ? 1 : 0;
  model_options.max_batch_rows = batch_rows;
  model_options.rope_scaling = options.rope_scaling;
  model_options.rope_factor = options.rope_factor;
  model_options.rope_original_context = options.rope_original_context;
  model_options.shared_cache_tokens = options.shared_cache_tokens;
  model_options.copy_file = options.copy_file ? 1 : 0;
  auto open = [&](const std::string& file) {
    return Check(hob::Model::Open(runtime, file, model_options));
  };
  ProgressBar bar("Loading");
  model_options.progress = &ProgressBar::Callback;
  model_options.progress_user = &bar;
  const auto start = std::chrono::steady_clock::now();
  hob::Model model = open(path);
  std::optional<hob::Model> draft;
  if (!options.draft.empty()) draft = open(options.draft);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  return {std::move(runtime), std::move(model), std::move(draft), took.count()};
}

std::string ReadText(const std::string& path) {
  if (path == "-") {
    return std::string(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
  }
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) throw Failure(path + " is a directory");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Failure("cannot read " + path);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (file.bad()) throw Failure("reading " + path + " failed");
  return text;
}

std::vector<int32_t> ReadTokens(const std::string& path) {
  const nlohmann::json parsed = nlohmann::json::parse(ReadText(path), nullptr, false);
  if (!parsed.is_array()) throw Failure(path + " is not a JSON array of token ids");
  std::vector<int32_t> tokens;
  for (const nlohmann::json& id : parsed) {
    if (!id.is_number_integer() || id < 0 || id > INT32_MAX) {
      throw Failure(path + ": element " + std::to_string(tokens.size()) + " is not a token id");
    }
    tokens.push_back(id.get<int32_t>());
  }
  return tokens;
}

std::string Bytes(uint64_t bytes) {
  const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < std::size(units); ++unit) value /= 1024;
  char text[32];
  std::snprintf(text, sizeof(text), unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
  return text;
}

bool Print(std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() &&
         std::fflush(stdout) == 0;
}

ProgressBar::ProgressBar(std::string label)
    : label_(std::move(label)), terminal_(isatty(STDERR_FILENO) != 0) {}

ProgressBar::~ProgressBar() {
  if (shown_ >= 0) std::fputs("\r\033[K", stderr);
}

void ProgressBar::Update(uint64_t done, uint64_t total) {
  if (!terminal_ || total == 0) return;
  const int percent = static_cast<int>(done * 100 / total);
  if (percent == shown_) return;
  shown_ = percent;
  constexpr int kWidth = 30;
  std::string bar(static_cast<size_t>(percent * kWidth / 100), '#');
  bar.resize(kWidth, '.');
  std::fprintf(stderr, "\r%s [%s] %3d %%", label_.c_str(), bar.c_str(), percent);
  std::fflush(stderr);
}

int32_t ProgressBar::Callback(void* user, uint64_t done, uint64_t total) {
  static_cast<ProgressBar*>(user)->Update(done, total);
  return 0;
}

namespace {

std::atomic<hob_session*> current_session{nullptr};
std::atomic<bool> was_interrupted{false};

void OnInterrupt(int) {
  was_interrupted.store(true);
  if (hob_session* session = current_session.load()) hob_session_cancel(session);
}

struct sigaction previous_action;

}  // namespace

CancelOnInterrupt::CancelOnInterrupt(hob_session* session) {
  was_interrupted.store(false);
  current_session.store(session);
  struct sigaction action = {};
  action.sa_handler = OnInterrupt;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &previous_action);
}

CancelOnInterrupt::~CancelOnInterrupt() {
  sigaction(SIGINT, &previous_action, nullptr);
  current_session.store(nullptr);
}

bool CancelOnInterrupt::interrupted() const { return was_interrupted.load(); }

}  // namespace tool
