// SPDX-License-Identifier: Apache-2.0
#include "lib/base/dtype.h"

namespace hob {
namespace {

struct Entry {
  DType type;
  DTypeInfo info;
};

constexpr Entry kTypes[] = {
    {DType::kF32, {"F32", 1, 4}},       {DType::kF16, {"F16", 1, 2}},
    {DType::kQ4_0, {"Q4_0", 32, 18}},   {DType::kQ4_1, {"Q4_1", 32, 20}},
    {DType::kQ5_0, {"Q5_0", 32, 22}},   {DType::kQ5_1, {"Q5_1", 32, 24}},
    {DType::kQ8_0, {"Q8_0", 32, 34}},   {DType::kQ4_K, {"Q4_K", 256, 144}},
    {DType::kQ5_K, {"Q5_K", 256, 176}}, {DType::kQ6_K, {"Q6_K", 256, 210}},
    {DType::kI32, {"I32", 1, 4}},       {DType::kBF16, {"BF16", 1, 2}},
    {DType::kQC8, {"QC8", 1, 1}},        // without the row scales
    {DType::kQ8Act, {"Q8ACT", 32, 48}},  // 32 int8, two f32, two int32
};

// ggml_type in ggml.h; empty where ggml has removed the type.
constexpr std::string_view kGgmlNames[] = {
    "F32",   "F16",        "Q4_0",       "Q4_1",       "Q4_2",     "Q4_3",     "Q5_0",
    "Q5_1",  "Q8_0",       "Q8_1",       "Q2_K",       "Q3_K",     "Q4_K",     "Q5_K",
    "Q6_K",  "Q8_K",       "IQ2_XXS",    "IQ2_XS",     "IQ3_XXS",  "IQ1_S",    "IQ4_NL",
    "IQ3_S", "IQ2_S",      "IQ4_XS",     "I8",         "I16",      "I32",      "I64",
    "F64",   "IQ1_M",      "BF16",       "Q4_0_4_4",   "Q4_0_4_8", "Q4_0_8_8", "TQ1_0",
    "TQ2_0", "IQ4_NL_4_4", "IQ4_NL_4_8", "IQ4_NL_8_8", "MXFP4",    "NVFP4",
};

}  // namespace

const DTypeInfo* FindDType(DType type) {
  for (const Entry& entry : kTypes) {
    if (entry.type == type) return &entry.info;
  }
  return nullptr;
}

std::string_view GgufTypeName(uint32_t ggml_type) {
  constexpr size_t kCount = sizeof(kGgmlNames) / sizeof(kGgmlNames[0]);
  return ggml_type < kCount ? kGgmlNames[ggml_type] : std::string_view("unknown");
}

}  // namespace hob
