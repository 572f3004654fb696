// SPDX-License-Identifier: Apache-2.0
// Sessions that are saved and restored, on a tiny random model.
#include <algorithm>
#include <cstring>
#include <functional>
#include <random>
#include <vector>

#include "tests/abi/client.h"
#include "tests/support/temporary_folder.h"

using namespace hob::test;

namespace {

using Bytes = std::vector<uint8_t>;

Bytes Save(const hob_session* session) {
  void* data = nullptr;
  size_t size = 0;
  REQUIRE_OK(hob_session_save_buffer(&data, &size, session, &error));
  const auto* bytes = static_cast<const uint8_t*>(data);
  Bytes copy(bytes, bytes + size);
  hob_free(data);
  return copy;
}

Outcome Restore(hob_session* session, const Bytes& bytes) {
  return Try([&](hob_error** error) {
    return hob_session_restore_buffer(session, bytes.data(), bytes.size(), error);
  });
}

hob_sampler_options Drawing() {
  hob_sampler_options sampler = HOB_SAMPLER_OPTIONS_INIT;
  sampler.temperature = 1.0f;
  sampler.top_p = 0.95f;
  sampler.repetition_penalty = 1.1f;
  sampler.seed = 7;
  return sampler;
}

// A conversation of two answers. 100 tokens or so: two pages, of which one is not full.
void Converse(hob_session* session) {
  REQUIRE(AddMessage(session, "system", "You are a fixture of few words.") == HOB_OK);
  REQUIRE(AddMessage(session, "user", "hello, who are you?") == HOB_OK);
  Generate(session, 12);
  REQUIRE(AddMessage(session, "user", "and what else?") == HOB_OK);
  Generate(session, 9);
}

// What a session goes on with.
std::vector<int32_t> GoOn(hob_session* session) {
  REQUIRE(AddMessage(session, "user", "go on") == HOB_OK);
  Generate(session, 20);
  return Tokens(session);
}

struct Place {
  RuntimePtr runtime;
  ModelPtr model;
  SessionPtr session;
};

Place MakePlace(uint32_t threads = 2, const hob_session_options* options = nullptr,
                const hob_model_options* model_options = nullptr,
                const std::string& path = ChatFixture()) {
  Place place;
  place.runtime = MakeRuntime(threads);
  place.model = OpenModel(place.runtime.get(), path, model_options);
  place.session = MakeSession(place.model.get(), options);
  return place;
}

}  // namespace

TEST_CASE("a restored conversation goes on as the saved one does") {
  for (const bool draws : {false, true}) {
    INFO("draws: " << draws);
    const hob_sampler_options sampler = Drawing();
    hob_session_options options = HOB_SESSION_OPTIONS_INIT;
    if (draws) options.sampler = &sampler;
    const Place place = MakePlace(2, &options);
    hob_session* const original = place.session.get();
    Converse(original);
    const Bytes saved = Save(original);
    CHECK(Save(original) == saved);

    const Place other = MakePlace(1);  // another runtime, its sampler greedy
    REQUIRE(Restore(other.session.get(), saved).status == HOB_OK);
    CHECK(Save(other.session.get()) == saved);
    CHECK(Reply(other.session.get()) == Reply(original));
    CHECK(Tokens(other.session.get()) == Tokens(original));
    hob_generate_result result = HOB_GENERATE_RESULT_INIT, expected = HOB_GENERATE_RESULT_INIT;
    REQUIRE_OK(hob_session_get_result(&result, other.session.get(), &error));
    REQUIRE_OK(hob_session_get_result(&expected, original, &error));
    CHECK(std::memcmp(&result, &expected, sizeof(result)) == 0);

    // Over a session that holds something else already.
    const SessionPtr third = MakeSession(place.model.get());
    REQUIRE(AddText(third.get(), "raw text") == HOB_OK);
    Generate(third.get(), 3);
    REQUIRE(Restore(third.get(), saved).status == HOB_OK);

    const std::vector<int32_t> next = GoOn(original);
    const Bytes end = Save(original);
    for (hob_session* session : {other.session.get(), third.get()}) {
      CHECK(GoOn(session) == next);
      hob_session_stats stats = HOB_SESSION_STATS_INIT;
      REQUIRE_OK(hob_session_get_stats(&stats, session, &error));
      CHECK(stats.cached_tokens > 60);
    }
    // Without the saved cache the answer is the same.
    const SessionPtr fresh = MakeSession(place.model.get(), &options);
    Converse(fresh.get());
    CHECK(GoOn(fresh.get()) == next);
    CHECK(end.size() > saved.size());
  }
}

