// SPDX-License-Identifier: Apache-2.0
#include "lib/text/tokenizer.h"

#include "lib/text/bpe.h"
#include "lib/text/detokenizer.h"
#include "lib/text/grammar/token_trie.h"
#include "lib/text/sentencepiece.h"
#include "lib/text/wordpiece.h"

namespace hob::text {

StatusOr<std::unique_ptr<Tokenizer>> Tokenizer::Create(const Vocabulary& vocabulary) {
  if (vocabulary.model == "gpt2") return BpeTokenizer::Create(vocabulary);
  if (vocabulary.model == "llama") return SentencePieceTokenizer::Create(vocabulary);
  if (vocabulary.model == "bert") return WordPieceTokenizer::Create(vocabulary);
  if (vocabulary.model.empty()) {
    return Error(StatusCode::kInvalidArgument, "the model file has no tokenizer",
                 "use a file with tokenizer.ggml.model, or pass token ids");
  }
  return Error(StatusCode::kUnimplemented,
               absl::StrCat("tokenizer model \"", vocabulary.model, "\" is not supported"),
               "hob knows gpt2, llama and bert");
}

StatusOr<std::shared_ptr<const TokenTrie>> Tokenizer::Trie() const {
  const std::lock_guard lock(trie_mutex_);
  if (trie_ == nullptr) {
    HOB_ASSIGN_OR_RETURN(TokenTrie trie, TokenTrie::Build(*this));
    trie_ = std::make_shared<const TokenTrie>(std::move(trie));
  }
  return trie_;
}

StatusOr<std::string> Tokenizer::Decode(std::span<const int32_t> ids, bool special) const {
  StreamingDetokenizer detokenizer(*this, special);
  std::string text;
  for (const int32_t id : ids) {
    HOB_ASSIGN_OR_RETURN(const std::string part, detokenizer.Push(id));
    text += part;
  }
  text += detokenizer.Finish();
  return text;
}

}  // namespace hob::text
