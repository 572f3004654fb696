// SPDX-License-Identifier: Apache-2.0
#include "lib/sign/minisign.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <span>

namespace hob::sign {
namespace {

constexpr std::string_view kUntrusted = "untrusted comment: ";
constexpr std::string_view kTrusted = "trusted comment: ";
constexpr std::string_view kKeyHint =
    "Give the text of a .pub file, or its line that begins with RW.";
constexpr std::string_view kSignatureHint = "Sign the file with `hob sign` or `minisign -S`.";

Status NotAKey(std::string_view why) {
  return Error(StatusCode::kInvalidArgument, Concat("not a public key: ", why), kKeyHint);
}
Status NotASignature(std::string_view why) {
  return Error(StatusCode::kInvalidArgument, Concat("not a signature: ", why), kSignatureHint);
}
Status CutShort(std::string_view what) {
  return Error(StatusCode::kDataLoss, Concat("the signature is cut short: ", what),
               "Copy or download the signature file again.");
}

// The line at the front of `text`, without its end, which may be a carriage return and a newline.
std::string_view TakeLine(std::string_view& text) {
  const size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

// How many bytes `text` stood for; 0 if it is no Base64 or stands for more than `out` holds.
size_t Decode(std::string_view text, std::span<uint8_t> out) {
  size_t size = 0;
  const int failed = sodium_base642bin(out.data(), out.size(), text.data(), text.size(), nullptr,
                                       &size, nullptr, sodium_base64_VARIANT_ORIGINAL);
  return failed != 0 ? 0 : size;
}

template <size_t n>
void Copy(std::array<uint8_t, n>& to, std::span<const uint8_t> from) {
  std::copy_n(from.begin(), n, to.begin());
}

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

std::string ToHex(const KeyId& id) {
  // The number is written with its highest byte first, and lies with the lowest first.
  std::string text;
  for (auto byte = id.rbegin(); byte != id.rend(); ++byte) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    text += kDigits[*byte >> 4];
    text += kDigits[*byte & 15];
  }
  return text;
}

StatusOr<PublicKey> ParsePublicKey(std::string_view text) {
  if (text.substr(0, kUntrusted.size()) == kUntrusted) TakeLine(text);
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  std::array<uint8_t, 2 + 8 + 32> bytes;
  if (text.empty()) return NotAKey("it is empty");
  if (Decode(text, bytes) != bytes.size()) return NotAKey("no 42 bytes in Base64");
  if (bytes[0] != 'E' || bytes[1] != 'd') return NotAKey("no key of Ed25519");
  PublicKey key;
  Copy(key.id, std::span(bytes).subspan(2));
  Copy(key.key, std::span(bytes).subspan(10));
  return key;
}

StatusOr<Signature> ParseSignature(std::string_view text) {
  if (text.size() > kMaxSignatureBytes) return NotASignature("too long");
  if (text.empty()) return NotASignature("it is empty");
  if (text.find('\0') != std::string_view::npos) return NotASignature("it holds a NUL byte");
  const std::string_view first = TakeLine(text);
  if (first.substr(0, kUntrusted.size()) != kUntrusted) {
    if (kUntrusted.substr(0, first.size()) == first) return CutShort("in its first line");
    return NotASignature("it does not begin with 'untrusted comment: '");
  }
  if (text.empty()) return CutShort("the signature itself is missing");
  std::array<uint8_t, 2 + 8 + 64> bytes;
  const std::string_view encoded = TakeLine(text);
  constexpr size_t kEncoded = 100;
  if (encoded.size() < kEncoded && text.empty()) return CutShort("in its second line");
  if (Decode(encoded, bytes) != bytes.size()) {
    return NotASignature("its second line is not 74 bytes in Base64");
  }
  if (bytes[0] == 'E' && bytes[1] == 'd') {
    return Error(StatusCode::kUnimplemented,
                 "the signature is of the file's bytes, not of their hash",
                 "Sign the file again, without minisign's option -l.");
  }
  if (bytes[0] != 'E' || bytes[1] != 'D') return NotASignature("its algorithm is unknown");
  if (text.empty()) return CutShort("the trusted comment is missing");
  const std::string_view comment = TakeLine(text);
  if (comment.substr(0, kTrusted.size()) != kTrusted) {
    if (text.empty() && kTrusted.substr(0, comment.size()) == comment) {
      return CutShort("in its third line");
    }
    return NotASignature("its third line does not begin with 'trusted comment: '");
  }
  if (text.empty()) return CutShort("the signature of the trusted comment is missing");
  Signature signature;
  const std::string_view last = TakeLine(text);
  constexpr size_t kLastEncoded = 88;
  if (last.size() < kLastEncoded) return CutShort("in its last line");
  if (Decode(last, signature.of_comment) != signature.of_comment.size()) {
    return NotASignature("its last line is not 64 bytes in Base64");
  }
  if (!text.empty()) return NotASignature("more follows after its last line");
  Copy(signature.id, std::span(bytes).subspan(2));
  Copy(signature.of_file, std::span(bytes).subspan(10));
  signature.trusted_comment = comment.substr(kTrusted.size());
  return signature;
}

}  // namespace hob::sign
