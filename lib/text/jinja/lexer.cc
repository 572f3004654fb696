// SPDX-License-Identifier: Apache-2.0
#include "lib/text/jinja/lexer.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "lib/text/jinja/unicode.h"

namespace hob::text::jinja {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameChar(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
int HexValue(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Line ends become \n, and one at the very end goes.
std::string NormalizeNewlines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      out.push_back('\n');
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    } else {
      out.push_back(source[i]);
    }
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(NormalizeNewlines(source)), s_(source_) {}

  StatusOr<std::vector<Token>> Run() {
    while (status_.ok() && pos_ < s_.size()) Text();
    if (!status_.ok()) return status_;
    Add(TokenType::kEnd);
    return std::move(tokens_);
  }

 private:
  std::string_view Rest() const { return s_.substr(pos_); }
  bool At(std::string_view text) const { return Rest().substr(0, text.size()) == text; }
  char Peek(size_t ahead = 0) const { return pos_ + ahead < s_.size() ? s_[pos_ + ahead] : '\0'; }

  void Fail(std::string_view message, StatusCode code = StatusCode::kInvalidArgument) {
    if (!status_.ok()) return;
    UpdatePlace(pos_);
    status_ = SyntaxError(code, line_, Column(pos_), message);
  }

  void UpdatePlace(size_t pos) {
    for (; counted_ < pos; ++counted_) {
      if (s_[counted_] == '\n') {
        ++line_;
        line_start_ = counted_ + 1;
      }
    }
  }
  int Column(size_t pos) const { return static_cast<int>(pos - std::min(pos, line_start_)) + 1; }

  Token& Add(TokenType type, std::string text = {}) {
    UpdatePlace(pos_);
    Token token;
    token.type = type;
    token.line = line_;
    token.column = Column(pos_);
    token.text = std::move(text);
    tokens_.push_back(std::move(token));
    return tokens_.back();
  }

  size_t SkipSpace(size_t pos) const {
    while (pos < s_.size()) {
      char32_t cp;
      const size_t length = DecodeChar(s_, pos, &cp);
      if (!IsSpace(cp)) break;
      pos += length;
    }
    return pos;
  }

  // Moves past a match that ends at `end`.
  void Take(size_t end) {
    line_starting_ = end > pos_ ? s_[end - 1] == '\n' : false;
    pos_ = end;
  }

  // The text before a tag whose sign ('-', '+' or 0) follows its opening.
  std::string_view TrimBeforeTag(std::string_view text, char sign, bool is_print) const {
    if (sign == '-') return StripSpace(text, false, true);
    if (sign == '+' || is_print) return text;
    const size_t newline = text.rfind('\n');
    const size_t line = newline == std::string_view::npos ? 0 : newline + 1;
    if (line == 0 && !line_starting_) return text;
    return StripSpace(text.substr(line), true, false).empty() ? text.substr(0, line) : text;
  }

  // If `{% raw %}` starts at `at`, its end and sign.
  bool MatchRawBegin(size_t at, size_t* end, char* sign) const {
    size_t p = at + 2;
    *sign = 0;
    if (p < s_.size() && (s_[p] == '-' || s_[p] == '+')) *sign = s_[p++];
    p = SkipSpace(p);
    if (s_.substr(p, 3) != "raw") return false;
    p = SkipSpace(p + 3);
    if (s_.substr(p, 2) == "%}") {
      *end = p + 2;
      return true;
    }
    if (s_.substr(p, 3) == "-%}") {
      *end = SkipSpace(p + 3);
      return true;
    }
    return false;
  }

  // The end of a closing tag at `p` (with its sign and what it trims), or 0.
  size_t MatchClose(size_t p, std::string_view close) const {
    if (s_.substr(p, 1) == "-" && s_.substr(p + 1, close.size()) == close) {
      return SkipSpace(p + 1 + close.size());
    }
    if (s_.substr(p, 1) == "+" && s_.substr(p + 1, close.size()) == close) {
      return p + 1 + close.size();
    }
    if (s_.substr(p, close.size()) != close) return 0;
    p += close.size();
    return p < s_.size() && s_[p] == '\n' ? p + 1 : p;
  }

  void Text() {
    size_t at = pos_;
    for (;; ++at) {
      at = s_.find('{', at);
      if (at == std::string_view::npos || at + 1 >= s_.size()) {
        Add(TokenType::kText, std::string(Rest()));
        pos_ = s_.size();
        return;
      }
      const char next = s_[at + 1];
      if (next == '%' || next == '{' || next == '#') break;
    }
    const std::string_view text = s_.substr(pos_, at - pos_);
    const char kind = s_[at + 1];
    size_t raw_end = 0;
    char sign = 0;
    if (kind == '%' && MatchRawBegin(at, &raw_end, &sign)) {
      AddText(TrimBeforeTag(text, sign, false));
      Take(raw_end);
      Raw();
      return;
    }
    size_t end = at + 2;
    sign = end < s_.size() && (s_[end] == '-' || s_[end] == '+') ? s_[end++] : '\0';
    AddText(TrimBeforeTag(text, sign, kind == '{'));
    const size_t tag = at;
    Take(end);
    if (kind == '#') {
      Comment();
      return;
    }
    const size_t body = pos_;
    pos_ = tag;
    Add(kind == '{' ? TokenType::kPrintBegin : TokenType::kBlockBegin);
    pos_ = body;
    Tag(kind == '{');
  }

  void AddText(std::string_view text) {
    if (!text.empty()) Add(TokenType::kText, std::string(text));
  }

  void Comment() {
    for (size_t at = pos_; at < s_.size(); ++at) {
      at = s_.find_first_of("-+#", at);
      if (at == std::string_view::npos) break;
      if (const size_t end = MatchClose(at, "#}")) {
        Take(end);
        return;
      }
    }
    Fail("this comment has no end ('#}')");
  }

  void Raw() {
    for (size_t at = s_.find("{%", pos_); at != std::string_view::npos;
         at = s_.find("{%", at + 1)) {
      size_t p = at + 2;
      char sign = 0;
      if (p < s_.size() && (s_[p] == '-' || s_[p] == '+')) sign = s_[p++];
      p = SkipSpace(p);
      if (s_.substr(p, 6) != "endraw") continue;
      const size_t end = MatchClose(SkipSpace(p + 6), "%}");
      if (end == 0) continue;
      AddText(TrimBeforeTag(s_.substr(pos_, at - pos_), sign, false));
      Take(end);
      return;
    }
    Fail("this raw block has no end ('{% endraw %}')");
  }

  void Tag(bool is_print) {
    std::string open;  // the brackets that await their end
    while (status_.ok()) {
      if (pos_ >= s_.size()) return;  // the parser reports what is missing
      if (open.empty()) {
        size_t end = 0;
        if (!is_print) {
          end = MatchClose(pos_, "%}");
        } else if (At("-}}")) {
          end = SkipSpace(pos_ + 3);
        } else if (At("}}")) {
          end = pos_ + 2;
        }
        if (end != 0) {
          Add(is_print ? TokenType::kPrintEnd : TokenType::kBlockEnd);
          Take(end);
          return;
        }
      }
      const size_t past_space = SkipSpace(pos_);
      if (past_space != pos_) {
        Take(past_space);
      } else if (IsDigit(Peek())) {
        Number();
      } else if (IsNameChar(Peek())) {
        size_t end = pos_;
        while (end < s_.size() && IsNameChar(s_[end])) ++end;
        Add(TokenType::kName, std::string(s_.substr(pos_, end - pos_)));
        Take(end);
      } else if (Peek() == '\'' || Peek() == '"') {
        String();
      } else {
        Operator(&open);
      }
    }
  }

  void Operator(std::string* open) {
    static constexpr std::string_view kTwo[] = {"//", "**", "==", "!=", ">=", "<="};
    static constexpr std::string_view kOne = "+-/*%~[](){}><=.:|,;";
    for (std::string_view op : kTwo) {
      if (At(op)) {
        Add(TokenType::kOperator, std::string(op));
        Take(pos_ + 2);
        return;
      }
    }
    const char c = Peek();
    if (kOne.find(c) == std::string_view::npos) {
      Fail(absl::StrCat("unexpected character '", std::string(1, c), "'"));
      return;
    }
    if (c == '(' || c == '[' || c == '{') {
      open->push_back(c == '(' ? ')' : c == '[' ? ']' : '}');
    } else if (c == ')' || c == ']' || c == '}') {
      if (open->empty() || open->back() != c) {
        Fail(absl::StrCat("unexpected '", std::string(1, c), "'"));
        return;
      }
      open->pop_back();
    }
    Add(TokenType::kOperator, std::string(1, c));
    Take(pos_ + 1);
  }

  // The end of (\d+_)*\d+ at `p`, or `p`.
  size_t Digits(size_t p) const {
    if (p >= s_.size() || !IsDigit(s_[p])) return p;
    while (p < s_.size()) {
      if (IsDigit(s_[p])) {
        ++p;
      } else if (s_[p] == '_' && p + 1 < s_.size() && IsDigit(s_[p + 1])) {
        p += 2;
      } else {
        break;
      }
    }
    return p;
  }

  void Number() {
    if ((pos_ == 0 || s_[pos_ - 1] != '.') && Float()) return;
    size_t end = pos_ + 1;
    int base = 10;
    const char prefix = static_cast<char>(Peek(1) | 0x20);
    if (Peek() == '0' && (prefix == 'x' || prefix == 'o' || prefix == 'b')) {
      base = prefix == 'x' ? 16 : prefix == 'o' ? 8 : 2;
      size_t p = pos_ + 2;
      const auto valid = [&](size_t i) {
        return i < s_.size() && HexValue(s_[i]) >= 0 && HexValue(s_[i]) < base;
      };
      while (valid(p) || (p < s_.size() && s_[p] == '_' && valid(p + 1))) ++p;
      if (p > pos_ + 2) end = p;
    }
    if (end == pos_ + 1) {
      base = 10;
      if (Peek() == '0') {
        while (end < s_.size() && (s_[end] == '0' || s_.substr(end, 2) == "_0")) ++end;
      } else {
        end = Digits(pos_);
      }
    }
    std::string digits(s_.substr(pos_, end - pos_));
    if (base != 10) digits.erase(0, 2);
    std::erase(digits, '_');
    int64_t value = 0;
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (result.ec != std::errc()) {
      Fail("an integer beyond 64 bits", StatusCode::kUnimplemented);
      return;
    }
    Add(TokenType::kInteger, std::string(s_.substr(pos_, end - pos_))).integer = value;
    Take(end);
  }

  bool Float() {
    size_t p = Digits(pos_);
    bool is_float = false;
    if (p + 1 < s_.size() && s_[p] == '.' && IsDigit(s_[p + 1])) {
      p = Digits(p + 1);
      is_float = true;
    }
    if (p < s_.size() && (s_[p] | 0x20) == 'e') {
      size_t q = p + 1;
      if (q < s_.size() && (s_[q] == '+' || s_[q] == '-')) ++q;
      if (q < s_.size() && IsDigit(s_[q])) {
        p = Digits(q);
        is_float = true;
      }
    }
    if (!is_float) return false;
    std::string digits(s_.substr(pos_, p - pos_));
    std::erase(digits, '_');
    double value = 0;
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (result.ec != std::errc()) {
      Fail("a float out of range", StatusCode::kUnimplemented);
      return true;
    }
    Add(TokenType::kFloat, digits).number = value;
    Take(p);
    return true;
  }

  void String() {
    const char quote = Peek();
    size_t end = pos_ + 1;
    while (end < s_.size() && s_[end] != quote) end += s_[end] == '\\' ? 2 : 1;
    if (end >= s_.size()) {
      Fail("this string has no end");
      return;
    }
    std::string text;
    if (!Unescape(s_.substr(pos_ + 1, end - pos_ - 1), &text)) return;
    Add(TokenType::kString, std::move(text));
    Take(end + 1);
  }

  bool Unescape(std::string_view in, std::string* out) {
    static constexpr std::string_view kFrom = "\\'\"abfnrtv";
    static constexpr std::string_view kTo = "\\'\"\a\b\f\n\r\t\v";
    for (size_t i = 0; i < in.size(); ++i) {
      if (in[i] != '\\' || i + 1 == in.size()) {
        out->push_back(in[i]);
        continue;
      }
      const char c = in[++i];
      if (c == '\n') continue;
      if (const size_t at = kFrom.find(c); at != std::string_view::npos) {
        out->push_back(kTo[at]);
      } else if (c >= '0' && c <= '7') {
        char32_t cp = 0;
        size_t used = 0;
        for (; used < 3 && i + used < in.size() && in[i + used] >= '0' && in[i + used] <= '7';
             ++used) {
          cp = cp * 8 + static_cast<char32_t>(in[i + used] - '0');
        }
        i += used - 1;
        AppendChar(cp, out);
      } else if (c == 'x' || c == 'u' || c == 'U') {
        if (!AppendHexEscape(in, c, &i, out)) return false;
      } else if (c == 'N') {
        Fail("the escape \\N{…}", StatusCode::kUnimplemented);
        return false;
      } else {
        out->push_back('\\');
        out->push_back(c);
      }
    }
    return true;
  }

  bool AppendHexEscape(std::string_view in, char kind, size_t* i, std::string* out) {
    const size_t width = kind == 'x' ? 2 : kind == 'u' ? 4 : 8;
    const auto read = [&](size_t at, char32_t* cp) {
      *cp = 0;
      for (size_t k = 0; k < width; ++k) {
        const int digit = at + k < in.size() ? HexValue(in[at + k]) : -1;
        if (digit < 0) return false;
        *cp = *cp << 4 | static_cast<char32_t>(digit);
      }
      return true;
    };
    char32_t cp, low;
    if (!read(*i + 1, &cp) || cp > 0x10FFFF) {
      Fail(absl::StrCat("a broken \\", std::string(1, kind), " escape"));
      return false;
    }
    *i += width;
    if (kind == 'u' && cp >= 0xD800 && cp < 0xDC00 && in.substr(*i + 1, 2) == "\\u" &&
        read(*i + 3, &low) && low >= 0xDC00 && low < 0xE000) {
      cp = 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00);
      *i += 2 + width;
    }
    AppendChar(cp >= 0xD800 && cp < 0xE000 ? 0xFFFD : cp, out);
    return true;
  }

  const std::string source_;
  const std::string_view s_;
  size_t pos_ = 0;
  bool line_starting_ = true;
  std::vector<Token> tokens_;
  Status status_;
  size_t counted_ = 0, line_start_ = 0;
  int line_ = 1;
};

}  // namespace

Status SyntaxError(StatusCode code, int line, int column, std::string_view message) {
  return Error(
      code,
      absl::StrCat("chat template, line ", line, ", column ", column, ": ", MessageText(message)),
      code == StatusCode::kUnimplemented ? "hob renders a subset of Jinja; use another template"
                                         : "correct the template, or use another one");
}

StatusOr<std::vector<Token>> Tokenize(std::string_view source) { return Lexer(source).Run(); }

}  // namespace hob::text::jinja
