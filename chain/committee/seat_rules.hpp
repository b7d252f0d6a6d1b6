// Seats: when one counts, what it answers for and until when.
#pragma once

#include "chain/records/records.hpp"

namespace micro {

/// What a validator signs to say that it holds the state with which `epoch` began.
Hash readiness_hash(const ChainId& chain, const Ed25519Key& key, Epoch epoch, const BlockId& boundary);

/// µT that count for the next committee: nothing before readiness, after leaving or conviction. Until reputation and
/// audited hardware exist they do not lower it; only the bond counts.
std::uint64_t stake_of(const SeatRecord& seat);

/// Whether the key was a member in this epoch, as far as the record tells: members that drop out and come back count
/// as seated in between, when they sign nothing.
bool was_seated(const SeatRecord& seat, Epoch epoch);

/// First epoch in which the bond of a seat that was left goes back: later than unbonding after leaving and after the
/// last epoch in a committee. Nothing while it may still sit.
std::optional<Epoch> release_of(const SeatRecord& seat, const ChainParams& params);

/// Evidence about this epoch is still taken: the bonds of its committee are held at least as long.
bool is_answerable(Epoch epoch, Epoch now, const ChainParams& params);

}  // namespace micro
