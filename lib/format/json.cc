// SPDX-License-Identifier: Apache-2.0
#include "lib/format/json.h"

#include <algorithm>
#include <limits>

// The parser reports through return values; an assertion of its own must not end the process.
#define JSON_ASSERT(condition) static_cast<void>(0)
#include <nlohmann/json.hpp>

#include "lib/format/validate.h"

namespace hob::format {

// Takes the parser's events, which come without recursion.
class JsonBuilder {
 public:
  explicit JsonBuilder(Json* json) : json_(*json) {}
  Status status = absl::OkStatus();

  bool null() { return Add(JsonKind::kNull) != nullptr; }
  bool boolean(bool value) {
    Json::Node* node = Add(JsonKind::kBool);
    if (node != nullptr) node->boolean = value;
    return node != nullptr;
  }
  bool number_integer(int64_t value) {
    Json::Node* node = Add(JsonKind::kInteger);
    if (node != nullptr) node->integer = value;
    return node != nullptr;
  }
  bool number_unsigned(uint64_t value) {
    if (value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return number_integer(static_cast<int64_t>(value));
    }
    return number_float(static_cast<double>(value), {});
  }
  bool number_float(double value, const std::string& /*text*/) {
    Json::Node* node = Add(JsonKind::kReal);
    if (node != nullptr) node->real = value;
    return node != nullptr;
  }
  bool string(const std::string& value) { return AddText(value); }
  bool binary(const std::vector<uint8_t>& /*value*/) { return false; }  // not of JSON
  bool start_object(size_t /*size*/) { return Open(JsonKind::kObject); }
  bool key(const std::string& name) { return AddText(name); }
  bool end_object() { return Close() && NamesDiffer(); }
  bool start_array(size_t /*size*/) { return Open(JsonKind::kArray); }
  bool end_array() { return Close(); }
  bool parse_error(size_t at, const std::string& token, const std::exception& /*error*/) {
    status = Error(StatusCode::kInvalidArgument,
                   Concat("is not JSON at byte ", at, ", at ", Quoted(token)),
                   "The file is damaged or was cut short; fetch it again.");
    return false;
  }

 private:
  Json::Node* Add(JsonKind kind) {
    if (json_.nodes_.size() == kMaxJsonValues) {
      status = Error(StatusCode::kResourceExhausted,
                     Concat("has more JSON values than the limit of ", kMaxJsonValues));
      return nullptr;
    }
    Json::Node& node = json_.nodes_.emplace_back();
    node.kind = kind;
    node.end = static_cast<uint32_t>(json_.nodes_.size());
    return &node;
  }

  bool AddText(std::string_view text) {
    Json::Node* node = Add(JsonKind::kText);
    if (node == nullptr) return false;
    node->text = {static_cast<uint32_t>(json_.texts_.size()), static_cast<uint32_t>(text.size())};
    json_.texts_ += text;  // not longer than the document, thus below 4 GiB
    return true;
  }

  bool Open(JsonKind kind) {
    if (open_.size() == kMaxJsonDepth) {
      status = Error(StatusCode::kInvalidArgument,
                     Concat("has JSON nested deeper than the limit of ", kMaxJsonDepth));
      return false;
    }
    open_.push_back(static_cast<uint32_t>(json_.nodes_.size()));
    return Add(kind) != nullptr;
  }

  bool Close() {
    closed_ = open_.back();
    open_.pop_back();
    Json::Node& node = json_.nodes_[closed_];
    node.end = static_cast<uint32_t>(json_.nodes_.size());
    const uint32_t step = node.kind == JsonKind::kObject ? 1 : 0;  // over the name
    uint64_t count = 0;
    for (uint32_t at = closed_ + 1; at < node.end; at = json_.nodes_[at + step].end) ++count;
    node.count = count;
    return true;
  }