TEST_CASE("a saved conversation has its messages") {
  const Place place = MakePlace();
  Converse(place.session.get());
  const SessionPtr other = MakeSession(place.model.get());
  REQUIRE(Restore(other.get(), Save(place.session.get())).status == HOB_OK);
  size_t count = 0;
  REQUIRE_OK(hob_session_message_count(&count, other.get(), &error));
  REQUIRE(count == 5);
  hob_string role, text;
  REQUIRE_OK(hob_session_get_message(&role, &text, other.get(), 3, &error));
  CHECK(Text(role) == "user");
  CHECK(Text(text) == "and what else?");
  REQUIRE_OK(hob_session_get_message(&role, &text, other.get(), 4, &error));
  CHECK(Text(text) == Reply(other.get()));
  CHECK(Try([&](auto e) {
          return hob_session_get_message(&role, &text, other.get(), 5, e);
        }).status == HOB_OUT_OF_RANGE);
}

TEST_CASE("raw text, a rolling window and an empty session are restored") {
  hob_session_options options = HOB_SESSION_OPTIONS_INIT;
  const hob_sampler_options sampler = Drawing();
  options.sampler = &sampler;
  options.context_tokens = 48;
  options.roll = 1;
  options.keep_tokens = 4;
  const Place place = MakePlace(2, &options);
  const SessionPtr other = MakeSession(place.model.get());
  REQUIRE(Restore(other.get(), Save(place.session.get())).status == HOB_OK);
  CHECK(Tokens(other.get()).empty());

  REQUIRE(AddText(place.session.get(), "some raw text that goes on and on") == HOB_OK);
  const Bytes before = Save(place.session.get());  // nothing is cached yet
  CHECK(Generate(place.session.get(), 70).dropped_tokens > 0);
  const Bytes saved = Save(place.session.get());
  Generate(place.session.get(), 40);
  const std::vector<int32_t> expected = Tokens(place.session.get());

  REQUIRE(Restore(other.get(), before).status == HOB_OK);
  Generate(other.get(), 70);
  Generate(other.get(), 40);
  CHECK(Tokens(other.get()) == expected);
  REQUIRE(Restore(other.get(), saved).status == HOB_OK);
  CHECK(Generate(other.get(), 40).dropped_tokens > 0);
  CHECK(Tokens(other.get()) == expected);
  hob_session_stats stats = HOB_SESSION_STATS_INIT;
  REQUIRE_OK(hob_session_get_stats(&stats, other.get(), &error));
  CHECK(stats.context_tokens == 48);
}

TEST_CASE("a session is saved to a file, whole or not at all") {
  const TemporaryFolder folder;
  const std::string path = folder / "session";
  const auto save = [&](const hob_session* session, const std::string& to) {
    return Try([&](auto e) { return hob_session_save(session, to.data(), to.size(), e); });
  };
  const auto restore = [&](hob_session* session, const std::string& from) {
    return Try([&](auto e) { return hob_session_restore(session, from.data(), from.size(), e); });
  };
  const Place place = MakePlace();
  REQUIRE(save(place.session.get(), path).status == HOB_OK);
  Converse(place.session.get());
  REQUIRE(save(place.session.get(), path).status == HOB_OK);
  CHECK(folder.files() == 1);
  CHECK(ReadBytes(path) == Save(place.session.get()));
  const SessionPtr other = MakeSession(place.model.get());
  REQUIRE(restore(other.get(), path).status == HOB_OK);
  CHECK(GoOn(other.get()) == GoOn(place.session.get()));

  const Bytes state = Save(other.get());
  CHECK(save(other.get(), folder / "no/such/folder").status == HOB_NOT_FOUND);
  CHECK(save(other.get(), folder.path()).status == HOB_INVALID_ARGUMENT);
  CHECK(save(other.get(), "").status == HOB_INVALID_ARGUMENT);
  CHECK(save(other.get(), "\xff").status == HOB_INVALID_ARGUMENT);
  CHECK(restore(other.get(), folder / "none").status == HOB_NOT_FOUND);
  CHECK(restore(other.get(), folder.path()).status == HOB_INVALID_ARGUMENT);
  CHECK(restore(other.get(), "\xff").status == HOB_INVALID_ARGUMENT);
  const Outcome foreign = restore(other.get(), ChatFixture());
  CHECK(foreign.status == HOB_INVALID_ARGUMENT);
  CHECK(foreign.message.find("not a saved session") != std::string::npos);
  Bytes cut = ReadBytes(path);
  cut.resize(cut.size() - 1);
  WriteBytes(path, cut);
  const Outcome early = restore(other.get(), path);
  CHECK(early.status == HOB_DATA_LOSS);
  CHECK(early.message.find(path) != std::string::npos);
  WriteBytes(path, {});
  CHECK(restore(other.get(), path).status == HOB_DATA_LOSS);
  CHECK(Save(other.get()) == state);
}

