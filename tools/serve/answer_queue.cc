// SPDX-License-Identifier: Apache-2.0
#include "tools/serve/answer_queue.h"

#include <random>
#include <utility>

#include "tools/serve/json.h"

namespace tool::serve {
namespace {

template <typename T>
T Must(hob::Result<T> result) {
  if (!result.ok()) throw FromHob(result.error());
  return std::move(*result);
}
void Must(hob::Result<void> result) {
  if (!result.ok()) throw FromHob(result.error());
}

uint64_t RandomSeed() {
  thread_local std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

}  // namespace

AnswerQueue::AnswerQueue(const hob::Model& model, std::string model_id,
                         const RequestDefaults& defaults, const AnswerLimits& limits,
                         AnswerPump::Deliver deliver)
    : model_(model),
      model_id_(std::move(model_id)),
      defaults_(defaults),
      limits_(limits),
      deliver_(std::move(deliver)),
      grammars_(model),
      pump_(model_, deliver_,
            [this](size_t choices) {
              running_.fetch_sub(choices, std::memory_order_relaxed);
              active_.fetch_sub(1, std::memory_order_release);
              // The lock, so that the wake-up does not come between the look and the wait.
              {
                const std::lock_guard lock(mutex_);
              }
              changed_.notify_one();
            }),
      thread_([this] { Run(); }) {}

AnswerQueue::~AnswerQueue() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

bool AnswerQueue::Submit(std::shared_ptr<Exchange> exchange, std::string body, bool chat) {
  if (active_.fetch_add(1, std::memory_order_relaxed) >= limits_.parallel + limits_.queued) {
    active_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  {
    const std::lock_guard lock(mutex_);
    arrivals_.push_back({std::move(exchange), std::move(body), chat});
  }
  changed_.notify_one();
  return true;
}

void AnswerQueue::CancelAll(const ApiError& error) {
  {
    const std::lock_guard lock(mutex_);
    cancel_ = std::make_unique<ApiError>(error);
  }
  changed_.notify_one();
  pump_.CancelAll(error);
}

void AnswerQueue::Refuse(const std::shared_ptr<Exchange>& exchange, const ApiError& error) {
  Delivery delivery{exchange, Delivery::Kind::kFail, {}};
  delivery.error = std::make_shared<ApiError>(error);
  active_.fetch_sub(1, std::memory_order_release);
  std::vector<Delivery> deliveries;
  deliveries.push_back(std::move(delivery));
  deliver_(std::move(deliveries));
}

void AnswerQueue::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    const auto fits = [&] {
      return !waiting_.empty() &&
             running_.load(std::memory_order_relaxed) + waiting_.front()->request().choices() <=
                 limits_.parallel;
    };
    changed_.wait(lock,
                  [&] { return ending_ || cancel_ != nullptr || fits() || !arrivals_.empty(); });
    if (ending_) return;
    if (cancel_ != nullptr) {
      const auto error = std::move(cancel_);
      const auto arrivals = std::exchange(arrivals_, {});
      const auto waiting = std::exchange(waiting_, {});
      lock.unlock();
      for (const Arrival& each : arrivals) Refuse(each.exchange, *error);
      for (const auto& each : waiting) Refuse(each->exchange_pointer(), *error);
    } else if (fits()) {
      std::unique_ptr<Answer> answer = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      Start(std::move(answer));
    } else {
      Arrival arrival = std::move(arrivals_.front());
      arrivals_.pop_front();
      lock.unlock();
      std::unique_ptr<Answer> answer = Read(arrival);
      if (answer != nullptr) {
        lock.lock();
        waiting_.push_back(std::move(answer));
        continue;
      }
    }
    lock.lock();
  }
}

std::unique_ptr<Answer> AnswerQueue::Read(Arrival& arrival) {
  try {
    GenerationRequest request = arrival.chat ? ParseChatRequest(arrival.body, defaults_)
                                             : ParseCompletionRequest(arrival.body, defaults_);
    if (request.model != model_id_) {
      throw ApiError(
          404, "model_not_found",
          "this server has no model " + request.model.substr(0, 128) + ", but " + model_id_,
          "model");
    }
    if (request.choices() > limits_.parallel) {
      throw ApiError(400, "invalid_value",
                     "n is above the " + std::to_string(limits_.parallel) +
                         " answers that this server gives at a time",
                     "n");
    }
    auto answer = std::make_unique<Answer>(arrival.exchange, std::move(request), model_id_);
    answer->received = arrival.received;
    return answer;
  } catch (const ApiError& error) {
    Refuse(arrival.exchange, error);
  } catch (const std::exception& error) {  // memory
    Refuse(arrival.exchange, ApiError(500, "internal_error", error.what()));
  }
  return nullptr;
}

hob::Session AnswerQueue::MakeSession(const GenerationRequest& request, size_t choice,
                                      const hob::Tools* tools) {
  hob_sampler_options sampler = request.sampler;
  if (!request.seeded) sampler.seed = RandomSeed();
  // Each of the n answers to a prompt is another one, and the same with the same seed.
  const size_t n = static_cast<size_t>(request.n);
  sampler.seed += uint64_t{0x9E3779B97F4A7C15} * (choice % n);
  hob_session_options options = HOB_SESSION_OPTIONS_INIT;
  options.context_tokens = limits_.context_tokens;
  options.sampler = &sampler;
  hob::Session session = Must(hob::Session::Create(model_, options));
  if (request.chat) {
    for (const Message& message : request.messages) {
      Must(hob::AddMessage(session, message.role, message.text, message.fields));
    }
    if (tools != nullptr) {
      hob_tool_use use = HOB_TOOL_USE_INIT;
      use.choice = request.tools.choice;
      use.only = hob::FromView(request.tools.only);
      use.single = request.tools.parallel ? 0 : 1;
      Must(hob::SetTools(session, *tools, use));
    }
    return session;
  }
  const Prompt& prompt = request.prompts[choice / n];
  if (const auto* text = std::get_if<std::string>(&prompt)) {
    Must(session.AddText(*text, HOB_TEXT_ADD_SPECIAL));
  } else {
    Must(session.AddTokens(std::get<std::vector<int32_t>>(prompt)));
  }
  return session;
}

void AnswerQueue::Start(std::unique_ptr<Answer> answer) {
  const GenerationRequest& request = answer->request();
  const size_t count = request.choices();
  if (answer->exchange().gone.load(std::memory_order_relaxed)) {
    active_.fetch_sub(1, std::memory_order_release);
    return;
  }
  try {
    const std::shared_ptr<hob::Grammar> grammar = grammars_.Get(request.format);
    const std::shared_ptr<hob::Tools> tools = grammars_.Get(request.tools);
    std::vector<hob_string> stops;
    for (const std::string& stop : request.stops) stops.push_back({stop.data(), stop.size()});
    hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
    options.max_tokens = request.max_tokens;
    options.stops = stops.data();
    options.stop_count = stops.size();
    options.ignore_eos = request.ignore_eos ? 1 : 0;
    options.logprobs = request.logprobs ? 1 : 0;
    options.top_logprobs = request.top_logprobs;
    options.grammar = grammar == nullptr ? nullptr : grammar->get();
    options.max_time_ms = limits_.answer_seconds * 1000;
    answer->begun = Answer::Clock::now();
    for (size_t i = 0; i < count; ++i) {
      answer->choices().emplace_back(MakeSession(request, i, tools.get()), request.chat);
      Must(answer->choices().back().session.Start(options));
    }
  } catch (const ApiError& error) {
    Refuse(answer->exchange_pointer(), error);
    return;
  } catch (const std::exception& error) {
    Refuse(answer->exchange_pointer(), ApiError(500, "internal_error", error.what()));
    return;
  }
  running_.fetch_add(count, std::memory_order_relaxed);
  pump_.Add(std::move(answer));
}

}  // namespace tool::serve
