// Which keys decide the blocks of an epoch ahead, from what they have at stake. Integers only; the same on every node.
#pragma once

#include "chain/types/block.hpp"

namespace micro {

struct Candidate {
  Ed25519Key key;
  std::uint64_t stake = 0;  ///< µT, bonded or credited by the genesis; at most 2⁶² all together
};

/// Weights of a committee of these stakes (descending): shares of kernel::kCommitteeWeight in proportion, none above
/// kMaxSeatPpm, or above an equal share where there are too few for that. What the cap takes off goes to the others.
std::vector<std::uint64_t> capped_shares(std::span<const std::uint64_t> stakes);

/// The committee after `current`: that of the highest stakes (ties: the lower key), reached in steps that move at most
/// kMaxSetChangePpm of the weight from key to key. With fewer than `min_members` candidates, or none, it stays
/// `current`. Keys in `candidates` are unique; those without stake do not count.
ValidatorSet next_set(const ValidatorSet& current, std::vector<Candidate> candidates, std::uint32_t min_members);

}  // namespace micro