TEST_CASE("what is cut short or altered is refused and changes nothing") {
  const Place place = MakePlace();
  Converse(place.session.get());
  const Bytes saved = Save(place.session.get());
  const SessionPtr other = MakeSession(place.model.get());
  REQUIRE(AddMessage(other.get(), "user", "something else") == HOB_OK);
  Generate(other.get(), 5);
  const Bytes state = Save(other.get());

  for (size_t size = 0; size < saved.size(); size += size < 2048 ? 1 : 997) {
    INFO("cut to " << size);
    const Outcome outcome = Restore(other.get(), Bytes(saved.begin(), saved.begin() + size));
    CHECK(outcome.status == HOB_DATA_LOSS);
  }
  Bytes longer = saved;
  longer.push_back(0);
  CHECK(Restore(other.get(), longer).status == HOB_INVALID_ARGUMENT);
  CHECK(Save(other.get()) == state);

  std::mt19937 random(5);
  for (int i = 0; i < 1500; ++i) {
    // Every bit of the header, then any.
    const size_t bit = i < 512 ? static_cast<size_t>(i) : random() % (saved.size() * 8);
    Bytes altered = saved;
    altered[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    INFO("bit " << bit);
    const hob_status status = Restore(other.get(), altered).status;
    CHECK(
        (status == HOB_DATA_LOSS || status == HOB_INVALID_ARGUMENT || status == HOB_UNIMPLEMENTED));
  }
  CHECK(Save(other.get()) == state);

  // Another version says so.
  Bytes newer = saved;
  newer[8] = 3;
  const Outcome outcome = Restore(other.get(), newer);
  CHECK(outcome.status == HOB_UNIMPLEMENTED);
  CHECK(outcome.message.find("version 3") != std::string::npos);

  // From an address that suits no wider type.
  Bytes shifted(saved.size() + 1);
  std::copy(saved.begin(), saved.end(), shifted.begin() + 1);
  REQUIRE_OK(hob_session_restore_buffer(other.get(), shifted.data() + 1, saved.size(), &error));
  CHECK(Save(other.get()) == saved);
}

TEST_CASE("a restored session takes the saved type of cache") {
  hob_session_options options = HOB_SESSION_OPTIONS_INIT;
  for (const hob_kv_type type : {HOB_KV_F16, HOB_KV_F32, HOB_KV_INT8}) {
    options.kv_type = type;
    const Place place = MakePlace(2, &options);
    Converse(place.session.get());
    const Bytes saved = Save(place.session.get());
    const std::vector<int32_t> next = GoOn(place.session.get());
    hob_session_stats wanted = HOB_SESSION_STATS_INIT;
    REQUIRE_OK(hob_session_get_stats(&wanted, place.session.get(), &error));
    for (const hob_kv_type own : {HOB_KV_F16, HOB_KV_F32, HOB_KV_INT8}) {
      INFO("saved " << type << ", own " << own);
      hob_model_options model_options = HOB_MODEL_OPTIONS_INIT;
      model_options.kv_type = own;
      const Place other = MakePlace(1, nullptr, &model_options);
      Converse(other.session.get());  // what others may share is of another type
      const SessionPtr session = MakeSession(other.model.get());
      for (hob_session* each : {other.session.get(), session.get()}) {
        REQUIRE(Restore(each, saved).status == HOB_OK);
        CHECK(Save(each) == saved);
        CHECK(GoOn(each) == next);
        hob_session_stats stats = HOB_SESSION_STATS_INIT;
        REQUIRE_OK(hob_session_get_stats(&stats, each, &error));
        CHECK(stats.cache_bytes == wanted.cache_bytes);
      }
    }
  }
}

TEST_CASE("a restored session whose type could not be filled is refused") {
  hob_session_options options = HOB_SESSION_OPTIONS_INIT;
  options.kv_type = HOB_KV_F32;
  const Place place = MakePlace(1, &options);
  Converse(place.session.get());
  const Bytes saved = Save(place.session.get());
  const std::string path = ChatFixture();
  hob_model_plan_info plan = HOB_MODEL_PLAN_INFO_INIT;
  REQUIRE_OK(hob_model_plan(&plan, place.runtime.get(), path.data(), path.size(), nullptr, &error));
  hob_runtime_options limits = HOB_RUNTIME_OPTIONS_INIT;
  limits.threads = 1;
  limits.memory_limit = plan.weight_bytes + plan.scratch_bytes + plan.session_bytes;
  hob_runtime* limited = nullptr;
  REQUIRE_OK(hob_runtime_create(&limited, &limits, &error));
  const RuntimePtr runtime(limited);
  const ModelPtr model = OpenModel(limited, path);
  SessionPtr session = MakeSession(model.get());  // f16
  Converse(session.get());
  const Bytes state = Save(session.get());
  const Outcome outcome = Restore(session.get(), saved);
  INFO(outcome.message << " | " << outcome.hint);
  CHECK(outcome.status == HOB_RESOURCE_EXHAUSTED);
  CHECK(outcome.hint.find("at most 128") != std::string::npos);
  CHECK(Save(session.get()) == state);
  // Nor can it be made with the model's context, but with half of that.
  hob_session* out = nullptr;
  CHECK(Try([&](auto e) { return hob_session_create(&out, model.get(), &options, e); }).status ==
        HOB_RESOURCE_EXHAUSTED);
  options.context_tokens = 128;
  session.reset();
  const SessionPtr small = MakeSession(model.get(), &options);
  REQUIRE(Restore(small.get(), saved).status == HOB_OK);
}

TEST_CASE("another model, activations or context is refused and named") {
  const Place place = MakePlace();
  Converse(place.session.get());
  const Bytes saved = Save(place.session.get());
  const auto refused = [&](hob_session* session, hob_status status, const std::string& part) {
    const Bytes state = Save(session);
    const Outcome outcome = Restore(session, saved);
    INFO(outcome.message);
    CHECK(outcome.status == status);
    CHECK(outcome.message.find(part) != std::string::npos);
    CHECK(Save(session) == state);
  };
  {
    const Place other = MakePlace(2, nullptr, nullptr, Fixture("llama-q4_0.gguf"));
    refused(other.session.get(), HOB_FAILED_PRECONDITION, "a model whose hash is");
    hob_string hash, saved_hash;
    REQUIRE_OK(hob_model_get_text(&hash, other.model.get(), HOB_MODEL_HASH, &error));
    REQUIRE_OK(hob_model_get_text(&saved_hash, place.model.get(), HOB_MODEL_HASH, &error));
    CHECK(hash.size == 32);
    CHECK(Text(hash) != Text(saved_hash));
    refused(other.session.get(), HOB_FAILED_PRECONDITION, Text(saved_hash));
  }
  hob_model_options model_options = HOB_MODEL_OPTIONS_INIT;
  model_options.activations = HOB_ACTIVATIONS_INT8;
  refused(MakePlace(2, nullptr, &model_options).session.get(), HOB_FAILED_PRECONDITION,
          "activations int16, this one has int8");
  hob_session_options options = HOB_SESSION_OPTIONS_INIT;
  options.context_tokens = 40;
  const SessionPtr small = MakeSession(place.model.get(), &options);
  refused(small.get(), HOB_OUT_OF_RANGE, "context 40");

  // A larger one is not.
  options.context_tokens = 200;
  const SessionPtr large = MakeSession(place.model.get(), &options);
  REQUIRE(Restore(large.get(), saved).status == HOB_OK);
  hob_session_stats stats = HOB_SESSION_STATS_INIT;
  REQUIRE_OK(hob_session_get_stats(&stats, large.get(), &error));
  CHECK(stats.context_tokens == 200);
  CHECK(GoOn(large.get()) == GoOn(place.session.get()));

  // A window that rolls cannot be cut.
  options.context_tokens = 0;
  options.roll = 1;
  const SessionPtr rolls = MakeSession(place.model.get(), &options);
  options.context_tokens = 100;
  const SessionPtr smaller = MakeSession(place.model.get(), &options);
  CHECK(Restore(smaller.get(), Save(rolls.get())).status == HOB_OUT_OF_RANGE);
}

TEST_CASE("a session that answers is neither saved nor restored") {
  const Place place = MakePlace();
  REQUIRE(AddMessage(place.session.get(), "user", "hello") == HOB_OK);
  const Bytes saved = Save(place.session.get());
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.max_tokens = 5;
  REQUIRE_OK(hob_session_start(place.session.get(), &options, &error));
  void* data = nullptr;
  size_t size = 0;
  CHECK(Try([&](auto e) {
          return hob_session_save_buffer(&data, &size, place.session.get(), e);
        }).status == HOB_FAILED_PRECONDITION);
  CHECK(Restore(place.session.get(), saved).status == HOB_FAILED_PRECONDITION);
}

TEST_CASE("saving and restoring check their arguments") {
  const Place place = MakePlace();
  hob_session* const session = place.session.get();
  void* data = nullptr;
  size_t size = 0;
  const auto wrong = [](const std::function<hob_status(hob_error**)>& f) {
    CHECK(Try(f).status == HOB_INVALID_ARGUMENT);
  };
  wrong([&](auto e) { return hob_session_save_buffer(nullptr, &size, session, e); });
  wrong([&](auto e) { return hob_session_save_buffer(&data, nullptr, session, e); });
  wrong([&](auto e) { return hob_session_save_buffer(&data, &size, nullptr, e); });
  wrong([&](auto e) { return hob_session_save(nullptr, "x", 1, e); });
  wrong([&](auto e) { return hob_session_save(session, nullptr, 1, e); });
  wrong([&](auto e) { return hob_session_restore(nullptr, "x", 1, e); });
  wrong([&](auto e) { return hob_session_restore(session, nullptr, 1, e); });
  wrong([&](auto e) { return hob_session_restore_buffer(nullptr, "x", 1, e); });
  wrong([&](auto e) { return hob_session_restore_buffer(session, nullptr, 1, e); });
  wrong([&](auto e) { return hob_session_get_message(nullptr, nullptr, session, 0, e); });
  CHECK(Try([&](auto e) { return hob_session_restore_buffer(session, nullptr, 0, e); }).status ==
        HOB_DATA_LOSS);
}

TEST_CASE("a memory limit that a restored cache passes refuses it") {
  const Place place = MakePlace();
  Converse(place.session.get());
  const Bytes saved = Save(place.session.get());
  hob_runtime_info info = HOB_RUNTIME_INFO_INIT;
  Place other = MakePlace();
  REQUIRE_OK(hob_runtime_get_info(&info, other.runtime.get(), &error));
  hob_runtime_options options = HOB_RUNTIME_OPTIONS_INIT;
  options.threads = 2;
  // Room for a full session, which another one fills.
  hob_model_info model_info = HOB_MODEL_INFO_INIT;
  REQUIRE_OK(hob_model_get_info(&model_info, other.model.get(), &error));
  options.memory_limit = info.bytes_in_use + 256 * model_info.kv_bytes_per_token;
  hob_runtime* limited = nullptr;
  REQUIRE_OK(hob_runtime_create(&limited, &options, &error));
  const RuntimePtr runtime(limited);
  const ModelPtr model = OpenModel(limited, ChatFixture());
  const SessionPtr session = MakeSession(model.get());
  const Bytes state = Save(session.get());
  const SessionPtr full = MakeSession(model.get());
  const std::vector<int32_t> tokens(250, 5);
  REQUIRE_OK(hob_session_add_tokens(full.get(), tokens.data(), tokens.size(), &error));
  hob_generate_options generate = HOB_GENERATE_OPTIONS_INIT;
  generate.max_tokens = 1;
  REQUIRE_OK(hob_session_generate(nullptr, full.get(), &generate, &error));
  CHECK(Restore(session.get(), saved).status == HOB_RESOURCE_EXHAUSTED);
  CHECK(Save(session.get()) == state);
}
