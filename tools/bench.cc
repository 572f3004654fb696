// SPDX-License-Identifier: Apache-2.0
// hob bench: prefill and decode speed, load time and memory; medians over repetitions.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tools/bench_crowd.h"
#include "tools/bench_restore.h"
#include "tools/common.h"

namespace tool {

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

namespace {

struct Options {
  ModelOptions model;
  size_t prompt = 512, depth = 0;
  int32_t generate = 128;
  int reps = 5;
  int sessions = 1;
  size_t join = 0;     // tokens of a prompt that joins the sessions
  std::string tokens;  // a file; empty: made-up ids
  ContextOptions context;
  bool reply = false, restore = false, json = false;
};

// Ids spread over the vocabulary, the same in every run.
std::vector<int32_t> SomeTokens(size_t count, int32_t vocabulary) {
  std::vector<int32_t> tokens(count);
  uint32_t state = 1;
  for (int32_t& token : tokens) {
    state = state * 1664525u + 1013904223u;  // Numerical Recipes' generator
    token = static_cast<int32_t>((state >> 8) % static_cast<uint32_t>(vocabulary));
  }
  return tokens;
}

// The file's ids, over and over until there are enough.
std::vector<int32_t> Repeated(const std::vector<int32_t>& ids, size_t count) {
  std::vector<int32_t> tokens(count);
  for (size_t i = 0; i < count; ++i) tokens[i] = ids[i % ids.size()];
  return tokens;
}

struct Reply {
  hob_session_stats stats;
  double seconds;  // from before the session is created
  std::vector<int32_t> answer;
};

Reply Generate(const hob::Model& model, const hob_session_options& session_options,
               const std::vector<int32_t>& prompt, int32_t count) {
  Reply reply;
  reply.answer.reserve(static_cast<size_t>(count));
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.max_tokens = count;
  options.ignore_eos = 1;
  options.user = &reply.answer;
  options.on_token = [](void* user, const hob_token* token) -> int32_t {
    if (token->id != HOB_NO_TOKEN) static_cast<std::vector<int32_t>*>(user)->push_back(token->id);
    return 0;
  };
  const auto start = std::chrono::steady_clock::now();
  hob::Session session = Check(hob::Session::Create(model, session_options));
  Check(session.AddTokens(prompt));
  Check(session.Generate(options));
  reply.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  reply.stats = Check(session.Stats());
  return reply;
}

uint64_t PeakRss() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
#if defined(__APPLE__)
  return static_cast<uint64_t>(usage.ru_maxrss);
#else
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
#endif
}

void Run(const Options& options) {
  if (options.restore && options.prompt < 1) {
    throw Failure("--restore needs a prompt", "Give --prompt of 1 or more.", kUsage);
  }
  if (options.reply && (options.prompt < 1 || options.generate < 1)) {
    throw Failure("--reply needs a prompt and an answer", "Give --prompt and --gen of 1 or more.",
                  kUsage);
  }
  std::vector<double> prefill, decode, seconds, gap_median, gap_p99;
  std::vector<int32_t> answer;
  ModelOptions model_options = options.model;
  model_options.shared_cache_tokens = -1;  // each run computes its prompt
  const Loaded loaded = Load(model_options);
  hob_session_options session_options = HOB_SESSION_OPTIONS_INIT;
  options.context.Apply(session_options, loaded);
  const hob_model_info info = Check(loaded.model.Info());
  const size_t most = std::max<size_t>({options.prompt, options.depth, 1});
  const std::vector<int32_t> ids =
      options.tokens.empty() ? SomeTokens(most, info.vocabulary_size) : ReadTokens(options.tokens);
  if (ids.empty()) throw Failure(options.tokens + " holds no tokens");
  const std::vector<int32_t> prompt = Repeated(ids, options.prompt);
  if (options.restore) return BenchRestore(loaded, prompt, options.reps, options.json);
  const std::vector<int32_t> cached = Repeated(ids, std::max<size_t>(options.depth, 1));
  ProgressBar bar("Measuring");
  for (int r = -1; r < options.reps; ++r) {  // the first is a warm-up
    if (options.reply) {
      Reply reply = Generate(loaded.model, session_options, prompt, options.generate);
      if (r >= 0) {
        prefill.push_back(reply.stats.prefill_tokens_per_second);
        decode.push_back(reply.stats.decode_tokens_per_second);
        seconds.push_back(reply.seconds);
        answer = std::move(reply.answer);
      }
    } else {
      if (options.prompt > 0) {
        const hob_session_stats stats = Generate(loaded.model, session_options, prompt, 1).stats;
        if (r >= 0) prefill.push_back(stats.prefill_tokens_per_second);
      }
      if (options.generate > 0 && options.sessions > 1) {
        const Crowd crowd = MeasureCrowd(loaded.model, session_options, options.sessions, cached,
                                         Repeated(ids, options.join), options.generate);
        if (r >= 0) {
          decode.push_back(crowd.tokens_per_second);
          gap_median.push_back(crowd.gap_median_ms);
          gap_p99.push_back(crowd.gap_p99_ms);
        }
      } else if (options.generate > 0) {
        const hob_session_stats stats =
            Generate(loaded.model, session_options, cached, options.generate + 1).stats;
        if (r >= 0) decode.push_back(stats.decode_tokens_per_second);
      }
    }
    bar.Update(static_cast<uint64_t>(r + 2), static_cast<uint64_t>(options.reps + 1));
  }
  const uint32_t threads = Check(loaded.runtime.Info()).threads;
  if (options.json) {
    nlohmann::ordered_json out;
    out["model"] = std::string(loaded.model.Text(HOB_MODEL_PATH));
    out["version"] = std::string(hob::ToView(hob_version()));
    out["threads"] = threads;
    out["activations"] = options.model.ActivationsName();
    out["kv"] = options.model.KvName();
    out["rope"] = options.model.rope;
    out["prompt_tokens"] = options.prompt;
    out["generated_tokens"] = options.generate;
    out["depth"] = options.reply ? options.prompt : options.depth;
    out["sessions"] = options.sessions;
    out["repetitions"] = options.reps;
    out["prefill_tps"] = Median(prefill);
    out["decode_tps"] = Median(decode);
    out["load_ms"] = loaded.load_ms;
    out["peak_rss_bytes"] = PeakRss();
    out["prefill_tps_all"] = prefill;
    out["decode_tps_all"] = decode;
    if (options.sessions > 1) {
      out["join_tokens"] = options.join;
      out["between_tokens_ms"] = Median(gap_median);
      out["between_tokens_p99_ms"] = Median(gap_p99);
    }
    if (options.reply) {
      out["reply_s"] = Median(seconds);
      out["reply_s_all"] = seconds;
      out["answer"] = answer;
    }
    Print(out.dump(2) + "\n");
    return;
  }
  char text[512];
  std::snprintf(text, sizeof(text),
                "prefill  %4zu tokens  %9.1f tok/s\n"
                "decode   %4d tokens  %9.1f tok/s\n"
                "load     %20.1f ms\n"
                "peak RSS %23s\n"
                "%u threads, medians of %d\n",
                options.prompt, Median(prefill), options.generate, Median(decode), loaded.load_ms,
                Bytes(PeakRss()).c_str(), threads, options.reps);
  Print(text);
  if (options.sessions > 1) {
    std::snprintf(text, sizeof(text), "between tokens of a session %6.1f ms, 99 %% below %.1f ms\n",
                  Median(gap_median), Median(gap_p99));
    Print(text);
  }
  if (options.reply) {
    std::snprintf(text, sizeof(text), "reply    %20.1f ms\n", Median(seconds) * 1000);
    Print(text);
  }
}

}  // namespace

