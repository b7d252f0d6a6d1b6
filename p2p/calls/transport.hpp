// What a protocol core needs of a network for calls: over real connections (p2p/net) or in a simulator, the same cores
// run. Everything happens on one thread and nothing is answered from inside the call that asked for it.
#pragma once

#include "p2p/calls/unary.hpp"
#include "p2p/wire/peer_id.hpp"

namespace micro::p2p {

/// A call of somebody else, by a number that this end gave it.
struct IncomingCall {
  CallId id = 0;
  PeerId from;
  std::string method;
  Bytes body;
  Instant deadline;
};

/// Who uses it hears this.
class CallHandler {
 public:
  virtual ~CallHandler() = default;
  /// Of a call that was made and not cancelled, exactly once. kUnknownOutcome where it may have been worked on.
  virtual void on_result(CallId id, Result<Bytes> result) = 0;
  /// To be answered with `reply`, now or later.
  virtual void on_call(IncomingCall call) = 0;
  /// The asker has lost interest or its deadline has passed: an answer would be dropped.
  virtual void on_cancelled(CallId id) = 0;
  /// A peer that was busy takes calls again.
  virtual void on_ready(const PeerId& peer) = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;
  /// kUnreachable for a peer that is not connected, kBusy where too much is under way: `on_ready` follows. kLimit.
  virtual Result<CallId> call(const PeerId& peer, std::string method, Bytes body, Instant deadline) = 0;
  virtual void cancel(CallId id) = 0;
  virtual void reply(CallId id, Result<Bytes> result) = 0;
};

}  // namespace micro::p2p
