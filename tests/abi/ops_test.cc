// SPDX-License-Identifier: Apache-2.0
// The matrix product without a model: hob/ops.h.
#include <cmath>
#include <cstring>
#include <limits>
#include <thread>

#include "tests/abi/units.h"

using namespace hob::test;

namespace {

constexpr size_t kRows = 70, kColumns = 256;

std::vector<float> Multiply(const hob_matrix* matrix, const std::vector<float>& x, size_t rows,
                            size_t outputs) {
  std::vector<float> y(rows * outputs, -1);
  REQUIRE_OK(hob_matrix_multiply(y.data(), matrix, x.data(), rows, &error));
  return y;
}

}  // namespace

TEST_CASE("a quantised product is near the float one, as near as its type is") {
  const RuntimePtr runtime = MakeRuntime(2);
  const std::vector<float> w = Numbers(kRows * kColumns), x = Numbers(9 * kColumns, 5);
  struct Case {
    hob_type type;
    double bound;
  };
  for (const Case c :
       {Case{HOB_TYPE_F32, 1e-5}, Case{HOB_TYPE_F16, 1e-2}, Case{HOB_TYPE_BF16, 5e-2},
        Case{HOB_TYPE_Q8_0, 0.1}, Case{HOB_TYPE_INT8, 0.1}, Case{HOB_TYPE_Q5_0, 1.5},
        Case{HOB_TYPE_Q5_1, 1.0}, Case{HOB_TYPE_Q4_0, 2.0}, Case{HOB_TYPE_Q4_1, 1.5}}) {
    INFO(c.type);
    const MatrixPtr matrix = QuantizeMatrix(runtime.get(), c.type, w, kRows);
    const std::vector<float> y = Multiply(matrix.get(), x, 9, kRows);
    for (size_t r = 0; r < 9; ++r) {
      for (size_t n = 0; n < kRows; ++n) {
        double sum = 0;
        for (size_t k = 0; k < kColumns; ++k) {
          sum += static_cast<double>(x[r * kColumns + k]) * w[n * kColumns + k];
        }
        REQUIRE(std::abs(sum - y[r * kRows + n]) < c.bound);
      }
    }
    hob_matrix_info info = HOB_MATRIX_INFO_INIT;
    REQUIRE_OK(hob_matrix_get_info(&info, matrix.get(), &error));
    CHECK(info.type == c.type);
    CHECK(info.rows == kRows);
    CHECK(info.columns == kColumns);
    CHECK(info.weight_bytes >= hob_type_bytes(c.type, kRows, kColumns));
    CHECK(info.provider.size > 0);
    // What it holds is the runtime's, and given back.
    hob_runtime_info use = HOB_RUNTIME_INFO_INIT;
    REQUIRE_OK(hob_runtime_get_info(&use, runtime.get(), &error));
    CHECK(use.bytes_in_use == info.weight_bytes + info.scratch_bytes);
  }
  hob_runtime_info use = HOB_RUNTIME_INFO_INIT;
  REQUIRE_OK(hob_runtime_get_info(&use, runtime.get(), &error));
  CHECK(use.bytes_in_use == 0);
}

