// Where things are in the state. A path is the module's byte followed by 31 bytes of BLAKE2b-256(key): modules are
// contiguous ranges of paths, and the tree below each is balanced whatever the keys.
#pragma once

#include "chain/base/fixed_bytes.hpp"
#include "chain/crypto/hash.hpp"

namespace micro {

/// The byte is frozen. `kStatus`, `kPlacements` and `kDecisions` are written by the epoch transition only.
enum class Module : std::uint8_t {
  kChain = 1,        ///< epoch clock, supply, parameters: one record each
  kAccounts = 2,     ///< Address → Account
  kSessions = 3,     ///< Address of the session key → SessionRecord
  kNodes = 4,        ///< NodeId → NodeRecord
  kNodeKeys = 5,     ///< Ed25519 node key → NodeId
  kOffers = 6,       ///< OfferId → OfferRecord
  kServices = 7,     ///< ServiceId → ServiceRecord
  kNames = 8,        ///< service name → ServiceId
  kVersions = 9,     ///< VersionId → VersionRecord
  kBuilds = 10,      ///< VersionId → BuildRecord
  kFunds = 11,       ///< ServiceId → FundRecord
  kStatus = 12,      ///< VersionId → StatusRecord
  kPlacements = 13,  ///< VersionId → PlacementRecord
  kChannels = 14,    ///< ChannelId → ChannelRecord
  kDue = 15,         ///< (epoch, what) → things the boundary of that epoch has to do
  kPolicy = 16,      ///< PolicyHash → wasm; and the record of the policy in force
  kDecisions = 17,   ///< counters of decisions
  kSeats = 18,       ///< Ed25519 consensus key → SeatRecord
};

using StatePath = FixedBytes<32, struct StatePathTag>;

/// `key_hash`: blake2b_256 of the key.
inline StatePath state_path_of_hash(Module module, const Hash& key_hash) {
  StatePath path;
  path.data[0] = static_cast<std::uint8_t>(module);
  std::copy_n(key_hash.data.begin(), 31, path.data.begin() + 1);
  return path;
}
inline StatePath state_path(Module module, ByteView key) {
  return state_path_of_hash(module, blake2b_256(key));
}
inline Module module_of(const StatePath& path) {
  return static_cast<Module>(path.data[0]);
}

}  // namespace micro
