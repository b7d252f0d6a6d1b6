// Which inbound connection makes room for a new one (Bitcoin Core, src/node/eviction.cpp, is the model): those that
// would cost an attacker most to imitate are kept - distant groups, short round trips, useful work, long lives - and of
// the rest the youngest of the largest group goes.
#pragma once

#include <optional>
#include <vector>

#include "chain/base/clock.hpp"
#include "chain/base/fixed_bytes.hpp"
#include "p2p/peers/address_group.hpp"

namespace micro::p2p {

using ConnectionId = std::uint64_t;

inline constexpr std::size_t kKeptByGroup = 4;  ///< by a keyed hash of their group that nobody can foresee
inline constexpr std::size_t kKeptByPing = 8;   ///< nearest
inline constexpr std::size_t kKeptByUse = 8;    ///< last useful

struct InboundPeer {
  ConnectionId connection = 0;
  AddressGroup group;
  Instant since;
  std::uint64_t round_trip_ns = 0;     ///< the shortest so far; 0: unknown, which counts as far
  std::optional<Instant> useful = {};  ///< when it last brought something new
  bool is_protected = false;
};

/// Nothing where all are kept. `secret` is of this process.
std::optional<ConnectionId> pick_eviction(std::vector<InboundPeer> peers, const Hash& secret);

}  // namespace micro::p2p
