// SPDX-License-Identifier: Apache-2.0
// Outside the promise, as ops.h is.
#ifndef HOB_OPS_HPP_
#define HOB_OPS_HPP_

#include <hob/ops.h>

#include <hob/error.hpp>
#include <hob/runtime.hpp>
#include <hob/span.hpp>
#include <vector>

namespace hob {
inline namespace v0 {

// `values` [rows][columns] as bytes of `type`: see hob_quantize.
inline Result<std::vector<uint8_t>> Quantize(hob_type type, Span<const float> values, size_t rows,
                                             size_t columns) {
  if (values.size() != rows * columns) {
    return Error(HOB_INVALID_ARGUMENT, "values are not rows times columns");
  }
  std::vector<uint8_t> out(static_cast<size_t>(hob_type_bytes(type, rows, columns)) + 1);
  out.pop_back();  // data() of none is not null: what is wrong is for the library to say
  return detail::CallFor<std::vector<uint8_t>>(
      [&](hob_error** error) {
        return hob_quantize(out.data(), out.size(), type, values.data(), rows, columns, error);
      },
      [&] { return std::move(out); });
}

// Owns a hob_matrix: see ops.h. Movable, not copyable.
class Matrix {
 public:
  static hob_matrix_options DefaultOptions() { return HOB_MATRIX_OPTIONS_INIT; }

  // From bytes, as Quantize makes them and files hold them.
  static Result<Matrix> Create(const Runtime& runtime, hob_type type, Span<const uint8_t> data,
                               size_t rows, size_t columns,
                               const hob_matrix_options& options = DefaultOptions()) {
    hob_matrix* handle = nullptr;
    return detail::CallFor<Matrix>(
        [&](hob_error** error) {
          return hob_matrix_create(&handle, runtime.get(), type, data.data(), data.size(), rows,
                                   columns, &options, error);
        },
        [&] { return Matrix(handle); });
  }
  static Result<Matrix> Quantize(const Runtime& runtime, hob_type type, Span<const float> values,
                                 size_t rows, size_t columns,
                                 const hob_matrix_options& options = DefaultOptions()) {
    if (values.size() != rows * columns) {
      return Error(HOB_INVALID_ARGUMENT, "values are not rows times columns");
    }
    hob_matrix* handle = nullptr;
    return detail::CallFor<Matrix>(
        [&](hob_error** error) {
          return hob_matrix_quantize(&handle, runtime.get(), type, values.data(), rows, columns,
                                     &options, error);
        },
        [&] { return Matrix(handle); });
  }

  Result<hob_matrix_info> Info() const {
    hob_matrix_info info = HOB_MATRIX_INFO_INIT;
    return detail::CallFor<hob_matrix_info>(
        [&](hob_error** error) { return hob_matrix_get_info(&info, get(), error); },
        [&] { return info; });
  }

  // out [rows][rows of the matrix] = the product with each row of x [rows][columns].
  Result<void> Multiply(Span<float> out, Span<const float> x, size_t rows) const {
    auto info = Info();
    if (!info.ok()) return std::move(info).TakeError();
    if (x.size() != rows * info->columns || out.size() != rows * info->rows) {
      return Error(HOB_INVALID_ARGUMENT, "x or out has not that many rows");
    }
    return detail::Call([&](hob_error** error) {
      return hob_matrix_multiply(out.data(), get(), x.data(), rows, error);
    });
  }

  // Takes `handle` over.
  explicit Matrix(hob_matrix* handle) : handle_(handle) {}
  hob_matrix* get() const { return handle_.get(); }
  hob_matrix* release() { return handle_.release(); }

 private:
  struct Destroy {
    void operator()(hob_matrix* handle) const { hob_matrix_destroy(handle); }
  };
  std::unique_ptr<hob_matrix, Destroy> handle_;
};

}  // namespace v0
}  // namespace hob

#endif  // HOB_OPS_HPP_
