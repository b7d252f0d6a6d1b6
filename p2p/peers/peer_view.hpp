// What people and tools see of this node's peers, as plain data.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "chain/base/clock.hpp"
#include "p2p/wire/multiaddr.hpp"

namespace micro::p2p {

enum class Direction : std::uint8_t { kInbound, kOutbound };

/// What an outbound connection is for.
enum class Slot : std::uint8_t {
  kInbound,
  kStatic,  ///< named by the operator
  kAsked,   ///< a part of this node dialed it by itself
  kFull,
  kBlockOnly,
  kFeeler,  ///< only to learn whether the address works
  kSecond,  ///< beside another of the same peer, and gone with it
};
std::string_view name_of(Slot slot);

struct ConnectionView {
  std::uint64_t connection = 0;
  PeerId peer;
  Multiaddr address;
  Direction direction = Direction::kInbound;
  Slot slot = Slot::kInbound;
  std::uint64_t connected_ms = 0;      ///< for how long
  std::uint64_t round_trip_ns = 0;     ///< of the last ping; 0: none came back yet
  std::optional<Instant> useful = {};  ///< when it last brought something new
  std::uint64_t bytes_read = 0;        ///< on the wire; the shell fills these in
  std::uint64_t bytes_written = 0;
  std::size_t streams = 0;
  std::size_t held_bytes = 0;  ///< memory for its bytes
  bool is_protected = false;
  bool operator==(const ConnectionView&) const = default;
};

struct PeerView {
  PeerId peer;
  std::vector<Multiaddr> addresses;  ///< at which it was last connected, the newest first
  std::string agent;
  std::int64_t score = 0;        ///< as the application sees it
  std::size_t connections = 0;   ///< now
  std::uint64_t bytes_read = 0;  ///< of connections that have ended
  std::uint64_t bytes_written = 0;
  std::optional<Instant> last_disconnect = {};
  std::string last_disconnect_reason;
  bool operator==(const PeerView&) const = default;
};

inline constexpr std::size_t kMaxViewedAddresses = 4;  ///< of one peer
inline constexpr std::size_t kMaxReasonBytes = 256;

}  // namespace micro::p2p
