// SPDX-License-Identifier: Apache-2.0
#include <hob/verify.h>

#include <span>
#include <string>
#include <vector>

#include "abi/arguments.h"
#include "abi/error.h"
#if !defined(HOB_WITHOUT_SIGNATURES)
#include "lib/sign/verify.h"

namespace hob::abi {
namespace {

StatusOr<std::vector<sign::PublicKey>> ReadKeys(std::span<const hob_string> keys) {
  std::vector<sign::PublicKey> read;
  for (size_t i = 0; i < keys.size(); ++i) {
    const std::string what = Concat("keys[", i, "]");
    HOB_RETURN_IF_ERROR(CheckRange(keys[i].data, keys[i].size, what));
    auto key = sign::ParsePublicKey(View(keys[i].data, keys[i].size));
    if (!key.ok()) return Annotate(key.status(), what);
    read.push_back(*key);
  }
  return read;
}

StatusOr<std::string> Verify(const std::string& path, std::span<const hob_string> keys,
                             const hob_verify_options& options) {
  HOB_ASSIGN_OR_RETURN(const std::vector<sign::PublicKey> trusted, ReadKeys(keys));
  std::string text(View(options.signature.data, options.signature.size));
  std::string where = "hob_verify_options.signature";
  if (text.empty()) {
    where = options.signature_path.size == 0
                ? path + ".minisig"
                : std::string(View(options.signature_path.data, options.signature_path.size));
    HOB_ASSIGN_OR_RETURN(text, sign::ReadSignature(where));
  }
  if (const auto parsed = sign::ParseSignature(text); !parsed.ok()) {
    return Annotate(parsed.status(), where);
  }
  sign::Progress progress;
  if (options.progress != nullptr) {
    progress = [&options](uint64_t done, uint64_t total) {
      return options.progress(options.progress_user, done, total) == 0;
    };
  }
  return sign::VerifyFile(path, text, trusted, progress);
}

}  // namespace
}  // namespace hob::abi
#endif

extern "C" {

hob_status hob_verify_file(char** out_comment, size_t* out_size, const char* path, size_t path_size,
                           const hob_string* keys, size_t key_count,
                           const hob_verify_options* options, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_RETURN_IF_ERROR(CheckRange(path, path_size, "path"));
    if (path_size == 0) {
      return hob::Error(hob::StatusCode::kInvalidArgument, "the path is empty",
                        "Name the file whose signature is to be checked.");
    }
    HOB_RETURN_IF_ERROR(CheckRange(keys, key_count, "keys"));
    if (key_count == 0) {
      return hob::Error(hob::StatusCode::kInvalidArgument, "no keys are given",
                        "Give the public keys of those whose files are trusted.");
    }
    HOB_ASSIGN_OR_RETURN(
        const hob_verify_options given,
        ReadStruct<hob_verify_options>(options, HOB_VERIFY_OPTIONS_INIT, "hob_verify_options"));
    if (given.reserved != 0) {
      return hob::Error(hob::StatusCode::kInvalidArgument,
                        "hob_verify_options.reserved is not zero");
    }
    HOB_RETURN_IF_ERROR(
        CheckRange(given.signature.data, given.signature.size, "hob_verify_options.signature"));
    HOB_RETURN_IF_ERROR(CheckRange(given.signature_path.data, given.signature_path.size,
                                   "hob_verify_options.signature_path"));
#if defined(HOB_WITHOUT_SIGNATURES)
    return hob::Error(hob::StatusCode::kUnimplemented, "this build of hob leaves out signatures",
                      "Build hob with HOB_WITH_SIGNATURES=ON.");
#else
    HOB_ASSIGN_OR_RETURN(
        const std::string comment,
        Verify(std::string(View(path, path_size)), std::span(keys, key_count), given));
    if (out_comment == nullptr) {
      if (out_size != nullptr) *out_size = comment.size();
      return absl::OkStatus();
    }
    size_t size = 0;
    HOB_RETURN_IF_ERROR(CopyOut(out_comment, &size, comment));
    if (out_size != nullptr) *out_size = size;
    return absl::OkStatus();
#endif
  });
}

}  // extern "C"
