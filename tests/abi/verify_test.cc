// SPDX-License-Identifier: Apache-2.0
// Signatures of files.
#include <cstring>

#include "tests/abi/client.h"
#include "tests/support/minisign_sample.h"
#include "tests/support/temporary_folder.h"

using namespace hob::test;

namespace {

constexpr std::string_view kKeyFile =
    "untrusted comment: minisign public key 890E10D580BC2393\n"
    "RWSTI7yA1RAOiWDAy/5PsuWZfXaudfwrzx3fIpXwcwkY/Pkoc7YEPqyA\n";
// Another one's.
constexpr std::string_view kOther = "RWQx9Bt1NtU2xGxsXwD5jwLlw76g/ahSahymz1RzQ60N2+b5+80OUO55";

std::span<const uint8_t> Bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

struct Signed {
  TemporaryFolder folder;
  std::string path = folder / "model.gguf";
  explicit Signed(std::string_view content = kContent, std::string_view signature = kSignature) {
    WriteBytes(path, Bytes(content));
    if (!signature.empty()) WriteBytes(path + ".minisig", Bytes(signature));
  }
};

Outcome Verify(const std::string& path, std::vector<std::string_view> keys = {kKey},
               const hob_verify_options* options = nullptr) {
  std::vector<hob_string> list;
  for (const std::string_view key : keys) list.push_back({key.data(), key.size()});
  return Try([&](auto e) {
    return hob_verify_file(nullptr, nullptr, path.data(), path.size(), list.data(), list.size(),
                           options, e);
  });
}

// kSignature with one thing replaced.
std::string With(std::string_view what, std::string_view by) {
  std::string text(kSignature);
  const size_t at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), by);
}

bool LeavesSignaturesOut() {
  const Signed file;
  return Verify(file.path).status == HOB_UNIMPLEMENTED;
}
#define NEEDS_SIGNATURES() \
  if (LeavesSignaturesOut()) SKIP("this build leaves signatures out")

}  // namespace

TEST_CASE("a signed file is verified, and its trusted comment given") {
  NEEDS_SIGNATURES();
  const Signed file;
  for (const std::string_view key : {kKey, kKeyFile}) {
    const hob_string keys[] = {{kOther.data(), kOther.size()}, {key.data(), key.size()}};
    char* comment = nullptr;
    size_t size = 0;
    REQUIRE_OK(hob_verify_file(&comment, &size, file.path.data(), file.path.size(), keys, 2,
                               nullptr, &error));
    CHECK(std::string_view(comment, size) == "trusted: v1");
    CHECK(comment[size] == '\0');
    hob_free(comment);
  }
  CHECK(Verify(file.path).status == HOB_OK);
}

TEST_CASE("a signature may be given as text or lie elsewhere, with either kind of line end") {
  NEEDS_SIGNATURES();
  const Signed file(kContent, "");
  const Outcome missing = Verify(file.path);
  CHECK(missing.status == HOB_NOT_FOUND);
  CHECK(missing.message.find("model.gguf.minisig") != std::string::npos);
  hob_verify_options options = HOB_VERIFY_OPTIONS_INIT;
  options.signature = {kSignature.data(), kSignature.size()};
  CHECK(Verify(file.path, {kKey}, &options).status == HOB_OK);
  options = HOB_VERIFY_OPTIONS_INIT;
  std::string crlf;
  for (const char c : kSignature) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  const std::string elsewhere = file.folder / "other.sig";
  WriteBytes(elsewhere, Bytes(crlf));
  options.signature_path = {elsewhere.data(), elsewhere.size()};
  CHECK(Verify(file.path, {kKey}, &options).status == HOB_OK);
}

TEST_CASE("what was altered is told apart") {
  NEEDS_SIGNATURES();
  const auto refused = [](const Signed& file, std::string_view why) {
    const Outcome outcome = Verify(file.path);
    CAPTURE(outcome.message);
    CHECK(outcome.status == HOB_UNAUTHENTICATED);
    CHECK(outcome.message.find(why) != std::string::npos);
    CHECK(outcome.message.find(file.path) != std::string::npos);
    CHECK(!outcome.hint.empty());
  };
  refused(Signed("hellO\n"), "the file is not the one that was signed");
  refused(Signed("hello"), "the file is not the one that was signed");
  refused(Signed(""), "the file is not the one that was signed");
  refused(Signed(kContent, With("trusted: v1", "trusted: v2")), "trusted comment of the signature");
  refused(Signed(kContent, With("rgvg3jd0", "rgvg3jd1")), "trusted comment of the signature");
  refused(Signed(kContent, With("UcnApOW4", "UcnApOW5")), "altered or is forged");
  // The id names another key, whose maker did not sign.
  refused(Signed(kContent, With("STI7yA1RAOiUc", "STI7yA1RAOjUc")), "signed by the key");
  const Signed file;
  const Outcome other = Verify(file.path, {kOther});
  CHECK(other.status == HOB_UNAUTHENTICATED);
  CHECK(other.message.find("890E10D580BC2393") != std::string::npos);
  // The right id before a key that did not sign.
  std::string forged(kKey);
  forged[40] = forged[40] == 'A' ? 'B' : 'A';
  CHECK(Verify(file.path, {forged}).status == HOB_UNAUTHENTICATED);
  CHECK(Verify(file.path, {forged, kKey}).status == HOB_OK);
}

