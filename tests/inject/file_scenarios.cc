// SPDX-License-Identifier: Apache-2.0
// What is written and read: converted models, saved sessions. A file that cannot be written leaves
// the old one, and nothing else.
#include <unistd.h>

#include "tests/inject/scenario.h"
#include "tests/support/minisign_sample.h"

namespace hob::inject {
namespace {

constexpr std::string_view kOld = "what was here before";

// The place of a file that is to be replaced.
struct Target {
  const Files& files;
  std::string path;  // as the call has it
  std::string real;  // behind a link
  std::string list;  // all files of the folder

  Target(const Files& given, const std::string& name, bool link) : files(given) {
    path = real = files / name;
    if (link) {
      real = files / ("linked-" + name);
      static_cast<void>(symlink(real.c_str(), path.c_str()));
    }
    Put();
    list = files.List();
  }
  void Put() const { WriteFile(real, kOld); }
  // After a failure.
  void CheckOld(Probe& probe) const {
    probe.Check(ReadFile(real) == kOld, "a file that cannot be written leaves the old one");
    CheckNoOther(probe);
  }
  void CheckNoOther(Probe& probe) const {
    if (files.List() == list) return;
    // What cannot be removed stays.
    probe.Check(std::string_view(FiredIn()) == "unlink", "no temporary file stays");
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(files / "")) {
      const std::string name = entry.path().filename().string();
      if (list.find(name + "\n") == std::string::npos) {
        std::filesystem::remove(entry.path(), ignored);
      }
    }
  }
};

void Convert(Probe& probe, const std::string& from, const Target& to,
             const hob_convert_options& options) {
  to.Put();
  const bool ok = probe.Call(
      "hob_convert",
      [&](hob_error** e) {
        return hob_convert(from.data(), from.size(), to.path.data(), to.path.size(), &options, e);
      },
      [&] { to.CheckOld(probe); });
  to.CheckNoOther(probe);
  if (ok) probe.Same("converted", ReadFile(to.real));
}

Scenario Converts(const std::string& name, const std::string& fixture, hob_convert_weights weights,
                  bool link = false) {
  return {name,
          [fixture, weights, link](const Files& files) -> Run {
            auto target = std::make_shared<Target>(files, "out.hob", link);
            const std::string from = files.Fixture(fixture);
            hob_convert_options options = HOB_CONVERT_OPTIONS_INIT;
            options.weights = weights;
            options.progress = [](void*, uint64_t, uint64_t) -> int32_t { return 0; };
            return
                [target, from, options](Probe& probe) { Convert(probe, from, *target, options); };
          },
          80};
}

// A session of a conversation with one answer, made without injection, and its saved form.
struct Saved {
  World world;
  hob_session* session = nullptr;
  std::string bytes;

