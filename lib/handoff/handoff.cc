// SPDX-License-Identifier: Apache-2.0
#include "lib/handoff/handoff.h"

#include <algorithm>
#include <utility>

#include "lib/base/battery.h"
#include "lib/handoff/asking.h"

namespace hob::handoff {
namespace {

Status OptionError(std::string_view name, std::string_view what) {
  return Error(StatusCode::kInvalidArgument, Concat("hand-off option ", name, " ", what));
}

Status CheckOptions(const Options& options) {
  const Policy& policy = options.policy;
  if (options.model.empty()) return OptionError("model", "is empty");
  if (policy.max_prompt_tokens < 0) return OptionError("max_prompt_tokens", "is below 0");
  if (policy.max_queue_depth < 0) return OptionError("max_queue_depth", "is below 0");
  if (policy.min_battery_percent < 0 || policy.min_battery_percent > 100) {
    return OptionError("min_battery_percent", "is not 0 to 100");
  }
  if (!(policy.max_mean_entropy >= 0 && policy.max_mean_entropy < 1000)) {
    return OptionError("max_mean_entropy", "is not a number from 0 on");
  }
  constexpr int32_t kMostJudged = 1024;
  if (policy.judge_tokens < 1 || policy.judge_tokens > kMostJudged) {
    return OptionError("judge_tokens", Concat("is not 0 to ", kMostJudged));
  }
  constexpr int32_t kMostRetries = 10;
  if (options.retries < 0 || options.retries > kMostRetries) {
    return OptionError("retries", Concat("is not -1 to ", kMostRetries));
  }
  if (options.breaker_failures < 1) return OptionError("breaker_failures", "is below 0");
  if (!options.api_key.empty() && !options.key_file.empty()) {
    return OptionError("key_file", "is set beside api_key");
  }
  return absl::OkStatus();
}

// A local answer whose beginning is held back until it was judged.
class Judging {
 public:
  Judging(Session& session, const Policy& policy, Delivery& delivery)
      : session_(session), judge_(policy), delivery_(delivery) {}

  // False: it was doubtful, and has not happened. One that ends too early to be judged stands.
  StatusOr<bool> Run(const GenerateOptions& options) {
    HOB_RETURN_IF_ERROR(session_.Start(options));
    // The callback may throw.
    struct Guard {
      Session& session;
      ~Guard() { session.Undo(); }
    } const guard{session_};
    while (true) {
      const Piece* piece = nullptr;
      HOB_ASSIGN_OR_RETURN(const PieceKind kind, session_.Poll(Clock::time_point::max(), &piece));
      if (kind == PieceKind::kEnd) {
        HandOut();
        return true;
      }
      if (judged_) {
        if (!delivery_.Give(*piece)) session_.Cancel();
        continue;
      }
      held_.push_back(*piece);
      if (piece->token >= 0) judge_.Add(static_cast<double>(piece->entropy));
      if (!judge_.done()) continue;
      if (judge_.doubts()) {
        session_.TakeBack();
        return false;
      }
      judged_ = true;
      HandOut();
    }
  }

  const Judge& judge() const { return judge_; }

 private:
  void HandOut() {
    for (const Piece& piece : held_) {
      if (delivery_.Give(piece)) continue;
      session_.Cancel();
      break;
    }
    held_.clear();
  }

