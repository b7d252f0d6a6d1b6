#include "wallet/tx/tx_builder.hpp"

namespace micro {
namespace {

std::size_t signed_bytes(const TxBody& body) {
  return encode(body).size() + sizeof(SignatureScheme) + PublicKey::kSize + EcdsaSignature::kSize;
}

}  // namespace

Result<Amount> fee_of(const ChainParams& params, const TxBody& body) {
  const Amount for_bytes(TRY(checked_mul(params.fee_per_byte.micro, signed_bytes(body))));
  return checked_add(params.fee_per_tx, for_bytes);
}

Amount spent_by(const ChainParams& params, const Payload& payload) {
  if (const auto* p = std::get_if<Transfer>(&payload)) return p->amount;
  if (const auto* p = std::get_if<OfferResources>(&payload)) return p->bond;
  if (std::holds_alternative<PublishService>(payload)) return params.name_fee;
  if (const auto* p = std::get_if<FundService>(&payload)) return p->amount;
  if (const auto* p = std::get_if<OpenChannel>(&payload)) return p->deposit;
  if (const auto* p = std::get_if<TopUpChannel>(&payload)) return p->amount;
  return {};
}

Result<UnsignedTx> build_tx(const ChainView& view, const Address& sender, Payload payload, const TxOptions& options) {
  UnsignedTx out;
  out.spent = spent_by(view.params, payload);
  out.body.chain = view.chain;
  out.body.sender = sender;
  out.body.nonce = view.next_nonce;
  out.body.valid_until = Height(TRY(checked_add(view.height.value, options.valid_blocks)));
  out.body.payload = std::move(payload);
  if (signed_bytes(out.body) > kMaxTxBytes) {
    return fail(Fault::kLimit, "the transaction has " + std::to_string(signed_bytes(out.body)) +
                                   " bytes, the limit is " + std::to_string(kMaxTxBytes));
  }
  out.fee = TRY(fee_of(view.params, out.body));
  out.body.max_fee = out.fee;
  if (options.max_fee && out.fee > *options.max_fee) {
    return fail(
        Fault::kFunds,
        "the fee is " + amount_text(out.fee) + ", above the " + amount_text(*options.max_fee) + " that you allow",
        "allow more with --max-fee");
  }
  const Amount total = TRY(checked_add(out.fee, out.spent));
  const bool pays_itself = std::holds_alternative<RefreshLot>(out.body.payload);  // out of what it refreshes
  if (!pays_itself && view.spendable && total > *view.spendable) {
    return fail(Fault::kFunds,
                "it needs " + amount_text(total) + " with its fee of " + amount_text(out.fee) + ", the account has " +
                    amount_text(*view.spendable),
                "micro wallet lots shows what is live, in grace and locked");
  }
  return out;
}

Result<SignedTx> sign_built(const UnsignedTx& tx, const SecretKey& key) {
  if (address_of(key.public_key()) != tx.body.sender) {
    return fail(Fault::kInvalid, "the key does not belong to the account that sends this transaction");
  }
  return sign_tx(tx.body, key);
}

}  // namespace micro
