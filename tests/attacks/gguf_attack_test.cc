// SPDX-License-Identifier: Apache-2.0
// GGUF files whose sizes, counts and names lie. Each test tells what such a file did to a peer.
#include <limits>

#include "tests/attacks/attack.h"

using namespace hob::test;

namespace {

constexpr uint64_t kAll = ~uint64_t{0};

// A file of architecture llama with what `make` adds.
File Gguf(const std::function<void(GgufBuilder&)>& make) {
  GgufBuilder builder;
  builder.Key("general.architecture", "llama");
  make(builder);
  return builder.Build();
}

File OneTensor(uint32_t type, const std::vector<uint64_t>& dimensions, size_t size,
               uint64_t offset = 0) {
  return Gguf([&](GgufBuilder& b) {
    b.Tensor("a", 0, {8}, 32).Info("t", type, dimensions, offset);
    b.Tensor("z", 0, {8}, size);
  });
}

}  // namespace

// llama.cpp: the sum of tensor sizes wrapped in gguf_init_from_file_impl, the heap block that was
// to hold them came out too small. Carried by the dimensions of two tensors.
TEST_CASE("CVE-2025-53630: tensor sizes whose sum wraps") {
  const File file = Gguf([](GgufBuilder& b) {
    b.Info("a", 0, {uint64_t{1} << 40, uint64_t{1} << 19}, 0);
    b.Info("b", 0, {uint64_t{1} << 40, uint64_t{1} << 19}, uint64_t{1} << 61);
    b.Tensor("c", 0, {8}, 32);
  });
  CheckRefused(file, HOB_DATA_LOSS, {"tensor 'a' takes 2305843009213693952 bytes at offset 0"});
}

// llama.cpp: the memory for tensor headers, count times a constant, wrapped: a small block, then
// fread past it. It got around the fix of CVE-2025-53630.
TEST_CASE("CVE-2026-27940: a count of tensors whose headers wrap") {
  GgufBuilder builder;
  builder.Key("general.architecture", "llama").Tensor("a", 0, {8}, 32);
  builder.tensor_count = int64_t{1} << 56;
  CheckRefused(builder.Build(), HOB_INVALID_ARGUMENT,
               {"tensor count 72057594037927936 at byte 8 is above the limit"});
}

// llama.cpp: a tensor whose size in bytes wraps gets a block of megabytes for exabytes of claimed
// elements. Carried by the dimensions.
TEST_CASE("CVE-2026-33298: dimensions whose product wraps to a small size") {
  CheckRefused(OneTensor(0, {uint64_t{1} << 32, uint64_t{1} << 32, 4}, 32), HOB_INVALID_ARGUMENT,
               {"tensor 't' has dimensions whose product overflows"});
  CheckRefused(OneTensor(0, {1152, (uint64_t{1} << 42) + 1, 3548}, 32), HOB_INVALID_ARGUMENT,
               {"'t'", "overflows"});
}

// Ollama: offset and size of a tensor lay behind the end of the file; quantising it read the heap
// beyond, which could then be pushed to a registry ("Bleeding Llama").
TEST_CASE("CVE-2026-7482: a tensor past the end of the file") {
  CheckRefused(OneTensor(0, {1u << 20}, 32), HOB_DATA_LOSS,
               {"tensor 't' takes 4194304 bytes at offset 0 of the tensor data, of which the file "
                "has"});
  CheckRefused(OneTensor(0, {8}, 32, uint64_t{1} << 40), HOB_DATA_LOSS,
               {"tensor 't' takes 32 bytes at offset 1099511627776"});
  CheckRefused(OneTensor(0, {8}, 32, kAll - 31), HOB_DATA_LOSS,
               {"tensor 't'", "offset 18446744073709551584"});
}

