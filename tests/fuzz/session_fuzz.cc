// SPDX-License-Identifier: Apache-2.0
// Any bytes as a saved session, with a right checksum too, and any bytes as the FlatBuffer of one:
// an error, which leaves the session as it was, or a session that can be saved and go on.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "lib/session/persist.h"
#include "lib/session/session_file.h"

namespace {

using hob::SessionHeader;

std::shared_ptr<hob::Model> OpenModel() {
  hob::RuntimeOptions options;
  options.threads = 1;
  auto runtime = hob::Runtime::Create(options);
  const char* source = std::getenv("HOB_SOURCE_DIR");
  const std::string path =
      std::string(source == nullptr ? "." : source) + "/tests/fixtures/smollm-q4_1.gguf";
  if (!runtime.ok()) std::abort();
  auto model = hob::Model::Open(*std::move(runtime), path, {});
  if (!model.ok()) std::abort();  // run it where tests/fixtures is, or set HOB_SOURCE_DIR
  return *std::move(model);
}

const std::shared_ptr<hob::Model>& Model() {
  static const auto& model = *new std::shared_ptr<hob::Model>(OpenModel());
  return model;
}

std::vector<uint8_t> Save(const hob::Session& session) {
  std::vector<uint8_t> bytes;
  const auto image = hob::SessionImage::Create(session);
  if (!image.ok()) std::abort();
  const auto status = image->Write([&](std::span<const uint8_t> part) {
    bytes.insert(bytes.end(), part.begin(), part.end());
    return absl::OkStatus();
  });
  if (!status.ok()) std::abort();
  return bytes;
}

void Restore(const std::vector<uint8_t>& bytes) {
  auto session = hob::Session::Create(Model(), {});
  if (!session.ok()) std::abort();
  const std::vector<uint8_t> before = Save(**session);
  hob::MemoryReader reader(bytes);
  if (!hob::RestoreSession(**session, reader).ok()) {
    if (Save(**session) != before) std::abort();
    return;
  }
  const std::vector<uint8_t> saved = Save(**session);
  hob::MemoryReader again(saved);
  if (!hob::RestoreSession(**session, again).ok() || Save(**session) != saved) std::abort();
  hob::GenerateOptions options;
  options.max_tokens = 1;
  static_cast<void>((*session)->Generate(options));
}

// Makes the checksum right, where there is a header.
void Restore(std::vector<uint8_t> bytes, bool repair) {
  SessionHeader header;
  if (repair && bytes.size() >= sizeof(header)) {
    std::memcpy(&header, bytes.data(), sizeof(header));
    const std::span<const uint8_t> rest = std::span(bytes).subspan(sizeof(header));
    if (header.pages_offset >= sizeof(header) &&
        header.pages_offset - sizeof(header) <= rest.size()) {
      const hob::Hash128 checksum = hob::SessionChecksum(
          header, rest.first(static_cast<size_t>(header.pages_offset - sizeof(header))));
      header.checksum[0] = checksum.low;
      header.checksum[1] = checksum.high;
      std::memcpy(bytes.data(), &header, sizeof(header));
    }
  }
  Restore(bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Restore({data, data + size}, false);
  Restore({data, data + size}, true);
  // As a FlatBuffer, without pages.
  SessionHeader header = {};
  std::memcpy(header.magic, hob::kSessionMagic, sizeof(header.magic));
  header.version = hob::kPlainSessionVersion;
  header.header_bytes = sizeof(header);
  header.flatbuffer_bytes = size;
  header.pages_offset = (sizeof(header) + size + 63) / 64 * 64;
  std::vector<uint8_t> file(header.pages_offset);
  std::memcpy(file.data(), &header, sizeof(header));
  if (size > 0) std::memcpy(file.data() + sizeof(header), data, size);
  Restore(std::move(file), true);
  return 0;
}
