// SPDX-License-Identifier: Apache-2.0
// libcurl's newer names of some options are not in the libraries of every system.
#define CURL_DISABLE_DEPRECATION
#include "lib/handoff/http_client.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "lib/base/contain.h"
#include "lib/handoff/chat_response.h"

namespace hob::handoff {
namespace {

using Clock = HttpTimes::Clock;
using std::chrono::milliseconds;

constexpr size_t kMaxHeaderBytes = 64u << 10;
constexpr size_t kMaxErrorBytes = 16u << 10;
constexpr size_t kMaxPendingBytes = 16u << 20;
constexpr int kPollMs = 20;

// One request. What libcurl calls only puts bytes aside: they are looked at outside of its frames,
// which no exception may pass.
class Exchange {
 public:
  Exchange(const CurlLibrary& curl, const Endpoint& endpoint, std::string_view body)
      : curl_(curl), endpoint_(endpoint), body_(body) {}
  ~Exchange() {
    if (added_) curl_.multi_remove_handle(multi_, easy_);
    if (easy_ != nullptr) curl_.easy_cleanup(easy_);
    if (multi_ != nullptr) curl_.multi_cleanup(multi_);
    if (headers_ != nullptr) curl_.slist_free_all(headers_);
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  HttpResult Run(const HttpTimes& times, const std::function<bool()>& stop, HttpBody& response);

 private:
  Status Prepare(const HttpTimes& times);
  bool AddHeader(const std::string& line);
  template <typename T>
  void Set(CURLoption option, T value) {
    if (curl_.easy_setopt(easy_, option, value) != CURLE_OK) failed_ = true;
  }
  // Hands out what was put aside; false: no more is wanted.
  StatusOr<bool> HandOut(HttpBody& response);
  // The status of a response that is not 200.
  Status Refusal() const;
  // The status of a transfer that ended so.
  Status Failure(CURLcode code, bool* may_retry) const;
  bool RetryLater() const;

  static size_t OnHeader(char* data, size_t, size_t size, void* self);
  static size_t OnBody(char* data, size_t, size_t size, void* self);

  const CurlLibrary& curl_;
  const Endpoint& endpoint_;
  const std::string_view body_;
  CURL* easy_ = nullptr;
  CURLM* multi_ = nullptr;
  curl_slist* headers_ = nullptr;
  bool added_ = false, failed_ = false;

  size_t header_bytes_ = 0;
  long http_status_ = 0;
  std::optional<milliseconds> retry_after_;
  bool streams_ = false, began_ = false, too_long_ = false;
  std::string pending_, error_body_;
};

Status OutOfMemory() {
  return Error(StatusCode::kResourceExhausted, "libcurl has no memory for a request");
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

size_t Exchange::OnHeader(char* data, size_t, size_t size, void* self) {
  auto& to = *static_cast<Exchange*>(self);
  to.header_bytes_ += size;
  if (to.header_bytes_ > kMaxHeaderBytes) {
    to.too_long_ = true;
    return 0;
  }
  const Status status = Contain([&] {
    const std::string line = Lower(std::string_view(data, size));
    if (line.substr(0, 5) == "http/") {  // of the response that follows one such as 100
      to.retry_after_.reset();
      to.streams_ = false;
    }
    constexpr std::string_view kRetry = "retry-after:", kType = "content-type:";
    if (line.substr(0, kType.size()) == kType) {
      to.streams_ = line.find("text/event-stream") != std::string::npos;
    } else if (line.substr(0, kRetry.size()) == kRetry) {
      // Seconds; a date is left out of account.
      int64_t seconds = -1;
      for (const char c : std::string_view(line).substr(kRetry.size())) {
        if (c >= '0' && c <= '9') {
          seconds = std::min<int64_t>(std::max<int64_t>(seconds, 0) * 10 + (c - '0'), 1'000'000);
        } else if (c != ' ' && c != '\r' && c != '\n') {
          seconds = -1;
          break;
        }
      }
      if (seconds >= 0) to.retry_after_ = std::chrono::seconds(seconds);
    }
    return absl::OkStatus();
  });
  return status.ok() ? size : 0;
}

size_t Exchange::OnBody(char* data, size_t, size_t size, void* self) {
  auto& to = *static_cast<Exchange*>(self);
  if (to.pending_.size() + size > kMaxPendingBytes) {
    to.too_long_ = true;
    return 0;
  }
  const Status status = Contain([&] {
    to.pending_.append(data, size);
    return absl::OkStatus();
  });
  return status.ok() ? size : 0;
}

bool Exchange::AddHeader(const std::string& line) {
  curl_slist* longer = curl_.slist_append(headers_, line.c_str());
  if (longer != nullptr) headers_ = longer;
  return longer != nullptr;
}

Status Exchange::Prepare(const HttpTimes& times) {
  easy_ = curl_.easy_init();
  multi_ = curl_.multi_init();
  if (easy_ == nullptr || multi_ == nullptr) return OutOfMemory();
  bool added = AddHeader("Content-Type: application/json") &&
               AddHeader("Accept: text/event-stream") &&
               AddHeader("Expect:");  // do not wait to be asked for the body
  if (!endpoint_.api_key.empty()) {
    added = added && AddHeader(Concat("Authorization: Bearer ", endpoint_.api_key));
  }
  if (!added) return OutOfMemory();
  Set(CURLOPT_URL, endpoint_.url.c_str());
  Set(CURLOPT_HTTPHEADER, headers_);
  Set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body_.size()));
  // Its size is set.
  Set(CURLOPT_POSTFIELDS, body_.data());  // NOLINT(bugprone-suspicious-stringview-data-usage)
  Set(CURLOPT_NOSIGNAL, 1L);
  Set(CURLOPT_FOLLOWLOCATION, 0L);
  Set(CURLOPT_SSL_VERIFYPEER, 1L);
  Set(CURLOPT_SSL_VERIFYHOST, 2L);
  Set(CURLOPT_PROTOCOLS, static_cast<long>(endpoint_.plain ? CURLPROTO_HTTP : CURLPROTO_HTTPS));
  // In the clear, a proxy of the environment would read all.
  if (endpoint_.plain) Set(CURLOPT_PROXY, "");
  Set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(times.connect.count()));
  Set(CURLOPT_USERAGENT, "hob");
  Set(CURLOPT_HEADERFUNCTION, &Exchange::OnHeader);
  Set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  Set(CURLOPT_WRITEFUNCTION, &Exchange::OnBody);
  Set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  if (failed_) {
    return Error(StatusCode::kInternal, "libcurl does not take the request's options");
  }
  if (curl_.multi_add_handle(multi_, easy_) != CURLM_OK) return OutOfMemory();
  added_ = true;
  return absl::OkStatus();
}

StatusOr<bool> Exchange::HandOut(HttpBody& response) {
  if (pending_.empty()) return true;
  std::string bytes;
  bytes.swap(pending_);
  if (http_status_ == 0) curl_.easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &http_status_);
  if (http_status_ != 200) {
    error_body_.append(bytes, 0, kMaxErrorBytes - std::min(kMaxErrorBytes, error_body_.size()));
    return error_body_.size() < kMaxErrorBytes;
  }
  if (!std::exchange(began_, true)) response.Begin(streams_);
  return response.Push(bytes);
}