// llama.cpp (Talos): header.n_tensors times the size of an info wrapped before the allocation.
TEST_CASE("CVE-2024-21836: a count of tensors that no file holds") {
  for (const int64_t count : {INT64_MAX, int64_t{1} << 60, int64_t{1} << 21}) {
    GgufBuilder builder;
    builder.Key("general.architecture", "llama");
    builder.tensor_count = count;
    CheckRefused(builder.Build(), HOB_INVALID_ARGUMENT,
                 {"tensor count " + std::to_string(count) + " at byte 8 is above the limit"});
  }
  GgufBuilder builder;
  builder.Key("general.architecture", "llama");
  builder.tensor_count = 1000000;
  CheckRefused(builder.Build(), HOB_DATA_LOSS, {"1000000 tensors cannot fit"});
}

// llama.cpp (Talos): the same for header.n_kv, the number of keys.
TEST_CASE("CVE-2024-23605: a count of keys that no file holds") {
  for (const int64_t count : {INT64_MAX, int64_t{1} << 60, int64_t{70000}}) {
    GgufBuilder builder;
    builder.Key("general.architecture", "llama");
    builder.key_count = count;
    CheckRefused(builder.Build(), HOB_INVALID_ARGUMENT,
                 {"key count " + std::to_string(count) + " at byte 16 is above the limit"});
  }
}

// llama.cpp (Talos): info->ne, the dimensions, multiplied without a check.
TEST_CASE("CVE-2024-21802: dimensions beyond 63 bits") {
  CheckRefused(OneTensor(0, {kAll}, 32), HOB_INVALID_ARGUMENT,
               {"tensor 't'", "has a dimension of 18446744073709551615"});
  CheckRefused(OneTensor(0, {uint64_t{1} << 63, 2}, 32), HOB_INVALID_ARGUMENT,
               {"tensor 't'", "has a dimension of 9223372036854775808"});
}

// llama.cpp (Talos): gguf_fread_str allocated length + 1 bytes, which wraps to none.
TEST_CASE("CVE-2024-23496: a string whose length wraps") {
  for (const uint64_t length : {kAll, kAll - 7, uint64_t{1} << 63, uint64_t{1} << 40}) {
    CheckRefused(Gguf([&](GgufBuilder& b) { b.Key<uint64_t>("general.name", kText, length); }),
                 HOB_DATA_LOSS,
                 {"key 'general.name'", "needs " + std::to_string(length) + " bytes"});
  }
}

// llama.cpp (Talos): the bytes of an array, elements times their size, wrapped.
TEST_CASE("CVE-2024-21825: an array whose size wraps") {
  struct Claim {
    uint32_t type;
    uint64_t count;
  };
  for (const Claim& c :
       {Claim{kText, (uint64_t{1} << 60) + 1}, Claim{kU64, (uint64_t{1} << 61) + 1},
        Claim{kU8, kAll}, Claim{kI32, uint64_t{1} << 62}}) {
    CheckRefused(
        Gguf([&](GgufBuilder& b) { b.RawKey("x.y", ArrayHead(c.type, c.count)); }), HOB_DATA_LOSS,
        {"key 'x.y'", "its array of " + std::to_string(c.count) + " elements", "cannot fit"});
  }
}

// Ollama: a broken GGUF file had the server read out of bounds and crash. Here: the magic alone.
TEST_CASE("CVE-2024-39720: a file of the magic alone") {
  CheckRefused({'G', 'G', 'U', 'F'}, HOB_DATA_LOSS, {"the file ends early", "4"});
  CheckRefused({'G', 'G', 'U', 'F', 3, 0, 0, 0}, HOB_DATA_LOSS, {"tensor count at byte 8"});
}

// Ollama: the decoder made a slice of a string's length, unchecked: a panic of the server. A name
// of a tensor is such a string too.
TEST_CASE("ollama#17032: a tensor's name that is longer than the file") {
  CheckRefused(Gguf([](GgufBuilder& b) { b.Tensor(std::string(1 << 20, 'n'), 0, {8}, 32); }),
               HOB_INVALID_ARGUMENT, {"tensor info 0", "1048576 bytes long; at most 255"});
  Bytes info;
  info.Put<uint64_t>(kAll - 3);
  File file = Gguf([](GgufBuilder& b) { b.tensor_count = 1; });
  file.insert(file.end(), info.get().begin(), info.get().end());
  file.insert(file.end(), 64, 0);
  CheckRefused(file, HOB_DATA_LOSS, {"a tensor's name", "needs 18446744073709551612 bytes"});
}

