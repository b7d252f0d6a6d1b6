// How much a connection does in one turn of the loop. A turn of a bulk transfer is long, since each costs something;
// while something urgent moves on another connection turns are short, so that a call waits for little at either end.
#pragma once

#include <cstddef>

#include "chain/base/clock.hpp"
#include "p2p/peers/eviction.hpp"

namespace micro::p2p {

inline constexpr std::size_t kTurnBytes = 128 * 1'024;      ///< read or sealed in one turn, about
inline constexpr std::size_t kShortTurnBytes = 16 * 1'024;  ///< the same while something urgent moves elsewhere
inline constexpr std::uint64_t kUrgentNs = 20'000'000;      ///< so long it is expected to go on

class Turns {
 public:
  /// Bytes of interactive streams moved on this connection.
  void urgent(ConnectionId on, Instant now) {
    if (last_.on != on) before_ = last_;
    last_ = {.on = on, .until_ns = now.ns + kUrgentNs};
  }
  /// What this connection may do until others have their turn.
  [[nodiscard]] std::size_t bytes(ConnectionId on, Instant now) const {
    const Urgent& elsewhere = last_.on == on ? before_ : last_;
    return now.ns < elsewhere.until_ns ? kShortTurnBytes : kTurnBytes;
  }

 private:
  struct Urgent {
    ConnectionId on = 0;
    std::uint64_t until_ns = 0;
  };
  Urgent last_;
  Urgent before_;  // the last of another connection
};

}  // namespace micro::p2p
