// SPDX-License-Identifier: Apache-2.0
// Reads .npy files of float32 matrices (format: numpy.lib.format, versions 1 to 3).
#pragma once

#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace hob::testing {

struct Matrix {
  int64_t rows = 0;
  int64_t columns = 0;
  std::vector<float> values;  // row-major

  const float* row(int64_t r) const { return values.data() + r * columns; }
};

// The matrix in `path`: little-endian float32, C order, two dimensions. Throws std::runtime_error.
inline Matrix ReadNpy(const std::string& path) {
  const auto fail = [&path](const char* what) -> std::runtime_error {
    return std::runtime_error(path + ": " + what);
  };
  std::ifstream file(path, std::ios::binary);
  if (!file) throw fail("cannot be opened");
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (bytes.size() < 12 || bytes.compare(0, 6, "\x93NUMPY") != 0) throw fail("is no .npy file");
  const auto byte = [&bytes](size_t i) {
    return static_cast<size_t>(static_cast<uint8_t>(bytes[i]));
  };
  const bool short_header = byte(6) == 1;
  const size_t start = short_header ? 10 : 12;
  size_t length = byte(8) | byte(9) << 8;
  if (!short_header) length |= byte(10) << 16 | byte(11) << 24;
  if (bytes.size() - start < length) throw fail("is cut short");
  const std::string header = bytes.substr(start, length);
  if (header.find("'<f4'") == std::string::npos) throw fail("is not float32");
  if (header.find("'fortran_order': False") == std::string::npos) throw fail("is not in C order");

  Matrix matrix;
  const size_t shape = header.find("'shape': (");
  if (shape == std::string::npos) throw fail("has no shape");
  size_t used = 0;
  const std::string dimensions = header.substr(shape + 10);
  matrix.rows = std::stoll(dimensions, &used);
  if (dimensions.compare(used, 2, ", ") != 0) throw fail("is no matrix");
  size_t used_second = 0;
  matrix.columns = std::stoll(dimensions.substr(used + 2), &used_second);
  if (dimensions[used + 2 + used_second] != ')') throw fail("is no matrix");
  if (matrix.rows < 0 || matrix.columns < 0 || matrix.rows > 1 << 24 || matrix.columns > 1 << 24) {
    throw fail("has an unlikely shape");
  }
  matrix.values.resize(static_cast<size_t>(matrix.rows * matrix.columns));
  if (bytes.size() - start - length != matrix.values.size() * sizeof(float)) {
    throw fail("holds another number of values than its shape says");
  }
  std::memcpy(matrix.values.data(), bytes.data() + start + length,
              matrix.values.size() * sizeof(float));
  return matrix;
}

}  // namespace hob::testing
