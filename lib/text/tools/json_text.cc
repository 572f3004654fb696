// SPDX-License-Identifier: Apache-2.0
#include "lib/text/tools/json_text.h"

#include "lib/text/jinja/json.h"
#include "lib/text/unicode.h"

namespace hob::text {
namespace {

constexpr jinja::Heap::Limits kLimits = {16u << 20, 256u << 20, 64'000'000};

// Writes alone: nothing is called.
class Writer final : public jinja::Runtime {
 public:
  Writer() : Runtime(kLimits, jinja::Heap::kMaxDepth + 8) {}
  bool CallMacro(const jinja::CallableObject& /*macro*/, jinja::CallArgs& /*args*/,
                 jinja::Value* /*out*/) override {
    return false;
  }
  bool CallLoop(const jinja::Value& /*loop*/, jinja::CallArgs& /*args*/,
                jinja::Value* /*out*/) override {
    return false;
  }
};

void AppendQuoted(std::string_view text, std::string* out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out->push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out->push_back('\\');
      out->push_back(c);
    } else if (byte < 0x20) {
      out->append("\\u00");
      out->push_back(kHex[byte / 16]);
      out->push_back(kHex[byte % 16]);
    } else {
      out->push_back(c);
    }
  }
  out->push_back('"');
}

}  // namespace

JsonText::JsonText() : heap_(kLimits) {}

StatusOr<std::unique_ptr<JsonText>> JsonText::Read(std::string_view text, std::string_view what) {
  HOB_RETURN_IF_ERROR(CheckUtf8(text, what));
  std::unique_ptr<JsonText> out(new JsonText);
  HOB_ASSIGN_OR_RETURN(out->root_, jinja::ReadJson(text, what, &out->heap_));
  if (out->heap_.exceeded() != nullptr) {
    return Error(StatusCode::kResourceExhausted,
                 Concat(what, " passes ", out->heap_.exceeded(), " of JSON"));
  }
  return out;
}

StatusOr<jinja::Value> JsonText::ReadMore(std::string_view text) {
  return jinja::ReadJson(text, "JSON", &heap_);
}

const jinja::Value* FindMember(const jinja::Value& object, std::string_view name) {
  return object.is(jinja::Type::kDict) ? object.dict().Find(name) : nullptr;
}

StatusOr<std::string> WriteJsonText(const jinja::Value& value) {
  Writer writer;
  std::string out;
  if (!jinja::WriteJson(writer, value, {}, &out)) return writer.status();
  return out;
}

std::string ChangeStrings(std::string_view json,
                          const std::function<std::string(std::string_view)>& change) {
  std::string out, text;
  out.reserve(json.size());
  for (size_t at = 0; at < json.size(); ++at) {
    if (json[at] != '"') {
      out.push_back(json[at]);
      continue;
    }
    text.clear();
    for (++at; at < json.size() && json[at] != '"'; ++at) {
      if (json[at] != '\\' || at + 1 >= json.size()) {
        text.push_back(json[at]);
        continue;
      }
      switch (const char escape = json[++at]) {
        case 'n':
          text.push_back('\n');
          break;
        case 't':
          text.push_back('\t');
          break;
        case 'r':
          text.push_back('\r');
          break;
        case 'b':
          text.push_back('\b');
          break;
        case 'f':
          text.push_back('\f');
          break;
        case 'u': {
          // Written for control characters alone.
          char32_t code = 0;
          for (size_t digit = 0; digit < 4 && at + 1 < json.size(); ++digit) {
            const char c = json[++at];
            code = code * 16 + static_cast<char32_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
          }
          AppendUtf8(code, text);
          break;
        }
        default:
          text.push_back(escape);
      }
    }
    AppendQuoted(change(text), &out);
  }
  return out;
}

}  // namespace hob::text
