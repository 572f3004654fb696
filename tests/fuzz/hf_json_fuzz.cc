// SPDX-License-Identifier: Apache-2.0
// Three JSON texts, each ended by a zero byte, as config.json, tokenizer.json and
// tokenizer_config.json: errors, or hyperparameters and a vocabulary that encodes and decodes.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/format/hugging_face.h"
#include "lib/text/tokenizer.h"

namespace {

std::string_view Take(std::string_view* rest) {
  const size_t end = rest->find('\0');
  const std::string_view part = rest->substr(0, end);
  rest->remove_prefix(end == std::string_view::npos ? rest->size() : end + 1);
  return part;
}

void ReadTokenizer(const hob::format::Json& tokenizer, const hob::format::Json& config,
                   const hob::format::Json& settings) {
  const hob::format::JsonValue files[] = {settings.root()};
  auto vocabulary = hob::format::ReadHfTokenizer(tokenizer.root(), files);
  if (!vocabulary.ok()) return;
  if (!hob::format::AddGenerationTokens(settings.root(), config.root(), &*vocabulary).ok()) return;
  const auto made = hob::text::Tokenizer::Create(*vocabulary);
  if (!made.ok()) return;
  for (const std::string_view text : {" a b\xC3\xA9", "the <s> 12\n", ""}) {
    const auto ids = (*made)->Encode(text, {.add_special = true, .parse_special = true});
    if (ids.ok()) static_cast<void>((*made)->Decode(*ids, true));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto config = hob::format::Json::Parse(Take(&rest));
  const auto tokenizer = hob::format::Json::Parse(Take(&rest));
  const auto settings = hob::format::Json::Parse(Take(&rest));
  if (config.ok()) {
    hob::ModelFile model;
    static_cast<void>(hob::format::ReadHfConfig(config->root(), &model));
    // What sentence-transformers writes, of the same text.
    static_cast<void>(hob::format::ReadHfModules(config->root(), &model));
    static_cast<void>(hob::format::ReadHfPooling(config->root(), &model));
    static_cast<void>(hob::format::ReadHfSentenceConfig(config->root(), &model));
  }
  if (config.ok() && tokenizer.ok() && settings.ok()) {
    ReadTokenizer(*tokenizer, *config, *settings);
  }
  return 0;
}
