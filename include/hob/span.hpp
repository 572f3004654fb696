// SPDX-License-Identifier: Apache-2.0
// A run of values that someone else owns: std::span for C++17, and to and from it in C++20.
#ifndef HOB_SPAN_HPP_
#define HOB_SPAN_HPP_

#include <cstddef>
#include <initializer_list>
#include <type_traits>
#include <utility>

#if defined(__cpp_lib_span) || (defined(__has_include) && __cplusplus >= 202002L)
#include <span>
#endif

namespace hob {
inline namespace v0 {

template <typename T>
class Span {
 public:
  using element_type = T;
  using value_type = std::remove_cv_t<T>;

  constexpr Span() = default;
  constexpr Span(T* data, size_t size) : data_(data), size_(size) {}
  // From an array, a vector, a string, a std::span, …: whatever has data() and size(). As views
  // are, implicit. NOLINTBEGIN(google-explicit-constructor)
  template <size_t kSize>
  constexpr Span(T (&array)[kSize]) : data_(array), size_(kSize) {}
  template <typename C, typename D = decltype(std::declval<C&>().data()),
            typename = decltype(std::declval<C&>().size()),
            typename = std::enable_if_t<
                std::is_convertible_v<std::remove_pointer_t<D> (*)[], T (*)[]> &&
                !std::is_same_v<std::remove_cv_t<std::remove_reference_t<C>>, Span>>>
  constexpr Span(C&& container) : data_(container.data()), size_(container.size()) {}
  // For the length of the call that it is an argument of.
  template <typename U = T, typename = std::enable_if_t<std::is_const_v<U>>>
  constexpr Span(std::initializer_list<value_type> values) {
    data_ = values.begin();  // not in an initialiser, where compilers warn of what is meant here
    size_ = values.size();
  }
  // NOLINTEND(google-explicit-constructor)

  constexpr T* data() const { return data_; }
  constexpr size_t size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr T* begin() const { return data_; }
  constexpr T* end() const { return data_ + size_; }
  constexpr T& operator[](size_t index) const { return data_[index]; }
  constexpr Span subspan(size_t offset, size_t count) const { return Span(data_ + offset, count); }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace v0
}  // namespace hob

#if defined(__cpp_lib_span) && defined(__cpp_lib_ranges)
// So that a std::span may be made of a Span that is a temporary.
template <typename T>
inline constexpr bool std::ranges::enable_borrowed_range<hob::Span<T>> = true;
template <typename T>
inline constexpr bool std::ranges::enable_view<hob::Span<T>> = true;
#endif

#endif  // HOB_SPAN_HPP_
