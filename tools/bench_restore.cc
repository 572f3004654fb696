// SPDX-License-Identifier: Apache-2.0
// hob bench --restore: what a saved session saves.
#include "tools/bench_restore.h"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>

namespace tool {
namespace {

double Milliseconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

// The next token, and how long it takes.
double Next(hob::Session& session) {
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.max_tokens = 1;
  options.ignore_eos = 1;
  return Milliseconds([&] { Check(session.Generate(options)); });
}

}  // namespace

void BenchRestore(const Loaded& loaded, const std::vector<int32_t>& prompt, int reps, bool json) {
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() /
      ("hob-bench-" + std::to_string(std::chrono::steady_clock::now().time_since_epoch().count()));
  struct Remove {
    const std::filesystem::path& file;
    ~Remove() {
      std::error_code ignored;
      std::filesystem::remove(file, ignored);
    }
  } const remove{file};
  struct Row {
    const char* name;
    std::vector<double> all;
  } prefill{"prefill_ms", {}}, save{"save_ms", {}}, save_buffer{"save_buffer_ms", {}},
      restore{"restore_ms", {}}, restore_buffer{"restore_buffer_ms", {}}, next{"next_token_ms", {}};
  const double hash = Milliseconds([&] { static_cast<void>(loaded.model.Text(HOB_MODEL_HASH)); });
  size_t bytes = 0;
  for (int r = -1; r < reps; ++r) {  // the first is a warm-up
    hob::Session session = Check(hob::Session::Create(loaded.model));
    Check(session.AddTokens(prompt));
    const double read = Next(session);
    hob::Session other = Check(hob::Session::Create(loaded.model));
    hob::Session third = Check(hob::Session::Create(loaded.model));
    const double saved = Milliseconds([&] { Check(session.Save(file.string())); });
    const double restored = Milliseconds([&] { Check(other.Restore(file.string())); });
    const auto start = std::chrono::steady_clock::now();
    const hob::SavedSession buffer = Check(session.Save());
    const std::chrono::duration<double, std::milli> buffered =
        std::chrono::steady_clock::now() - start;
    const double from_buffer =
        Milliseconds([&] { Check(third.Restore(buffer.data(), buffer.size())); });
    const double first = Next(other);
    if (Check(other.Stats()).cached_tokens != prompt.size()) {
      throw Failure("the restored session lacks its cache");
    }
    bytes = buffer.size();
    if (r < 0) continue;
    prefill.all.push_back(read);
    save.all.push_back(saved);
    restore.all.push_back(restored);
    save_buffer.all.push_back(buffered.count());
    restore_buffer.all.push_back(from_buffer);
    next.all.push_back(first);
  }
  const Row* const rows[] = {&prefill, &save, &restore, &save_buffer, &restore_buffer, &next};
  if (json) {
    nlohmann::ordered_json out;
    out["prompt_tokens"] = prompt.size();
    out["bytes"] = bytes;
    out["model_hash_ms"] = hash;
    for (const Row* row : rows) out[row->name] = Median(row->all);
    Print(out.dump(2) + "\n");
    return;
  }
  char text[160];
  std::snprintf(text, sizeof(text), "%zu tokens, %s; hash of the model, once: %.1f ms\n",
                prompt.size(), Bytes(bytes).c_str(), hash);
  Print(text);
  for (const Row* row : rows) {
    std::snprintf(text, sizeof(text), "%-18s %9.1f\n", row->name, Median(row->all));
    Print(text);
  }
  std::snprintf(text, sizeof(text), "restoring is %.0f times as fast as prefilling\n",
                Median(prefill.all) / Median(restore.all));
  Print(text);
}

}  // namespace tool
