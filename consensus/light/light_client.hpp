// Follows a chain by its epochs: genesis set → boundary header, certificate and next set of each epoch → a tip. Against
// the tip it checks state, blocks, transactions, receipts and events. It talks to nobody: whoever feeds it fetches.
// Epochs may be skipped where enough of the committee it knows also signed far ahead (Braithwaite et al., "Tendermint
// Light Client", 2020), as long as the knowledge is young: what old keys sign costs nothing once their bonds are gone.
#pragma once

#include <functional>
#include <optional>

#include "chain/codec/fields.hpp"
#include "chain/state/mmr.hpp"
#include "chain/state/proof.hpp"
#include "chain/types/genesis.hpp"

namespace micro {

/// How long a committee is believed after the last block of it that this client saw. In block time; shorter than
/// unbonding less the time that evidence needs to get into a block.
struct Trust {
  TimeMs now;
  std::uint64_t period_ms = 0;
  std::uint64_t drift_ms = 0;  ///< a header may be so much ahead of `now`
};

/// A block of a later epoch, with all that ties it to its committee.
struct Skip {
  Header header;
  Certificate certificate;           ///< of `header`, by `set`
  ValidatorSet set;                  ///< of the header's epoch
  Header before;                     ///< the boundary block of the epoch before: names `set`
  MmrProof proof;                    ///< that `before` is below `header`
  std::optional<ValidatorSet> next;  ///< where `header` is a boundary block
  static constexpr auto kFields =
      fields<&Skip::header, &Skip::certificate, &Skip::set, &Skip::before, &Skip::proof, &Skip::next>;
};

enum class Reach : std::uint8_t {
  kTaken,
  kTooFar,  ///< nothing is wrong, but too little of the known committee signed: try an epoch between
};

class LightClient {
 public:
  /// `header` is the genesis block's. Its state root is not checked here: the first certificate binds the header's id.
  static Result<LightClient> from_genesis(const Genesis& genesis, const Header& header);

  /// From a boundary block that somebody vouches for, and the committee that it names. kMismatch where they do not fit.
  static Result<LightClient> from_checkpoint(const ChainId& chain, const Header& boundary, const ValidatorSet& set);

  /// Takes a block of a later epoch, if members with more than a third of the known committee's weight are among its
  /// signers: one of them is honest, and would not sign for two chains. kDenied when what is known is too old.
  Result<Reach> skip(const Skip& step, const Trust& trust);
  /// kDenied when the newest block that this client knows is older than the period.
  [[nodiscard]] Status check_age(const Trust& trust) const;

  /// Takes the boundary block of the current epoch, and the set that it names for the next one.
  Status end_epoch(const Header& header, const Certificate& certificate, const ValidatorSet& next);
  /// Takes a later block of the current epoch.
  Status advance(const Header& header, const Certificate& certificate);

  [[nodiscard]] const Header& tip() const { return tip_; }
  [[nodiscard]] const BlockId& tip_id() const { return tip_id_; }
  [[nodiscard]] Epoch epoch() const { return epoch_; }  ///< that the next block runs in

  // Everything below fails with kMismatch.
  /// The state after the tip holds `value` at `path`, or nothing there.
  [[nodiscard]] Status check_state(const StatePath& path, std::optional<ByteView> value, const StateProof& proof) const;
  /// `header` is the tip, or below it on this chain.
  [[nodiscard]] Status check_block(const Header& header, const MmrProof& proof) const;

 private:
  LightClient() = default;
  Status certified(const Header& header, const Certificate& certificate) const;
  [[nodiscard]] Status check_skip(const Skip& step, const Trust& trust) const;
  [[nodiscard]] std::uint64_t known_weight(const Skip& step) const;

  ChainId chain_;
  Header tip_;
  BlockId tip_id_;
  Epoch epoch_;
  BlockId last_of_previous_;
  ValidatorSet set_;
};

/// Follows the chain through the end of `target` with few headers: tries the farthest boundary, and half the way where
/// that is too far. `fetch` gives the boundary block of an epoch. Returns how many it was asked for; fails with the
/// first thing that is wrong, and the client then stands where everything was right.
Result<std::size_t> catch_up(LightClient& client, Epoch target, const std::function<Result<Skip>(Epoch)>& fetch,
                             const Trust& trust);

// In a block whose header was checked. kMismatch unless the proof's index is inside the block.
Status check_tx_in_block(const Header& header, const SignedTx& tx, const MerkleProof& proof);
Status check_receipt_in_block(const Header& header, const TxReceipt& receipt, const MerkleProof& proof);
/// Of the boundary.
Status check_event_in_block(const Header& header, const Event& event, const MerkleProof& proof);

}  // namespace micro
