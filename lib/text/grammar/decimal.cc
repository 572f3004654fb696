// SPDX-License-Identifier: Apache-2.0
#include "lib/text/grammar/decimal.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <utility>
#include <vector>

namespace hob::text {
namespace {

using Expr = Grammar::Expr;

constexpr size_t kMostDigits = 40;
constexpr size_t kExactDigits = 15;    // of decimals that doubles tell apart
constexpr size_t kIntegerDigits = 16;  // without bound

void Normalize(Decimal& value) {
  value.whole.erase(0, std::min(value.whole.find_first_not_of('0'), value.whole.size()));
  value.fraction.erase(value.fraction.find_last_not_of('0') + 1);
  if (value.zero()) value.negative = false;
}

int CompareMagnitudes(const Decimal& a, const Decimal& b) {
  if (a.whole.size() != b.whole.size()) return a.whole.size() < b.whole.size() ? -1 : 1;
  if (const int order = a.whole.compare(b.whole); order != 0) return order;
  return a.fraction.compare(b.fraction);  // a longer one with the same beginning is larger
}

void AddOne(std::string& digits) {
  for (size_t i = digits.size(); i-- > 0; digits[i] = '0') {
    if (digits[i] != '9') {
      ++digits[i];
      return;
    }
  }
  digits.insert(digits.begin(), '1');
}

// `digits` is not zero.
void SubtractOne(std::string& digits) {
  for (size_t i = digits.size(); i-- > 0; digits[i] = '9') {
    if (digits[i] != '0') {
      --digits[i];
      break;
    }
  }
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
}

// The integer next to `bound` that is within; `up`: the bound is the lower one.
Decimal NextInteger(Decimal bound, bool open, bool up) {
  const bool away = bound.negative != up;  // what is within has the larger magnitude
  if (!bound.fraction.empty()) {
    bound.fraction.clear();
    if (away) AddOne(bound.whole);
  } else if (open) {
    if (away || bound.zero()) {
      if (bound.zero()) bound.negative = !up;
      AddOne(bound.whole);
    } else {
      SubtractOne(bound.whole);
    }
  }
  if (bound.zero()) bound.negative = false;
  return bound;
}

// Digits without sign between two magnitudes.
class MagnitudeRange {
 public:
  MagnitudeRange(Grammar& grammar, Decimal low, bool low_open, Decimal high, bool high_open,
                 bool fractions)
      : grammar_(grammar),
        low_(std::move(low)),
        high_(std::move(high)),
        low_open_(low_open),
        high_open_(high_open),
        fractions_(fractions),
        digit_(grammar.Class({{'0', '9'}})) {
    if (low_.whole.empty()) low_.whole = "0";
    if (high_.whole.empty()) high_.whole = "0";
  }

  // Appends what there is of each length.
  void Build(std::vector<Expr>& out) {
    for (length_ = low_.whole.size(); length_ <= high_.whole.size(); ++length_) {
      places_ = fractions_ && length_ < kExactDigits ? kExactDigits - length_ : 0;
      low_digits_ = low_.whole + low_.fraction;
      high_digits_ = high_.whole + high_.fraction;
      memo_.assign(length_ + places_ + 1, {-1, -1, -1, -1});
      const Expr expr = Walk(0, length_ == low_.whole.size(), length_ == high_.whole.size());
      out.push_back(expr);
    }
  }

 private:
  static char DigitAt(const std::string& digits, size_t at) {
    return at < digits.size() ? digits[at] : '0';
  }
  static bool RestIsZero(const std::string& digits, size_t at) {
    return at >= digits.size() || digits.find_first_not_of('0', at) == std::string::npos;
  }

  // Whether the digits so far, which are those of the bounds that they are `at`, are a number
  // within.
  bool CanEnd(size_t at, bool at_low, bool at_high) const {
    if (at < length_) return false;
    if (at_low && (low_open_ || !RestIsZero(low_digits_, at))) return false;
    return !at_high || !high_open_ || !RestIsZero(high_digits_, at);
  }

  // What may follow the first `at` digits. Recurses as deep as there are digits.
  Expr Walk(size_t at, bool at_low, bool at_high) {
    Expr& known = memo_[at][(at_low ? 1u : 0u) + (at_high ? 2u : 0u)];
    if (known >= 0) return known;
    std::vector<Expr> parts;
    if (CanEnd(at, at_low, at_high)) parts.push_back(grammar_.Empty());
    if (at < length_ + places_) {
      const Expr digits = at_low || at_high ? Digits(at, at_low, at_high) : FreeDigits(at);
      parts.push_back(at == length_ ? grammar_.Sequence({grammar_.Text("."), digits}) : digits);
    }
    return known = grammar_.Choice(parts);
  }

  // Some more digits, whatever they are.
  Expr FreeDigits(size_t at) {
    if (at > length_ || (at == length_ && places_ > 0)) {
      return grammar_.Repeat(digit_, 1, static_cast<uint32_t>(length_ + places_ - at));
    }
    const auto count = static_cast<uint32_t>(length_ - at);
    if (at == 0 && count > 1) {
      return grammar_.Sequence({grammar_.Class({{'1', '9'}}), Walk(1, false, false)});
    }
    return grammar_.Sequence({grammar_.Repeat(digit_, count, count), Walk(length_, false, false)});
  }

