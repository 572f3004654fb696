// SPDX-License-Identifier: Apache-2.0
// hob_model_plan tells what models and sessions take, and memory_limit holds it.
#include <atomic>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/abi/client.h"
#include "tests/support/temporary_folder.h"

using namespace hob::test;

namespace {

// The app's side of the count.
struct Counter {
  std::atomic<size_t> used = 0, peak = 0;

  static void* Allocate(void* user, size_t bytes, size_t alignment) {
    auto* self = static_cast<Counter*>(user);
    const size_t now = self->used += bytes;
    for (size_t peak = self->peak; now > peak && !self->peak.compare_exchange_weak(peak, now);) {
    }
    return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  }
  static void Release(void* user, void* memory, size_t bytes, size_t) {
    static_cast<Counter*>(user)->used -= bytes;
    std::free(memory);
  }
};

RuntimePtr LimitedRuntime(uint64_t limit, uint32_t threads = 2, Counter* counter = nullptr) {
  hob_runtime_options options = HOB_RUNTIME_OPTIONS_INIT;
  options.threads = threads;
  options.memory_limit = limit;
  if (counter != nullptr) {
    options.allocate = &Counter::Allocate;
    options.release = &Counter::Release;
    options.allocator_user = counter;
  }
  hob_runtime* runtime = nullptr;
  REQUIRE_OK(hob_runtime_create(&runtime, &options, &error));
  return RuntimePtr(runtime);
}

hob_model_plan_info Plan(hob_runtime* runtime, const std::string& path,
                         const hob_model_options& options) {
  hob_model_plan_info plan = HOB_MODEL_PLAN_INFO_INIT;
  REQUIRE_OK(hob_model_plan(&plan, runtime, path.data(), path.size(), &options, &error));
  return plan;
}

uint64_t SessionBytes(const hob_model_plan_info& plan, uint64_t tokens) {
  const auto page = static_cast<uint64_t>(plan.kv_page_tokens);
  return (tokens + page - 1) / page * plan.kv_page_bytes;
}

hob_runtime_info Info(hob_runtime* runtime) {
  hob_runtime_info info = HOB_RUNTIME_INFO_INIT;
  REQUIRE_OK(hob_runtime_get_info(&info, runtime, &error));
  return info;
}

void Fill(hob_session* session, size_t tokens) {
  const std::vector<int32_t> prompt(tokens, 5);
  REQUIRE_OK(hob_session_add_tokens(session, prompt.data(), prompt.size(), &error));
  hob_generate_options generate = HOB_GENERATE_OPTIONS_INIT;
  generate.max_tokens = 1;
  REQUIRE_OK(hob_session_generate(nullptr, session, &generate, &error));
}

struct Shape {
  std::string path;
  uint32_t rows;
  hob_activations activations;
  hob_kv_type kv;
  uint32_t threads;
  size_t sessions;
};

// Opens, fills the sessions to the context and looks at the peak.
void CheckPlan(const Shape& shape) {
  INFO(shape.path << ", rows " << shape.rows << ", activations " << shape.activations << ", cache "
                  << shape.kv << ", " << shape.threads << " threads, " << shape.sessions
                  << " sessions");
  Counter counter;
  const RuntimePtr runtime = LimitedRuntime(0, shape.threads, &counter);
  hob_model_options options = HOB_MODEL_OPTIONS_INIT;
  options.max_batch_rows = shape.rows;
  options.activations = shape.activations;
  options.kv_type = shape.kv;
  options.shared_cache_tokens = -1;  // the sessions' texts are alike
  const hob_model_plan_info plan = Plan(runtime.get(), shape.path, options);
  CHECK(Info(runtime.get()).peak_bytes == 0);
  CHECK(counter.peak == 0);

  const ModelPtr model = OpenModel(runtime.get(), shape.path, &options);
  hob_model_info info = HOB_MODEL_INFO_INIT;
  REQUIRE_OK(hob_model_get_info(&info, model.get(), &error));
  CHECK(info.weight_bytes == plan.weight_bytes);
  CHECK(info.scratch_bytes == plan.scratch_bytes);
  CHECK(info.kv_bytes_per_token == plan.kv_bytes_per_token);
  CHECK(info.max_batch_rows == plan.max_batch_rows);
  CHECK(info.context_length == plan.context_length);
  CHECK(plan.weight_bytes + plan.mapped_bytes > 0);

  std::vector<SessionPtr> sessions;
  for (size_t i = 0; i < shape.sessions; ++i) {
    sessions.push_back(MakeSession(model.get()));
    Fill(sessions.back().get(), static_cast<size_t>(plan.context_length) - 1);
  }
  const double planned = static_cast<double>(plan.weight_bytes + plan.scratch_bytes +
                                             shape.sessions * plan.session_bytes);
  const hob_runtime_info measured = Info(runtime.get());
  INFO("planned " << planned << ", measured " << measured.peak_bytes);
  CHECK(static_cast<double>(measured.peak_bytes) >= 0.95 * planned);
  CHECK(static_cast<double>(measured.peak_bytes) <= 1.05 * planned);
  // XNNPACK's memory is not the app's.
  CHECK(counter.peak <= measured.peak_bytes);
  CHECK(SessionBytes(plan, static_cast<uint64_t>(plan.context_length)) == plan.session_bytes);
}

std::string RandomModel(const TemporaryFolder& folder, const std::string& name,
                        const std::string& arguments) {
  const std::string out = folder / name;
  const std::string script =
      (hob::testing::SourceDir() / "tests" / "tools" / "make_random_llama.py").string();
  const std::string command =
      "python3 '" + script + "' " + arguments + " '" + out + "' 2>/dev/null";
  return std::system(command.c_str()) == 0 ? out : "";
}

std::string Message(const Outcome& outcome) { return outcome.message + " | " + outcome.hint; }

}  // namespace

