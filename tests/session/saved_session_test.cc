// SPDX-License-Identifier: Apache-2.0
// Saved sessions that lie, their checksums right: each is refused, by name, and changes nothing.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "lib/session/persist.h"
#include "lib/session/session_file.h"
#include "lib/session/session_generated.h"
#include "tests/support/shared_dir.h"

using namespace hob;

namespace {

using Bytes = std::vector<uint8_t>;

std::shared_ptr<Model> OpenModel() {
  RuntimeOptions options;
  options.threads = 1;
  const std::string path =
      (testing::SourceDir() / "tests" / "fixtures" / "smollm-q4_1.gguf").string();
  return Model::Open(Runtime::Create(options).value(), path, {}).value();
}

Bytes Save(const Session& session) {
  Bytes bytes;
  const SessionImage image = SessionImage::Create(session).value();
  REQUIRE(image
              .Write([&](std::span<const uint8_t> part) {
                bytes.insert(bytes.end(), part.begin(), part.end());
                return absl::OkStatus();
              })
              .ok());
  CHECK(bytes.size() == image.size());
  return bytes;
}

Status Restore(Session& session, const Bytes& bytes) {
  MemoryReader reader(bytes);
  return RestoreSession(session, reader);
}

SessionHeader HeaderOf(const Bytes& bytes) {
  SessionHeader header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  return header;
}

// `saved` with another FlatBuffer before its pages, and all checksums right.
Bytes Forge(const Bytes& saved, const std::function<void(fbs::SavedSessionT&)>& change) {
  SessionHeader header = HeaderOf(saved);
  fbs::SavedSessionT content;
  fbs::GetSavedSession(saved.data() + sizeof(header))->UnPackTo(&content);
  change(content);
  flatbuffers::FlatBufferBuilder builder;
  fbs::FinishSavedSessionBuffer(builder, fbs::CreateSavedSession(builder, &content));
  const size_t pages = (sizeof(header) + builder.GetSize() + 63) / 64 * 64;
  Bytes forged(pages + header.pages_bytes);
  std::memcpy(forged.data() + sizeof(header), builder.GetBufferPointer(), builder.GetSize());
  std::copy(saved.begin() + static_cast<std::ptrdiff_t>(header.pages_offset), saved.end(),
            forged.begin() + static_cast<std::ptrdiff_t>(pages));
  header.flatbuffer_bytes = builder.GetSize();
  header.pages_offset = pages;
  const Hash128 checksum = SessionChecksum(
      header, std::span<const uint8_t>(forged).subspan(sizeof(header), pages - sizeof(header)));
  header.checksum[0] = checksum.low;
  header.checksum[1] = checksum.high;
  std::memcpy(forged.data(), &header, sizeof(header));
  return forged;
}

}  // namespace

