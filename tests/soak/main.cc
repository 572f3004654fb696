// SPDX-License-Identifier: Apache-2.0
// Random clients of one runtime whose memory is short, for as long as is asked: prints what was
// done and what the process holds. Exit code 1: a wrong answer, an unexpected error, a leak or a
// growth.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/soak/client.h"
#include "tests/soak/process.h"
#include "tests/support/temporary_folder.h"

namespace hob::soak {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kMostGrowth = 0.01;
constexpr double kMinutesToJudge = 10;  // the heap is still filling before

struct Options {
  double minutes = 1;
  uint32_t clients = 12, seed = 1;
  std::string fixtures;
  std::vector<std::string> models;  // beside the fixtures
};

// Room for every model twice, as while one is opened anew, for a draft model, and for the sessions
// of most clients.
uint64_t MemoryLimit(const std::vector<std::string>& paths, uint32_t clients) {
  const Runtime runtime = Runtime::Create().value();
  uint64_t models = 0, sessions = 0;
  for (const std::string& path : paths) {
    hob_model_options options = HOB_MODEL_OPTIONS_INIT;
    options.copy_file = 1;
    const hob_model_plan_info plan = Model::Plan(runtime, path, options).value();
    models += plan.weight_bytes + plan.scratch_bytes;
    sessions = std::max(sessions, plan.kv_bytes_per_token * 200);
  }
  return 9 * models / 4 + sessions * clients / 2;
}

class Soak {
 public:
  explicit Soak(const Options& options) : options_(options), start_(Clock::now()) {}

  int Run(const std::vector<std::string>& paths, const std::string& folder);

 private:
  double Minutes() const {
    return std::chrono::duration<double>(Clock::now() - start_).count() / 60;
  }
  void Watch(Site& site);
  void Line(const Site& site) const;
  int Judge(Site& site, const Holdings& before, const Holdings& after, uint64_t held) const;

  const Options options_;
  const Clock::time_point start_;
  std::vector<size_t> resident_;
};

void Soak::Line(const Site& site) const {
  const Holdings now = Holdings::Now();
  std::printf(
      "%6.1f min  %8llu requests  %9llu tokens  %8llu answers checked  RSS %.1f MB  fds %zu\n",
      Minutes(), static_cast<unsigned long long>(site.requests),
      static_cast<unsigned long long>(site.tokens), static_cast<unsigned long long>(site.checked),
      static_cast<double>(now.resident_bytes) / 1e6, now.descriptors);
  std::fflush(stdout);
}

void Soak::Watch(Site& site) {
  const double every = std::max(options_.minutes / 60, 0.05);
  double next = every;
  while (!site.stop && Minutes() < options_.minutes) {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    resident_.push_back(Holdings::Now().resident_bytes);
    if (Minutes() < next) continue;
    Line(site);
    next += every;
  }
  site.stop = true;
}

int Soak::Judge(Site& site, const Holdings& before, const Holdings& after, uint64_t held) const {
  std::printf(
      "\nrequests %llu, cancelled %llu, saved and restored %llu, forked %llu, models opened "
      "anew %llu, damaged files %llu\nerrors:",
      static_cast<unsigned long long>(site.requests),
      static_cast<unsigned long long>(site.cancelled), static_cast<unsigned long long>(site.saves),
      static_cast<unsigned long long>(site.forks), static_cast<unsigned long long>(site.reloads),
      static_cast<unsigned long long>(site.damaged));
  for (size_t i = 1; i < site.errors.size(); ++i) {
    if (site.errors[i] == 0) continue;
    const hob_string name = hob_status_name(static_cast<hob_status>(i));
    std::printf(" %s %llu", name.data, static_cast<unsigned long long>(site.errors[i]));
  }
  std::printf("\n");
  std::vector<std::string>& faults = site.failures;
  if (held != 0) faults.push_back(std::to_string(held) + " bytes of the runtime are still in use");
  if (after.descriptors != before.descriptors) {
    faults.push_back("file descriptors: " + std::to_string(before.descriptors) + " before, " +
                     std::to_string(after.descriptors) + " after");
  }
  if (after.threads != before.threads) {
    faults.push_back("threads: " + std::to_string(before.threads) + " before, " +
                     std::to_string(after.threads) + " after");
  }
  const double growth = Growth(resident_);
  const bool judged = options_.minutes >= kMinutesToJudge;
  std::printf("RSS growth %.2f %%%s\n", growth * 100,
              judged ? "" : " (not judged: a run of 10 minutes and more is)");
  if (judged && growth >= kMostGrowth) faults.emplace_back("the process grows");
  for (const std::string& fault : faults) std::printf("FAULT: %s\n", fault.c_str());
  std::printf("%zu faults in %.1f minutes\n", faults.size(), Minutes());
  return faults.empty() ? 0 : 1;
}

int Soak::Run(const std::vector<std::string>& paths, const std::string& folder) {
  const Holdings before = Holdings::Now();
  auto answers = std::make_unique<Answers>(paths);
  hob_runtime_options options = HOB_RUNTIME_OPTIONS_INIT;
  options.memory_limit = MemoryLimit(paths, options_.clients);
  options.max_requests = std::max(options_.clients - 1, 1u);
  Runtime runtime = Runtime::Create(options).value();
  Site site(runtime, *answers, folder);
  std::printf("%zu models, %u clients, memory limit %.1f MB, seed %u\n", paths.size(),
              options_.clients, static_cast<double>(options.memory_limit) / 1e6, options_.seed);
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < options_.clients; ++i) {
    threads.emplace_back([&, i] { Client(site, options_.seed * 1000 + i).Run(); });
  }
  Watch(site);
  for (std::thread& thread : threads) thread.join();
  site.Close();
  const uint64_t held = runtime.Info().value().bytes_in_use;
  {
    const Runtime gone = std::move(runtime);
  }
  answers.reset();
  return Judge(site, before, Holdings::Now(), held);
}

}  // namespace
}  // namespace hob::soak

int main(int argc, char** argv) {
  using namespace hob::soak;
  Options options;
  CLI::App app(
      "Random clients, cancels, saves, damaged files and reloads, with every answer checked.");
  app.add_option("--minutes", options.minutes, "how long (default 1)")->check(CLI::PositiveNumber);
  app.add_option("--clients", options.clients, "threads that ask (default 12)")
      ->check(CLI::Range(1, 1000));
  app.add_option("--seed", options.seed, "of what the clients do (default 1)");
  app.add_option("--fixtures", options.fixtures, "folder of the small models")->required();
  app.add_option("--model", options.models, "a model file beside those; may be repeated");
  CLI11_PARSE(app, argc, argv);
  std::vector<std::string> paths = options.models;
  for (const char* name :
       {"smollm-q4_1", "llama-q4_0", "qwen3-q4_1", "gemma3-q8_0", "mistral-window"}) {
    paths.push_back(options.fixtures + "/" + name + ".gguf");
  }
  try {
    const hob::test::TemporaryFolder folder;
    return Soak(options).Run(paths, folder.path());
  } catch (const std::exception& exception) {
    std::fprintf(stderr, "soak: %s\n", exception.what());
    return 1;
  }
}
