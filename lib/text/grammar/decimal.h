// SPDX-License-Identifier: Apache-2.0
// Bounds of numbers, digit by digit.
#pragma once

#include <optional>
#include <string>

#include "lib/text/grammar/grammar.h"
#include "lib/text/jinja/value.h"

namespace hob::text {

// A number as its digits. Zero has none, and no sign.
struct Decimal {
  bool negative = false;
  std::string whole;     // no zero first
  std::string fraction;  // no zero last

  bool zero() const { return whole.empty() && fraction.empty(); }
  // Those that a reader of JSON has to keep.
  size_t digits() const { return whole.size() + fraction.size(); }
};

// Nothing if it is no number, or one with more than 40 digits before or behind the point. Of a
// double, the shortest digits that are read as it.
std::optional<Decimal> ToDecimal(const jinja::Value& value);
// Below, at or above zero as `a` is to `b`.
int Compare(const Decimal& a, const Decimal& b);

struct NumberBounds {
  std::optional<Decimal> least, most;
  bool above = false, below = false;  // the bound itself is out
  bool any() const { return least.has_value() || most.has_value(); }
  bool Contain(const Decimal& value) const;
};

// The same bounds as integers that are within.
NumberBounds ToIntegers(const NumberBounds& bounds);
// The integers within such bounds, without "-0". Where there is no bound, up to 16 digits, or one
// more than the other bound has.
Grammar::Expr IntegerRange(Grammar& grammar, const NumberBounds& bounds);
// The decimals within bounds, without exponent, of at most 15 digits: so many are told apart by
// whoever reads them as doubles. Whole numbers may have more digits, if the bounds do.
Grammar::Expr DecimalRange(Grammar& grammar, const NumberBounds& bounds);

}  // namespace hob::text
