// SPDX-License-Identifier: Apache-2.0
#include "tests/attacks/hob_bytes.h"

#include <cstring>

#include "lib/format/hob_file.h"
#include "lib/session/session_file.h"

namespace hob::test {

using format::HobHeader;

File TinyHob() {
  static const File file = [] {
    const TemporaryFolder folder;
    const std::string in = folder / "tiny.gguf", out = folder / "tiny.hob";
    WriteBytes(in, TinyModel().Build());
    REQUIRE_OK(hob_convert(in.data(), in.size(), out.data(), out.size(), nullptr, &error));
    return ReadBytes(out);
  }();
  return file;
}

File HobOf(const flatbuffers::FlatBufferBuilder& builder, const std::vector<uint8_t>& data,
           uint32_t version) {
  HobHeader header = format::MakeHobHeader(builder.GetSize(), data.size());
  header.version = version;
  File file(header.data_offset + data.size());
  std::memcpy(file.data(), &header, sizeof(header));
  std::memcpy(file.data() + sizeof(header), builder.GetBufferPointer(), builder.GetSize());
  std::copy(data.begin(), data.end(), file.begin() + static_cast<ptrdiff_t>(header.data_offset));
  return file;
}

File SpoiltHob(const std::function<void(fbs::ModelT&)>& spoil) {
  const File file = TinyHob();
  HobHeader header;
  std::memcpy(&header, file.data(), sizeof(header));
  fbs::ModelT model;
  fbs::GetModel(file.data() + header.flatbuffer_offset)->UnPackTo(&model);
  spoil(model);
  flatbuffers::FlatBufferBuilder builder;
  fbs::FinishModelBuffer(builder, fbs::CreateModel(builder, &model));
  const auto data = file.begin() + static_cast<ptrdiff_t>(header.data_offset);
  return HobOf(builder, {data, file.end()});
}

void FixChecksum(File* saved) {
  SessionHeader header;
  std::memcpy(&header, saved->data(), sizeof(header));
  const size_t rest = static_cast<size_t>(header.pages_offset) - sizeof(header);
  const Hash128 checksum =
      SessionChecksum(header, std::span<const uint8_t>(*saved).subspan(sizeof(header), rest));
  header.checksum[0] = checksum.low;
  header.checksum[1] = checksum.high;
  std::memcpy(saved->data(), &header, sizeof(header));
}

File SpoiltSession(const File& saved, const std::function<void(fbs::SavedSessionT&)>& spoil) {
  SessionHeader header;
  std::memcpy(&header, saved.data(), sizeof(header));
  fbs::SavedSessionT session;
  fbs::GetSavedSession(saved.data() + sizeof(header))->UnPackTo(&session);
  spoil(session);
  flatbuffers::FlatBufferBuilder builder;
  fbs::FinishSavedSessionBuffer(builder, fbs::CreateSavedSession(builder, &session));
  const File pages(saved.begin() + static_cast<ptrdiff_t>(header.pages_offset), saved.end());
  header.flatbuffer_bytes = builder.GetSize();
  header.pages_offset = (sizeof(header) + builder.GetSize() + kSessionAlignment - 1) /
                        kSessionAlignment * kSessionAlignment;
  File file(static_cast<size_t>(header.pages_offset));
  std::memcpy(file.data(), &header, sizeof(header));
  std::memcpy(file.data() + sizeof(header), builder.GetBufferPointer(), builder.GetSize());
  file.insert(file.end(), pages.begin(), pages.end());
  FixChecksum(&file);
  return file;
}

}  // namespace hob::test
