// SPDX-License-Identifier: Apache-2.0
#include "lib/format/validate.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/escaping.h"
#include "lib/base/checked.h"
#include "lib/base/panels.h"

namespace hob::format {
namespace {

constexpr std::string_view kSupported =
    "Use a file quantised to Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K or Q6_K, or one in F16, BF16 "
    "or F32.";

Status Invalid(std::string_view message) { return Error(StatusCode::kInvalidArgument, message); }

std::string TypeText(uint32_t type) {
  const std::string_view name = GgufTypeName(type);
  return name == "unknown" ? Concat("unknown type ", type) : Concat("type ", name);
}

Status CheckType(uint32_t type, bool hob_types) {
  const bool own = type >= 1000;
  const bool runs = FindDType(static_cast<DType>(type)) != nullptr;
  if (own ? hob_types && type == static_cast<uint32_t>(DType::kQC8) : runs) return absl::OkStatus();
  return Error(StatusCode::kUnimplemented,
               Concat("has ", TypeText(type), ", which hob does not run"), kSupported);
}

Status CheckTensor(const TensorClaim& claim, std::span<const uint8_t> data, uint64_t alignment,
                   std::span<const uint8_t>* bytes) {
  HOB_RETURN_IF_ERROR(CheckType(claim.type, claim.hob_types));
  HOB_ASSIGN_OR_RETURN(const uint64_t size,
                       TensorBytes(static_cast<DType>(claim.type), claim.shape, claim.panels));
  if (claim.offset % alignment != 0) {
    return Invalid(
        Concat("offset ", claim.offset, " is not a multiple of the file's alignment, ", alignment));
  }
  if (!Fits(claim.offset, size, data.size())) {
    return Error(StatusCode::kDataLoss,
                 Concat("takes ", size, " bytes at offset ", claim.offset,
                        " of the tensor data, of which the file has ", data.size()),
                 "The file is truncated or corrupt; fetch it again.");
  }
  *bytes = data.subspan(static_cast<size_t>(claim.offset), static_cast<size_t>(size));
  return absl::OkStatus();
}

Status CheckId(std::string_view what, int32_t id, size_t count) {
  if (id == -1 || (id >= 0 && static_cast<size_t>(id) < count)) return absl::OkStatus();
  return Invalid(
      Concat("vocabulary: the ", what, " token is ", id, ", but there are ", count, " tokens"));
}

Status CheckLength(std::string_view what, size_t length, size_t count) {
  if (length == 0 || length == count) return absl::OkStatus();
  return Invalid(Concat("vocabulary: ", length, " ", what, " for ", count, " tokens"));
}

// GGUF files of other things than models say so. Adapters have the architecture of their model.
Status CheckKind(const ModelFile& model) {
  HOB_ASSIGN_OR_RETURN(const std::string kind, model.metadata.Text("general.type", "model"));
  const bool lora = std::any_of(model.tensors.begin(), model.tensors.end(), [](const Tensor& t) {
    return t.name.ends_with(".lora_a") || t.name.ends_with(".lora_b");
  });
  if (kind == "adapter" || lora) {
    HOB_ASSIGN_OR_RETURN(const std::string adapter,
                         model.metadata.Text("adapter.type", lora ? "lora" : "of unknown type"));
    return Error(StatusCode::kUnimplemented,
                 Concat("is an adapter (", Quoted(adapter), "), not a model"),
                 "Merge it into its base model and open the result.");
  }
  if (kind == "model") return absl::OkStatus();
  return Error(StatusCode::kUnimplemented,
               Concat("is not a model but of general.type ", Quoted(kind)),
               "Open the model's own file.");
}

}  // namespace

std::string Quoted(std::string_view text) {
  constexpr size_t kShown = 80;
  const bool cut = text.size() > kShown;
  const std::string escaped =
      absl::Utf8SafeCHexEscape(AbslView(cut ? text.substr(0, kShown) : text));
  return Concat("'", escaped, cut ? "…'" : "'");
}

StatusOr<uint64_t> TensorBytes(DType type, std::span<const int64_t> shape, bool panels) {
  const DTypeInfo* info = FindDType(type);
  if (info == nullptr) {
    return Error(StatusCode::kUnimplemented, "has a type that hob does not know", kSupported);
  }
  if (shape.empty() || shape.size() > 4) {
    return Invalid(Concat("has ", shape.size(), " dimensions; 1 to 4 are allowed"));
  }
  uint64_t elements = 1;
  for (const int64_t dimension : shape) {
    if (dimension <= 0) {
      return Invalid(Concat("has a dimension of ", dimension, "; all must be above 0"));
    }
    // Below 2⁶¹ elements, so that 4 bytes each, plus row scales, stay below 2⁶⁴.
    const auto product = CheckedMul(elements, static_cast<uint64_t>(dimension));
    if (!product || *product > uint64_t{1} << 60) {
      return Invalid("has dimensions whose product overflows");
    }
    elements = *product;
  }
  const auto columns = static_cast<uint64_t>(shape.back());
  // A multiple of 4 aligns the scales, which follow the rows.
  const uint64_t block = type == DType::kQC8 ? 4 : info->block_elements;
  if (columns % block != 0) {
    return Invalid(Concat("has ", columns, " columns, which is not a multiple of ", info->name,
                          "'s block of ", block));
  }
  if (panels) {
    const PanelFormat* format = FindPanelFormat(type, shape.back());
    if (format == nullptr || shape.size() != 2) {
      return Invalid("is said to be panels, which only a matrix of a block type can be");
    }
    // At most 31 rows more than there are, of at most two bytes an element.
    if (elements > (uint64_t{1} << 56)) return Invalid("is too large for panels");
    return PanelsBytes(*format, shape[0], shape[1]);
  }
  if (type == DType::kQC8) return elements + elements / columns * sizeof(float);
  return elements / info->block_elements * info->block_bytes;
}

Status AddTensor(const TensorClaim& claim, std::span<const uint8_t> data, uint64_t alignment,
                 ModelFile* model) {
  if (claim.name.empty() || claim.name.size() > kMaxNameBytes) {
    return Invalid(Concat("tensor ", model->tensors.size(), ": its name has ", claim.name.size(),
                          " bytes; 1 to ", kMaxNameBytes, " are allowed"));
  }
  Tensor tensor;
  const Status status = CheckTensor(claim, data, alignment, &tensor.data);
  if (!status.ok()) {
    return Error(status.code(), Concat("tensor ", Quoted(claim.name), " ", status.message()),
                 HintOf(status));
  }
  if (!model->tensor_index.emplace(claim.name, model->tensors.size()).second) {
    return Invalid(Concat("tensor ", Quoted(claim.name), " is there twice"));
  }
  tensor.name = std::string(claim.name);
  tensor.type = static_cast<DType>(claim.type);
  tensor.shape.assign(claim.shape.begin(), claim.shape.end());
  tensor.panels = claim.panels;
  model->tensors.push_back(std::move(tensor));
  return absl::OkStatus();
}

Status AddMetadata(std::string_view key, MetaValue value, ModelFile* model) {
  if (key.empty() || key.size() > kMaxKeyBytes) {
    return Invalid(Concat("a key of ", key.size(), " bytes; 1 to ", kMaxKeyBytes, " are allowed"));
  }
  if (!model->metadata.values.emplace(key, std::move(value)).second) {
    return Invalid(Concat("key ", Quoted(key), " is there twice"));
  }
  return absl::OkStatus();
}

Status ValidateVocabulary(const Vocabulary& vocabulary) {
  const size_t count = vocabulary.tokens.size();
  HOB_RETURN_IF_ERROR(CheckLength("scores", vocabulary.scores.size(), count));
  HOB_RETURN_IF_ERROR(CheckLength("token types", vocabulary.types.size(), count));
  if (count == 0 && !vocabulary.merges.empty()) {
    return Invalid(Concat("vocabulary: ", vocabulary.merges.size(), " merges but no tokens"));
  }
  HOB_RETURN_IF_ERROR(CheckId("beginning-of-sequence", vocabulary.bos, count));
  HOB_RETURN_IF_ERROR(CheckId("end-of-sequence", vocabulary.eos, count));
  HOB_RETURN_IF_ERROR(CheckId("end-of-turn", vocabulary.eot, count));
  HOB_RETURN_IF_ERROR(CheckId("unknown", vocabulary.unknown, count));
  HOB_RETURN_IF_ERROR(CheckId("separator", vocabulary.separator, count));
  HOB_RETURN_IF_ERROR(CheckId("padding", vocabulary.padding, count));
  return CheckId("mask", vocabulary.mask, count);
}

Status CheckOverlaps(const ModelFile& model) {
  std::vector<const Tensor*> order;
  order.reserve(model.tensors.size());
  for (const Tensor& tensor : model.tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(),
            [](const Tensor* a, const Tensor* b) { return a->data.data() < b->data.data(); });
  for (size_t i = 1; i < order.size(); ++i) {
    if (order[i - 1]->data.data() + order[i - 1]->data.size() > order[i]->data.data()) {
      return Error(StatusCode::kInvalidArgument,
                   Concat("tensors ", Quoted(order[i - 1]->name), " and ", Quoted(order[i]->name),
                          " overlap"),
                   "The file is corrupt or was written wrongly; fetch or convert it again.");
    }
  }
  return absl::OkStatus();
}

Status ValidateModel(const ModelFile& model) {
  HOB_RETURN_IF_ERROR(CheckKind(model));
  if (model.architecture.empty() && !model.tensors.empty()) {
    return Error(StatusCode::kInvalidArgument,
                 "general.architecture is missing, so the model's family is not known",
                 "Convert the model again with a current converter.");
  }
  return ValidateVocabulary(model.vocabulary);
}

}  // namespace hob::format
