// SPDX-License-Identifier: Apache-2.0
#include "tools/serve/logprobs.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "tools/serve/json.h"

namespace tool::serve {
namespace {

// JSON has no infinity: what cannot be is as unlikely as the protocol's smallest.
std::string Number(float logprob) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.6g",
                std::isfinite(logprob) ? static_cast<double>(logprob) : -9999.0);
  return text;
}

// A token may be a part of a character: U+FFFD stands for what is not UTF-8.
std::string Quoted(const std::string& bytes) {
  return Json(bytes).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string Bytes(const hob::Model& model, int32_t token) {
  auto bytes = model.TokenBytes(token, HOB_TEXT_SHOW_SPECIAL);
  return bytes.ok() ? std::move(*bytes) : std::string();
}

void AppendEntry(std::string& out, const std::string& bytes, float logprob) {
  out.append(R"({"token":)").append(Quoted(bytes));
  out.append(R"(,"logprob":)").append(Number(logprob)).append(R"(,"bytes":[)");
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i > 0) out.push_back(',');
    out.append(std::to_string(static_cast<unsigned char>(bytes[i])));
  }
  out.push_back(']');
}

void Separate(std::string& list) {
  if (!list.empty()) list.push_back(',');
}

}  // namespace

void Logprobs::Add(const hob::Model& model, const hob_token& token) {
  const std::string bytes = Bytes(model, token.id);
  const hob_token_logprob* const end = token.likeliest + token.likeliest_count;
  Separate(tokens_);
  if (chat_) {
    AppendEntry(tokens_, bytes, token.logprob);
    tokens_.append(R"(,"top_logprobs":[)");
    for (const hob_token_logprob* top = token.likeliest; top != end; ++top) {
      if (top != token.likeliest) tokens_.push_back(',');
      AppendEntry(tokens_, Bytes(model, top->id), top->logprob);
      tokens_.push_back('}');
    }
    tokens_.append("]}");
    return;
  }
  tokens_.append(Quoted(bytes));
  Separate(values_);
  values_.append(Number(token.logprob));
  Separate(tops_);
  tops_.push_back('{');
  for (const hob_token_logprob* top = token.likeliest; top != end; ++top) {
    if (top != token.likeliest) tops_.push_back(',');
    tops_.append(Quoted(Bytes(model, top->id))).append(":").append(Number(top->logprob));
  }
  tops_.push_back('}');
  Separate(offsets_);
  offsets_.append(std::to_string(offset_));
  const auto begins = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  offset_ += static_cast<size_t>(std::count_if(bytes.begin(), bytes.end(), begins));
}

std::string Logprobs::Take() {
  if (chat_) {
    return R"({"content":[)" + std::exchange(tokens_, {}) + R"(],"refusal":null})";
  }
  return R"({"tokens":[)" + std::exchange(tokens_, {}) + R"(],"token_logprobs":[)" +
         std::exchange(values_, {}) + R"(],"top_logprobs":[)" + std::exchange(tops_, {}) +
         R"(],"text_offset":[)" + std::exchange(offsets_, {}) + "]}";
}

}  // namespace tool::serve
