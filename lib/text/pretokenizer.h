// SPDX-License-Identifier: Apache-2.0
// Splits text into the pieces inside which byte-pair merges happen.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/status.h"
#include "lib/text/pretokenizer_table.h"

namespace hob::text {

// Immutable after creation; any thread may use it.
class Pretokenizer {
 public:
  // By the name that GGUF files give it (tokenizer.ggml.pre); empty means "default".
  // UNIMPLEMENTED names one that hob does not know.
  static StatusOr<std::unique_ptr<const Pretokenizer>> Create(std::string_view name);
  ~Pretokenizer();

  // Appends the end offset of every piece of `text` (UTF-8, under 2 GiB), in order. The pieces
  // joined are the text. RESOURCE_EXHAUSTED when a match takes too many steps or too much memory.
  Status Split(std::string_view text, std::vector<uint32_t>* ends) const;

  bool ignore_merges() const { return rule_->ignore_merges; }
  bool nfc() const { return rule_->nfc; }

 private:
  struct Step;
  explicit Pretokenizer(const PretokenizerRule* rule);

  const PretokenizerRule* rule_;
  std::vector<Step> steps_;
};

}  // namespace hob::text
