// SPDX-License-Identifier: Apache-2.0
// Times operators against the limits of the machine: ./dev bench op [OPERATOR…] [OPTION…].
#include <benchmark/benchmark.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>

#include "tests/bench/op_runner.h"

namespace hob::bench {
namespace {

struct Options {
  std::vector<std::string> ops = OpNames();
  std::vector<DType> types = {DType::kQ4_0};
  std::vector<DType> activations = {DType::kQ16Act};
  std::vector<int64_t> columns = {576}, outputs = {}, rows = {1, 512}, context = {512};
  std::vector<std::string> providers = {""};
  std::vector<size_t> threads = {1};
  int32_t heads = 9, kv_heads = 3, head_dim = 64;
  DType cache = DType::kF16;
  double seconds = 0.2;
};

// The operator that was measured last: Google Benchmark calls a benchmark several times in a row,
// and there is memory for one.
struct Current {
  std::string name;
  std::unique_ptr<OpRunner> runner;
  Status status;
};

void Measure(benchmark::State& state, Current& current, const std::string& name,
             const OpQuery& query, const std::string& provider, size_t threads) {
  if (current.name != name) {
    current.name = name;
    current.runner.reset();
    auto made = OpRunner::Create(query, provider, threads);
    current.status = made.status();
    if (made.ok()) current.runner = std::move(made).value();
  }
  if (current.runner == nullptr) {
    state.SkipWithError(std::string(current.status.message()).c_str());
    return;
  }
  OpRunner& runner = *current.runner;
  // Machines drift: the limit is that of just before and just after, the better of the two.
  const Limit before = runner.MeasureLimit();
  runner.Run();
  const auto start = std::chrono::steady_clock::now();
  for (auto _ : state) runner.Run();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() /
      static_cast<double>(state.iterations());
  const Limit after = runner.MeasureLimit();
  const Limit& limit = after.seconds < before.seconds ? after : before;
  const OpCase& op = runner.op_case();
  const double bytes = op.streamed > 0 ? op.streamed : op.activations;
  state.counters["GOPS"] = 1e-9 * op.operations / seconds;
  state.counters["GB/s"] = 1e-9 * bytes / seconds;
  state.counters["%limit"] = 100 * limit.seconds / seconds;
  state.SetLabel(std::string(runner.provider()) + ", limit " + limit.by);
}

// The vocabulary, where the outputs are not told.
int64_t DefaultOutputs(const std::string& op) {
  return op == "lm_head" || op == "embedding" ? 49152 : 1536;
}

std::vector<OpQuery> Queries(const Options& options) {
  std::vector<OpQuery> all;
  const auto spread = [](std::vector<OpQuery>& queries, const auto& values, auto OpQuery::* field) {
    std::vector<OpQuery> more;
    for (const OpQuery& query : queries) {
      for (const auto& value : values) {
        more.push_back(query);
        more.back().*field = value;
      }
    }
    queries = std::move(more);
  };
  for (const std::string& op : options.ops) {
    std::vector<OpQuery> queries(1);
    OpQuery& query = queries[0];
    query.op = op;
    query.heads = options.heads, query.kv_heads = options.kv_heads;
    query.head_dim = options.head_dim, query.cache = options.cache;
    const std::vector<int64_t> outputs =
        options.outputs.empty() ? std::vector{DefaultOutputs(op)} : options.outputs;
    spread(queries, options.types, &OpQuery::type);
    spread(queries, options.activations, &OpQuery::activations);
    spread(queries, options.columns, &OpQuery::columns);
    spread(queries, outputs, &OpQuery::outputs);
    spread(queries, options.context, &OpQuery::context);
    spread(queries, options.rows, &OpQuery::rows);
    all.insert(all.end(), queries.begin(), queries.end());
  }
  return all;
}

void Register(const Options& options, Current& current) {
  std::map<std::string, bool> seen;  // what an operator does not look at gives the same name again
  for (const OpQuery& query : Queries(options)) {
    for (const std::string& provider : options.providers) {
      for (const size_t threads : options.threads) {
        const std::string name = Describe(query) + (provider.empty() ? "" : "/" + provider) +
                                 "/threads:" + std::to_string(threads);
        if (std::exchange(seen[name], true)) continue;
        benchmark::RegisterBenchmark(name.c_str(), [=, &current](benchmark::State& state) {
          Measure(state, current, name, query, provider, threads);
        })->Unit(benchmark::kMicrosecond);
      }
    }
  }
}

std::map<std::string, DType> WeightTypes() {
  std::map<std::string, DType> types;
  for (const DType type :
       {DType::kF32, DType::kF16, DType::kBF16, DType::kQ4_0, DType::kQ4_1, DType::kQ5_0,
        DType::kQ5_1, DType::kQ8_0, DType::kQ4_K, DType::kQ5_K, DType::kQ6_K, DType::kQC8}) {
    types[std::string(FindDType(type)->name)] = type;
  }
  return types;
}

void AddOptions(CLI::App& app, Options& o) {
  const auto at_least = [](double low) { return CLI::Range(low, 1e9).description(""); };
  app.add_option("op", o.ops, "operators (default: all)")->check(CLI::IsMember(OpNames()));
  app.add_option("--type", o.types, "of the weights: Q4_0 (default), Q8_0, QC8, F32, …")
      ->delimiter(',')
      ->transform(CLI::CheckedTransformer(WeightTypes(), CLI::ignore_case).description(""));
  const std::map<std::string, DType> activations = {
      {"int16", DType::kQ16Act}, {"int8", DType::kQ8Act}, {"f32", DType::kF32}};
  app.add_option("--activations", o.activations, "int16 (default), int8, f32")
      ->delimiter(',')
      ->transform(CLI::CheckedTransformer(activations).description(""));
  app.add_option("--k", o.columns, "columns of a row (default 576)")
      ->delimiter(',')
      ->check(at_least(1));
  app.add_option("--n", o.outputs, "outputs (default 1536; vocabulary: 49152)")
      ->delimiter(',')
      ->check(at_least(1));
  app.add_option("--rows", o.rows, "tokens of a step (default 1,512)")
      ->delimiter(',')
      ->check(at_least(1));
  app.add_option("--context", o.context, "tokens in the cache before the step (default 512)")
      ->delimiter(',')
      ->check(at_least(0));
  app.add_option("--heads", o.heads, "query heads")->check(at_least(1))->capture_default_str();
  app.add_option("--kv-heads", o.kv_heads, "key-value heads")
      ->check(at_least(1))
      ->capture_default_str();
  app.add_option("--head-dim", o.head_dim, "their size")->check(at_least(1))->capture_default_str();
  const std::map<std::string, DType> caches = {
      {"f16", DType::kF16}, {"f32", DType::kF32}, {"int8", DType::kQC8}};
  app.add_option("--cache", o.cache, "type of keys and values: f16 (default), f32, int8")
      ->transform(CLI::CheckedTransformer(caches).description(""));
  app.add_option("--provider", o.providers,
                 "scalar, simd, avx2, avx512vnni, xnnpack (default: best)")
      ->delimiter(',')
      ->check(CLI::IsMember({"scalar", "simd", "avx2", "avx512vnni", "xnnpack"}).description(""));
  app.add_option("--threads", o.threads, "threads (default 1)")
      ->delimiter(',')
      ->check(CLI::Range(1, 1024).description(""));
  app.add_option("--seconds", o.seconds, "to measure each for")
      ->check(CLI::Range(0.001, 60.0).description(""))
      ->capture_default_str();
  app.footer(
      "Options that take several values take them with commas, and all combinations are timed.\n"
      "--benchmark_… goes to Google Benchmark (--benchmark_format=json, --benchmark_filter=…).");
}

int Main(int argc, char** argv) {
  CLI::App app("Operators against the limits of this machine", "bench_op");
  Options options;
  AddOptions(app, options);
  app.allow_extras();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  std::string tabular = "--benchmark_counters_tabular=true";
  std::string seconds = "--benchmark_min_time=" + std::to_string(options.seconds);
  std::vector<std::string> rest = app.remaining();
  std::vector<char*> arguments = {argv[0], tabular.data(), seconds.data()};
  for (std::string& argument : rest) arguments.push_back(argument.data());
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;
  Current current;
  Register(options, current);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace
}  // namespace hob::bench

int main(int argc, char** argv) { return hob::bench::Main(argc, argv); }