TEST_CASE("a row's product is the same bits alone, among others, in parts, on any threads") {
  const std::vector<float> w = Numbers(kRows * kColumns), x = Numbers(37 * kColumns, 5);
  for (const hob_type type : {HOB_TYPE_F32, HOB_TYPE_F16, HOB_TYPE_Q4_0, HOB_TYPE_INT8}) {
    for (const hob_activations activations :
         {HOB_ACTIVATIONS_INT16, HOB_ACTIVATIONS_INT8, HOB_ACTIVATIONS_F32}) {
      INFO(type << " " << activations);
      std::vector<float> expected;
      for (const uint32_t threads : {1u, 2u, 4u}) {
        const RuntimePtr runtime = MakeRuntime(threads);
        for (const uint32_t max_rows : {0u, 1u, 10u}) {
          hob_matrix_options options = HOB_MATRIX_OPTIONS_INIT;
          options.activations = activations;
          options.max_rows = max_rows;
          const MatrixPtr matrix = QuantizeMatrix(runtime.get(), type, w, kRows, &options);
          const std::vector<float> y = Multiply(matrix.get(), x, 37, kRows);
          if (expected.empty()) expected = y;
          CHECK(y == expected);
          const std::vector<float> alone = Multiply(
              matrix.get(), {x.begin() + 5 * kColumns, x.begin() + 6 * kColumns}, 1, kRows);
          CHECK(std::equal(alone.begin(), alone.end(), y.begin() + 5 * kRows));
        }
      }
    }
  }
}

TEST_CASE("quantised bytes make the matrix that quantising makes") {
  const RuntimePtr runtime = MakeRuntime(1);
  const std::vector<float> w = Numbers(kRows * kColumns), x = Numbers(kColumns, 5);
  for (const hob_type type : {HOB_TYPE_Q4_1, HOB_TYPE_INT8, HOB_TYPE_BF16}) {
    std::vector<uint8_t> bytes(hob_type_bytes(type, kRows, kColumns) + 1);
    REQUIRE_OK(
        hob_quantize(bytes.data() + 1, bytes.size() - 1, type, w.data(), kRows, kColumns, &error));
    hob_matrix* made = nullptr;  // from an address that is aligned to nothing
    REQUIRE_OK(hob_matrix_create(&made, runtime.get(), type, bytes.data() + 1, bytes.size() - 1,
                                 kRows, kColumns, nullptr, &error));
    const MatrixPtr matrix(made);
    CHECK(Multiply(matrix.get(), x, 1, kRows) ==
          Multiply(QuantizeMatrix(runtime.get(), type, w, kRows).get(), x, 1, kRows));
  }
}

