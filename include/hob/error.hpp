// SPDX-License-Identifier: Apache-2.0
// Results of the C++ interface. Nothing here needs exceptions or RTTI; with exceptions on,
// Result::value() throws hob::Exception instead of leaving the check to you.
#ifndef HOB_ERROR_HPP_
#define HOB_ERROR_HPP_

#include <hob/base.h>

#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define HOB_HAS_EXCEPTIONS 1
#include <exception>
#if defined(__GLIBCXX__)
#include <cxxabi.h>
#endif
#else
#define HOB_HAS_EXCEPTIONS 0
#endif

namespace hob {
inline namespace v0 {

// A view of a string that the library returned.
inline std::string_view ToView(hob_string text) {
  return text.size == 0 ? std::string_view() : std::string_view(text.data, text.size);
}
// Lives as long as what `text` is of.
inline hob_string FromView(std::string_view text) {
  // The size is there: NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage)
  return {text.data(), text.size()};
}

// The library that is running: its version and that of its interface.
inline std::string_view Version() { return ToView(hob_version()); }
inline uint32_t AbiVersion() { return hob_abi_version(); }

// Why a call failed. Movable, not copyable.
class Error {
 public:
  // Takes `handle` over; it may be null, as when memory is out.
  explicit Error(hob_status code, hob_error* handle = nullptr) : code_(code), handle_(handle) {}
  // One of the C++ side's own; `text` is a literal.
  Error(hob_status code, const char* text) : code_(code), text_(text) {}

  hob_status code() const { return code_; }
  std::string_view name() const { return ToView(hob_status_name(code_)); }
  // What was wrong and where, and what can be done; both live as long as this object.
  std::string_view message() const {
    return handle_ == nullptr ? std::string_view(text_) : ToView(hob_error_message(handle_.get()));
  }
  std::string_view hint() const { return ToView(hob_error_hint(handle_.get())); }
  // "INVALID_ARGUMENT: message (hint)".
  std::string ToString() const {
    std::string text(name());
    text.append(": ").append(message());
    if (!hint().empty()) text.append(" (").append(hint()).append(")");
    return text;
  }

 private:
  struct Destroy {
    void operator()(hob_error* error) const { hob_error_destroy(error); }
  };
  hob_status code_;
  const char* text_ = "";
  std::unique_ptr<hob_error, Destroy> handle_;
};

#if HOB_HAS_EXCEPTIONS
class Exception : public std::exception {
 public:
  explicit Exception(Error error)
      : error_(std::make_shared<Error>(std::move(error))), text_(error_->ToString()) {}
  const char* what() const noexcept override { return text_.c_str(); }
  const Error& error() const { return *error_; }

 private:
  std::shared_ptr<Error> error_;  // shared: exceptions are copied
  std::string text_;
};
#endif

// A value or the error that kept it from being, as std::expected is. Ask ok() before `*` and `->`;
// value(), which is there where exceptions are on, asks itself.
template <typename T>
class [[nodiscard]] Result {
 public:
  // Implicit, so that a function may return either. NOLINTBEGIN(google-explicit-constructor)
  Result(T value) : ok_(true) { ::new (static_cast<void*>(&value_)) T(std::move(value)); }
  Result(Error error) : ok_(false) { ::new (static_cast<void*>(&error_)) Error(std::move(error)); }
  // NOLINTEND(google-explicit-constructor)
  Result(Result&& other) noexcept : ok_(other.ok_) {
    if (ok_) {
      ::new (static_cast<void*>(&value_)) T(std::move(other.value_));
    } else {
      ::new (static_cast<void*>(&error_)) Error(std::move(other.error_));
    }
  }
  Result& operator=(Result&& other) noexcept {
    if (this != &other) {
      this->~Result();
      ::new (static_cast<void*>(this)) Result(std::move(other));
    }
    return *this;
  }
  ~Result() {
    if (ok_) {
      value_.~T();
    } else {
      error_.~Error();
    }
  }

  bool ok() const { return ok_; }
  bool has_value() const { return ok_; }
  explicit operator bool() const { return ok_; }
  const Error& error() const { return error_; }  // only if not ok()
  Error TakeError() && { return std::move(error_); }
  hob_status code() const { return ok_ ? HOB_OK : error_.code(); }

  T& operator*() & { return value_; }
  const T& operator*() const& { return value_; }
  T&& operator*() && { return std::move(value_); }
  T* operator->() { return &value_; }
  const T* operator->() const { return &value_; }

  template <typename U>
  T value_or(U&& other) && {
    return ok_ ? std::move(value_) : static_cast<T>(std::forward<U>(other));
  }
  // `f(value)`, which is a Result, or this error.
  template <typename F>
  auto and_then(F&& f) && -> std::invoke_result_t<F, T&&> {
    if (!ok_) return std::move(error_);
    return std::forward<F>(f)(std::move(value_));
  }
  // The result of `f(value)`, or this error.
  template <typename F>
  auto transform(F&& f) && -> Result<std::invoke_result_t<F, T&&>> {
    if (!ok_) return std::move(error_);
    if constexpr (std::is_void_v<std::invoke_result_t<F, T&&>>) {
      std::forward<F>(f)(std::move(value_));
      return {};
    } else {
      return std::forward<F>(f)(std::move(value_));
    }
  }

#if HOB_HAS_EXCEPTIONS
  T& value() & { return Check(), value_; }
  T value() && { return Check(), std::move(value_); }
#endif

 private:
#if HOB_HAS_EXCEPTIONS
  void Check() {
    if (!ok_) throw Exception(std::move(error_));
  }
#endif
  bool ok_;
  union {
    T value_;
    Error error_;
  };
};

// Success or an error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() : error_(HOB_OK) {}
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return error_.code() == HOB_OK; }
  bool has_value() const { return ok(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const { return error_; }
  Error TakeError() && { return std::move(error_); }
  hob_status code() const { return error_.code(); }

#if HOB_HAS_EXCEPTIONS
  void value() {
    if (!ok()) throw Exception(std::move(error_));
  }
#endif

 private:
  Error error_;
};

namespace detail {

// Calls `f(&error)` and makes a Result<void> of it.
template <typename F>
Result<void> Call(F&& f) {
  hob_error* error = nullptr;
  const hob_status status = f(&error);
  if (status != HOB_OK) return Error(status, error);
  return {};
}

// Calls `f(&error)`; on success the result is `make()`.
template <typename T, typename F, typename Make>
Result<T> CallFor(F&& f, Make&& make) {
  hob_error* error = nullptr;
  const hob_status status = f(&error);
  if (status != HOB_OK) return Error(status, error);
  return Result<T>(make());
}

// Carries a callable, and what it throws, through a callback of the C interface. It returns
// nothing, or a bool of which false cancels.
template <typename F>
struct Callback {
  F* callable;
#if HOB_HAS_EXCEPTIONS
  std::exception_ptr thrown = nullptr;
#endif

  template <typename... A>
  int32_t Call(const A&... arguments) {
#if HOB_HAS_EXCEPTIONS
    try {
      return Keep(arguments...);
#if defined(__GLIBCXX__)
    } catch (const ::abi::__forced_unwind&) {
      throw;  // the thread is being cancelled (pthread_cancel) and must be let go
#endif
    } catch (...) {
      thrown = std::current_exception();
      return 1;
    }
#else
    return Keep(arguments...);
#endif
  }
  void Rethrow() const {
#if HOB_HAS_EXCEPTIONS
    if (thrown) std::rethrow_exception(thrown);
#endif
  }

 private:
  template <typename... A>
  int32_t Keep(const A&... arguments) {
    if constexpr (std::is_void_v<std::invoke_result_t<F&, const A&...>>) {
      (*callable)(arguments...);
      return 0;
    } else {
      static_assert(std::is_same_v<std::invoke_result_t<F&, const A&...>, bool>,
                    "return nothing or a bool: 0 would go on in C, but false ends it here");
      return (*callable)(arguments...) ? 0 : 1;
    }
  }
};

struct Free {
  void operator()(void* memory) const { hob_free(memory); }
};

// Calls `f(&data, &size, error)` and makes a string of what the library allocated.
template <typename F>
Result<std::string> CallForText(F&& f) {
  char* text = nullptr;
  size_t size = 0;
  return CallFor<std::string>([&](hob_error** error) { return f(&text, &size, error); },
                              [&] {
                                const std::unique_ptr<char, Free> owner(text);
                                return size == 0 ? std::string() : std::string(text, size);
                              });
}

}  // namespace detail
}  // namespace v0
}  // namespace hob

#endif  // HOB_ERROR_HPP_
