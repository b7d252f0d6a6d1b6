// The port for streaming calls, beside `Transport` for unary ones: real connections (p2p/net) and simulators implement
// it. Everything happens on one thread and nothing is answered from inside the call that asked for it.
#pragma once

#include "p2p/calls/streaming.hpp"
#include "p2p/wire/peer_id.hpp"
#include "p2p/wire/stream_class.hpp"

namespace micro::p2p {

inline constexpr std::size_t kMaxStreamCallsOfPeer = 16;  ///< that one peer has under way here
inline constexpr std::size_t kMaxStreamCalls = 256;       ///< that all have: 64 MiB of items that nobody took

/// A streaming call of somebody else, by a number that this end gave it.
struct IncomingStream {
  CallId id = 0;
  PeerId from;
  std::string method;
  Instant deadline;
};

class StreamCallHandler {
 public:
  virtual ~StreamCallHandler() = default;
  /// To be worked on; both ends send, take and finish alike.
  virtual void on_open(IncomingStream call) = 0;
  /// There may be items to take, or room to send again.
  virtual void on_moved(CallId id) = 0;
  /// It ended: well, once both ends have finished and this one has taken everything; or why not. Exactly once of a call
  /// that this end did not abort. kUnknownOutcome where the deadline passed or the connection broke.
  virtual void on_over(CallId id, Status how) = 0;
};

class StreamTransport {
 public:
  virtual ~StreamTransport() = default;
  /// kUnreachable for a peer that is not connected, kLimit for a method that is too long. The other end may refuse it:
  /// kBusy in `on_over`. Items may be sent at once.
  virtual Result<CallId> open(const PeerId& peer, std::string method, StreamClass of, Instant deadline) = 0;
  /// kBusy while the other end's application has not taken what it was sent: `on_moved` follows. kLimit, kInterrupted.
  virtual Status send(CallId id, Bytes item) = 0;
  /// The next item, if one is there; taking it gives the other end credit.
  virtual std::optional<Bytes> take(CallId id) = 0;
  /// No more from this end.
  virtual void finish(CallId id) = 0;
  /// Gives it up in both directions; the other end hears why.
  virtual void abort(CallId id, Error why) = 0;
};

}  // namespace micro::p2p
