// SPDX-License-Identifier: Apache-2.0
// strftime_now(format): the time of the context's `hob_now`, or of the clock, in English.
#include <charconv>
#include <chrono>
#include <ctime>

#include "lib/text/jinja/runtime.h"

namespace hob::text::jinja {
namespace {

constexpr std::string_view kMonths[] = {"January",   "February", "March",    "April",
                                        "May",       "June",     "July",     "August",
                                        "September", "October",  "November", "December"};
constexpr std::string_view kDays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                      "Thursday", "Friday", "Saturday"};

struct Moment {
  int year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0, microsecond = 0;

  std::chrono::sys_days date() const { return std::chrono::year{year} / month / day; }
  int weekday() const { return static_cast<int>(std::chrono::weekday(date()).c_encoding()); }
  int yearday() const {  // from 0
    const std::chrono::sys_days first = std::chrono::year{year} / 1 / 1;
    return static_cast<int>((date() - first).count());
  }
};

// "2024-07-26" or "2024-07-26T12:34:56" (a space in place of T, seconds optional).
bool ParseMoment(std::string_view s, Moment* out) {
  const auto number = [&](size_t at, size_t width, int low, int high, int* value) {
    if (at + width > s.size()) return false;
    const char* end = s.data() + at + width;
    const auto result = std::from_chars(s.data() + at, end, *value);
    return result.ec == std::errc() && result.ptr == end && *value >= low && *value <= high;
  };
  if (s.size() < 10 || s[4] != '-' || s[7] != '-' || !number(0, 4, 1, 9999, &out->year) ||
      !number(5, 2, 1, 12, &out->month) || !number(8, 2, 1, 31, &out->day)) {
    return false;
  }
  const std::chrono::year_month_day day(std::chrono::year{out->year} / out->month / out->day);
  if (!day.ok()) return false;
  if (s.size() == 10) return true;
  if ((s[10] != 'T' && s[10] != ' ') || s.size() < 16 || s[13] != ':' ||
      !number(11, 2, 0, 23, &out->hour) || !number(14, 2, 0, 59, &out->minute)) {
    return false;
  }
  if (s.size() == 16) return true;
  return s.size() == 19 && s[16] == ':' && number(17, 2, 0, 59, &out->second);
}

void FromSeconds(int64_t seconds, Moment* out) {
  const std::chrono::sys_seconds time{std::chrono::seconds(seconds)};
  const auto days = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(days);
  const std::chrono::hh_mm_ss clock(time - days);
  *out = {static_cast<int>(date.year()),
          static_cast<int>(static_cast<unsigned>(date.month())),
          static_cast<int>(static_cast<unsigned>(date.day())),
          static_cast<int>(clock.hours().count()),
          static_cast<int>(clock.minutes().count()),
          static_cast<int>(clock.seconds().count()),
          0};
}

void FromClock(Moment* out) {
  const auto now = std::chrono::system_clock::now();
  const auto whole = std::chrono::floor<std::chrono::seconds>(now);
  const std::time_t seconds = std::chrono::system_clock::to_time_t(whole);
  std::tm local = {};
#if defined(_WIN32)
  const bool known = localtime_s(&local, &seconds) == 0;
#else
  const bool known = localtime_r(&seconds, &local) != nullptr;
#endif
  if (known) {
    *out = {local.tm_year + 1900,
            local.tm_mon + 1,
            local.tm_mday,
            local.tm_hour,
            local.tm_min,
            local.tm_sec,
            0};
  } else {
    FromSeconds(whole.time_since_epoch().count(), out);
  }
  out->microsecond =
      static_cast<int>(std::chrono::duration_cast<std::chrono::microseconds>(now - whole).count());
}

void Number(int value, int width, char fill, bool pad, std::string* out) {
  std::string digits;
  AppendInt(value, &digits);
  for (int i = static_cast<int>(digits.size()); pad && i < width; ++i) out->push_back(fill);
  out->append(digits);
}

bool Append(Runtime& rt, const Moment& t, std::string_view format, std::string* out) {
  for (size_t i = 0; i < format.size(); ++i) {
    if (out->size() > rt.heap().limits().text_bytes) return rt.heap().Room(out->size()) || rt.Ok();
    if (format[i] != '%' || i + 1 == format.size()) {
      out->push_back(format[i]);
      continue;
    }
    char c = format[++i];
    bool pad = true;
    if (c == '-' && i + 1 < format.size()) {
      pad = false;
      c = format[++i];
    }
    const int hour12 = t.hour % 12 == 0 ? 12 : t.hour % 12;
    // clang-format off
    switch (c) {
      case 'Y': Number(t.year, 4, '0', pad, out); break;
      case 'y': Number(t.year % 100, 2, '0', pad, out); break;
      case 'C': Number(t.year / 100, 2, '0', pad, out); break;
      case 'm': Number(t.month, 2, '0', pad, out); break;
      case 'd': Number(t.day, 2, '0', pad, out); break;
      case 'e': Number(t.day, 2, ' ', pad, out); break;
      case 'H': Number(t.hour, 2, '0', pad, out); break;
      case 'I': Number(hour12, 2, '0', pad, out); break;
      case 'M': Number(t.minute, 2, '0', pad, out); break;
      case 'S': Number(t.second, 2, '0', pad, out); break;
      case 'f': Number(t.microsecond, 6, '0', true, out); break;
      case 'j': Number(t.yearday() + 1, 3, '0', pad, out); break;
      case 'u': Number(t.weekday() == 0 ? 7 : t.weekday(), 1, '0', pad, out); break;
      case 'w': Number(t.weekday(), 1, '0', pad, out); break;
      case 'U': Number((t.yearday() + 7 - t.weekday()) / 7, 2, '0', pad, out); break;
      case 'W': Number((t.yearday() + 7 - (t.weekday() + 6) % 7) / 7, 2, '0', pad, out); break;
      case 'B': out->append(kMonths[t.month - 1]); break;
      case 'b':
      case 'h': out->append(kMonths[t.month - 1].substr(0, 3)); break;
      case 'A': out->append(kDays[t.weekday()]); break;
      case 'a': out->append(kDays[t.weekday()].substr(0, 3)); break;
      case 'p': out->append(t.hour < 12 ? "AM" : "PM"); break;
      case 'n': out->push_back('\n'); break;
      case 't': out->push_back('\t'); break;
      case '%': out->push_back('%'); break;
      case 'Z':
      case 'z': break;  // the time knows no zone
      case 'F': if (!Append(rt, t, "%Y-%m-%d", out)) return false; break;
      case 'D':
      case 'x': if (!Append(rt, t, "%m/%d/%y", out)) return false; break;
      case 'T':
      case 'X': if (!Append(rt, t, "%H:%M:%S", out)) return false; break;
      case 'R': if (!Append(rt, t, "%H:%M", out)) return false; break;
      case 'r': if (!Append(rt, t, "%I:%M:%S %p", out)) return false; break;
      case 'c': if (!Append(rt, t, "%a %b %e %H:%M:%S %Y", out)) return false; break;
      default:
        return rt.Fail(absl::StrCat("strftime_now(): the directive '%", std::string(1, c),
                                    "' is not supported"),
                       StatusCode::kUnimplemented);
    }
    // clang-format on
  }
  return rt.heap().Room(out->size()) || rt.Ok();
}

}  // namespace

bool StrftimeNow(Runtime& rt, const Value&, CallArgs& args, Value* out) {
  static constexpr std::string_view kNames[] = {"format"};
  const Value* bound[1];
  std::string_view format;
  if (!Bind(rt, "strftime_now", args, kNames, 1, bound) || !StringArg(rt, bound[0], &format)) {
    return false;
  }
  Moment moment;
  const Value& now = rt.now();
  if (now.is_undefined() || now.is_none()) {
    FromClock(&moment);
  } else if (now.is(Type::kInt) && now.as_int() >= 0 && now.as_int() < 253402300800) {
    FromSeconds(now.as_int(), &moment);
  } else if (!now.is_string() || !ParseMoment(now.str(), &moment)) {
    return rt.Fail("the variable hob_now is neither Unix seconds nor 'YYYY-MM-DD[THH:MM[:SS]]'");
  }
  if (!rt.heap().SpendBytes(format.size() * 16)) return rt.Ok();
  std::string text;
  if (!Append(rt, moment, format, &text)) return false;
  *out = rt.heap().String(std::move(text));
  return rt.Ok();
}

}  // namespace hob::text::jinja