  explicit Saved(const Files& files) : world(files, "smollm-q4_1.gguf") {
    Must(hob_session_create(&session, world.model, nullptr, nullptr), "hob_session_create");
    Must(hob_session_add_message(session, "user", 4, kMessage.data(), kMessage.size(), nullptr),
         "hob_session_add_message");
    hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
    options.max_tokens = 6;
    options.ignore_eos = 1;
    Must(hob_session_generate(nullptr, session, &options, nullptr), "hob_session_generate");
    void* data = nullptr;
    size_t size = 0;
    Must(hob_session_save_buffer(&data, &size, session, nullptr), "hob_session_save_buffer");
    bytes.assign(static_cast<const char*>(data), size);
    hob_free(data);
  }
  ~Saved() { hob_session_destroy(session); }
};

void Save(Probe& probe, const Saved& saved, const Target& to) {
  to.Put();
  const bool ok = probe.Call(
      "hob_session_save",
      [&](hob_error** e) {
        return hob_session_save(saved.session, to.path.data(), to.path.size(), e);
      },
      [&] { to.CheckOld(probe); });
  to.CheckNoOther(probe);
  if (!ok) return;
  probe.Check(ReadFile(to.real) == saved.bytes, "the session is saved as it was");
  Given<void> buffer(probe);
  if (!probe.Call("hob_session_save_buffer", [&](hob_error** e) {
        return hob_session_save_buffer(&buffer.data, &buffer.size, saved.session, e);
      })) {
    return;
  }
  probe.Check(buffer.bytes() == saved.bytes, "and in memory, too");
}

void Restore(Probe& probe, const Saved& saved, const std::string& path, bool from_memory) {
  SessionHandle session(probe);
  if (!probe.Call("hob_session_create", [&](hob_error** e) {
        return hob_session_create(session.out(), saved.world.model, nullptr, e);
      })) {
    return;
  }
  const auto untouched = [&] {
    size_t count = 1000;
    hob_session_message_count(&count, session, nullptr);
    probe.Check(count == 0, "a failed restore leaves the session as it was");
  };
  const bool ok = from_memory
                      ? probe.Call(
                            "hob_session_restore_buffer",
                            [&](hob_error** e) {
                              return hob_session_restore_buffer(session, saved.bytes.data(),
                                                                saved.bytes.size(), e);
                            },
                            untouched)
                      : probe.Call(
                            "hob_session_restore",
                            [&](hob_error** e) {
                              return hob_session_restore(session, path.data(), path.size(), e);
                            },
                            untouched);
  if (ok) Ask(probe, session, "second reply");
}

Scenario Restores(const std::string& name, bool from_memory) {
  return {name,
          [from_memory](const Files& files) -> Run {
            auto saved = std::make_shared<Saved>(files);
            const std::string path = files / "saved.session";
            WriteFile(path, saved->bytes);
            return [saved, path, from_memory](Probe& probe) {
              Restore(probe, *saved, path, from_memory);
            };
          },
          100};
}

Scenario Saves(const std::string& name, bool link) {
  return {name,
          [link](const Files& files) -> Run {
            auto saved = std::make_shared<Saved>(files);
            auto target = std::make_shared<Target>(files, "out.session", link);
            return [saved, target](Probe& probe) { Save(probe, *saved, *target); };
          },
          150};
}

void Verify(Probe& probe, const std::string& path) {
  const hob_string key = {test::kKey.data(), test::kKey.size()};
  Given<char> comment(probe);
  if (!probe.Call("hob_verify_file", [&](hob_error** e) {
        return hob_verify_file(&comment.data, &comment.size, path.data(), path.size(), &key, 1,
                               nullptr, e);
      })) {
    return;
  }
  probe.Check(comment.bytes() == "trusted: v1", "the comment is the one that was signed");
}

}  // namespace

void AddFileScenarios(std::vector<Scenario>& out) {
  out.push_back(Converts("convert GGUF", "smollm-q4_1.gguf", HOB_CONVERT_KEEP));
  out.push_back(Converts("convert GGUF to int8", "smollm-q4_1.gguf", HOB_CONVERT_INT8));
  out.push_back(Converts("convert over a link", "llama-q4_0.gguf", HOB_CONVERT_KEEP, true));
  out.push_back(
      {"convert .hob", [](const Files& files) -> Run {
         const std::string gguf = files.Fixture("smollm-q4_1.gguf");
         const std::string from = files / "in.hob";
         Must(hob_convert(gguf.data(), gguf.size(), from.data(), from.size(), nullptr, nullptr),
              "hob_convert");
         auto target = std::make_shared<Target>(files, "out.hob", false);
         return [target, from](Probe& probe) {
           Convert(probe, from, *target, HOB_CONVERT_OPTIONS_INIT);
         };
       }});
  out.push_back({"verify a signature",
                 [](const Files& files) -> Run {
                   const std::string path = files / "model.gguf";
                   WriteFile(path, "hello\n");
                   WriteFile(path + ".minisig", test::kSignature);
                   return [path](Probe& probe) { Verify(probe, path); };
                 },
                 100});
  out.push_back(Saves("save a session", false));
  out.push_back(Saves("save a session over a link", true));
  out.push_back(Restores("restore a session", false));
  out.push_back(Restores("restore a session from memory", true));
}

}  // namespace hob::inject