TEST_CASE("threads share a matrix, and a matrix outlives its runtime's handle") {
  RuntimePtr runtime = MakeRuntime(2);
  const std::vector<float> w = Numbers(kRows * kColumns), x = Numbers(3 * kColumns, 5);
  const MatrixPtr matrix = QuantizeMatrix(runtime.get(), HOB_TYPE_Q8_0, w, kRows);
  runtime.reset();
  const std::vector<float> expected = Multiply(matrix.get(), x, 3, kRows);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      std::vector<float> y(3 * kRows);
      for (int i = 0; i < 50; ++i) {
        if (hob_matrix_multiply(y.data(), matrix.get(), x.data(), 3, nullptr) != HOB_OK ||
            y != expected) {
          ++wrong;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("matrices that cannot be are refused") {
  const RuntimePtr runtime = MakeRuntime(1);
  std::vector<float> w = Numbers(4 * 64);
  hob_matrix* out = nullptr;
  const auto quantize = [&](hob_type type, size_t rows, size_t columns,
                            hob_matrix_options options = HOB_MATRIX_OPTIONS_INIT) {
    return Try([&](auto e) {
      return hob_matrix_quantize(&out, runtime.get(), type, w.data(), rows, columns, &options, e);
    });
  };
  CHECK(quantize(HOB_TYPE_Q4_0, 4, 48).status == HOB_INVALID_ARGUMENT);
  CHECK(quantize(HOB_TYPE_Q4_0, 0, 64).status == HOB_INVALID_ARGUMENT);
  CHECK(quantize(HOB_TYPE_Q4_0, 4, 0).status == HOB_INVALID_ARGUMENT);
  CHECK(quantize(HOB_TYPE_Q4_0, SIZE_MAX, 64).status == HOB_INVALID_ARGUMENT);
  CHECK(quantize(HOB_TYPE_Q4_0, SIZE_MAX / 8, 64).status == HOB_INVALID_ARGUMENT);
  CHECK(quantize(HOB_TYPE_Q4_K, 1, 256).status == HOB_UNIMPLEMENTED);
  for (const hob_type type : {4, 26, 99, 1001, 1002, -1}) {  // activations and integers too
    INFO(type);
    CHECK(quantize(type, 4, 64).status == HOB_UNIMPLEMENTED);
    CHECK(hob_type_bytes(type, 4, 64) == 0);
  }
  hob_matrix_options options = HOB_MATRIX_OPTIONS_INIT;
  options.activations = 3;
  CHECK(quantize(HOB_TYPE_Q4_0, 4, 64, options).message.find("activations") != std::string::npos);
  options = HOB_MATRIX_OPTIONS_INIT;
  options.max_rows = 70'000;
  CHECK(quantize(HOB_TYPE_Q4_0, 4, 64, options).message.find("max_rows") != std::string::npos);
  options = HOB_MATRIX_OPTIONS_INIT;
  options.reserved = 1;
  CHECK(quantize(HOB_TYPE_Q4_0, 4, 64, options).message.find("reserved") != std::string::npos);
  w[70] = std::nanf("");
  for (const hob_type type : {HOB_TYPE_F32, HOB_TYPE_Q8_0, HOB_TYPE_INT8}) {
    const Outcome outcome = quantize(type, 4, 64);
    CHECK(outcome.status == HOB_INVALID_ARGUMENT);
    CHECK(outcome.message.find("row 1, column 6") != std::string::npos);
  }
  uint8_t bytes[36] = {};
  CHECK(Try([&](auto e) {
          return hob_quantize(bytes, 35, HOB_TYPE_Q4_0, w.data(), 1, 64, e);
        }).message.find("36") != std::string::npos);
  CHECK(Try([&](auto e) {
          return hob_matrix_create(&out, runtime.get(), HOB_TYPE_Q4_0, bytes, 35, 1, 64, nullptr,
                                   e);
        }).message.find("36") != std::string::npos);
  CHECK(hob_type_bytes(HOB_TYPE_Q4_0, 1, 64) == 36);
  CHECK(hob_type_bytes(HOB_TYPE_INT8, 3, 8) == 36);
  CHECK(out == nullptr);

  // Within the runtime's budget or not at all.
  hob_runtime_options limited = HOB_RUNTIME_OPTIONS_INIT;
  limited.threads = 1;
  limited.memory_limit = 4096;
  hob_runtime* created = nullptr;
  REQUIRE_OK(hob_runtime_create(&created, &limited, &error));
  const RuntimePtr small(created);
  const std::vector<float> large = Numbers(64 * 1024);
  CHECK(Try([&](auto e) {
          return hob_matrix_quantize(&out, small.get(), HOB_TYPE_Q8_0, large.data(), 64, 1024,
                                     nullptr, e);
        }).status == HOB_RESOURCE_EXHAUSTED);
  hob_runtime_info use = HOB_RUNTIME_INFO_INIT;
  REQUIRE_OK(hob_runtime_get_info(&use, small.get(), &error));
  CHECK(use.bytes_in_use == 0);
}

TEST_CASE("rows of any values multiply") {
  const RuntimePtr runtime = MakeRuntime(1);
  const MatrixPtr matrix = QuantizeMatrix(runtime.get(), HOB_TYPE_Q8_0, Numbers(8 * 32), 8);
  std::vector<float> x(32, std::numeric_limits<float>::quiet_NaN());
  Multiply(matrix.get(), x, 1, 8);  // whatever comes out, it comes back
  x.assign(32, std::numeric_limits<float>::infinity());
  Multiply(matrix.get(), x, 1, 8);
  x.assign(32, 0);
  CHECK(Multiply(matrix.get(), x, 1, 8) == std::vector<float>(8, 0));
  REQUIRE_OK(hob_matrix_multiply(nullptr, matrix.get(), nullptr, 0, &error));
}
