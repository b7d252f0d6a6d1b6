#include "chain/ledger/prepare.hpp"

#include "chain/types/address.hpp"

namespace micro {
namespace {

// The body is the first field of the encoding, so its bytes are a prefix.
constexpr std::size_t kSignatureBytes = 1 + PublicKey::kSize + EcdsaSignature::kSize;

ByteView body_of(const PreparedTx& tx) {
  return ByteView(tx.encoded).first(tx.encoded.size() - kSignatureBytes);
}

}  // namespace

PreparedTx prepare_tx(SignedTx tx) {
  PreparedTx out;
  out.encoded = encode(tx);
  out.tx = std::move(tx);
  out.id = tagged_hash(domain::kTxId, body_of(out)).as<TxId>();
  out.content = tagged_hash(domain::kTxsRoot, out.encoded);
  return out;
}

bool signature_holds(const PreparedTx& tx, KeyCache& keys) {
  const Address& sender = tx.tx.body.sender;
  std::optional<ParsedKey> key = keys.find(sender, tx.tx.key);
  if (!key) {
    if (address_of(tx.tx.key) != sender) return false;
    const auto parsed = ParsedKey::from(tx.tx.key);
    if (!parsed) return false;
    key = *parsed;
    keys.put(sender, tx.tx.key, *key);
  }
  return key->verify_ecdsa(tagged_hash(domain::kTxSign, body_of(tx)), tx.tx.signature);
}

}  // namespace micro
