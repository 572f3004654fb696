// SPDX-License-Identifier: Apache-2.0
#include "tools/serve/embedding_queue.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "tools/serve/fields.h"

namespace tool::serve {
namespace {

constexpr size_t kMostTexts = 2048;  // as the protocol has it

void AppendFloats(std::string& out, const float* values, size_t count) {
  char text[24];
  out.push_back('[');
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) out.push_back(',');
    // Nine digits hold every float; JSON has no NaN.
    const int size = std::snprintf(text, sizeof(text), "%.9g",
                                   std::isfinite(values[i]) ? static_cast<double>(values[i]) : 0.0);
    out.append(text, static_cast<size_t>(size));
  }
  out.push_back(']');
}

}  // namespace

EmbeddingRequest ParseEmbeddingRequest(std::string_view body, int32_t dimension) {
  const Json object = ParseObject(body);
  Fields fields(object, "");
  EmbeddingRequest request;
  const std::string* model = fields.Text("model");
  if (model == nullptr) fields.Fail("model", "is missing", "missing_required_parameter");
  request.model = *model;
  const Json* input = fields.Get("input");
  if (input == nullptr) fields.Fail("input", "is missing", "missing_required_parameter");
  const Json list = input->is_array() ? *input : Json::array({*input});
  if (list.empty() || list.size() > kMostTexts) {
    fields.Fail("input", "has no text, or more than " + std::to_string(kMostTexts));
  }
  for (const Json& text : list) {
    if (!text.is_string()) fields.Fail("input", "is not a text or a list of texts", "unsupported");
    request.texts.push_back(text.get<std::string>());
  }
  if (const std::string* format = fields.Text("encoding_format")) {
    if (*format != "float" && *format != "base64") {
      fields.Fail("encoding_format", "is not float or base64");
    }
    request.base64 = *format == "base64";
  }
  if (const auto wanted = fields.Integer("dimensions", 1, INT32_MAX);
      wanted && *wanted != dimension) {
    fields.Fail("dimensions", "is not the model's " + std::to_string(dimension), "unsupported");
  }
  fields.Accept("user");
  fields.Finish();
  return request;
}

std::string Base64(const void* data, size_t size) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto* bytes = static_cast<const unsigned char*>(data);
  std::string out;
  out.reserve((size + 2) / 3 * 4);
  for (size_t i = 0; i < size; i += 3) {
    const size_t left = std::min<size_t>(3, size - i);
    uint32_t bits = uint32_t{bytes[i]} << 16;
    if (left > 1) bits |= uint32_t{bytes[i + 1]} << 8;
    if (left > 2) bits |= bytes[i + 2];
    for (size_t digit = 0; digit < 4; ++digit) {
      out.push_back(digit <= left ? kDigits[(bits >> (18 - 6 * digit)) & 63] : '=');
    }
  }
  return out;
}

EmbeddingQueue::EmbeddingQueue(hob::Embedder embedder, std::string model_id, size_t most,
                               Deliver deliver)
    : embedder_(std::move(embedder)),
      model_id_(std::move(model_id)),
      most_(most),
      deliver_(std::move(deliver)) {
  if (const auto info = embedder_.Info(); info.ok()) dimension_ = info->dimension;
  thread_ = std::thread([this] { Run(); });
}

EmbeddingQueue::~EmbeddingQueue() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

bool EmbeddingQueue::Submit(std::shared_ptr<Exchange> exchange, std::string body) {
  {
    const std::lock_guard lock(mutex_);
    if (arrivals_.size() > most_) return false;
    arrivals_.push_back({std::move(exchange), std::move(body)});
  }
  changed_.notify_one();
  return true;
}

void EmbeddingQueue::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return ending_ || !arrivals_.empty(); });
    if (ending_) return;
    Arrival arrival = std::move(arrivals_.front());
    arrivals_.pop_front();
    lock.unlock();
    if (!arrival.exchange->gone.load(std::memory_order_relaxed)) {
      std::vector<Delivery> deliveries;
      deliveries.push_back({arrival.exchange, Delivery::Kind::kRespond, {}});
      try {
        deliveries[0].text = Answer(arrival.body);
      } catch (const ApiError& error) {
        deliveries[0].kind = Delivery::Kind::kFail;
        deliveries[0].error = std::make_shared<ApiError>(error);
      } catch (const std::exception& error) {  // memory
        deliveries[0].kind = Delivery::Kind::kFail;
        deliveries[0].error = std::make_shared<ApiError>(500, "internal_error", error.what());
      }
      deliver_(std::move(deliveries));
    }
    arrival = {};
    lock.lock();
  }
}

std::string EmbeddingQueue::Answer(const std::string& body) const {
  const EmbeddingRequest request = ParseEmbeddingRequest(body, dimension_);
  if (request.model != model_id_) {
    throw ApiError(404, "model_not_found", "the model for embeddings here is " + model_id_,
                   "model");
  }
  const std::vector<std::string_view> texts(request.texts.begin(), request.texts.end());
  uint64_t tokens = 0;
  const auto vectors = embedder_.Embed(texts, &tokens);
  if (!vectors.ok()) {
    ApiError error = FromHob(vectors.error());
    if (error.status == 400) error.param = "input";
    throw error;
  }
  const auto dimension = static_cast<size_t>(dimension_);
  std::string out = R"({"object":"list","data":[)";
  for (size_t i = 0; i < texts.size(); ++i) {
    const float* vector = vectors->data() + i * dimension;
    if (i > 0) out.push_back(',');
    out.append(R"({"object":"embedding","index":)").append(std::to_string(i));
    out.append(R"(,"embedding":)");
    if (request.base64) {
      out.append("\"").append(Base64(vector, dimension * sizeof(float))).append("\"");
    } else {
      AppendFloats(out, vector, dimension);
    }
    out.push_back('}');
  }
  const std::string count = std::to_string(tokens);
  out.append(R"(],"model":)").append(Quoted(model_id_));
  out.append(R"(,"usage":{"prompt_tokens":)").append(count);
  return out.append(R"(,"total_tokens":)").append(count).append("}}");
}

}  // namespace tool::serve
