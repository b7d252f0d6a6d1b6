// Follows a chain by its epochs: genesis set → boundary header, certificate and next set of each epoch → a tip. Against
// the tip it checks state, blocks, transactions, receipts and events. It talks to nobody: whoever feeds it fetches.
#pragma once

#include <optional>

#include "chain/state/mmr.hpp"
#include "chain/state/proof.hpp"
#include "chain/types/genesis.hpp"

namespace micro {

class LightClient {
 public:
  /// `header` is the genesis block's. Its state root is not checked here: the first certificate binds the header's id.
  static Result<LightClient> from_genesis(const Genesis& genesis, const Header& header);

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

  ChainId chain_;
  Header tip_;
  BlockId tip_id_;
  Epoch epoch_;
  BlockId last_of_previous_;
  ValidatorSet set_;
};

// In a block whose header was checked. kMismatch unless the proof's index is inside the block.
Status check_tx_in_block(const Header& header, const SignedTx& tx, const MerkleProof& proof);
Status check_receipt_in_block(const Header& header, const TxReceipt& receipt, const MerkleProof& proof);
/// Of the boundary.
Status check_event_in_block(const Header& header, const Event& event, const MerkleProof& proof);

}  // namespace micro
