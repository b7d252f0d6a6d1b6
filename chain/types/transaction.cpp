#include "chain/types/transaction.hpp"

#include "chain/types/address.hpp"

namespace micro {

std::string_view tx_kind_name(std::size_t index) {
  static constexpr std::array<std::string_view, kTxKinds> kNames{
      "Transfer",       "RefreshLot",      "RegisterNode", "RotateNodeKey", "GrantSessionKey", "RevokeSessionKey",
      "OfferResources", "WithdrawOffer",   "PublishService", "AnnounceVersion", "AttestBuild", "FundService",
      "UnfundService",  "SetPrice",        "OpenChannel",  "TopUpChannel",  "Claim",           "CoopClose",
      "RequestClose",   "Finalize",        "Dispute",      "JoinCommittee", "LeaveCommittee",
      "ConfirmReadiness", "SubmitEvidence"};
  return index < kNames.size() ? kNames[index] : "unknown";
}

TxId tx_id(const TxBody& body) { return tagged_hash(domain::kTxId, encode(body)).as<TxId>(); }

Hash tx_signing_hash(const TxBody& body) { return tagged_hash(domain::kTxSign, encode(body)); }

SignedTx sign_tx(TxBody body, const SecretKey& key) {
  SignedTx tx;
  tx.key = key.public_key();
  tx.signature = key.sign_ecdsa(tx_signing_hash(body));
  tx.body = std::move(body);
  return tx;
}

Status verify_tx_signature(const SignedTx& tx) {
  if (address_of(tx.key) != tx.body.sender) return fail(Fault::kInvalid, "the key is not the sender's");
  if (!verify_ecdsa(tx.key, tx_signing_hash(tx.body), tx.signature)) {
    return fail(Fault::kInvalid, "the signature does not cover this transaction");
  }
  return {};
}

}  // namespace micro