bool Exchange::RetryLater() const {
  return http_status_ == 408 || http_status_ == 429 || http_status_ == 500 ||
         (http_status_ >= 502 && http_status_ <= 504);
}

Status Exchange::Refusal() const {
  const long code = http_status_;
  const std::string where = Concat(endpoint_.host, " answered with HTTP status ", code);
  // What servers say of a wrong key may spell it, or parts of it.
  if (code == 401) {
    return Error(StatusCode::kUnauthenticated, Concat(where, ": it does not know the API key"),
                 "Check the key.");
  }
  if (code == 403) {
    return Error(StatusCode::kPermissionDenied, Concat(where, ": the API key may not do this"));
  }
  if (code >= 300 && code < 400) {
    return Error(StatusCode::kFailedPrecondition,
                 Concat(where, ", a redirect, which is not followed: the key goes nowhere else"),
                 "Give the URL that it leads to.");
  }
  StatusCode kind = code >= 500 ? StatusCode::kUnavailable : StatusCode::kInvalidArgument;
  if (code == 404) kind = StatusCode::kNotFound;
  if (code == 408 || code == 504) kind = StatusCode::kDeadlineExceeded;
  if (code == 429) kind = StatusCode::kResourceExhausted;
  if (code < 300) kind = StatusCode::kDataLoss;
  const std::string message = WithoutKey(ErrorMessageOf(error_body_), endpoint_.api_key);
  return Error(kind, Concat(where, message.empty() ? "" : ": ", message));
}

