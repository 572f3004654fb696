// SPDX-License-Identifier: Apache-2.0
#include "tools/serve/metrics_text.h"

#include <cstdio>
#include <iterator>

namespace tool::serve {
namespace {

// By the numbers of hob_finish_reason; 0 is none.
constexpr std::string_view kReasons[] = {"",          "end",          "length", "stop",
                                         "cancelled", "context_full", "time"};

std::string Number(double value) {
  char text[40];
  std::snprintf(text, sizeof(text), "%.15g", value);
  return text;
}

}  // namespace

void MetricsText::Family(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  text_.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
  text_.append(name).append(" ").append(type).append("\n");
}

void MetricsText::Line(std::string_view suffix, double value, Labels labels) {
  text_.append(name_).append(suffix);
  char before = '{';
  for (const auto& [name, label] : labels) {
    text_.push_back(before);
    before = ',';
    text_.append(name).append("=\"");
    for (const char c : label) {
      if (c == '"' || c == '\\') text_.push_back('\\');
      text_.append(c == '\n' ? std::string_view("\\n") : std::string_view(&c, 1));
    }
    text_.push_back('"');
  }
  if (before == ',') text_.push_back('}');
  text_.append(" ").append(Number(value)).append("\n");
}

void MetricsText::Value(double value, Labels labels) { Line("", value, labels); }

void MetricsText::Values(const hob_histogram& histogram) {
  double bound = histogram.first;
  uint64_t count = 0;
  for (size_t i = 0; i + 1 < HOB_HISTOGRAM_BUCKETS; ++i, bound *= 2) {
    count += histogram.counts[i];
    Line("_bucket", static_cast<double>(count), {{"le", Number(bound)}});
  }
  count += histogram.counts[HOB_HISTOGRAM_BUCKETS - 1];
  Line("_bucket", static_cast<double>(count), {{"le", "+Inf"}});
  Line("_sum", histogram.sum, {});
  Line("_count", static_cast<double>(count), {});
}

void AppendRuntimeMetrics(MetricsText& out, const hob_runtime_metrics& m) {
  const auto one = [&](std::string_view name, std::string_view type, uint64_t value,
                       std::string_view help) {
    out.Family(name, type, help);
    out.Value(static_cast<double>(value));
  };
  one("hob_answers_started_total", "counter", m.answers_started, "Answers that were begun.");
  one("hob_answers_running", "gauge", m.answers_running, "Answers that are computed now.");
  one("hob_answers_waiting", "gauge", m.answers_waiting, "Of these, those without a token yet.");
  out.Family("hob_answers_ended_total", "counter", "Answers that ended, by reason.");
  for (size_t i = 1; i < std::size(kReasons); ++i) {
    out.Value(static_cast<double>(m.answers_ended[i]), {{"reason", kReasons[i]}});
  }
  out.Family("hob_answers_failed_total", "counter",
             "Answers that failed, by the library's status.");
  for (size_t i = 1; i <= HOB_UNAUTHENTICATED; ++i) {
    const hob_string name = hob_status_name(static_cast<hob_status>(i));
    out.Value(static_cast<double>(m.answers_failed[i]), {{"status", hob::ToView(name)}});
  }
  one("hob_prompt_tokens_total", "counter", m.prompt_tokens, "Tokens of prompts.");
  one("hob_cached_tokens_total", "counter", m.cached_tokens,
      "Tokens of prompts that were in the cache.");
  one("hob_generated_tokens_total", "counter", m.generated_tokens, "Tokens of answers.");
  one("hob_guessed_tokens_total", "counter", m.guessed_tokens, "Tokens that were guessed.");
  one("hob_right_tokens_total", "counter", m.right_tokens, "Guessed tokens that were right.");
  one("hob_steps_total", "counter", m.steps, "Passes over the weights.");
  one("hob_step_rows_total", "counter", m.step_rows, "Tokens that went through them.");
  out.Family("hob_step_seconds_total", "counter", "Time that they took.");
  out.Value(m.step_seconds);
  one("hob_kv_pages", "gauge", m.kv_pages, "Pages of key/value cache, kept ones included.");
  one("hob_memory_bytes", "gauge", m.bytes_in_use, "Weights that are packed, caches and scratch.");
  one("hob_memory_peak_bytes", "gauge", m.peak_bytes, "The most that it has been.");
  one("hob_memory_limit_bytes", "gauge", m.memory_limit, "What it may be; 0: anything.");
  out.Family("hob_time_to_first_token_seconds", "histogram",
             "From the start of an answer to its first token.");
  out.Values(m.time_to_first_token);
  out.Family("hob_time_between_tokens_seconds", "histogram", "Between two tokens of an answer.");
  out.Values(m.time_between_tokens);
  out.Family("hob_step_answers", "histogram", "Answers and prompts that shared a pass.");
  out.Values(m.answers_in_step);
}

}  // namespace tool::serve