  bool NamesDiffer() {
    const uint32_t end = json_.nodes_[closed_].end;
    names_.clear();
    for (uint32_t at = closed_ + 1; at < end; at = json_.nodes_[at + 1].end) {
      names_.push_back(json_.TextOf(json_.nodes_[at]));
    }
    std::ranges::sort(names_);
    const auto twice = std::ranges::adjacent_find(names_);
    if (twice == names_.end()) return true;
    status = Error(StatusCode::kInvalidArgument,
                   Concat("has the name ", Quoted(*twice), " twice in one JSON object"));
    return false;
  }

  Json& json_;
  std::vector<uint32_t> open_;
  uint32_t closed_ = 0;
  std::vector<std::string_view> names_;
};

StatusOr<Json> Json::Parse(std::string_view text) {
  if (text.size() > kMaxJsonBytes) {
    return Error(
        StatusCode::kResourceExhausted,
        Concat("has ", text.size(), " bytes of JSON; at most ", kMaxJsonBytes, " are read"));
  }
  Json json;
  JsonBuilder builder(&json);
  const bool parsed = nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
  HOB_RETURN_IF_ERROR(builder.status);
  if (!parsed || json.nodes_.empty()) {
    return Error(StatusCode::kInvalidArgument, "is not JSON");
  }
  return json;
}

JsonKind JsonValue::kind() const { return json_->nodes_[at_].kind; }

std::string_view JsonValue::KindName() const {
  constexpr std::string_view kNames[] = {"null",     "a bool", "an integer", "a number",
                                         "a string", "a list", "an object"};
  return kNames[static_cast<size_t>(kind())];
}

std::optional<bool> JsonValue::Bool() const {
  if (!is(JsonKind::kBool)) return std::nullopt;
  return json_->nodes_[at_].boolean;
}

std::optional<int64_t> JsonValue::Integer() const {
  if (!is(JsonKind::kInteger)) return std::nullopt;
  return json_->nodes_[at_].integer;
}

std::optional<double> JsonValue::Real() const {
  if (is(JsonKind::kReal)) return json_->nodes_[at_].real;
  if (is(JsonKind::kInteger)) return static_cast<double>(json_->nodes_[at_].integer);
  return std::nullopt;
}

std::optional<std::string_view> JsonValue::Text() const {
  if (!is(JsonKind::kText)) return std::nullopt;
  return json_->TextOf(json_->nodes_[at_]);
}

size_t JsonValue::size() const {
  if (!is(JsonKind::kArray) && !is(JsonKind::kObject)) return 0;
  return static_cast<size_t>(json_->nodes_[at_].count);
}

std::optional<JsonValue> JsonValue::Find(std::string_view name) const {
  if (!is(JsonKind::kObject)) return std::nullopt;
  const auto& nodes = json_->nodes_;
  for (uint32_t at = at_ + 1; at < nodes[at_].end; at = nodes[at + 1].end) {
    if (json_->TextOf(nodes[at]) != name) continue;
    if (nodes[at + 1].kind == JsonKind::kNull) return std::nullopt;
    return JsonValue(json_, at + 1);
  }
  return std::nullopt;
}

Status JsonValue::ForEachMember(
    const std::function<Status(std::string_view, JsonValue)>& visit) const {
  if (!is(JsonKind::kObject)) return absl::OkStatus();
  const auto& nodes = json_->nodes_;
  for (uint32_t at = at_ + 1; at < nodes[at_].end; at = nodes[at + 1].end) {
    HOB_RETURN_IF_ERROR(visit(json_->TextOf(nodes[at]), JsonValue(json_, at + 1)));
  }
  return absl::OkStatus();
}

Status JsonValue::ForEachElement(const std::function<Status(JsonValue)>& visit) const {
  if (!is(JsonKind::kArray)) return absl::OkStatus();
  const auto& nodes = json_->nodes_;
  for (uint32_t at = at_ + 1; at < nodes[at_].end; at = nodes[at].end) {
    HOB_RETURN_IF_ERROR(visit(JsonValue(json_, at)));
  }
  return absl::OkStatus();
}

}  // namespace hob::format
