// SPDX-License-Identifier: Apache-2.0
#include "lib/text/grammar/grammar.h"

#include <algorithm>
#include <utility>

#include "lib/text/unicode.h"

namespace hob::text {
namespace {

constexpr char32_t kLastCodePoint = 0x10FFFF;
constexpr char32_t kBeforeSurrogates = 0xD7FF, kAfterSurrogates = 0xE000;

// Sorted, apart from each other, without surrogates.
std::vector<CodePoints> Normalize(std::vector<CodePoints> ranges) {
  std::vector<CodePoints> parts;
  parts.reserve(ranges.size() + 1);
  for (CodePoints range : ranges) {
    range.last = std::min(range.last, kLastCodePoint);
    const CodePoints below = {range.first, std::min(range.last, kBeforeSurrogates)};
    const CodePoints above = {std::max(range.first, kAfterSurrogates), range.last};
    if (below.first <= below.last) parts.push_back(below);
    if (above.first <= above.last) parts.push_back(above);
  }
  std::sort(parts.begin(), parts.end(),
            [](const CodePoints& a, const CodePoints& b) { return a.first < b.first; });
  size_t count = 0;
  for (const CodePoints& part : parts) {
    if (count > 0 && part.first <= parts[count - 1].last + 1) {
      parts[count - 1].last = std::max(parts[count - 1].last, part.last);
    } else {
      parts[count++] = part;
    }
  }
  parts.resize(count);
  return parts;
}

std::vector<CodePoints> Complement(std::vector<CodePoints> ranges) {
  std::vector<CodePoints> out;
  char32_t next = 0;
  for (const CodePoints& range : Normalize(std::move(ranges))) {
    if (next < range.first) out.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kLastCodePoint) out.push_back({next, kLastCodePoint});
  return out;
}

}  // namespace

bool Grammar::Room(size_t more) {
  const size_t used = nodes_.size() + parts_.size() + ranges_.size() + texts_.size();
  too_large_ = too_large_ || more > kMostNodes - std::min(used, kMostNodes);
  return !too_large_;
}

Grammar::Expr Grammar::Add(const Node& node) {
  // Too large: any expression will do, as no grammar comes of them.
  if (!Room(1) && !nodes_.empty()) return 0;
  nodes_.push_back(node);
  return static_cast<Expr>(nodes_.size() - 1);
}

Grammar::Expr Grammar::Text(std::string_view bytes) {
  const auto begin = static_cast<uint32_t>(texts_.size());
  if (Room(bytes.size())) texts_.append(bytes);
  return Add({Kind::kText, begin, static_cast<uint32_t>(texts_.size())});
}

Grammar::Expr Grammar::Class(std::vector<CodePoints> ranges) {
  ranges = Normalize(std::move(ranges));
  const auto begin = static_cast<uint32_t>(ranges_.size());
  if (Room(ranges.size())) ranges_.insert(ranges_.end(), ranges.begin(), ranges.end());
  return Add({Kind::kClass, begin, static_cast<uint32_t>(ranges_.size())});
}

Grammar::Expr Grammar::NotClass(std::vector<CodePoints> ranges) {
  return Class(Complement(std::move(ranges)));
}

Grammar::Expr Grammar::Sequence(std::span<const Expr> parts) {
  const auto begin = static_cast<uint32_t>(parts_.size());
  if (Room(parts.size())) parts_.insert(parts_.end(), parts.begin(), parts.end());
  return Add({Kind::kSequence, begin, static_cast<uint32_t>(parts_.size())});
}

Grammar::Expr Grammar::Choice(std::span<const Expr> parts) {
  const auto begin = static_cast<uint32_t>(parts_.size());
  if (Room(parts.size())) parts_.insert(parts_.end(), parts.begin(), parts.end());
  return Add({Kind::kChoice, begin, static_cast<uint32_t>(parts_.size())});
}

Grammar::Expr Grammar::Repeat(Expr what, uint32_t least, uint32_t most) {
  return Add({Kind::kRepeat, static_cast<uint32_t>(what), 0, least, most});
}

Grammar::Rule Grammar::AddRule(std::string_view name) {
  if (!Room(1) && !rules_.empty()) return 0;
  rules_.push_back({std::string(name)});
  return static_cast<Rule>(rules_.size() - 1);
}

Grammar::Expr Grammar::Refer(Rule rule) { return Add({Kind::kRule, static_cast<uint32_t>(rule)}); }

Status Grammar::Check() const {
  if (too_large_) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("the grammar has more than ", kMostNodes, " parts"));
  }
  if (rules_.empty()) return Error(StatusCode::kInvalidArgument, "the grammar has no rule");
  for (const RuleEntry& rule : rules_) {
    if (rule.what < 0) {
      return Error(StatusCode::kInvalidArgument,
                   Concat("the grammar's rule \"", rule.name, "\" is not defined"));
    }
  }
  return absl::OkStatus();
}

StatusOr<Grammar> ReadChoices(std::span<const std::string_view> texts) {
  if (texts.empty()) return Error(StatusCode::kInvalidArgument, "there are no choices");
  Grammar grammar;
  const Grammar::Rule root = grammar.AddRule("root");
  std::vector<Grammar::Expr> parts;
  for (size_t i = 0; i < texts.size(); ++i) {
    HOB_RETURN_IF_ERROR(CheckUtf8(texts[i], Concat("choice ", i)));
    parts.push_back(grammar.Text(texts[i]));
  }
  grammar.Define(root, grammar.Choice(parts));
  HOB_RETURN_IF_ERROR(grammar.Check());
  return grammar;
}

}  // namespace hob::text
