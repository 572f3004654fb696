// SPDX-License-Identifier: Apache-2.0
#include "lib/format/model_file.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <utility>

#include "lib/format/gguf.h"
#include "lib/format/hob_file.h"
#if !defined(HOB_WITHOUT_HF)
#include "lib/format/hugging_face.h"
#endif

namespace hob {
namespace {

constexpr std::string_view kFormatsHint =
    "hob opens GGUF (version 2 or 3) and .hob files, and Hugging Face directories.";

bool IsHfDirectory(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(std::filesystem::path(path) / "config.json", ignored);
}

StatusOr<ModelFile> OpenDirectory(const std::string& path, std::shared_ptr<Allocator> copy_to) {
  if (!IsHfDirectory(path)) {
    return Error(StatusCode::kInvalidArgument,
                 Concat(path, ": is a directory without a config.json, not a model"),
                 "Name a GGUF or .hob file in it, or a Hugging Face directory.");
  }
#if defined(HOB_WITHOUT_HF)
  static_cast<void>(copy_to);
  return Error(StatusCode::kUnimplemented,
               Concat(path, ": is a Hugging Face directory, which this build does not read"),
               "Use a GGUF or .hob file, or a build with HOB_WITH_HF.");
#else
  return format::OpenHfDirectory(path, std::move(copy_to));
#endif
}

std::string FolderOf(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

// A path of safetensors: the model of its folder, if it is the folder's own file.
bool NamesHfModel(const std::string& path) {
  return path.ends_with(".safetensors") && IsHfDirectory(FolderOf(path));
}

bool BeginsWith(std::span<const uint8_t> bytes, std::string_view text, size_t at = 0) {
  return bytes.size() >= at + text.size() &&
         std::memcmp(bytes.data() + at, text.data(), text.size()) == 0;
}

// Says what a file without a known magic seems to be.
Status RefuseContent(std::span<const uint8_t> bytes) {
  if (BeginsWith(bytes, "{\"", 8)) {
    return Error(StatusCode::kUnimplemented,
                 "is a safetensors file alone: weights without config.json and tokenizer.json",
                 "Put it into the model's Hugging Face directory, and name that.");
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

uint64_t ModelFile::file_bytes() const {
  uint64_t sum = file == nullptr ? 0 : file->bytes().size();
  for (const auto& each : more_files) sum += each->bytes().size();
  return sum;
}

void ModelFile::DontNeed(std::span<const uint8_t> part) const {
  const auto holds = [&](const std::shared_ptr<const MappedFile>& each) {
    if (each == nullptr || part.empty()) return false;
    const std::span<const uint8_t> bytes = each->bytes();
    const auto begin = reinterpret_cast<uintptr_t>(bytes.data());
    const auto at = reinterpret_cast<uintptr_t>(part.data());
    return at >= begin && at - begin < bytes.size();
  };
  if (holds(file)) return file->DontNeed(part);
  for (const auto& each : more_files) {
    if (holds(each)) return each->DontNeed(part);
  }
}

uint64_t ModelFile::copied_bytes() const {
  uint64_t sum = file == nullptr ? 0 : file->copied_bytes();
  for (const auto& each : more_files) sum += each->copied_bytes();
  return sum;
}

StatusOr<std::shared_ptr<const ModelFile>> OpenModelFile(const std::string& path,
                                                         std::shared_ptr<Allocator> copy_to) {
  std::error_code ignored;
  const bool directory = std::filesystem::is_directory(path, ignored);
  if (directory || NamesHfModel(path)) {
    std::string folder = path;
    if (!directory) {
      // The file that was named has to be there, and to be what it seems.
      HOB_RETURN_IF_ERROR(MappedFile::Open(path).status());
      folder = FolderOf(path);
    }
    HOB_ASSIGN_OR_RETURN(ModelFile model, OpenDirectory(folder, std::move(copy_to)));
    return std::make_shared<const ModelFile>(std::move(model));
  }
  HOB_ASSIGN_OR_RETURN(
      std::shared_ptr<const MappedFile> file,
      copy_to == nullptr ? MappedFile::Open(path) : MappedFile::Copy(path, std::move(copy_to)));
  StatusOr<ModelFile> model = Parse(file->bytes());
  if (!model.ok()) return Annotate(model.status(), path);
  model->file = std::move(file);
  return std::make_shared<const ModelFile>(*std::move(model));
}

}  // namespace hob