TEST_CASE("a saved session whose content is wrong is refused") {
  const std::shared_ptr<Model> model = OpenModel();
  const auto original = Session::Create(model, {}).value();
  REQUIRE(original->AddMessage("user", "hello").ok());
  GenerateOptions generate;
  generate.max_tokens = 5;
  generate.ignore_eos = true;
  REQUIRE(original->Generate(generate).ok());
  const Bytes saved = Save(*original);
  const auto session = Session::Create(model, {}).value();
  const Bytes state = Save(*session);
  REQUIRE(Restore(*session, Forge(saved, [](auto&) {})).ok());
  CHECK(Save(*session) == saved);
  REQUIRE(Restore(*session, state).ok());

  const auto refused = [&](const char* part, const std::function<void(fbs::SavedSessionT&)>& f) {
    const Status status = Restore(*session, Forge(saved, f));
    INFO(part << ": " << status.ToString());
    CHECK(!status.ok());
    CHECK(std::string(status.message()).find(part) != std::string::npos);
    CHECK(Save(*session) == state);
  };
  constexpr int32_t kMax = std::numeric_limits<int32_t>::max();
  refused("version", [](auto& s) { s.version = 3; });
  refused("hash", [](auto& s) { s.origin->model_low ^= 1; });
  refused("hash", [](auto& s) { s.origin->model_high ^= 1; });
  refused("of number 77", [](auto& s) { s.origin->activations = 77; });
  refused("type Q4_0, which", [](auto& s) { s.pages->type = static_cast<int32_t>(DType::kQ4_0); });
  // Pages of another size than the type's.
  refused("cache pages", [](auto& s) { s.pages->type = static_cast<int32_t>(DType::kQC8); });
  refused("type of number -5", [](auto& s) { s.pages->type = -5; });
  refused("cache pages", [](auto& s) { s.pages->layers += 1; });
  refused("cache pages", [](auto& s) { s.pages->kv_heads = -1; });
  refused("cache pages", [](auto& s) { s.pages->head_dim *= 2; });
  refused("cache pages", [](auto& s) { s.pages->page_tokens = 0; });
  refused("cache pages", [](auto& s) { s.pages->page_bytes = 0; });
  refused("checksum", [](auto& s) { s.pages->hash_low ^= 1; });
  refused("none that hob has", [](auto& s) { s.context_tokens = 0; });
  refused("none that hob has", [](auto& s) { s.context_tokens = kMax; });
  refused("none that hob has", [](auto& s) { s.keep_tokens = 1; });
  refused("none that hob has", [](auto& s) { s.keep_tokens = -1; });
  refused("none that hob has", [](auto& s) { s.roll = true, s.keep_tokens = 200; });
  refused("none that hob has", [](auto& s) { s.roll = true, s.context_tokens = 15; });
  refused("tokens in a context of 4", [](auto& s) { s.context_tokens = 4; });
  refused("temperature", [](auto& s) { s.sampler->temperature = -1; });
  refused("top_p", [](auto& s) { s.sampler->top_p = std::numeric_limits<float>::quiet_NaN(); });
  refused("repetition_window", [](auto& s) { s.sampler->repetition_window = -1; });
  refused("wrong token", [](auto& s) { s.tokens.at(1) = -1; });
  refused("wrong cached token", [](auto& s) { s.cached.at(0) = kMax; });
  refused("pages", [](auto& s) { s.cached.clear(); });
  refused("tokens in a context", [](auto& s) { s.cached.resize(100000); });
  refused("pages", [](auto& s) { s.cached.resize(65); });
  refused("dropped", [](auto& s) { s.dropped_tokens = -1; });
  refused("UTF-8", [](auto& s) { s.reply.assign(1, char(0xff)); });
  refused("UTF-8", [](auto& s) { s.messages.at(0)->content.push_back(char(0x80)); });
  refused("role", [](auto& s) { s.messages.at(0)->role.clear(); });
  refused("result", [](auto& s) { s.result->finish_reason = 0; });
  refused("result", [](auto& s) { s.result->finish_reason = 99; });
  refused("result", [](auto& s) { s.result->stop_index = -2; });
  refused("result", [](auto& s) { s.result->prompt_tokens = -2; });
}

TEST_CASE("a small file that describes much is refused") {
  const std::shared_ptr<Model> model = OpenModel();
  const auto session = Session::Create(model, {}).value();
  const Bytes saved = Save(*session);
  // Many messages that are all the same table.
  flatbuffers::FlatBufferBuilder builder;
  const auto* own = fbs::GetSavedSession(saved.data() + sizeof(SessionHeader));
  fbs::SavedSessionT content;
  own->UnPackTo(&content);
  const auto role = builder.CreateString("user");
  const auto text = builder.CreateString(std::string(100000, 'x'));
  const auto message = fbs::CreateSavedMessage(builder, role, text);
  const auto messages =
      builder.CreateVector(std::vector<flatbuffers::Offset<fbs::SavedMessage>>(10000, message));
  const auto origin = fbs::CreateSavedOrigin(builder, content.origin.get());
  const auto pages = fbs::CreateSavedPages(builder, content.pages.get());
  const auto sampler = fbs::CreateSavedSampler(builder, content.sampler.get());
  const auto result = fbs::CreateSavedResult(builder, content.result.get());
  fbs::FinishSavedSessionBuffer(
      builder, fbs::CreateSavedSession(builder, kPlainSessionVersion, origin, pages, 256, false, 0,
                                       sampler, messages, 0, 0, 0, 0, result));
  SessionHeader header = HeaderOf(saved);
  header.flatbuffer_bytes = builder.GetSize();
  header.pages_offset = (sizeof(header) + builder.GetSize() + 63) / 64 * 64;
  Bytes forged(header.pages_offset);
  std::memcpy(forged.data() + sizeof(header), builder.GetBufferPointer(), builder.GetSize());
  const Hash128 checksum =
      SessionChecksum(header, std::span<const uint8_t>(forged).subspan(sizeof(header)));
  header.checksum[0] = checksum.low;
  header.checksum[1] = checksum.high;
  std::memcpy(forged.data(), &header, sizeof(header));
  const Status status = Restore(*session, forged);
  CHECK(std::string(status.message()).find("more than it holds") != std::string::npos);
  CHECK(Save(*session) == saved);
}