TEST_CASE("a signature that is cut anywhere is refused") {
  NEEDS_SIGNATURES();
  for (size_t size = 0; size < kSignature.size() - 1; ++size) {
    CAPTURE(size);
    const Signed file(kContent, "");
    WriteBytes(file.path + ".minisig", Bytes(kSignature.substr(0, size)));
    const Outcome outcome = Verify(file.path);
    CHECK(outcome.status == (size == 0 ? HOB_INVALID_ARGUMENT : HOB_DATA_LOSS));
    CHECK(outcome.message.find(".minisig: ") != std::string::npos);
  }
  // Only the last line's end: nothing is missing.
  const Signed file(kContent, kSignature.substr(0, kSignature.size() - 1));
  CHECK(Verify(file.path).status == HOB_OK);
}

TEST_CASE("what is no signature is refused, and of which kind it is") {
  NEEDS_SIGNATURES();
  const auto refused = [](const std::string& text, hob_status status, std::string_view why) {
    const Outcome outcome = Verify(Signed(kContent, text).path);
    CAPTURE(outcome.message);
    CHECK(outcome.status == status);
    CHECK(outcome.message.find(why) != std::string::npos);
  };
  refused("GGUF", HOB_INVALID_ARGUMENT, "not a signature");
  refused(std::string(20000, 'a'), HOB_INVALID_ARGUMENT, "20000 bytes");
  refused(std::string(kKeyFile), HOB_DATA_LOSS, "cut short");
  refused(std::string(kSignature) + "more", HOB_INVALID_ARGUMENT, "more follows");
  refused(With("RUSTI", "R*STI"), HOB_INVALID_ARGUMENT, "second line");
  refused(With("RUSTI", "RWSTI"), HOB_UNIMPLEMENTED, "not of their hash");
  refused(With("RUSTI", "AASTI"), HOB_INVALID_ARGUMENT, "algorithm");
  refused(With("trusted comment: trusted", "comment: trusted"), HOB_INVALID_ARGUMENT, "third line");
  refused(With("rgvg3", "r gv3"), HOB_INVALID_ARGUMENT, "last line");
  std::string nul(kSignature);
  nul[nul.find("v1")] = '\0';
  refused(nul, HOB_INVALID_ARGUMENT, "NUL");
}

TEST_CASE("keys and arguments that are wrong are refused") {
  NEEDS_SIGNATURES();
  const Signed file;
  CHECK(Verify(file.path, {}).status == HOB_INVALID_ARGUMENT);
  for (const std::string_view bad :
       {std::string_view(""), std::string_view("RW"), kSignature, kKey.substr(1),
        kKey.substr(0, 55),
        std::string_view("RUSTI7yA1RAOiWDAy/5PsuWZfXaudfwrzx3fIpXwcwkY/Pkoc7YEPqyA")}) {
    const Outcome outcome = Verify(file.path, {kKey, bad});
    CAPTURE(outcome.message);
    CHECK(outcome.status == HOB_INVALID_ARGUMENT);
    CHECK(outcome.message.find("keys[1]: not a public key") == 0);
  }
  CHECK(Verify("/no/such/file").status == HOB_NOT_FOUND);
  CHECK(Verify("").status == HOB_INVALID_ARGUMENT);
  hob_verify_options options = HOB_VERIFY_OPTIONS_INIT;
  options.reserved = 1;
  CHECK(Verify(file.path, {kKey}, &options).status == HOB_INVALID_ARGUMENT);
  options = HOB_VERIFY_OPTIONS_INIT;
  options.signature.size = 3;
  CHECK(Verify(file.path, {kKey}, &options).status == HOB_INVALID_ARGUMENT);
  const hob_string missing = {nullptr, 5};
  CHECK(Try([&](auto e) {
          return hob_verify_file(nullptr, nullptr, file.path.data(), file.path.size(), &missing, 1,
                                 nullptr, e);
        }).status == HOB_INVALID_ARGUMENT);
  CHECK(Try([&](auto e) {
          return hob_verify_file(nullptr, nullptr, nullptr, 4, nullptr, 1, nullptr, e);
        }).status == HOB_INVALID_ARGUMENT);
}

TEST_CASE("verifying tells how far it is and can be cancelled") {
  NEEDS_SIGNATURES();
  const Signed file;
  struct Seen {
    uint64_t done = 0, total = 0;
    int32_t answer = 0;
  } seen;
  hob_verify_options options = HOB_VERIFY_OPTIONS_INIT;
  options.progress_user = &seen;
  options.progress = [](void* user, uint64_t done, uint64_t total) -> int32_t {
    Seen& s = *static_cast<Seen*>(user);
    s.done = done;
    s.total = total;
    return s.answer;
  };
  CHECK(Verify(file.path, {kKey}, &options).status == HOB_OK);
  CHECK(seen.done == kContent.size());
  CHECK(seen.total == kContent.size());
  seen.answer = 1;
  CHECK(Verify(file.path, {kKey}, &options).status == HOB_CANCELLED);
}