// Ollama: an empty string in a version 1 file made its reader cut off a byte that was not there.
TEST_CASE("ollama#17033: version 1, whose strings end in NUL") {
  GgufBuilder builder;
  builder.version = 1;
  builder.Key("general.architecture", "");
  CheckRefused(builder.Build(), HOB_UNIMPLEMENTED, {"GGUF version 1 is not read"});
}

// gguf-py: an array of 2^63 elements in a file of 43 bytes ran on and took 120 MB a second; arrays
// in arrays the same.
TEST_CASE("llama.cpp#27188: arrays in arrays") {
  Bytes nested = ArrayHead(kArray, uint64_t{1} << 62);
  for (int i = 0; i < 1000; ++i) nested.Put<uint32_t>(kArray).Put<uint64_t>(1);
  CheckRefused(Gguf([&](GgufBuilder& b) { b.RawKey("x.deep", nested); }), HOB_UNIMPLEMENTED,
               {"key 'x.deep'", "array of arrays"});
}

// llama.cpp: a dimension of 0 passed the test for negative ones and was then divided by (SIGFPE).
TEST_CASE("llama.cpp#24263: a dimension of 0") {
  CheckRefused(OneTensor(0, {8, 0}, 32), HOB_INVALID_ARGUMENT,
               {"tensor 't' has a dimension of 0; all must be above 0"});
  CheckRefused(OneTensor(0, {0}, 32), HOB_INVALID_ARGUMENT, {"'t'", "dimension of 0"});
}

// llama.cpp: a key without a name met an assertion, or nothing at all in a release build.
TEST_CASE("llama.cpp#24263 (second part): an empty key") {
  CheckRefused(Gguf([](GgufBuilder& b) { b.Key("", "x"); }), HOB_INVALID_ARGUMENT,
               {"at byte ", "a key of 0 bytes"});
}

// llama.cpp: an alignment near 2^32 wrapped when sizes were padded to it; one of another type met
// an assertion.
TEST_CASE("llama.cpp#26318: an alignment that wraps, is none or is no integer") {
  for (const uint32_t alignment : {0u, 1u, 3u, 48u, 0x80000000u, 0xFFFFFFFFu}) {
    CheckRefused(Gguf([&](GgufBuilder& b) { b.RawKey("general.alignment", U32(alignment)); }),
                 HOB_INVALID_ARGUMENT, {"general.alignment", std::to_string(alignment)});
  }
  CheckRefused(Gguf([](GgufBuilder& b) { b.RawKey("general.alignment", I32(-32)); }),
               HOB_INVALID_ARGUMENT, {"general.alignment", "-32"});
  CheckRefused(Gguf([](GgufBuilder& b) { b.RawKey("general.alignment", Text("32")); }),
               HOB_INVALID_ARGUMENT, {"'general.alignment' is not an integer"});
}

// ggml: an alignment of 2^30 passed as a power of two: gigabytes of padding from a tiny file.
TEST_CASE("ggml#1516: an alignment of a gigabyte") {
  CheckRefused(Gguf([](GgufBuilder& b) { b.RawKey("general.alignment", U32(1u << 30)); }),
               HOB_INVALID_ARGUMENT, {"'general.alignment' is 1073741824; 8 to 1048576"});
}

// gguf-tools: dimensions were written to an array of eight, as many as the file said.
TEST_CASE("gguf-tools#25: more dimensions than a tensor has") {
  CheckRefused(OneTensor(0, {1, 1, 1, 1, 1}, 32), HOB_INVALID_ARGUMENT,
               {"tensor 't'", "has 5 dimensions; 1 to 4 are allowed"});
  CheckRefused(OneTensor(0, std::vector<uint64_t>(1000, 1), 32), HOB_INVALID_ARGUMENT,
               {"'t'", "has 1000 dimensions"});
  CheckRefused(OneTensor(0, {}, 32), HOB_INVALID_ARGUMENT, {"'t'", "has 0 dimensions"});
}