TEST_CASE("the peak is what the plan said, over the fixtures") {
  const Shape shapes[] = {
      {Fixture("smollm-q4_1.gguf"), 0, HOB_ACTIVATIONS_INT16, HOB_KV_F16, 2, 1},
      {Fixture("smollm-q4_1.gguf"), 16, HOB_ACTIVATIONS_INT8, HOB_KV_F32, 1, 3},
      {Fixture("llama3-k.gguf"), 64, HOB_ACTIVATIONS_INT16, HOB_KV_F32, 4, 2},
      {Fixture("llama-float.gguf"), 128, HOB_ACTIVATIONS_INT16, HOB_KV_F16, 2, 2},
      {Fixture("qwen2-bf16.gguf"), 0, HOB_ACTIVATIONS_F32, HOB_KV_F32, 2, 1},
      {Fixture("qwen3-q4_1.gguf"), 1, HOB_ACTIVATIONS_INT16, HOB_KV_F16, 3, 5},
      {Fixture("mistral-q5.gguf"), 512, HOB_ACTIVATIONS_INT8, HOB_KV_F16, 2, 1},
  };
  for (const Shape& shape : shapes) CheckPlan(shape);
}

TEST_CASE("the peak is what the plan said, over random models of other shapes") {
  const TemporaryFolder folder;
  const std::string wide = RandomModel(folder, "wide.gguf",
                                       "--type Q4_0 --layers 3 --width 512 --ffn 1024 --vocab 4096 "
                                       "--heads 8 --kv-heads 2 --context 512");
  if (wide.empty()) SKIP("the script that writes random models needs Python and NumPy");
  const std::string deep = RandomModel(folder, "deep.gguf",
                                       "--type Q8_0 --layers 12 --width 128 --ffn 256 --vocab 1024 "
                                       "--heads 4 --context 1024 --tied");
  REQUIRE(!deep.empty());
  CheckPlan({wide, 0, HOB_ACTIVATIONS_INT16, HOB_KV_F16, 2, 2});
  CheckPlan({wide, 32, HOB_ACTIVATIONS_INT8, HOB_KV_F32, 1, 1});
  CheckPlan({deep, 256, HOB_ACTIVATIONS_INT16, HOB_KV_F16, 4, 2});
}

TEST_CASE("weights of a converted file are mapped, and the plan says so") {
  const TemporaryFolder folder;
  const std::string in = ChatFixture(), out = folder / "int8.hob";
  hob_convert_options convert = HOB_CONVERT_OPTIONS_INIT;
  convert.weights = HOB_CONVERT_INT8;
  REQUIRE_OK(hob_convert(in.data(), in.size(), out.data(), out.size(), &convert, &error));
  const RuntimePtr runtime = MakeRuntime();
  const hob_model_options options = HOB_MODEL_OPTIONS_INIT;
  const hob_model_plan_info packed = Plan(runtime.get(), in, options);
  const hob_model_plan_info mapped = Plan(runtime.get(), out, options);
  CHECK(mapped.weight_bytes < packed.weight_bytes / 4);
  CHECK(mapped.mapped_bytes > packed.mapped_bytes);
  CheckPlan({out, 0, HOB_ACTIVATIONS_INT16, HOB_KV_F16, 2, 1});
}

