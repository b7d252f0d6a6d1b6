// Many small calls over one stream: the asker's side and the answerer's. Replies come in any order; each call has a
// deadline and may be cancelled. Bytes in, bytes out; time is an argument.
#pragma once

#include <algorithm>
#include <map>
#include <vector>

#include "chain/base/clock.hpp"
#include "p2p/calls/frames.hpp"

namespace micro::p2p {

inline constexpr std::size_t kMaxPendingCalls = 256;
inline constexpr std::size_t kQueuedCallBytes = 512 * 1'024;  ///< a caller hears kBusy while more waits for the stream
inline constexpr std::size_t kMaxRunningCalls = 64;
inline constexpr std::size_t kHeldCallBytes = 1'024 * 1'024;  ///< requests and replies of one peer; then it is not read

struct CallResult {
  CallId id = 0;
  Result<Bytes> result;
};

class UnaryClient {
 public:
  /// kBusy while too much is under way or waits to be sent: the caller holds back. kLimit for what is too large.
  Result<CallId> call(std::string method, Bytes body, Instant deadline, Instant now);
  /// Its result is of no interest any more: none comes. Twice is once.
  void cancel(CallId id);
  /// Takes all of it. An error ends the stream. Replies to calls that are over are passed over.
  Status feed(ByteView input);
  /// Calls that are late end with kUnknownOutcome: the other side may have done it.
  void expire(Instant now);
  /// The stream is gone: what was under way ends with this message and kUnknownOutcome.
  void closed(const std::string& why);
  /// What ended since; the caller clears it.
  std::vector<CallResult>& results() { return results_; }
  ByteQueue& output() { return output_; }
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  [[nodiscard]] std::size_t pending() const { return pending_.size(); }
  /// Whether `call` would take a small one.
  [[nodiscard]] bool may_call() const {
    return pending_.size() < kMaxPendingCalls && output_.size() < kQueuedCallBytes;
  }

 private:
  void end(CallId id, Result<Bytes> result);
  CallId next_id_ = 1;
  std::map<CallId, Instant> pending_;  // by their deadlines
  std::vector<CallResult> results_;
  FrameReader<CallFrame> reader_;
  ByteQueue output_;
};

struct IncomingRequest {
  CallId id = 0;
  std::string method;
  Bytes body;
  Instant deadline;
};

class UnaryServer {
 public:
  /// How much of it was taken: less than all while the requests at work and the replies on their way hold too much, or
  /// `most_running` are at work. The rest is fed again after `reply` or after output has left. An error ends the
  /// stream.
  Result<std::size_t> feed(ByteView input, Instant now, std::size_t most_running = kMaxRunningCalls);
  /// To work on; the caller clears it.
  std::vector<IncomingRequest>& requests() { return requests_; }
  /// No longer wanted, by the asker or by their deadline; the caller clears it.
  std::vector<CallId>& cancelled() { return cancelled_; }
  /// Of a call that is over it is dropped.
  void reply(CallId id, Result<Bytes> result);
  void expire(Instant now);
  [[nodiscard]] bool has_room(std::size_t most_running = kMaxRunningCalls) const {
    return running_.size() < std::min(most_running, kMaxRunningCalls) && held_bytes() < kHeldCallBytes;
  }
  /// What requests and replies hold, a reply that is not there yet as much as it may become.
  [[nodiscard]] std::size_t owed_bytes() const {
    return running_bytes_ + output_.size() + running_.size() * kMaxCallBytes;
  }
  ByteQueue& output() { return output_; }
  [[nodiscard]] std::size_t held_bytes() const { return running_bytes_ + output_.size() + reader_.held_bytes(); }
  [[nodiscard]] std::size_t running() const { return running_.size(); }
  [[nodiscard]] std::optional<Instant> next_deadline() const;

 private:
  struct Running {
    Instant deadline;
    std::size_t bytes = 0;
  };
  void forget(CallId id);
  CallId last_id_ = 0;
  std::map<CallId, Running> running_;
  std::size_t running_bytes_ = 0;
  std::vector<IncomingRequest> requests_;
  std::vector<CallId> cancelled_;
  FrameReader<CallFrame> reader_;
  ByteQueue output_;
};

}  // namespace micro::p2p
