// SPDX-License-Identifier: Apache-2.0
// hob serve: the model behind HTTP, in the protocol of OpenAI's clients. docs/howto/serve.md.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>

#include "tools/common.h"
#include "tools/serve/answer_queue.h"
#include "tools/serve/api.h"
#include "tools/serve/api_keys.h"
#include "tools/serve/log.h"
#include "tools/serve/server.h"

namespace tool {
namespace {

using serve::LogFormat;

struct Options {
  ModelOptions model;
  SamplingOptions sampling;
  std::string host = "127.0.0.1", name, api_keys;
  uint16_t port = 8080;
  bool no_keys = false;
  std::vector<std::string> allowed_hosts, cors_origins;
  serve::HttpLimits http;
  serve::AnswerLimits answers;
  serve::RequestDefaults requests;
  uint32_t header_seconds = 10, body_seconds = 30, idle_seconds = 60, write_seconds = 30;
  uint32_t drain_seconds = 30;
  LogFormat log = LogFormat::kText;
};

bool IsLoopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

serve::GuardOptions MakeGuard(const Options& options) {
  serve::GuardOptions guard;
  guard.cors_origins = options.cors_origins;
  if (!options.api_keys.empty()) guard.keys = serve::ApiKeys::Read(options.api_keys);
  if (!IsLoopback(options.host) && guard.keys.empty() && !options.no_keys) {
    throw Failure("--host " + options.host + " lets other machines ask, and there are no keys",
                  "Give --api-keys FILE, or --no-keys if everybody may ask.", kUsage);
  }
  for (const std::string& name : options.allowed_hosts) {
    guard.hosts.push_back(serve::HostName(name));
  }
  if (IsLoopback(options.host)) {
    for (const char* name : {"localhost", "127.0.0.1", "[::1]"}) guard.hosts.emplace_back(name);
    guard.hosts.push_back(options.host);
  }
  return guard;
}

// Ends in good order: at the first signal running answers are finished and new ones refused, at
// the second, or after drain_seconds, running ones are cut short.
class Terminator {
 public:
  Terminator(const Options& options, serve::Server& server, serve::Api& api,
             serve::AnswerQueue& queue, serve::Log& log)
      : options_(options), server_(server), api_(api), queue_(queue), log_(log) {
    server.OnTerminate([this] { Signalled(); });
  }

 private:
  void Signalled() {
    if (draining_) return Cancel();
    draining_ = true;
    log_.Write(serve::LogLevel::kInfo, "draining",
               {{"answers", static_cast<int64_t>(queue_.active())}});
    api_.Drain();
    server_.CloseAfterAnswers();
    server_.After(std::chrono::seconds(options_.drain_seconds), [this] { Cancel(); });
    Look();
  }

  void Cancel() {
    if (cancelled_) return;
    cancelled_ = true;
    log_.Write(serve::LogLevel::kWarning, "answers are cut short",
               {{"answers", static_cast<int64_t>(queue_.active())}});
    serve::ApiError error(503, "shutting_down", "the server is shutting down");
    error.retry_after = 1;
    queue_.CancelAll(error);
    // Whoever does not take what was sent is not waited for.
    server_.After(std::chrono::seconds(2), [this] { server_.Stop(); });
  }

  void Look() {
    if (queue_.active() == 0 && server_.busy() == 0) return server_.Stop();
    server_.After(std::chrono::milliseconds(20), [this] { Look(); });
  }