TEST_CASE("a plan refuses what opening refuses") {
  const RuntimePtr runtime = MakeRuntime();
  hob_model_plan_info plan = HOB_MODEL_PLAN_INFO_INIT;
  const std::string path = ChatFixture();
  hob_model_options options = HOB_MODEL_OPTIONS_INIT;
  CHECK(Try([&](auto e) {
          return hob_model_plan(&plan, runtime.get(), "/none", 5, nullptr, e);
        }).status == HOB_NOT_FOUND);
  options.max_batch_rows = 100000;
  CHECK(Try([&](auto e) {
          return hob_model_plan(&plan, runtime.get(), path.data(), path.size(), &options, e);
        }).status == HOB_INVALID_ARGUMENT);
  CHECK(Try([&](auto e) {
          return hob_model_plan(nullptr, runtime.get(), path.data(), path.size(), nullptr, e);
        }).status == HOB_INVALID_ARGUMENT);
  options = HOB_MODEL_OPTIONS_INIT;
  options.vocabulary_only = 1;
  CHECK(Plan(runtime.get(), path, options).weight_bytes == 0);
}

TEST_CASE("a model that would pass the limit is refused with what would fit") {
  const std::string path = ChatFixture();
  hob_model_options options = HOB_MODEL_OPTIONS_INIT;
  const hob_model_plan_info plan = Plan(MakeRuntime().get(), path, options);
  const uint64_t needed = plan.weight_bytes + plan.scratch_bytes;
  const auto open = [&](uint64_t limit) {
    const RuntimePtr runtime = LimitedRuntime(limit);
    const Outcome outcome = Try([&](auto e) {
      hob_model* model = nullptr;
      const hob_status status =
          hob_model_open(&model, runtime.get(), path.data(), path.size(), &options, e);
      hob_model_destroy(model);
      return status;
    });
    if (outcome.status != HOB_OK) {
      // Refused before anything was packed.
      CHECK(Info(runtime.get()).peak_bytes == 0);
      CHECK(outcome.status == HOB_RESOURCE_EXHAUSTED);
      INFO(Message(outcome));
      CHECK(outcome.message.find(std::to_string(needed)) != std::string::npos);
      CHECK(outcome.message.find(std::to_string(limit)) != std::string::npos);
      CHECK(outcome.hint.find("memory_limit") != std::string::npos);
    }
    return outcome;
  };
  CHECK(open(needed).status == HOB_OK);
  CHECK(open(needed - 1).hint.find("max_batch_rows 256") != std::string::npos);
  hob_model_options few_rows = options;
  few_rows.max_batch_rows = 16;
  const uint64_t scratch = Plan(MakeRuntime().get(), path, few_rows).scratch_bytes;
  CHECK(open(scratch + plan.weight_bytes / 2).hint.find("int8") != std::string::npos);
  CHECK(open(1000).hint.find("smaller model") != std::string::npos);

  // What the hint says is so.
  options.max_batch_rows = 256;
  const hob_model_plan_info smaller = Plan(MakeRuntime().get(), path, options);
  CHECK(smaller.weight_bytes + smaller.scratch_bytes < needed);
  const RuntimePtr runtime = LimitedRuntime(smaller.weight_bytes + smaller.scratch_bytes);
  OpenModel(runtime.get(), path, &options);
}

TEST_CASE("a session that could never be filled is refused with the context that fits") {
  const std::string path = ChatFixture();
  const hob_model_options options = HOB_MODEL_OPTIONS_INIT;
  const hob_model_plan_info plan = Plan(MakeRuntime().get(), path, options);
  const uint64_t limit = plan.weight_bytes + plan.scratch_bytes + 2 * plan.kv_page_bytes;
  const RuntimePtr runtime = LimitedRuntime(limit);
  const ModelPtr model = OpenModel(runtime.get(), path);
  const Outcome outcome = Try([&](auto e) {
    hob_session* session = nullptr;
    return hob_session_create(&session, model.get(), nullptr, e);
  });
  INFO(Message(outcome));
  CHECK(outcome.status == HOB_RESOURCE_EXHAUSTED);
  CHECK(outcome.message.find(std::to_string(plan.session_bytes)) != std::string::npos);
  CHECK(outcome.message.find(std::to_string(limit)) != std::string::npos);
  CHECK(outcome.hint.find("at most 128") != std::string::npos);

  hob_session_options fits = HOB_SESSION_OPTIONS_INIT;
  fits.context_tokens = 128;
  Fill(MakeSession(model.get(), &fits).get(), 127);
  CHECK(Info(runtime.get()).peak_bytes <= limit);
}

