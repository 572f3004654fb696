// SPDX-License-Identifier: Apache-2.0
// The limits of this machine as a line of JSON, for programs that compare with them.
//   bench_ceilings [--threads N] [--seconds S] [--mebibytes M]
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "tests/bench/limits.h"

namespace {

struct Options {
  size_t threads = 1;
  double seconds = 0.3;    // of each measurement
  size_t mebibytes = 512;  // the block that is read: many times the largest cache
};

double Giga(double value) { return static_cast<double>(static_cast<int64_t>(value * 1e-7)) / 100; }

int Measure(const Options& options) {
  auto pool = hob::ThreadPool::Create(options.threads);
  if (!pool.ok()) {
    std::fprintf(stderr, "error: %s\n", std::string(pool.status().message()).c_str());
    return 1;
  }
  const double read =
      hob::bench::ReadBandwidth(options.mebibytes << 20).Measure(**pool, options.seconds);
  if (read == 0) {
    std::fprintf(stderr, "error: no memory for %zu MiB\n", options.mebibytes);
    return 1;
  }
  nlohmann::ordered_json ways = nlohmann::ordered_json::object();
  double best = 0;
  for (const hob::bench::Rate& way : hob::bench::Int8Peaks(**pool, options.seconds)) {
    ways[std::string(way.name)] = Giga(way.per_second);
    best = std::max(best, way.per_second);
  }
  const nlohmann::ordered_json out = {
      {"threads", options.threads},
      {"read_gb_per_s", Giga(read)},
      {"int8_gops", Giga(best)},
      {"int8_gops_of", ways},
      {"f32_gops", Giga(hob::bench::F32Peak(**pool, options.seconds))},
      {"mebibytes", options.mebibytes}};
  std::printf("%s\n", out.dump().c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("The limits of this machine, as JSON", "bench_ceilings");
  Options options;
  app.add_option("--threads", options.threads, "threads")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "of each measurement")
      ->check(CLI::Range(0.001, 60.0))
      ->capture_default_str();
  app.add_option("--mebibytes", options.mebibytes, "of memory to read")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return Measure(options);
}