  Expr Digits(size_t at, bool at_low, bool at_high) {
    const char first = at == 0 && length_ > 1 ? '1' : '0';
    const char low = at_low ? std::max(first, DigitAt(low_digits_, at)) : first;
    const char high = at_high ? DigitAt(high_digits_, at) : '9';
    std::vector<Expr> parts;
    const auto add = [&](char from, char to, bool stays_low, bool stays_high) {
      if (from > to) return;
      const Expr digit = grammar_.Class({{static_cast<char32_t>(from), static_cast<char32_t>(to)}});
      parts.push_back(grammar_.Sequence({digit, Walk(at + 1, stays_low, stays_high)}));
    };
    char from = low, to = high;
    if (at_low && at_high && low == high) {
      add(low, low, true, true);
      return grammar_.Choice(parts);
    }
    if (at_low && low <= high) add(from++, low, true, false);
    if (at_high && low <= high) add(to--, high, false, true);
    add(from, to, false, false);
    return grammar_.Choice(parts);
  }

  Grammar& grammar_;
  Decimal low_, high_;
  const bool low_open_, high_open_, fractions_;
  const Expr digit_;
  size_t length_ = 0, places_ = 0;  // digits before and behind the point
  std::string low_digits_, high_digits_;
  std::vector<std::array<Expr, 4>> memo_;  // by digits and what they are at
};

Expr Range(Grammar& grammar, const NumberBounds& bounds, size_t digits, bool fractions) {
  const Decimal zero;
  // Where there is no bound, the largest number of so many digits.
  const auto far = [&](const std::optional<Decimal>& other) {
    const size_t size = other.has_value() ? other->whole.size() : 0;
    return Decimal{false, std::string(size >= digits ? size + 1 : digits, '9'), {}};
  };
  std::vector<Expr> parts;
  const auto& [least, most, above, below] = bounds;
  if (!most.has_value() || !most->negative) {
    const bool from_zero = !least.has_value() || least->negative;
    MagnitudeRange(grammar, from_zero ? zero : *least, !from_zero && above,
                   most.has_value() ? *most : far(least), most.has_value() && below, fractions)
        .Build(parts);
  }
  if (!least.has_value() || least->negative) {
    Decimal low = zero, high = least.has_value() ? *least : far(most);
    bool low_open = !fractions;  // no "-0"
    if (most.has_value() && (most->negative || most->zero())) {
      low = *most;
      low_open = below || (low.zero() && low_open);
    }
    low.negative = high.negative = false;
    std::vector<Expr> magnitudes;
    MagnitudeRange(grammar, low, low_open, high, least.has_value() && above, fractions)
        .Build(magnitudes);
    parts.push_back(grammar.Sequence({grammar.Text("-"), grammar.Choice(magnitudes)}));
  }
  return grammar.Choice(parts);
}

}  // namespace

std::optional<Decimal> ToDecimal(const jinja::Value& value) {
  Decimal out;
  std::string text;
  if (value.is(jinja::Type::kInt)) {
    jinja::AppendInt(value.as_int(), &text);
  } else if (value.is(jinja::Type::kBigInt)) {
    text = value.str();
  } else if (value.is(jinja::Type::kFloat) && std::isfinite(value.as_float())) {
    std::array<char, 64> buffer;
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value.as_float(),
                                   std::chars_format::scientific);
    text.assign(buffer.data(), end.ptr);
  } else {
    return std::nullopt;
  }
  if (text[0] == '-') {
    out.negative = true;
    text.erase(0, 1);
  }
  long exponent = 0;
  if (const size_t e = text.find('e'); e != std::string::npos) {
    exponent = std::strtol(text.c_str() + e + 1, nullptr, 10);
    text.resize(e);
  }
  if (std::abs(exponent) > static_cast<long>(kMostDigits)) return std::nullopt;
  const size_t point = std::min(text.find('.'), text.size());
  out.whole = text.substr(0, point);
  if (point < text.size()) out.fraction = text.substr(point + 1);
  for (; exponent > 0; --exponent) {
    out.whole += out.fraction.empty() ? '0' : out.fraction[0];
    if (!out.fraction.empty()) out.fraction.erase(0, 1);
  }
  for (; exponent < 0; ++exponent) {
    out.fraction.insert(out.fraction.begin(), out.whole.empty() ? '0' : out.whole.back());
    if (!out.whole.empty()) out.whole.pop_back();
  }
  Normalize(out);
  if (out.whole.size() > kMostDigits || out.fraction.size() > kMostDigits + 20) return std::nullopt;
  return out;
}

int Compare(const Decimal& a, const Decimal& b) {
  if (a.negative != b.negative) return a.negative ? -1 : 1;
  return a.negative ? CompareMagnitudes(b, a) : CompareMagnitudes(a, b);
}

bool NumberBounds::Contain(const Decimal& value) const {
  if (least.has_value()) {
    const int order = Compare(value, *least);
    if (order < 0 || (order == 0 && above)) return false;
  }
  if (most.has_value()) {
    const int order = Compare(value, *most);
    if (order > 0 || (order == 0 && below)) return false;
  }
  return true;
}

NumberBounds ToIntegers(const NumberBounds& bounds) {
  NumberBounds whole;
  if (bounds.least.has_value()) whole.least = NextInteger(*bounds.least, bounds.above, true);
  if (bounds.most.has_value()) whole.most = NextInteger(*bounds.most, bounds.below, false);
  return whole;
}

Expr IntegerRange(Grammar& grammar, const NumberBounds& bounds) {
  return Range(grammar, bounds, kIntegerDigits, false);
}

Expr DecimalRange(Grammar& grammar, const NumberBounds& bounds) {
  return Range(grammar, bounds, kExactDigits, true);
}

}  // namespace hob::text
