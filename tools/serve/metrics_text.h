// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <hob/hob_experimental.hpp>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace tool::serve {

// Figures in Prometheus's text format (0.0.4), one family after the other.
class MetricsText {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  // Of the values that follow; `type` is counter, gauge or histogram.
  void Family(std::string_view name, std::string_view type, std::string_view help);
  void Value(double value, Labels labels = {});
  void Values(const hob_histogram& histogram);

  const std::string& text() const { return text_; }

 private:
  void Line(std::string_view suffix, double value, Labels labels);

  std::string text_, name_;
};

// What the server counts beside the runtime. On the server's thread.
struct HttpMetrics {
  std::map<std::pair<std::string_view, int>, uint64_t> requests;  // by path and status
  std::map<std::string_view, double> seconds;                     // by path
};

// Everything of hob_runtime_metrics.
void AppendRuntimeMetrics(MetricsText& out, const hob_runtime_metrics& metrics);

}  // namespace tool::serve
