// Two finalizations that exclude each other, and whose fault that is (consensus of Simplex: two quorums of one epoch
// meet in more than a third of its weight, and whoever is in both signed two statements that contradict each other).
#pragma once

#include "chain/codec/fields.hpp"
#include "chain/types/block.hpp"

namespace micro::simplex {

inline constexpr std::size_t kMaxForkCertificates = 16'384;  ///< of one branch: as many as an engine has open views
inline constexpr std::size_t kMaxForkProofBytes = 64u << 20;

/// A finalization and what its block rests on, unordered: the notarization (or finalization) of each view on the way
/// from the block's parent view down, and the nullification of each view between two of them. Down to the other
/// branch's final view is enough.
struct ForkBranch {
  Certificate finalization;
  List<Certificate, kMaxForkCertificates> justification;
  static constexpr auto kFields = fields<&ForkBranch::finalization, &ForkBranch::justification>;
};

/// Both in one epoch: where the chains part in an earlier one, the finalizations there are the ones to bring.
struct ForkProof {
  std::uint8_t version = 1;
  ChainId chain;
  Epoch epoch;
  BlockId last_of_previous;  ///< that ended the epoch before, on both branches
  ValidatorSet set;          ///< the epoch's committee
  ForkBranch first;
  ForkBranch second;
  static constexpr auto kFields =
      fields<&ForkProof::version, &ForkProof::chain, &ForkProof::epoch, &ForkProof::last_of_previous, &ForkProof::set,
             &ForkProof::first, &ForkProof::second>;
};

/// kLimit or kInvalid for anything that is not exactly one proof of this version.
Result<ForkProof> decode_fork_proof(ByteView bytes);

/// Two statements of one validator that no honest one signs both: what SubmitEvidence takes.
struct GuiltyVotes {
  Ed25519Key key;
  std::uint64_t weight = 0;
  Ed25519Signature first;   ///< under Judgement::first
  Ed25519Signature second;  ///< under Judgement::second
};

struct Judgement {
  Statement first;                  ///< that all the guilty signed…
  Statement second;                 ///< …and that contradicts it
  std::vector<GuiltyVotes> guilty;  ///< ascending by key
  std::uint64_t weight = 0;         ///< of the guilty
  std::uint64_t total = 0;          ///< of the committee
  [[nodiscard]] bool is_more_than_a_third() const { return weight > total / 3; }
};

/// What one node has of an epoch, in any order.
struct EpochWitness {
  ChainId chain;
  Epoch epoch;
  BlockId last_of_previous;
  ValidatorSet set;
  std::vector<Certificate> certificates;  ///< finalizations among them
};
/// The proof that the two nodes finalized blocks of this epoch which exclude each other; nothing when one's last final
/// block is on the other's branch, or a node has no finalization. kMismatch: their epochs did not begin alike, so the
/// chains parted before. Otherwise as judge_fork, whose word on the proof is good.
Result<std::optional<ForkProof>> find_fork(const EpochWitness& a, const EpochWitness& b);

/// The branch of a finalization out of certificates that a node kept of its epoch, in any order: what it rests on down
/// to view `down_to`, the other branch's final view. Leaves out what is not there; judging names it then.
ForkBranch branch_of(const Certificate& finalization, std::span<const Certificate> kept, View down_to);

/// Who made the fork. kInvalid: the committee or a statement is none, or the finalizations do not exclude each other.
/// kNotFound names the certificate that is missing. kMismatch: a certificate is not what it says, by signature, quorum
/// or epoch. What it gives follows from the signatures alone, for the committee that the proof names.
Result<Judgement> judge_fork(const ForkProof& proof);

}  // namespace micro::simplex