// ggml: a negative number of a tensor type read before its table of types.
TEST_CASE("llama.cpp#19856: a negative tensor type") {
  CheckRefused(OneTensor(0xFFFFFFFFu, {8}, 32), HOB_UNIMPLEMENTED,
               {"tensor 't' has unknown type 4294967295, which hob does not run"});
  CheckRefused(OneTensor(0x80000000u, {8}, 32), HOB_UNIMPLEMENTED, {"unknown type 2147483648"});
}

// llama.cpp: a type that was taken out of the format has blocks of 0 elements; a division by them.
TEST_CASE("llama.cpp#8816: a tensor type without blocks") {
  CheckRefused(OneTensor(4, {32}, 32), HOB_UNIMPLEMENTED, {"tensor 't' has", "hob does not run"});
  CheckRefused(OneTensor(5, {32}, 32), HOB_UNIMPLEMENTED, {"tensor 't' has", "hob does not run"});
}

// Readers keep the first or the last of two keys; what one tool checks, the next does not use.
TEST_CASE("class: a key that is there twice") {
  CheckRefused(Gguf([](GgufBuilder& b) { b.Key("a.b", "1").Key("a.b", "2"); }),
               HOB_INVALID_ARGUMENT, {"at byte ", "key 'a.b' is there twice"});
}

// The same for tensors; in ggml names were also cut to 64 bytes before they were compared.
TEST_CASE("class: a tensor that is there twice") {
  CheckRefused(Gguf([](GgufBuilder& b) { b.Tensor("t", 0, {8}, 32).Tensor("t", 0, {8}, 32); }),
               HOB_INVALID_ARGUMENT, {"tensor 't' is there twice"});
}

// ggml sizes a row as elements / block · bytes: columns that end inside a block are read beyond.
TEST_CASE("class: a quantised row that is no multiple of its block") {
  CheckRefused(OneTensor(2, {33}, 64), HOB_INVALID_ARGUMENT,
               {"tensor 't' has 33 columns, which is not a multiple of Q4_0's block of 32"});
  CheckRefused(OneTensor(12, {255, 2}, 4096), HOB_INVALID_ARGUMENT,
               {"255 columns", "Q4_K's block of 256"});
}

// Vector loads of a tensor that is not aligned fault on some processors.
TEST_CASE("class: a tensor at an odd offset") {
  CheckRefused(OneTensor(0, {4}, 32, 5), HOB_INVALID_ARGUMENT,
               {"tensor 't' offset 5 is not a multiple of the file's alignment, 32"});
}

// Thousands of tensors over the same bytes: a small file that takes any memory once it is packed.
TEST_CASE("class: tensors that overlap") {
  File file = Gguf([](GgufBuilder& b) {
    b.Tensor("a", 0, {64}, 256).Info("b", 0, {16}, 128).Info("c", 0, {16}, 256);
    b.Tensor("d", 0, {16}, 64);
  });
  CheckRefused(file, HOB_INVALID_ARGUMENT, {"tensors 'a' and 'b' overlap"});
  file = Gguf([](GgufBuilder& b) {
    b.Tensor("a", 0, {64}, 256);
    for (int i = 0; i < 1000; ++i) b.Info("t" + std::to_string(i), 0, {64}, 0);
  });
  const double peak = PeakMiB([&] { CheckRefused(file, HOB_INVALID_ARGUMENT, {"overlap"}); });
  CHECK(peak < 64);
}

