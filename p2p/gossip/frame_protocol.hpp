// A protocol whose two ends send each other frames over one-way streams: one stream each direction, a length before
// each frame. Cores implement it; a shell with streams or a simulator drives it.
#pragma once

#include <optional>
#include <vector>

#include "chain/base/clock.hpp"
#include "p2p/wire/peer_id.hpp"

namespace micro::p2p {

/// What is known of a peer when its line is made.
struct PeerFacts {
  std::string protocol = {};  ///< what was agreed on
  bool outbound = false;
  std::string address = {};  ///< the network a customer gets, as text; empty: it is not counted who else is there
  Bytes record = {};         ///< its signed record of addresses, unchecked; may be empty
};

class FrameProtocol {
 public:
  virtual ~FrameProtocol() = default;
  /// Once a peer until it is `disconnected`; kBusy: there is no room, nothing more is said about it.
  virtual Status connected(const PeerId& peer, PeerFacts facts, Instant now) = 0;
  virtual void disconnected(const PeerId& peer, Instant now) = 0;
  /// An error: no honest peer sends this, its connection ends.
  virtual Status on_frame(const PeerId& from, ByteView frame, Instant now) = 0;
  /// What to write next, most urgent first; empty if nothing. To be asked for when it can be written: what waits here
  /// is bounded, sorted by importance, and may become superfluous.
  virtual Bytes next_frame(const PeerId& to, Instant now) = 0;
  /// Peers for whom there may be frames that were not there before.
  virtual std::vector<PeerId> take_ready() = 0;
  /// When `expire` has something to do.
  [[nodiscard]] virtual Instant next_deadline() const = 0;
  virtual void expire(Instant now) = 0;
  /// Whether it brought something new and good since this was asked last.
  virtual bool take_news_of(const PeerId& /*peer*/) { return false; }
  /// What it holds of a peer, where it keeps count.
  [[nodiscard]] virtual std::optional<double> opinion_of(const PeerId& /*peer*/, Instant /*now*/) const { return {}; }
};

}  // namespace micro::p2p
