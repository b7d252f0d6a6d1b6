// From what a person wants to a signed transaction: fills in chain, nonce, fee and validity, and refuses early what the
// ledger would refuse late.
#pragma once

#include <optional>

#include "chain/types/address.hpp"
#include "chain/types/params.hpp"
#include "chain/types/transaction.hpp"

namespace micro {

/// What the builder must know about the ledger, as the node told it.
struct ChainView {
  ChainId chain;
  NetworkKind kind = NetworkKind::kDev;
  ChainParams params;
  Height height;                    ///< finalized tip
  Nonce next_nonce;                 ///< of the sender, waiting transactions counted
  std::optional<Amount> spendable;  ///< the sender's live tokens; absent: not checked
};

/// Blocks after the tip in which the transaction may still be included, when the caller does not say.
inline constexpr std::uint64_t kDefaultValidBlocks = 1'000;

struct TxOptions {
  std::optional<Amount> max_fee;  ///< refuse above it; absent: the network's formula, which is fixed in its genesis
  std::uint64_t valid_blocks = kDefaultValidBlocks;
};

struct UnsignedTx {
  TxBody body;
  Amount fee;    ///< what the ledger will charge
  Amount spent;  ///< what leaves the sender's purse besides the fee
};

/// kFunds when the fee is above `max_fee`, or fee and payload above `spendable` (not asked of a refresh, which can pay
/// out of what it refreshes); kLimit above kMaxTxBytes.
Result<UnsignedTx> build_tx(const ChainView& view, const Address& sender, Payload payload,
                            const TxOptions& options = {});

/// fee_per_tx + fee_per_byte × bytes of the signed transaction, whose length does not depend on the signature.
Result<Amount> fee_of(const ChainParams& params, const TxBody& body);

/// Tokens that the payload takes from the sender's purse: amounts, deposits, bonds, names.
Amount spent_by(const ChainParams& params, const Payload& payload);

/// kInvalid when the key is not the sender's. The same body and key give the same bytes (RFC 6979).
Result<SignedTx> sign_built(const UnsignedTx& tx, const SecretKey& key);

}  // namespace micro