void AddBench(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("bench", "measure speed and memory");
  AddModelOptions(*command, options->model);
  command->add_option("--prompt", options->prompt, "tokens of the prompt")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  command->add_option("--gen", options->generate, "tokens to generate")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  CLI::Option* depth =
      command->add_option("--depth", options->depth, "tokens in the cache before those generated")
          ->check(CLI::Range(0, 1 << 20))
          ->capture_default_str();
  CLI::Option* reply =
      command
          ->add_flag("--reply", options->reply,
                     "whole replies: generate after the prompt, and time it from end to end")
          ->excludes(depth);
  CLI::Option* sessions = command
                              ->add_option("--sessions", options->sessions,
                                           "answers at once; decode is then of all together")
                              ->check(CLI::Range(1, 256))
                              ->excludes(reply)
                              ->capture_default_str();
  command
      ->add_option(
          "--join", options->join,
          "tokens of a prompt that joins the sessions: times between tokens are then those "
          "while it is read")
      ->check(CLI::Range(1, 1 << 20))
      ->needs(sessions);
  command
      ->add_flag("--restore", options->restore,
                 "saving and restoring a session of --prompt tokens, against prefilling it")
      ->excludes(reply);
  command->add_option(
      "--tokens", options->tokens,
      "JSON array of token ids that prompt and depth are taken from, over and over; "
      "- reads standard input (default: made-up ids)");
  AddContextOptions(*command, options->context, options->model);
  command->add_option("--reps", options->reps, "repetitions")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_flag("--json", options->json,
                    "JSON with prefill_tps, decode_tps, load_ms, peak_rss_bytes");
  command->callback([options] { Run(*options); });
}

}  // namespace tool