// A value of an unknown type has no known size: readers that go on are lost in the file.
TEST_CASE("class: a value of an unknown type") {
  CheckRefused(Gguf([](GgufBuilder& b) { b.Key<uint32_t>("k", 13, 0); }), HOB_INVALID_ARGUMENT,
               {"key 'k'", "unknown value type 13"});
  CheckRefused(Gguf([](GgufBuilder& b) { b.RawKey("k", ArrayHead(0xFFFFFFFFu, 1)); }),
               HOB_INVALID_ARGUMENT, {"key 'k'", "an array of unknown value type 4294967295"});
  CheckRefused(Gguf([](GgufBuilder& b) { b.Key<uint8_t>("k", kBool, 2); }), HOB_INVALID_ARGUMENT,
               {"key 'k'", "is 2; a bool is 0 or 1"});
}

// A big-endian file's counts, read the other way round, ask for exabytes.
TEST_CASE("class: a file of the other byte order, or of a version to come") {
  GgufBuilder builder;
  builder.version = 0x03000000;
  CheckRefused(builder.Build(), HOB_UNIMPLEMENTED, {"is a big-endian GGUF file"});
  for (const uint32_t version : {0u, 4u, 0xFFFFFFFFu}) {
    builder.version = version;
    CheckRefused(builder.Build(), HOB_UNIMPLEMENTED,
                 {"GGUF version " + std::to_string(version) + " is not read"});
  }
}

// One part of a model in several files: the tensors that it lacks were looked for elsewhere.
TEST_CASE("class: one part of a split model") {
  CheckRefused(Gguf([](GgufBuilder& b) { b.RawKey("split.count", U32(3)); }), HOB_UNIMPLEMENTED,
               {"is one part of a model split into 3"});
  CheckRefused(Gguf([](GgufBuilder& b) { b.RawKey("split.count", U32(~0u)); }),
               HOB_INVALID_ARGUMENT, {"'split.count' is 4294967295"});
}

// general.file_type names a quantisation that the tensors are not of; some loaders believed it.
// Here each tensor's own type counts: the file is as good as it was.
// hob: opens it; the types of the tensors count.
TEST_CASE("class: a wrong file type is not believed") {
  TinyModel model;
  const auto expected = CheckAnswers(model.Build());
  for (const uint32_t type : {2u, 15u, 0xFFFFFFFFu}) {
    model.Set("general.file_type", U32(type));
    CHECK(CheckAnswers(model.Build()) == expected);
  }
}

// Arrays whose elements are small in the file and large in memory: bytes that become integers of
// 64 bits, empty strings.
TEST_CASE("class: arrays that unfold in memory") {
  Bytes many = ArrayHead(kU8, (1u << 24) + 1);
  many.Append((1u << 24) + 1, 0);
  const File file = Gguf([&](GgufBuilder& b) { b.RawKey("x.many", many); });
  const double peak = PeakMiB([&] {
    CheckRefused(file, HOB_RESOURCE_EXHAUSTED,
                 {"key 'x.many'", "16777217 elements", "above the limit of 16777216"});
  });
  CHECK(peak < 64);
}

// Names and texts that are not UTF-8 go to bindings which cannot read them.
TEST_CASE("class: names and texts that are not UTF-8") {
  CheckRefused(Gguf([](GgufBuilder& b) { b.Tensor("a\xFF\xC3", 0, {0}, 32); }),
               HOB_INVALID_ARGUMENT, {"tensor 'a\xEF\xBF\xBD\xEF\xBF\xBD' has a dimension of 0"});
  const TemporaryFolder folder;
  WriteBytes(folder / "name.gguf", TinyModel().Set("general.name", Text("\xFF\xFE")).Build());
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), folder / "name.gguf");
  hob_string text = {nullptr, 0};
  CheckOutcome(
      Try([&](auto e) { return hob_model_get_text(&text, model.get(), HOB_MODEL_NAME, e); }),
      HOB_INVALID_ARGUMENT, {"of the model is not UTF-8 at byte 0"});
}

// Names drive terminals and logs.
TEST_CASE("class: control characters in names") {
  CheckRefused(Gguf([](GgufBuilder& b) { b.Key("a\x1b[2J\x07", "1").Key("a\x1b[2J\x07", "2"); }),
               HOB_INVALID_ARGUMENT, {"a\\x1b[2J\\x07"});
}
