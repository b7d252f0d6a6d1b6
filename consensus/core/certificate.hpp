// Certificates: one statement signed by validators whose weight is at least ⌊2W/3⌋ + 1 (Chan & Pass, "Simplex
// Consensus", TCC 2023). With a committee of one it is one signature under the same statement.
#pragma once

#include "chain/types/block.hpp"

namespace micro {

/// Ascending keys, no zero weight, total at most 2⁶²: what every set in a genesis or a boundary block must be.
Status check_validator_set(const ValidatorSet& set);
/// Sum of all weights of a checked set.
std::uint64_t total_weight(const ValidatorSet& set);
/// What a member's vote counts.
std::uint64_t vote_weight(const ValidatorSet& set, std::size_t member);
/// Whether the bitmap names this member.
bool has_signer(const Certificate& certificate, std::size_t member);
/// ⌊2W/3⌋ + 1.
std::uint64_t quorum_weight(const ValidatorSet& set);

/// Everything about a certificate of any kind but its signatures: the epoch, ascending views, a bitmap of members that
/// are a quorum, as many signatures as bits. Gives the signers' indices, in the order of the signatures.
Result<std::vector<std::uint16_t>> check_certificate_shape(const Certificate& certificate, const ValidatorSet& set,
                                                           const Hash& epoch);
/// That a quorum of `set` signed a Finalize statement of this epoch. kMismatch says what is wrong.
Status check_certificate(const Certificate& certificate, const ValidatorSet& set, const Hash& epoch);

/// The statement under the signatures of `keys`, each of which must be a member; kInvalid otherwise. No quorum is
/// needed.
Result<Certificate> certify(const Statement& statement, const ValidatorSet& set, std::span<const Ed25519Secret> keys);

}  // namespace micro