Status Exchange::Failure(CURLcode code, bool* may_retry) const {
  const std::string what = Concat(endpoint_.host, ": ", curl_.easy_strerror(code));
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      *may_retry = true;
      return Error(StatusCode::kUnavailable, what);
    case CURLE_OPERATION_TIMEDOUT:
      *may_retry = true;
      return Error(StatusCode::kDeadlineExceeded, what);
    case CURLE_OUT_OF_MEMORY:
      return OutOfMemory();
    case CURLE_PEER_FAILED_VERIFICATION:
      return Error(StatusCode::kFailedPrecondition,
                   Concat(endpoint_.host, ": its certificate is not trusted"),
                   "Nothing was sent. Check the URL, the system's clock and its certificates.");
    default:
      return Error(StatusCode::kUnavailable, what);
  }
}

HttpResult Exchange::Run(const HttpTimes& times, const std::function<bool()>& stop,
                         HttpBody& response) {
  HttpResult result;
  result.status = Prepare(times);
  if (!result.status.ok()) return result;
  Clock::time_point last = Clock::now();
  bool wanted = true;
  int running = 1;
  while (wanted && running > 0) {
    if (stop()) {
      result.status = Error(StatusCode::kCancelled, "the answer was cancelled");
      break;
    }
    const Clock::time_point now = Clock::now();
    if (now >= times.deadline || now - last >= times.idle) {
      result.status =
          Error(StatusCode::kDeadlineExceeded,
                Concat(endpoint_.host, now >= times.deadline ? " did not answer in time"
                                                             : " sent nothing for too long"));
      result.may_retry = true;
      break;
    }
    if (curl_.multi_perform(multi_, &running) != CURLM_OK) {
      result.status = OutOfMemory();
      break;
    }
    const bool came = !pending_.empty();
    auto more = HandOut(response);
    if (!more.ok()) {
      result.status = more.status();
      break;
    }
    wanted = *more;
    if (came) last = Clock::now();
    if (wanted && running > 0) curl_.multi_poll(multi_, nullptr, 0, kPollMs, nullptr);
  }
  curl_.easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &http_status_);
  result.http_status = static_cast<int32_t>(http_status_);
  if (result.status.ok() && wanted) {
    int left = 0;
    CURLcode code = CURLE_OK;
    while (const CURLMsg* message = curl_.multi_info_read(multi_, &left)) {
      if (message->msg == CURLMSG_DONE) code = message->data.result;
    }
    if (too_long_) {
      result.status = Error(StatusCode::kResourceExhausted, "the endpoint's answer has no end");
    } else if (code != CURLE_OK && (http_status_ == 0 || http_status_ == 200)) {
      result.status = Failure(code, &result.may_retry);
    }
  }
  if (result.status.ok() && http_status_ != 200) {
    result.status = Refusal();
    result.may_retry = RetryLater();
    result.retry_after = retry_after_;
  }
  return result;
}

}  // namespace

HttpResult PostJson(const CurlLibrary& curl, const Endpoint& endpoint, std::string_view body,
                    const HttpTimes& times, const std::function<bool()>& stop, HttpBody& response) {
  return Exchange(curl, endpoint, body).Run(times, stop, response);
}

}  // namespace hob::handoff
