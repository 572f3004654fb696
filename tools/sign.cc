// SPDX-License-Identifier: Apache-2.0
// hob keygen, hob sign: keys and signatures of model files, in minisign's formats.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>

#include "tools/common.h"
#if defined(HOB_HAVE_SODIUM)
#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include "tools/secret_key.h"
#endif

namespace tool {
namespace {

struct KeygenOptions {
  std::string secret_path, public_path;
};
struct SignOptions {
  std::string path, key, comment, output;
};

#if defined(HOB_HAVE_SODIUM)

// A file that was not there before, for this user alone where it is secret: what a key has signed
// can be verified for as long as the key is there, so none is ever overwritten.
void WriteNew(const std::string& path, const std::string& text, mode_t mode) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
  if (fd < 0) {
    throw Failure(path + ": " + std::strerror(errno),
                  errno == EEXIST ? "Keys are not overwritten: give another name." : "");
  }
  const bool written =
      write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(fd) == 0;
  const int failed = errno;
  if (close(fd) == 0 && written) return;
  unlink(path.c_str());
  throw Failure(path + ": cannot be written: " + std::strerror(failed));
}

void Keygen(const KeygenOptions& options) {
  std::filesystem::path public_path = options.public_path;
  if (public_path.empty()) {
    public_path = std::filesystem::path(options.secret_path).replace_extension(".pub");
  }
  const SecretKey key = SecretKey::Generate();
  WriteNew(public_path.string(), key.PublicText(), 0644);
  std::string secret = key.SecretText();
  try {
    WriteNew(options.secret_path, secret, 0600);
  } catch (...) {
    sodium_memzero(secret.data(), secret.size());
    unlink(public_path.c_str());
    throw;
  }
  sodium_memzero(secret.data(), secret.size());
  const std::string text = key.PublicText();
  const size_t line = text.find('\n') + 1;
  Print("secret key: " + options.secret_path + " (no password: keep it where only you can read)\n" +
        "public key: " + public_path.string() + "\n" + text.substr(line));
}

std::array<uint8_t, 64> Blake2b(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path)) throw Failure(path + ": cannot be read");
  crypto_generichash_blake2b_state state;
  std::array<uint8_t, 64> digest;
  crypto_generichash_blake2b_init(&state, nullptr, 0, digest.size());
  std::vector<char> chunk(size_t{1} << 20);
  while (file.read(chunk.data(), static_cast<std::streamsize>(chunk.size())), file.gcount() > 0) {
    crypto_generichash_blake2b_update(&state, reinterpret_cast<const uint8_t*>(chunk.data()),
                                      static_cast<unsigned long long>(file.gcount()));
  }
  if (file.bad()) throw Failure(path + ": cannot be read to its end");
  crypto_generichash_blake2b_final(&state, digest.data(), digest.size());
  return digest;
}

// When, and which file: as minisign writes it. SOURCE_DATE_EPOCH is the time of a build that is to
// be reproduced.
std::string DefaultComment(const std::string& path) {
  const char* const epoch = std::getenv("SOURCE_DATE_EPOCH");
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::string seconds =
      epoch != nullptr
          ? epoch
          : std::to_string(std::chrono::duration_cast<std::chrono::seconds>(now).count());
  return "timestamp:" + seconds + "\tfile:" + std::filesystem::path(path).filename().string() +
         "\thashed";
}

void CheckComment(const std::string& comment) {
  constexpr size_t kLongest = 8000;
  const bool plain = std::none_of(comment.begin(), comment.end(), [](unsigned char c) {
    return (c < 0x20 && c != '\t') || c == 0x7f;
  });
  if (!plain || comment.size() > kLongest) {
    throw Failure("the trusted comment is no single line of at most 8000 bytes", {}, kUsage);
  }
}

void Sign(const SignOptions& options) {
  const std::string comment =
      options.comment.empty() ? DefaultComment(options.path) : options.comment;
  CheckComment(comment);
  const SecretKey key = SecretKey::Read(options.key);
  const std::string text = key.Sign(Blake2b(options.path), comment);
  // Whole or not at all; an older signature of the file is replaced.
  const std::string output = options.output.empty() ? options.path + ".minisig" : options.output;
  const std::string partial = output + ".partial";
  {
    std::ofstream file(partial, std::ios::binary | std::ios::trunc);
    file << text;
    file.close();
    if (!file) {
      std::error_code ignored;
      std::filesystem::remove(partial, ignored);
      throw Failure(output + ": cannot be written");
    }
  }
  std::error_code failed;
  std::filesystem::rename(partial, output, failed);
  if (failed) {
    std::error_code ignored;
    std::filesystem::remove(partial, ignored);
    throw Failure(output + ": cannot be written: " + failed.message());
  }
}

#else

[[noreturn]] void LeftOut() {
  throw Failure("this build of hob leaves out signatures", "Build it with HOB_WITH_SIGNATURES=ON.");
}
void Keygen(const KeygenOptions&) { LeftOut(); }
void Sign(const SignOptions&) { LeftOut(); }

#endif

}  // namespace

void AddKeygen(CLI::App& app) {
  auto options = std::make_shared<KeygenOptions>();
  CLI::App* command = app.add_subcommand("keygen", "make a pair of keys for hob sign and verify");
  command->add_option("secret", options->secret_path, "the secret key file to write")->required();
  command->add_option("public", options->public_path,
                      "the public key file to write (default: the secret one's name with .pub)");
  command->callback([options] { Keygen(*options); });
}

void AddSign(CLI::App& app) {
  auto options = std::make_shared<SignOptions>();
  CLI::App* command = app.add_subcommand("sign", "sign a model file");
  command->add_option("file", options->path, "the file to sign")->required();
  command->add_option("-k,--key", options->key, "secret key file, without a password")->required();
  command->add_option("--comment", options->comment,
                      "trusted comment, signed too (default: the time and the file's name)");
  command->add_option("-o,--output", options->output,
                      "the signature file to write (default: FILE.minisig)");
  command->callback([options] { Sign(*options); });
}

}  // namespace tool
