// SPDX-License-Identifier: Apache-2.0
#include "lib/format/model_file.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <utility>

#include "lib/format/gguf.h"
#include "lib/format/hob_file.h"

namespace hob {
namespace {

constexpr std::string_view kFormatsHint = "hob opens GGUF (version 2 or 3) and .hob files.";

Status RefuseDirectory(const std::string& path) {
  std::error_code ignored;
  const bool hugging_face =
      std::filesystem::exists(std::filesystem::path(path) / "config.json", ignored);
  if (!hugging_face) {
    return Error(StatusCode::kInvalidArgument, Concat(path, ": is a directory, not a model file"),
                 "Name a GGUF or .hob file in it.");
  }
  return Error(StatusCode::kUnimplemented,
               Concat(path, ": is a Hugging Face directory, which hob does not read yet"),
               "Use the model's GGUF file, or make one with llama.cpp's convert_hf_to_gguf.py.");
}

bool BeginsWith(std::span<const uint8_t> bytes, std::string_view text, size_t at = 0) {
  return bytes.size() >= at + text.size() &&
         std::memcmp(bytes.data() + at, text.data(), text.size()) == 0;
}

// Says what a file without a known magic seems to be.
Status RefuseContent(std::span<const uint8_t> bytes) {
  if (BeginsWith(bytes, "{\"", 8)) {
    return Error(StatusCode::kUnimplemented, "is a safetensors file, which hob does not read yet",
                 "Use the model's GGUF file, or make one with llama.cpp's convert_hf_to_gguf.py.");
  }
  if (BeginsWith(bytes, "version https://git-lfs")) {
    return Error(StatusCode::kInvalidArgument, "is a Git LFS pointer, not the model itself",
                 "Fetch the file with `git lfs pull`.");
  }
  if (BeginsWith(bytes, "PK\x03\x04")) {
    return Error(StatusCode::kInvalidArgument, "is a ZIP archive (a PyTorch checkpoint?)",
                 kFormatsHint);
  }
  if (BeginsWith(bytes, "lmgg") || BeginsWith(bytes, "fmgg") || BeginsWith(bytes, "tjgg")) {
    return Error(StatusCode::kUnimplemented, "is in a ggml format older than GGUF",
                 "Use the model's GGUF file.");
  }
  constexpr std::string_view kMagics[] = {"GGUF", "\x89HOB"};
  for (const std::string_view magic : kMagics) {
    if (bytes.size() < 8 && BeginsWith(bytes, magic.substr(0, std::min<size_t>(bytes.size(), 4)))) {
      return Error(StatusCode::kDataLoss,
                   Concat("the file ends early: it has only ", bytes.size(), " bytes"),
                   "The file is truncated; fetch it again.");
    }
  }
  return Error(StatusCode::kInvalidArgument, "is not a model file: wrong magic", kFormatsHint);
}

StatusOr<ModelFile> Parse(std::span<const uint8_t> bytes) {
  if (format::IsGguf(bytes)) return format::ParseGguf(bytes);
  if (format::IsHob(bytes)) return format::ParseHob(bytes);
  return RefuseContent(bytes);
}

}  // namespace

int64_t Tensor::rows() const {
  int64_t product = 1;
  for (size_t i = 0; i + 1 < shape.size(); ++i) product *= shape[i];
  return product;
}

const Tensor* ModelFile::FindTensor(std::string_view name) const {
  const auto found = tensor_index.find(name);
  return found == tensor_index.end() ? nullptr : &tensors[found->second];
}

StatusOr<std::shared_ptr<const ModelFile>> OpenModelFile(const std::string& path,
                                                         std::shared_ptr<Allocator> copy_to) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return RefuseDirectory(path);
  HOB_ASSIGN_OR_RETURN(
      std::shared_ptr<const MappedFile> file,
      copy_to == nullptr ? MappedFile::Open(path) : MappedFile::Copy(path, std::move(copy_to)));
  StatusOr<ModelFile> model = Parse(file->bytes());
  if (!model.ok()) return Annotate(model.status(), path);
  model->file = std::move(file);
  return std::make_shared<const ModelFile>(*std::move(model));
}

}  // namespace hob
