// SPDX-License-Identifier: Apache-2.0
#include "lib/base/mapped_file.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <csignal>
#include <filesystem>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace hob {
namespace {

using test::ReadBytes;
using test::TemporaryFolder;
using test::WriteBytes;

const std::vector<uint8_t> kContent = {1, 2, 3, 4, 5};

bool Names(const Status& status, const std::string& text) {
  return status.message().find(text) != std::string::npos;
}

TEST_CASE("a file is mapped whole") {
  const TemporaryFolder folder;
  const std::string path = folder / "file";
  WriteBytes(path, kContent);
  const auto file = MappedFile::Open(path);
  REQUIRE(file.ok());
  const auto bytes = (*file)->bytes();
  CHECK(std::equal(bytes.begin(), bytes.end(), kContent.begin(), kContent.end()));
  CHECK((*file)->path() == path);
  (*file)->WillNeed(bytes.subspan(1, 2));
  (*file)->DontNeed(bytes);
  (*file)->DontNeed({});
  CHECK(bytes[4] == 5);
}

TEST_CASE("what cannot be mapped is refused by path and reason") {
  const TemporaryFolder folder;
  const Status missing = MappedFile::Open(folder / "missing").status();
  CHECK(missing.code() == StatusCode::kNotFound);
  CHECK(Names(missing, "missing"));
  CHECK(!HintOf(missing).empty());

  const Status directory = MappedFile::Open(folder.path()).status();
  CHECK(directory.code() == StatusCode::kInvalidArgument);
  CHECK(Names(directory, "directory"));

  WriteBytes(folder / "empty", {});
  const Status empty = MappedFile::Open(folder / "empty").status();
  CHECK(empty.code() == StatusCode::kInvalidArgument);
  CHECK(Names(empty, "empty"));

  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  const Status pipe = MappedFile::Open(folder / "pipe").status();
  CHECK(pipe.code() == StatusCode::kInvalidArgument);
  CHECK(Names(pipe, "not a regular file"));

  CHECK(MappedFile::Open("").status().code() == StatusCode::kInvalidArgument);
  CHECK(MappedFile::Open(std::string("a\0b", 3)).status().code() == StatusCode::kInvalidArgument);

  WriteBytes(folder / "secret", kContent);
  std::filesystem::permissions(folder / "secret", std::filesystem::perms::none);
  if (geteuid() != 0) {
    CHECK(MappedFile::Open(folder / "secret").status().code() == StatusCode::kPermissionDenied);
  }
}

TEST_CASE("a written file appears at commit, whole") {
  const TemporaryFolder folder;
  const std::string path = folder / "out";
  auto writer = AtomicFileWriter::Create(path);
  REQUIRE(writer.ok());
  REQUIRE((*writer)->Append(kContent).ok());
  CHECK((*writer)->offset() == 5);
  REQUIRE((*writer)->PadTo(8).ok());
  REQUIRE((*writer)->PadTo(8).ok());
  REQUIRE((*writer)->Append(kContent).ok());
  REQUIRE((*writer)->PadTo(10000).ok());
  CHECK(!std::filesystem::exists(path));
  REQUIRE((*writer)->Commit().ok());
  CHECK((*writer)->Append(kContent).code() == StatusCode::kFailedPrecondition);
  CHECK((*writer)->Commit().code() == StatusCode::kFailedPrecondition);
  writer->reset();
  const std::vector<uint8_t> bytes = ReadBytes(path);
  REQUIRE(bytes.size() == 10000);
  CHECK(std::equal(kContent.begin(), kContent.end(), bytes.begin() + 8));
  CHECK(bytes[7] == 0);
  CHECK(folder.files() == 1);
}

TEST_CASE("a copy of a file is of the moment it was made, and counted") {
  const TemporaryFolder folder;
  const std::string path = folder / "file";
  WriteBytes(path, kContent);
  const auto allocator = std::make_shared<Allocator>(AllocatorHooks{}, 5);
  {
    const auto file = MappedFile::Copy(path, allocator);
    REQUIRE(file.ok());
    WriteBytes(path, {});
    const auto bytes = (*file)->bytes();
    (*file)->DontNeed(bytes);
    CHECK(std::equal(bytes.begin(), bytes.end(), kContent.begin(), kContent.end()));
    CHECK((*file)->copied_bytes() == kContent.size());
    CHECK(allocator->bytes_in_use() == kContent.size());
  }
  CHECK(allocator->bytes_in_use() == 0);
  CHECK(MappedFile::Copy(path, allocator).status().code() == StatusCode::kInvalidArgument);
  CHECK(MappedFile::Copy(folder / "none", allocator).status().code() == StatusCode::kNotFound);
  WriteBytes(path, std::vector<uint8_t>(6));
  CHECK(MappedFile::Copy(path, allocator).status().code() == StatusCode::kResourceExhausted);
}

TEST_CASE("a file that is not committed leaves the old one") {
  const TemporaryFolder folder;
  const std::string path = folder / "out";
  WriteBytes(path, kContent);
  {
    auto writer = AtomicFileWriter::Create(path);
    REQUIRE(writer.ok());
    REQUIRE((*writer)->Append(std::vector<uint8_t>(1000)).ok());
  }
  CHECK(ReadBytes(path) == kContent);
  CHECK(folder.files() == 1);
}

TEST_CASE("writing through a symbolic link replaces the file behind it") {
  const TemporaryFolder folder;
  WriteBytes(folder / "real", {});
  std::filesystem::create_symlink(folder / "real", folder / "link");
  auto writer = AtomicFileWriter::Create(folder / "link");
  REQUIRE(writer.ok());
  REQUIRE((*writer)->Append(kContent).ok());
  REQUIRE((*writer)->Commit().ok());
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(ReadBytes(folder / "real") == kContent);
}

TEST_CASE("what cannot be written is refused by path") {
  const TemporaryFolder folder;
  const Status directory = AtomicFileWriter::Create(folder.path()).status();
  CHECK(directory.code() == StatusCode::kInvalidArgument);
  CHECK(Names(directory, folder.path()));
  const Status nowhere = AtomicFileWriter::Create(folder / "no/where").status();
  CHECK(nowhere.code() == StatusCode::kNotFound);
  CHECK(Names(nowhere, "no/where"));
  CHECK(AtomicFileWriter::Create("/dev/null").status().code() == StatusCode::kInvalidArgument);
  CHECK(AtomicFileWriter::Create("").status().code() == StatusCode::kInvalidArgument);
}

TEST_CASE("a link that leads nowhere it can be followed to is not replaced") {
  const TemporaryFolder folder;
  std::filesystem::create_symlink("loop", folder / "loop");
  const auto writer = AtomicFileWriter::Create(folder / "loop");
  REQUIRE(!writer.ok());
  CHECK(Names(writer.status(), "loop"));
  CHECK(std::filesystem::is_symlink(folder / "loop"));
  CHECK(folder.files() == 1);
}

TEST_CASE("a failing write names the path and leaves nothing") {
  const TemporaryFolder folder;
  const std::string path = folder / "large";
  rlimit old;
  REQUIRE(getrlimit(RLIMIT_FSIZE, &old) == 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {1000, old.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  Status status;
  {
    auto writer = AtomicFileWriter::Create(path);
    status = writer.ok() ? (*writer)->Append(std::vector<uint8_t>(5000)) : writer.status();
  }
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, old_handler);
  CHECK(!status.ok());
  CHECK(Names(status, path));
  CHECK(folder.files() == 0);
}

}  // namespace
}  // namespace hob
