// SPDX-License-Identifier: Apache-2.0
// libsodium is used without sodium_init(): that opens the system's source of randomness and aborts
// where there is none. Hashing and verifying need neither randomness nor any of its global state;
// the hash then takes its portable code, which reads faster than most disks.
#include "lib/sign/verify.h"

#include <sodium.h>

#include <algorithm>
#include <vector>

#include "lib/base/file_reader.h"

namespace hob::sign {
namespace {

constexpr size_t kChunkBytes = size_t{1} << 20;
constexpr size_t kDigestBytes = 64;

StatusOr<std::array<uint8_t, kDigestBytes>> HashFile(const std::string& path,
                                                     const Progress& progress) {
  HOB_ASSIGN_OR_RETURN(const auto file, FileReader::Open(path));
  const uint64_t total = file->size();
  crypto_generichash_blake2b_state state;
  crypto_generichash_blake2b_init(&state, nullptr, 0, kDigestBytes);
  std::vector<uint8_t> chunk(std::min<uint64_t>(kChunkBytes, total));
  for (uint64_t done = 0; done < total;) {
    const std::span<uint8_t> part =
        std::span(chunk).first(std::min<uint64_t>(chunk.size(), total - done));
    if (const Status status = file->Read(part); !status.ok()) return Annotate(status, path);
    crypto_generichash_blake2b_update(&state, part.data(), part.size());
    done += part.size();
    if (progress && !progress(done, total)) {
      return Error(StatusCode::kCancelled, "the progress callback asked to stop");
    }
  }
  std::array<uint8_t, kDigestBytes> digest;
  crypto_generichash_blake2b_final(&state, digest.data(), digest.size());
  return digest;
}

bool Fits(const std::array<uint8_t, 64>& signature, std::span<const uint8_t> message,
          const PublicKey& key) {
  return crypto_sign_ed25519_verify_detached(signature.data(), message.data(), message.size(),
                                             key.key.data()) == 0;
}

Status Refuse(std::string_view what, std::string_view hint) {
  return Error(StatusCode::kUnauthenticated, what, hint);
}

}  // namespace

StatusOr<std::string> ReadSignature(const std::string& path) {
  HOB_ASSIGN_OR_RETURN(const auto file, FileReader::Open(path));
  if (file->size() > kMaxSignatureBytes) {
    return Error(StatusCode::kInvalidArgument,
                 Concat(path, ": not a signature: it has ", file->size(), " bytes"),
                 "Name the .minisig file, not the signed one.");
  }
  std::string text(file->size(), '\0');
  auto* const bytes = reinterpret_cast<uint8_t*>(text.data());
  if (const Status status = file->Read({bytes, text.size()}); !status.ok()) {
    return Annotate(status, path);
  }
  return text;
}

StatusOr<std::string> VerifyFile(const std::string& path, std::string_view signature_text,
                                 std::span<const PublicKey> keys, const Progress& progress) {
  HOB_ASSIGN_OR_RETURN(Signature signature, ParseSignature(signature_text));
  std::vector<PublicKey> candidates;
  for (const PublicKey& key : keys) {
    if (key.id == signature.id) candidates.push_back(key);
  }
  if (candidates.empty()) {
    std::string expected;
    for (const PublicKey& key : keys) expected += (expected.empty() ? "" : ", ") + ToHex(key.id);
    return Refuse(Concat(path, ": signed by the key ", ToHex(signature.id),
                         ", which is not trusted here (", expected, ")"),
                  "Get the file from whom you trust, or add that maker's public key.");
  }
  HOB_ASSIGN_OR_RETURN(const auto digest, HashFile(path, progress));

  // The last line signs the second and third, so the two checks together tell what was altered.
  std::vector<uint8_t> signed_comment(signature.of_file.begin(), signature.of_file.end());
  signed_comment.insert(signed_comment.end(), signature.trusted_comment.begin(),
                        signature.trusted_comment.end());
  bool file_fits = false, comment_fits = false;
  for (const PublicKey& key : candidates) {
    const bool file = Fits(signature.of_file, digest, key);
    const bool comment = Fits(signature.of_comment, signed_comment, key);
    if (file && comment) return std::move(signature.trusted_comment);
    file_fits |= file;
    comment_fits |= comment;
  }
  if (comment_fits) {
    return Refuse(Concat(path, ": the file is not the one that was signed"),
                  "It was altered or is another version: get file and signature again.");
  }
  if (file_fits) {
    return Refuse(
        Concat(path, ": the trusted comment of the signature was altered"),
        "The file is as signed, but do not believe the comment: get the signature again.");
  }
  return Refuse(Concat(path, ": the signature was altered or is forged: the key ",
                       ToHex(signature.id), " did not make it"),
                "Get file and signature again, from whom you trust.");
}

}  // namespace hob::sign
