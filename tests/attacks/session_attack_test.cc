// SPDX-License-Identifier: Apache-2.0
// Saved sessions that are cut, foreign or altered, and numbers of a session that make no sense.
#include <cmath>
#include <cstring>

#include "lib/session/session_file.h"
#include "tests/attacks/hob_bytes.h"

using namespace hob;
using namespace hob::test;

namespace {

// A conversation on ChatFixture, saved, and the session that it is restored into.
struct Place {
  RuntimePtr runtime = MakeRuntime();
  ModelPtr model;
  SessionPtr session;
  File saved;

  explicit Place(const std::string& path = ChatFixture(),
                 const hob_session_options* options = nullptr) {
    model = OpenModel(runtime.get(), path);
    session = MakeSession(model.get(), options);
    REQUIRE(AddMessage(session.get(), "user", "hello, who are you?") == HOB_OK);
    Generate(session.get(), 8);
    saved = Save();
  }
  File Save() const {
    void* data = nullptr;
    size_t size = 0;
    REQUIRE_OK(hob_session_save_buffer(&data, &size, session.get(), &error));
    const auto* bytes = static_cast<const uint8_t*>(data);
    const File copy(bytes, bytes + size);
    hob_free(data);
    return copy;
  }
  Outcome Restore(const File& file) const {
    return Try([&](auto e) {
      return hob_session_restore_buffer(session.get(), file.data(), file.size(), e);
    });
  }
  // Refused, and the session is what it was and goes on.
  void CheckRefuses(const File& file, hob_status status, Parts parts) const {
    CheckOutcome(Restore(file), status, parts);
    CHECK(Save() == saved);
  }
  void CheckGoesOn() const {
    REQUIRE(Restore(saved).status == HOB_OK);
    CHECK(Generate(session.get(), 3).generated_tokens == 3);
    CheckStillAnswers(runtime.get());
  }
};

}  // namespace

// llama.cpp: a buffer of a state that ended early threw across the C interface, or met an
// assertion.
TEST_CASE("llama.cpp#27439: a saved session cut short") {
  const Place place;
  for (size_t size = 0; size < place.saved.size(); size += 1 + size / 8) {
    CAPTURE(size);
    const Outcome outcome =
        place.Restore({place.saved.begin(), place.saved.begin() + static_cast<ptrdiff_t>(size)});
    if (size == 0) {
      CHECK(outcome.status != HOB_OK);
    } else {
      CheckOutcome(outcome, HOB_DATA_LOSS, {"the saved session ends early"});
    }
  }
  File longer = place.saved;
  longer.push_back(0);
  place.CheckRefuses(longer, HOB_INVALID_ARGUMENT, {"but its pages end at byte"});
  place.CheckGoesOn();
}

// States are raw copies of a cache: one of another shape is read as this one's.
TEST_CASE("class: a saved session of another model or of other things") {
  const Place place;
  const TemporaryFolder folder;
  const std::string path = folder / "other.gguf";
  WriteBytes(path, TinyModel().Build());
  const Place other(path);
  place.CheckRefuses(other.saved, HOB_FAILED_PRECONDITION,
                     {"the session was saved with a model whose hash is"});
  place.CheckRefuses(TinyModel().Build(), HOB_INVALID_ARGUMENT,
                     {"is not a saved session: wrong magic"});
  place.CheckRefuses(TinyHob(), HOB_INVALID_ARGUMENT, {"is not a saved session"});
  place.CheckRefuses(File(100000, 0), HOB_INVALID_ARGUMENT, {"is not a saved session"});
  CheckOutcome(Try([&](auto e) {
                 return hob_session_restore(place.session.get(), path.data(), path.size(), e);
               }),
               HOB_INVALID_ARGUMENT, {"other.gguf", "is not a saved session"});
  // As if of this model: its pages have another form.
  const File forged = SpoiltSession(other.saved, [&](fbs::SavedSessionT& s) {
    SessionHeader header;
    std::memcpy(&header, place.saved.data(), sizeof(header));
    const auto* own = fbs::GetSavedSession(place.saved.data() + sizeof(header));
    s.origin->model_low = own->origin()->model_low();
    s.origin->model_high = own->origin()->model_high();
  });
  place.CheckRefuses(forged, HOB_FAILED_PRECONDITION, {"was saved with cache pages of"});
  place.CheckGoesOn();
}

// States without a checksum go on with what was damaged.
TEST_CASE("class: a saved session with altered bytes") {
  const Place place;
  for (size_t at = 0; at < place.saved.size(); at += 1 + at / 16) {
    CAPTURE(at);
    File file = place.saved;
    file[at] ^= 0x20;
    const Outcome outcome = place.Restore(file);
    CHECK(outcome.status != HOB_OK);
    CHECK(outcome.message.size() < 1000);
  }
  File pages = place.saved;
  pages.back() ^= 1;
  place.CheckRefuses(pages, HOB_DATA_LOSS, {"its checksum does not fit its cache pages"});
  place.CheckGoesOn();
}

