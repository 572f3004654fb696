// SPDX-License-Identifier: Apache-2.0
// What is asked in a soak, and the right answers: each computed once, alone, by a runtime of its
// own.
#pragma once

#include <cstdint>
#include <hob/hob.hpp>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace hob::soak {

// One of a bounded number of questions; its numbers are all that the answer depends on.
struct Question {
  size_t model = 0;     // of the paths
  uint32_t prompt = 0;  // seed of the made-up tokens
  uint32_t kind = 0;    // of sampler and cache, below kKinds

  static constexpr uint32_t kPrompts = 24;
  static constexpr uint32_t kKinds = 6;
  static constexpr int32_t kTokens = 24;  // of each answer

  auto operator<=>(const Question&) const = default;
  std::vector<int32_t> Tokens() const;
  hob_sampler_options Sampler() const;
  // `sampler` lives as long as the options are used.
  hob_session_options Session(const hob_sampler_options& sampler) const;
  std::string Name() const;
};

class Answers {
 public:
  // Throws hob::Exception, as all of a soak does.
  explicit Answers(std::vector<std::string> paths);

  const std::vector<std::string>& paths() const { return paths_; }
  // The tokens of the whole answer, without the prompt. Any thread.
  const std::vector<int32_t>& Of(const Question& question);

 private:
  std::vector<std::string> paths_;
  std::mutex mutex_;
  Runtime runtime_;
  std::vector<Model> models_;
  std::map<Question, std::vector<int32_t>> known_;
};

}  // namespace hob::soak
