// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <hob/hob_experimental.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tools/serve/exchange.h"

namespace tool::serve {

struct EmbeddingRequest {
  std::string model;
  std::vector<std::string> texts;
  bool base64 = false;
};

// Throws ApiError 400. `dimension` is the only one that may be asked for.
EmbeddingRequest ParseEmbeddingRequest(std::string_view body, int32_t dimension);

// "AQID" for 1, 2, 3.
std::string Base64(const void* data, size_t size);

// Texts to vectors, one request after the other, on a thread of its own; passes over the encoder
// take turns with those of answers.
class EmbeddingQueue {
 public:
  using Deliver = std::function<void(std::vector<Delivery>)>;

  // At most `most` requests wait. The model outlives this.
  EmbeddingQueue(hob::Embedder embedder, std::string model_id, size_t most, Deliver deliver);
  ~EmbeddingQueue();

  const std::string& model_id() const { return model_id_; }
  // False if too many wait. Any thread.
  bool Submit(std::shared_ptr<Exchange> exchange, std::string body);

 private:
  struct Arrival {
    std::shared_ptr<Exchange> exchange;
    std::string body;
  };
  void Run();
  std::string Answer(const std::string& body) const;  // throws ApiError

  const hob::Embedder embedder_;
  const std::string model_id_;
  const size_t most_;
  const Deliver deliver_;
  int32_t dimension_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Arrival> arrivals_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace tool::serve