// A checksum stops accidents alone: whoever alters a file can set it right.
TEST_CASE("class: an altered session with a right checksum") {
  const Place place;
  struct Case {
    std::function<void(fbs::SavedSessionT&)> spoil;
    hob_status status;
    std::string_view part;
  };
  using S = fbs::SavedSessionT;
  const Case cases[] = {
      {[](S& s) { s.tokens[0] = 1 << 20; }, HOB_INVALID_ARGUMENT, "has a wrong token"},
      {[](S& s) { s.tokens[0] = -1; }, HOB_INVALID_ARGUMENT, "has a wrong token"},
      {[](S& s) { s.cached[0] = INT32_MAX; }, HOB_INVALID_ARGUMENT, "has a wrong cached token"},
      {[](S& s) { s.cached.resize(5000, 1); }, HOB_INVALID_ARGUMENT, "tokens in a context of"},
      {[](S& s) { s.cached.clear(); }, HOB_INVALID_ARGUMENT, "bytes of pages; 0 tokens take"},
      {[](S& s) { s.cached.resize(200, 1); }, HOB_INVALID_ARGUMENT, "bytes of pages; 200 tokens"},
      {[](S& s) { s.context_tokens = 0; }, HOB_INVALID_ARGUMENT, "is none that hob has"},
      {[](S& s) { s.context_tokens = INT32_MAX; }, HOB_INVALID_ARGUMENT, "is none that hob has"},
      {[](S& s) { s.context_tokens = -1; }, HOB_INVALID_ARGUMENT, "is none that hob has"},
      {[](S& s) { s.keep_tokens = -1; }, HOB_INVALID_ARGUMENT, "of which it keeps -1"},
      {[](S& s) { s.roll = true, s.keep_tokens = -2147483647 - 1; }, HOB_INVALID_ARGUMENT,
       "of which it keeps -2147483648"},
      {[](S& s) { s.dropped_tokens = -1; }, HOB_INVALID_ARGUMENT, "dropped fewer than 0"},
      {[](S& s) { s.sampler->temperature = NAN; }, HOB_INVALID_ARGUMENT, "temperature is nan"},
      {[](S& s) { s.sampler->top_k = -1; }, HOB_INVALID_ARGUMENT, "top_k is -1"},
      {[](S& s) { s.sampler->repetition_window = -1; }, HOB_INVALID_ARGUMENT, "repetition_window"},
      {[](S& s) { s.messages[0]->content = "\xFF\xFE"; }, HOB_INVALID_ARGUMENT, "not UTF-8"},
      {[](S& s) { s.messages[0]->role = ""; }, HOB_INVALID_ARGUMENT, "a message without a role"},
      {[](S& s) { s.reply = "\xC3"; }, HOB_INVALID_ARGUMENT, "not UTF-8"},
      {[](S& s) { s.result->finish_reason = 99; }, HOB_INVALID_ARGUMENT, "none that hob gives"},
      {[](S& s) { s.result->prompt_tokens = -5; }, HOB_INVALID_ARGUMENT, "none that hob gives"},
      {[](S& s) { s.pages->type = 77; }, HOB_FAILED_PRECONDITION, "a cache of type of number 77"},
      {[](S& s) { s.pages->layers = 1 << 30; }, HOB_FAILED_PRECONDITION, "cache pages of"},
      {[](S& s) { s.pages->page_bytes = 0; }, HOB_FAILED_PRECONDITION, "cache pages of"},
      {[](S& s) { s.pages->hash_low ^= 1; }, HOB_DATA_LOSS, "does not fit its cache pages"},
      {[](S& s) { s.origin->activations = 5; }, HOB_FAILED_PRECONDITION, "activations"},
      {[](S& s) { s.origin->rope_factor = NAN; }, HOB_FAILED_PRECONDITION, "rope scaling"},
      {[](S& s) { s.version = 9; }, HOB_INVALID_ARGUMENT, "its FlatBuffer 9"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.part);
    place.CheckRefuses(SpoiltSession(place.saved, c.spoil), c.status, {c.part});
  }
  place.CheckGoesOn();
}