TEST_CASE("a session is held against the limit with its own type of cache") {
  const std::string path = ChatFixture();
  hob_model_options options = HOB_MODEL_OPTIONS_INIT;
  options.kv_type = HOB_KV_INT8;
  const hob_model_plan_info int8 = Plan(MakeRuntime().get(), path, options);
  const hob_model_plan_info f16 = Plan(MakeRuntime().get(), path, HOB_MODEL_OPTIONS_INIT);
  CHECK(int8.scratch_bytes == f16.scratch_bytes);  // whatever sessions choose
  CHECK(int8.session_bytes < f16.session_bytes * 2 / 3);
  const uint64_t limit = f16.weight_bytes + f16.scratch_bytes + int8.session_bytes;
  const RuntimePtr runtime = LimitedRuntime(limit);
  const ModelPtr model = OpenModel(runtime.get(), path);
  const Outcome outcome = Try([&](auto e) {
    hob_session* session = nullptr;
    return hob_session_create(&session, model.get(), nullptr, e);
  });
  INFO(Message(outcome));
  CHECK(outcome.status == HOB_RESOURCE_EXHAUSTED);
  CHECK(outcome.message.find(std::to_string(f16.session_bytes)) != std::string::npos);
  hob_session_options fits = HOB_SESSION_OPTIONS_INIT;
  fits.kv_type = HOB_KV_INT8;
  const SessionPtr session = MakeSession(model.get(), &fits);
  Fill(session.get(), static_cast<size_t>(int8.context_length) - 1);
  hob_session_stats stats = HOB_SESSION_STATS_INIT;
  REQUIRE_OK(hob_session_get_stats(&stats, session.get(), &error));
  CHECK(stats.cache_bytes == int8.session_bytes);
  CHECK(Info(runtime.get()).bytes_in_use == limit);
}

TEST_CASE("an answer that passes the limit fails, and the session goes on when there is room") {
  const std::string path = ChatFixture();
  const hob_model_options options = HOB_MODEL_OPTIONS_INIT;
  const hob_model_plan_info plan = Plan(MakeRuntime().get(), path, options);
  const uint64_t limit = plan.weight_bytes + plan.scratch_bytes + plan.session_bytes;
  const RuntimePtr runtime = LimitedRuntime(limit);
  const ModelPtr model = OpenModel(runtime.get(), path);
  SessionPtr first = MakeSession(model.get());
  const SessionPtr second = MakeSession(model.get());
  Fill(first.get(), static_cast<size_t>(plan.context_length) - 1);

  const std::vector<int32_t> prompt(30, 7);
  REQUIRE_OK(hob_session_add_tokens(second.get(), prompt.data(), prompt.size(), &error));
  hob_generate_options generate = HOB_GENERATE_OPTIONS_INIT;
  generate.max_tokens = 70;
  generate.ignore_eos = 1;
  const Outcome outcome =
      Try([&](auto e) { return hob_session_generate(nullptr, second.get(), &generate, e); });
  INFO(Message(outcome));
  CHECK(outcome.status == HOB_RESOURCE_EXHAUSTED);
  CHECK(outcome.message.find(std::to_string(plan.kv_page_bytes)) != std::string::npos);
  CHECK(outcome.message.find(std::to_string(limit)) != std::string::npos);
  const int32_t* tokens = nullptr;
  size_t count = 0;
  REQUIRE_OK(hob_session_get_tokens(&tokens, &count, second.get(), &error));
  CHECK(count == prompt.size());

  first.reset();
  REQUIRE_OK(hob_session_generate(nullptr, second.get(), &generate, &error));
  const SessionPtr fresh = MakeSession(model.get());
  REQUIRE_OK(hob_session_add_tokens(fresh.get(), prompt.data(), prompt.size(), &error));
  REQUIRE_OK(hob_session_generate(nullptr, fresh.get(), &generate, &error));
  CHECK(Reply(second.get()) == Reply(fresh.get()));
  CHECK(Info(runtime.get()).peak_bytes <= limit);
}