  const Options& options_;
  serve::Server& server_;
  serve::Api& api_;
  serve::AnswerQueue& queue_;
  serve::Log& log_;
  bool draining_ = false, cancelled_ = false;
};

void Run(Options& options) {
  const serve::GuardOptions guard = MakeGuard(options);
  options.http.header_time = std::chrono::seconds(options.header_seconds);
  options.http.body_time = std::chrono::seconds(options.body_seconds);
  options.http.idle_time = std::chrono::seconds(options.idle_seconds);
  options.http.write_time = std::chrono::seconds(options.write_seconds);
  options.requests.sampler = options.sampling.sampler;
  // An answer that has just ended may still count.
  options.model.max_requests = static_cast<uint32_t>(options.answers.parallel) * 2 + 16;
  serve::Log log(options.log);
  const Loaded loaded = Load(options.model);
  if (options.name.empty()) {
    options.name = std::filesystem::path(loaded.model.Text(HOB_MODEL_PATH)).stem();
  }
  serve::Api api(options.name, loaded.runtime, log);
  serve::Server server(options.host, options.port, options.http, guard, log, api);
  serve::AnswerQueue queue(
      loaded.model, options.name, options.requests, options.answers,
      [&server](std::vector<serve::Delivery> all) { server.Post(std::move(all)); });
  api.Connect(&queue, &server);
  const Terminator terminator(options, server, api, queue, log);
  log.Write(serve::LogLevel::kInfo, "listening",
            {{"host", options.host},
             {"port", int64_t{server.port()}},
             {"model", options.name},
             {"load_ms", loaded.load_ms}});
  // For whoever started it with port 0, and waits for it to be ready.
  Print("http://" +
        (options.host.find(':') == std::string::npos ? options.host : "[" + options.host + "]") +
        ":" + std::to_string(server.port()) + "\n");
  server.Run();
  log.Write(serve::LogLevel::kInfo, "stopped");
}

void AddLimits(CLI::App& command, Options& options) {
  constexpr const char* kGroup = "Limits";
  const auto seconds = CLI::Range(1, 86400);
  const auto add = [&](const char* name, auto& value, const char* text) {
    return command.add_option(name, value, text)->capture_default_str()->group(kGroup);
  };
  add("--parallel", options.answers.parallel, "answers at a time")->check(CLI::Range(1, 1024));
  add("--queue", options.answers.queued, "requests that wait beside them; more are refused (429)")
      ->check(CLI::Range(0, 100000));
  add("--connections", options.http.connections, "connections at a time; more are refused (503)")
      ->check(CLI::Range(1, 100000));
  add("--max-n", options.requests.most_choices, "answers to one request")
      ->check(CLI::Range(1, 128));
  add("--most-tokens", options.requests.most_tokens, "tokens that a request may ask for; 0: any")
      ->check(CLI::NonNegativeNumber);
  add("--answer-seconds", options.answers.answer_seconds, "longest answer; 0: any")
      ->check(CLI::Range(0, 86400));
  add("--max-body", options.http.body_bytes, "bytes of a request's body")
      ->check(CLI::Range(1024, 1 << 28));
  add("--header-seconds", options.header_seconds, "for a request's header to come")->check(seconds);
  add("--body-seconds", options.body_seconds, "for its body")->check(seconds);
  add("--idle-seconds", options.idle_seconds, "between two requests of a connection")
      ->check(seconds);
  add("--write-seconds", options.write_seconds, "for a client to take what was sent")
      ->check(seconds);
  add("--drain-seconds", options.drain_seconds, "for answers to end after SIGTERM")
      ->check(CLI::Range(0, 86400));
}

}  // namespace

void AddServe(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->sampling.sampler.temperature = 1;  // as the protocol has it
  CLI::App* command =
      app.add_subcommand("serve", "answer over HTTP, in the protocol of OpenAI's clients");
  command->add_option("--host", options->host, "address to listen on")->capture_default_str();
  command->add_option("--port", options->port, "port; 0: a free one")->capture_default_str();
  command->add_option("--name", options->name, "what clients call the model (default: its file)");
  command
      ->add_option("--api-keys", options->api_keys,
                   "file with the keys that clients may have, one a line")
      ->type_name("FILE");
  command->add_flag("--no-keys", options->no_keys,
                    "let everybody ask, on other machines, too: see --host");
  command
      ->add_option("--allowed-host", options->allowed_hosts,
                   "a name by which clients may call this server, besides --host")
      ->type_name("NAME");
  command
      ->add_option("--cors-origin", options->cors_origins,
                   "pages of this origin may ask (https://example.org, or *)")
      ->type_name("ORIGIN");
  command->add_option("--log", options->log, "json, text or off; lines on standard error")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, LogFormat>{
              {"json", LogFormat::kJson}, {"text", LogFormat::kText}, {"off", LogFormat::kOff}},
          CLI::ignore_case))
      ->type_name("FORMAT");
  AddModelOptions(*command, options->model);
  command
      ->add_option("-c,--context", options->answers.context_tokens,
                   "tokens of a conversation; 0: all the model can")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      ->add_option("--shared-cache", options->model.shared_cache_tokens,
                   "tokens of cache that are kept for requests that begin alike; 0: 4096")
      ->check(CLI::Range(-1, 1 << 24))
      ->capture_default_str();
  command
      ->add_option("--memory-limit", options->model.memory_limit,
                   "bytes of weights, caches and scratch memory (8G, 512M); 0: any")
      ->transform(CLI::AsSizeValue(false))
      ->capture_default_str();
  command
      ->add_option("-n,--max-tokens", options->requests.max_tokens,
                   "of a chat's answer where the request does not say; 0: the context's end")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  AddSamplingOptions(*command, options->sampling);
  AddLimits(*command, *options);
  command->callback([options] {
    if (options->sampling.greedy) options->sampling.sampler.temperature = 0;
    Run(*options);
  });
}

}  // namespace tool
