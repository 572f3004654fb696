// SPDX-License-Identifier: Apache-2.0
#include <hob/base.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "abi/error.h"
#include "lib/text/unicode.h"

#if !defined(HOB_VERSION_STRING)
#define HOB_VERSION_STRING "0.1.0"
#endif

// Followed in memory by both texts, each with a NUL byte.
struct hob_error {
  hob_status code;
  const char* message;
  size_t message_size;
  const char* hint;
  size_t hint_size;
};

namespace hob::abi {
namespace {

constexpr std::string_view kOutOfMemoryText = "out of memory";
constexpr std::string_view kNoTextLeft = "no memory was left to say what was wrong";
constexpr hob_status kStatusCount = HOB_UNAUTHENTICATED + 1;

// Errors that need no memory, one of each status.
constexpr auto kSpare = [] {
  std::array<hob_error, kStatusCount> errors{};
  for (hob_status code = 0; code < kStatusCount; ++code) {
    const std::string_view text = code == HOB_RESOURCE_EXHAUSTED ? kOutOfMemoryText : kNoTextLeft;
    errors[static_cast<size_t>(code)] = {code, text.data(), text.size(), "", 0};
  }
  return errors;
}();

bool IsSpare(const hob_error* error) {
  const std::less<> before;
  return !before(error, kSpare.data()) && before(error, kSpare.data() + kSpare.size());
}

hob_error* SpareError(hob_status code) noexcept {
  if (code < 0 || code >= kStatusCount) code = HOB_UNKNOWN;
  // Never written to: hob_error_destroy knows it.
  return const_cast<hob_error*>(&kSpare[static_cast<size_t>(code)]);
}

// Null when memory is out.
hob_error* NewError(hob_status code, std::string_view message, std::string_view hint) noexcept {
  auto* memory =
      static_cast<char*>(std::malloc(sizeof(hob_error) + message.size() + hint.size() + 2));
  if (memory == nullptr) return nullptr;
  char* const message_copy = memory + sizeof(hob_error);
  char* const hint_copy = message_copy + message.size() + 1;
  if (!message.empty()) std::memcpy(message_copy, message.data(), message.size());
  message_copy[message.size()] = '\0';
  if (!hint.empty()) std::memcpy(hint_copy, hint.data(), hint.size());
  hint_copy[hint.size()] = '\0';
  return new (memory) hob_error{code, message_copy, message.size(), hint_copy, hint.size()};
}

// Messages carry names and texts out of files: they become UTF-8 that drives no terminal, and of a
// size to be read.
std::string Readable(std::string_view message) {
  constexpr size_t kEnds = 1024;  // bytes that stay of a long message's beginning and end
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (size_t i = 0; i < message.size();) {
    if (message.size() > 2 * kEnds && i >= kEnds && i < message.size() - kEnds) {
      out += " … ";
      i = message.size() - kEnds;
    }
    const text::Utf8Step step = text::StepUtf8(message, i);
    const auto byte = static_cast<uint8_t>(message[i]);
    if (step.state != text::Utf8State::kValid) {
      out += text::kReplacementUtf8;
    } else if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F) {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += message.substr(i, step.length);
    }
    i += step.length;
  }
  return out;
}

}  // namespace

hob_status FailOutOfMemory(hob_error** error) noexcept {
  if (error != nullptr) *error = SpareError(HOB_RESOURCE_EXHAUSTED);
  return HOB_RESOURCE_EXHAUSTED;
}

hob_status Fail(hob_error** error, const Status& status) {
  const auto code = static_cast<hob_status>(status.code());
  if (error == nullptr) return code;
  try {
    const std::string hint = Readable(HintOf(status));
    const std::string message =
        Readable(std::string_view(status.message().data(), status.message().size()));
    *error = NewError(code, message, hint);
    if (*error != nullptr) return code;
  } catch (...) {  // only memory can be out here
  }
  *error = SpareError(code);
  return code;
}

hob_status FailWithException(hob_error** error, const char* what) noexcept {
  if (error == nullptr) return HOB_INTERNAL;
  *error = NewError(HOB_INTERNAL, what, "If no callback of yours threw it, please report it.");
  if (*error == nullptr) *error = SpareError(HOB_INTERNAL);
  return HOB_INTERNAL;
}

}  // namespace hob::abi

extern "C" {

uint32_t hob_abi_version(void) { return HOB_ABI_VERSION; }

hob_string hob_version(void) {
  static constexpr std::string_view kVersion = HOB_VERSION_STRING;
  return {kVersion.data(), kVersion.size()};
}

hob_string hob_status_name(hob_status status) {
  static constexpr std::array<std::string_view, 17> kNames = {"OK",
                                                              "CANCELLED",
                                                              "UNKNOWN",
                                                              "INVALID_ARGUMENT",
                                                              "DEADLINE_EXCEEDED",
                                                              "NOT_FOUND",
                                                              "ALREADY_EXISTS",
                                                              "PERMISSION_DENIED",
                                                              "RESOURCE_EXHAUSTED",
                                                              "FAILED_PRECONDITION",
                                                              "ABORTED",
                                                              "OUT_OF_RANGE",
                                                              "UNIMPLEMENTED",
                                                              "INTERNAL",
                                                              "UNAVAILABLE",
                                                              "DATA_LOSS",
                                                              "UNAUTHENTICATED"};
  const bool known = status >= 0 && static_cast<size_t>(status) < kNames.size();
  const std::string_view name =
      kNames[static_cast<size_t>(known ? status : hob_status{HOB_UNKNOWN})];
  return {name.data(), name.size()};
}

hob_status hob_error_code(const hob_error* error) {
  return error == nullptr ? HOB_OK : error->code;
}

hob_string hob_error_message(const hob_error* error) {
  return error == nullptr ? hob_string{"", 0} : hob_string{error->message, error->message_size};
}

hob_string hob_error_hint(const hob_error* error) {
  return error == nullptr ? hob_string{"", 0} : hob_string{error->hint, error->hint_size};
}

void hob_error_destroy(hob_error* error) {
  if (!hob::abi::IsSpare(error)) std::free(error);
}

void hob_free(void* memory) { std::free(memory); }

}  // extern "C"