// The cache's values are numbers of anyone's choice: what comes of them is an error or an answer.
// hob: restores it; generating is DATA_LOSS: "the model's logits are not numbers".
TEST_CASE("class: cache pages of NaN with right checksums") {
  const Place place;
  SessionHeader header;
  std::memcpy(&header, place.saved.data(), sizeof(header));
  File file = place.saved;
  for (size_t i = static_cast<size_t>(header.pages_offset); i < file.size(); ++i) file[i] = 0x7F;
  Hasher hasher;
  hasher.Update(std::span<const uint8_t>(file).subspan(static_cast<size_t>(header.pages_offset)));
  const Hash128 hash = hasher.Finish();
  file = SpoiltSession(file, [&](fbs::SavedSessionT& s) {
    s.pages->hash_low = hash.low;
    s.pages->hash_high = hash.high;
  });
  REQUIRE(place.Restore(file).status == HOB_OK);
  REQUIRE(AddMessage(place.session.get(), "user", "go on") == HOB_OK);
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.max_tokens = 4;
  const Outcome outcome =
      Try([&](auto e) { return hob_session_generate(nullptr, place.session.get(), &options, e); });
  CheckOutcome(outcome, HOB_DATA_LOSS, {"the model's logits are not numbers"});
  // Other sessions that begin with the same text share nothing of it.
  const SessionPtr fresh = MakeSession(place.model.get());
  REQUIRE(AddMessage(fresh.get(), "user", "hello, who are you?") == HOB_OK);
  CHECK(Generate(fresh.get(), 8).generated_tokens == 8);
  REQUIRE(place.Restore(place.saved).status == HOB_OK);
  CHECK(Reply(fresh.get()) == Reply(place.session.get()));
  place.CheckGoesOn();
}

// Sizes of a state decide what is allocated and read.
TEST_CASE("class: a session's header that lies") {
  const Place place;
  struct Case {
    std::function<void(SessionHeader&)> spoil;
    hob_status status;
    std::string_view part;
  };
  const Case cases[] = {
      {[](auto& h) { h.flatbuffer_bytes = ~uint64_t{0}; }, HOB_INVALID_ARGUMENT, "at most"},
      {[](auto& h) { h.flatbuffer_bytes = 0; }, HOB_INVALID_ARGUMENT, "places the pages at byte"},
      {[](auto& h) { h.pages_offset = ~uint64_t{0}; }, HOB_INVALID_ARGUMENT, "places the pages"},
      {[](auto& h) { h.pages_bytes = ~uint64_t{0}; }, HOB_INVALID_ARGUMENT, "more bytes of pages"},
      {[](auto& h) { h.header_bytes = 1; }, HOB_INVALID_ARGUMENT, "not one of a saved session"},
      {[](auto& h) { h.version = 77; }, HOB_UNIMPLEMENTED, "saved as version 77"},
  };
  for (const Case& c : cases) {
    File file = place.saved;
    SessionHeader header;
    std::memcpy(&header, file.data(), sizeof(header));
    c.spoil(header);
    std::memcpy(file.data(), &header, sizeof(header));
    place.CheckRefuses(file, c.status, {c.part});
  }
  place.CheckGoesOn();
}

// llama.cpp's server: a negative number of tokens to discard when the context is full moved cells
// to before the cache.
TEST_CASE("CVE-2026-21869: a negative count where the context rolls") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  for (const int32_t keep : {-1, INT32_MIN, 40, INT32_MAX}) {
    hob_session_options options = HOB_SESSION_OPTIONS_INIT;
    options.context_tokens = 48;
    options.roll = 1;
    options.keep_tokens = keep;
    hob_session* session = nullptr;
    CheckOutcome(
        Try([&](auto e) { return hob_session_create(&session, model.get(), &options, e); }),
        HOB_INVALID_ARGUMENT, {"session option keep_tokens is " + std::to_string(keep)});
  }
  CheckStillAnswers(runtime.get());
}

// Options go to loops and divisions as they are.
TEST_CASE("class: numbers of a request that make no sense") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const SessionPtr session = MakeSession(model.get());
  AddTokens(session.get(), {1, 2, 3});
  hob_generate_options generate = HOB_GENERATE_OPTIONS_INIT;
  generate.max_tokens = INT32_MIN;
  CheckOutcome(
      Try([&](auto e) { return hob_session_generate(nullptr, session.get(), &generate, e); }),
      HOB_INVALID_ARGUMENT, {"max_tokens", "-2147483648"});
  struct Case {
    std::function<void(hob_sampler_options&)> spoil;
    std::string_view part;
  };
  const Case cases[] = {
      {[](auto& s) { s.temperature = NAN; }, "temperature is nan"},
      {[](auto& s) { s.temperature = -1; }, "temperature is -1"},
      {[](auto& s) { s.temperature = INFINITY; }, "temperature is inf"},
      {[](auto& s) { s.top_p = 0; }, "top_p is 0"},
      {[](auto& s) { s.top_p = NAN; }, "top_p is nan"},
      {[](auto& s) { s.min_p = 1; }, "min_p is 1"},
      {[](auto& s) { s.top_k = INT32_MIN; }, "top_k is -2.14748e+09"},
      {[](auto& s) { s.repetition_penalty = 0; }, "repetition_penalty is 0"},
      {[](auto& s) { s.repetition_window = -1; }, "repetition_window is -1"},
  };
  for (const Case& c : cases) {
    hob_sampler_options options = HOB_SAMPLER_OPTIONS_INIT;
    c.spoil(options);
    CheckOutcome(Try([&](auto e) { return hob_session_set_sampler(session.get(), &options, e); }),
                 HOB_INVALID_ARGUMENT, {c.part});
  }
  CheckStillAnswers(runtime.get());
}
