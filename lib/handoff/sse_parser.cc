// SPDX-License-Identifier: Apache-2.0
#include "lib/handoff/sse_parser.h"

namespace hob::handoff {
namespace {

Status TooLong() {
  return Error(StatusCode::kResourceExhausted, Concat("the endpoint sent an event of more than ",
                                                      SseParser::kMaxEventBytes, " bytes"));
}

}  // namespace

StatusOr<bool> SseParser::Push(std::string_view bytes, const OnData& on_data) {
  for (const char c : bytes) {
    const bool second = after_return_ && c == '\n';
    after_return_ = c == '\r';
    if (second) continue;
    if (c != '\n' && c != '\r') {
      if (line_.size() == kMaxEventBytes) return TooLong();
      line_.push_back(c);
      continue;
    }
    std::string line;
    line.swap(line_);
    HOB_ASSIGN_OR_RETURN(const bool more, Line(line, on_data));
    if (!more) return false;
    line.clear();
    line_.swap(line);  // keeps its memory
  }
  return true;
}

StatusOr<bool> SseParser::Line(std::string_view line, const OnData& on_data) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  if (!began_ && line.substr(0, kMark.size()) == kMark) line.remove_prefix(kMark.size());
  began_ = true;
  if (line.empty()) {
    if (!has_data_) return true;
    std::string data;
    data.swap(data_);
    has_data_ = false;
    return on_data(data);
  }
  const size_t colon = line.find(':');
  if (line.substr(0, colon) != "data") return true;  // a comment, or a field of no interest
  std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
  if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  if (data_.size() + value.size() >= kMaxEventBytes) return TooLong();
  if (has_data_) data_.push_back('\n');
  data_.append(value);
  has_data_ = true;
  return true;
}

}  // namespace hob::handoff
