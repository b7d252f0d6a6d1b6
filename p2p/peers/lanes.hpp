// Two connections of one peer, one of them for bulk: what a stream goes on, and who makes and names the second. Both
// ends decide by the same rule over what both can see, so that they never name different ones.
#pragma once

#include <optional>
#include <span>

#include "p2p/peers/eviction.hpp"
#include "p2p/wire/peer_id.hpp"
#include "p2p/wire/stream_class.hpp"

namespace micro::p2p {

inline constexpr std::uint64_t kLaneMs = 10'000;       ///< for making the second connection; then bulk shares the first
inline constexpr std::uint64_t kLaneRetryMs = 60'000;  ///< after a failure
inline constexpr std::uint64_t kLaneAgainMs = 5'000;   ///< after it was made: a peer may not ask for handshakes at will
inline constexpr std::uint64_t kLaneIdleMs = 60'000;   ///< without a stream, until it is closed again

/// A connection of the peer whose handshake is done; ids ascend with the time of its beginning here.
struct LaneConnection {
  ConnectionId id = 0;
  bool dialed = false;  ///< by this end
  bool bulk = false;    ///< named so
};

struct LaneStep {
  enum class Kind : std::uint8_t {
    kNone,  ///< nothing to do: there is a bulk one, or none at all
    kDial,  ///< make a second one where `connection` went
    kName,  ///< tell the other end that `connection` is the one
    kAsk,   ///< it is the other end's to do: ask on `connection`
  };
  Kind kind = Kind::kNone;
  ConnectionId connection = 0;
  bool operator==(const LaneStep&) const = default;
};

/// Where a stream of this class goes now; nothing without a connection.
std::optional<ConnectionId> lane_for(std::span<const LaneConnection> all, StreamClass of);
/// The next step towards a connection for bulk.
LaneStep lane_step(std::span<const LaneConnection> all, const PeerId& self, const PeerId& peer);

}  // namespace micro::p2p
