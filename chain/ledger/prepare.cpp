#include "chain/ledger/prepare.hpp"

#include "chain/crypto/hash_batch.hpp"
#include "chain/types/address.hpp"

namespace micro {
namespace {

// The body is the first field of the encoding, so its bytes are a prefix.
constexpr std::size_t kSignatureBytes = 1 + PublicKey::kSize + EcdsaSignature::kSize;

ByteView body_of(const PreparedTx& tx) {
  return ByteView(tx.encoded).first(tx.encoded.size() - kSignatureBytes);
}

}  // namespace

PreparedTxs prepare_txs(std::span<const SignedTx> txs) {
  PreparedTxs out;
  out.txs.resize(txs.size());
  out.signed_hashes.resize(txs.size());
  std::vector<Hash> ids(txs.size());
  HashBatch id(domain::kTxId);
  HashBatch content(domain::kTxsRoot);
  HashBatch sign(domain::kTxSign);
  Encoder scratch;  // grows once; each encoding then takes one piece of memory of its own size
  for (std::size_t i = 0; i < txs.size(); ++i) {
    PreparedTx& tx = out.txs[i];
    tx.tx = txs[i];
    tx.encoded = scratch.clear().put(txs[i]).bytes();
    id.add(body_of(tx), ids[i]);
    content.add(tx.encoded, tx.content);
    sign.add(body_of(tx), out.signed_hashes[i]);
  }
  id.flush();
  content.flush();
  sign.flush();
  for (std::size_t i = 0; i < txs.size(); ++i) out.txs[i].id = ids[i].as<TxId>();
  return out;
}

bool signature_holds(const SignedTx& tx, const Hash& signed_hash, KeyCache& keys) {
  const Address& sender = tx.body.sender;
  std::optional<ParsedKey> key = keys.find(sender, tx.key);
  if (!key) {
    if (address_of(tx.key) != sender) return false;
    const auto parsed = ParsedKey::from(tx.key);
    if (!parsed) return false;
    key = *parsed;
    keys.put(sender, tx.key, *key);
  }
  return key->verify_ecdsa(signed_hash, tx.signature);
}

}  // namespace micro
