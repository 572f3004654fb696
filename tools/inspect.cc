// SPDX-License-Identifier: Apache-2.0
// hob inspect: what is in a model file.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <future>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "tools/common.h"
#include "tools/sha256.h"

namespace tool {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  ModelOptions model;
  bool json = false, plan = false;
  bool sha256 = false, no_sha256 = false;  // as asked; neither: by the size
};

// Rows with columns as wide as their widest cell; numbers are right-aligned.
std::string Table(const std::vector<std::vector<std::string>>& rows, const std::string& alignment) {
  std::vector<size_t> widths(alignment.size(), 0);
  for (const auto& row : rows) {
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line = " ";
    for (size_t c = 0; c < row.size(); ++c) {
      const std::string pad(widths[c] - row[c].size(), ' ');
      line += " " + (alignment[c] == 'r' ? pad + row[c] : row[c] + pad) + " ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

// Longer texts are cut; a hash is not.
std::string Short(const Json& value) {
  std::string text = value.is_string() ? value.get<std::string>()
                                       : value.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::replace(text.begin(), text.end(), '\n', ' ');
  constexpr size_t kWidest = 64;
  if (text.size() <= kWidest) return text;
  size_t end = kWidest;  // not inside a UTF-8 character
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

std::vector<std::vector<std::string>> MemoryRows(const Json& memory) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& [key, value] : memory.items()) {
    const bool bytes = value.is_number_unsigned() && key.find("bytes") != std::string::npos;
    rows.push_back({key, bytes ? Bytes(value.get<uint64_t>()) : Short(value)});
  }
  return rows;
}

std::string ForPeople(const Json& model) {
  std::string out = model.value("name", "") + "\n";
  std::vector<std::vector<std::string>> rows;
  for (const char* key : {"file", "sha256", "architecture", "license"}) {
    if (model.contains(key)) rows.push_back({key, Short(model[key])});
  }
  for (const auto& [key, value] : model["hyperparameters"].items())
    rows.push_back({key, Short(value)});
  out += Table(rows, "ll") + "\nVocabulary\n";
  rows.clear();
  for (const auto& [key, value] : model["vocabulary"].items()) rows.push_back({key, Short(value)});
  out += Table(rows, "ll");

  std::map<std::string, std::pair<size_t, uint64_t>> types;
  rows = {{"tensor", "type", "shape", "bytes"}};
  for (const Json& tensor : model["tensors"]) {
    std::string shape;
    for (const Json& n : tensor["shape"]) shape += (shape.empty() ? "" : " x ") + n.dump();
    const uint64_t bytes = tensor["bytes"].get<uint64_t>();
    const std::string type = tensor["type"].get<std::string>();
    rows.push_back({tensor["name"].get<std::string>(), type, shape, std::to_string(bytes)});
    ++types[type].first;
    types[type].second += bytes;
  }
  if (rows.size() > 1) out += "\nTensors\n" + Table(rows, "lllr") + "\nBy type\n";
  rows.clear();
  for (const auto& [type, total] : types) {
    rows.push_back({type, std::to_string(total.first) + " tensors", Bytes(total.second)});
  }
  out += Table(rows, "lrr");
  rows = {{"node", "operator", "provider", "packed bytes"}};
  for (const Json& node : model["graph"]) {
    rows.push_back({node["name"].get<std::string>(), node["op"].get<std::string>(),
                    node["provider"].get<std::string>(), node["packed_bytes"].dump()});
  }
  if (rows.size() > 1) out += "\nPlan on this machine\n" + Table(rows, "lllr");
  if (model.contains("plan")) {
    out += "\nPlanned before loading\n" + Table(MemoryRows(model["plan"]), "lr");
  }
  return out + "\nMemory\n" + Table(MemoryRows(model["memory"]), "lr");
}

// What opening the model and filling a session take, known before either.
Json Plan(const Options& options) {
  hob_runtime_options runtime_options = HOB_RUNTIME_OPTIONS_INIT;
  runtime_options.threads = options.model.threads;
  const hob::Runtime runtime = Check(hob::Runtime::Create(runtime_options));
  hob_model_options model_options = hob::Model::DefaultOptions();
  model_options.activations = options.model.activations;
  model_options.copy_file = options.model.copy_file ? 1 : 0;
  const std::string path = options.model.path.empty() ? DefaultModelPath() : options.model.path;
  const hob_model_plan_info plan = Check(hob::Model::Plan(runtime, path, model_options));
  return {{"weight_bytes", plan.weight_bytes},    {"mapped_bytes", plan.mapped_bytes},
          {"scratch_bytes", plan.scratch_bytes},  {"kv_bytes_per_token", plan.kv_bytes_per_token},
          {"kv_page_bytes", plan.kv_page_bytes},  {"kv_page_tokens", plan.kv_page_tokens},
          {"session_bytes", plan.session_bytes},  {"session_tokens", plan.context_length},
          {"evaluate_bytes", plan.evaluate_bytes}};
}

// Files up to here are hashed unless told otherwise: four tenths of a second.
constexpr uint64_t kHashedByDefault = uint64_t{128} << 20;

bool WantsSha256(const Options& options, const std::string& path) {
  if (options.sha256 || options.no_sha256) return options.sha256;
  std::error_code failed;
  const uint64_t size = std::filesystem::file_size(path, failed);
  return !failed && size <= kHashedByDefault;
}

void Run(const Options& options) {
  const std::string path = options.model.path.empty() ? DefaultModelPath() : options.model.path;
  std::future<std::string> sha256;  // goes on while the model is opened
  if (WantsSha256(options, path)) sha256 = std::async(std::launch::async, Sha256OfFile, path);
  const Json plan = options.plan ? Plan(options) : Json();
  const Loaded loaded = Load(options.model, /*vocabulary_only=*/!options.plan);
  char* text = nullptr;
  size_t size = 0;
  hob_error* error = nullptr;
  const hob_status status = hob_model_describe(&text, &size, loaded.model.get(), &error);
  if (status != HOB_OK) Fail(hob::Error(status, error));
  const std::unique_ptr<char, decltype(&hob_free)> owner(text, &hob_free);
  Json model = Json::parse(std::string_view(text, size));
  if (options.plan) model["plan"] = plan;
  if (sha256.valid()) {
    if (const std::string digest = sha256.get(); !digest.empty()) {
      model["sha256"] = digest;
    } else if (options.sha256) {
      throw Failure("this build of hob leaves out SHA-256",
                    "Build it with HOB_WITH_SIGNATURES=ON, or use sha256sum.");
    }
  }
  Print(options.json ? model.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"
                     : ForPeople(model));
}

}  // namespace

void AddInspect(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("inspect", "show what is in a model file");
  command->add_option("model", options->model.path,
                      "GGUF or .hob file (default: the default model)");
  command->add_flag("--json", options->json, "JSON");
  CLI::Option* const sha256 = command->add_flag(
      "--sha256", options->sha256,
      "the file's SHA-256, which takes reading all of it (by itself up to 128 MiB)");
  command->add_flag("--no-sha256", options->no_sha256, "no SHA-256")->excludes(sha256);
  command->add_flag(
      "--plan", options->plan,
      "load the weights too, and show the kernels chosen, and the memory planned and used");
  command->callback([options] { Run(*options); });
}

}  // namespace tool