  Session& session_;
  Judge judge_;
  Delivery& delivery_;
  std::vector<Piece> held_;
  bool judged_ = false;
};

// The app's options for the local model, as part of an answer that began at `start`.
GenerateOptions LocalOptions(const GenerateOptions& options, Clock::time_point start,
                             Delivery& delivery) {
  GenerateOptions local = options;
  local.armed = true;
  local.on_token = [&delivery](const Piece& piece) { return delivery.Give(piece); };
  if (options.max_time.count() > 0) {
    // Its time runs since then; where it is over, the local model says so.
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(start + options.max_time - Clock::now());
    local.max_time = std::max(left, std::chrono::milliseconds{1});
  }
  return local;
}

void TakeCounts(const Session& session, Report& report) {
  const GenerateResult& counts = session.stats().counts;
  report.source = counts.generated_tokens > 0 ? Source::kLocal : Source::kNone;
  report.finish_reason = counts.finish_reason;
  report.prompt_tokens = counts.prompt_tokens;
  report.generated_tokens = counts.generated_tokens;
}

}  // namespace

StatusOr<std::shared_ptr<Handoff>> Handoff::Create(std::shared_ptr<Runtime> runtime,
                                                   Options options) {
  HOB_RETURN_IF_ERROR(CheckOptions(options));
  StatusOr<Endpoint> endpoint = ParseEndpoint(options.url, options.allow_http);
  if (!endpoint.ok()) return Annotate(endpoint.status(), "hand-off option url");
  endpoint->model = options.model;
  if (options.key_file.empty()) {
    endpoint->api_key = std::move(options.api_key);
    const Status fits = CheckApiKey(endpoint->api_key);
    if (!fits.ok()) return Annotate(fits, "hand-off option api_key");
  } else {
    auto key = ReadKeyFile(options.key_file);
    if (!key.ok()) return Annotate(key.status(), "hand-off option key_file");
    endpoint->api_key = *std::move(key);
  }
  options.api_key.clear();
  if (options.battery == nullptr) options.battery = [] { return BatteryPercent(); };
  return std::shared_ptr<Handoff>(
      new Handoff(std::move(runtime), std::move(options), *std::move(endpoint)));
}

Handoff::Handoff(std::shared_ptr<Runtime> runtime, Options options, Endpoint endpoint)
    : runtime_(std::move(runtime)),
      options_(std::move(options)),
      endpoint_(std::move(endpoint)),
      consent_(options_.consent),
      breaker_(options_.breaker_failures, options_.breaker_cooldown) {}

std::pair<CircuitBreaker::State, uint64_t> Handoff::breaker() const {
  const std::lock_guard lock(mutex_);
  return {breaker_.state(), breaker_.opened()};
}

Reason Handoff::Before(const Session& session) const {
  Situation now;
  // Why a prompt cannot be made, the local answer tells.
  if (const auto tokens = session.CountPrompt(); tokens.ok()) now.prompt_tokens = *tokens;
  if (!session.rolls()) now.context_tokens = static_cast<size_t>(session.context_tokens());
  now.waiting =
      session.model().runtime().scheduler().metrics().waiting.load(std::memory_order_relaxed);
  if (options_.policy.min_battery_percent > 0) now.battery_percent = options_.battery();
  return Decide(options_.policy, now);
}

Status Handoff::Answer(Session& session, Mode mode, const GenerateOptions& options,
                       Report& report) {
  const Status status = Choose(session, mode, options, report);
  if (!status.ok()) {
    report.source = Source::kNone;
    Metrics::Add(counts_.failed);
  } else if (report.source != Source::kNone) {
    Metrics::Add(report.source == Source::kLocal ? counts_.local : counts_.remote);
  }
  Metrics::AddAt(counts_.reasons, static_cast<size_t>(report.reason));
  Metrics::AddAt(counts_.fallbacks, static_cast<size_t>(report.fallback));
  session.KeepNote(std::string(report.remote_status.message()));
  if (!report.remote_status.ok()) {
    runtime_->Log(LogLevel::kWarning, Concat("hand-off: ", session.note()));
  }
  return status;
}

Status Handoff::Choose(Session& session, Mode mode, const GenerateOptions& options,
                       Report& report) {
  session.Arm();
  const Clock::time_point start = Clock::now();
  Delivery delivery(options, start, report);
  Asking asking(*this, session, options, start, delivery, report);
  if (mode == Mode::kRemote) report.reason = Reason::kRequested;
  if (mode == Mode::kAuto) report.reason = Before(session);

  bool ask = report.reason != Reason::kNone && asking.Possible();
  if (mode == Mode::kAuto && report.reason == Reason::kNone &&
      options_.policy.max_mean_entropy > 0 && asking.CanAsk()) {
    Judging judging(session, options_.policy, delivery);
    GenerateOptions local = LocalOptions(options, start, delivery);
    local.entropy_tokens = options_.policy.judge_tokens;
    const StatusOr<bool> stands = judging.Run(local);
    report.judged_tokens = judging.judge().tokens();
    report.mean_entropy = judging.judge().mean();
    HOB_RETURN_IF_ERROR(stands.status());
    if (*stands) {
      TakeCounts(session, report);
      return absl::OkStatus();
    }
    report.reason = Reason::kEntropy;
    ask = asking.Possible();
  }
  if (ask) {
    const Asking::End end = asking.Run();
    if (end == Asking::End::kFailed) {
      return Error(report.remote_status.code(),
                   Concat("the answer broke off after ", report.delivered_bytes,
                          " bytes: ", report.remote_status.message()),
                   "Ask again: pieces of two models are not joined.");
    }
    if (end != Asking::End::kLocal) {
      std::string text = asking.TakeText();
      if (text.empty()) return absl::OkStatus();
      report.source = Source::kRemote;
      return session.AppendAnswer(std::move(text));
    }
  }
  const auto result = session.Generate(LocalOptions(options, start, delivery));
  HOB_RETURN_IF_ERROR(result.status());
  TakeCounts(session, report);
  return absl::OkStatus();
}

}  // namespace hob::handoff
