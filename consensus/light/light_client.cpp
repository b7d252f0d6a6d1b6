#include "consensus/light/light_client.hpp"

#include "consensus/core/certificate.hpp"

namespace micro {
namespace {

std::unexpected<Error> wrong(std::string what) {
  return fail(Fault::kMismatch, std::move(what));
}

}  // namespace

Result<LightClient> LightClient::from_genesis(const Genesis& genesis, const Header& header) {
  TRY(check_validator_set(genesis.validators));
  LightClient out;
  out.chain_ = chain_id(genesis);
  out.set_ = genesis.validators;
  if (header.height.value != 0 || !header.parent.is_zero() || header.time != genesis.time || header.epoch.value != 0 ||
      header.next_validators != validator_set_hash(out.set_)) {
    return wrong("the genesis header does not belong to this genesis");
  }
  out.tip_ = header;
  out.tip_id_ = block_id(header);
  out.last_of_previous_ = out.tip_id_;
  return out;
}

Status LightClient::certified(const Header& header, const Certificate& certificate) const {
  if (header.version != 1) return wrong("a header of an unknown version");
  if (header.epoch != epoch_) return wrong("a header of epoch " + header.epoch.text() + " instead of " + epoch_.text());
  if (header.height <= tip_.height || header.time <= tip_.time) return wrong("a header that is not above the tip");
  if (certificate.statement.block != block_id(header)) return wrong("a certificate of another block");
  return check_certificate(certificate, set_, epoch_id(chain_, epoch_, last_of_previous_, validator_set_hash(set_)));
}

Status LightClient::end_epoch(const Header& header, const Certificate& certificate, const ValidatorSet& next) {
  if (!header.boundary) return wrong("the header does not end its epoch");
  TRY(certified(header, certificate));
  TRY(check_validator_set(next));
  if (validator_set_hash(next) != header.next_validators) return wrong("not the committee that the header names");
  tip_ = header;
  tip_id_ = block_id(header);
  last_of_previous_ = tip_id_;
  set_ = next;
  epoch_ = epoch_.next();
  return {};
}

Status LightClient::advance(const Header& header, const Certificate& certificate) {
  if (header.boundary) return wrong("the header ends its epoch: the next committee is needed with it");
  TRY(certified(header, certificate));
  tip_ = header;
  tip_id_ = block_id(header);
  return {};
}

Status LightClient::check_state(const StatePath& path, std::optional<ByteView> value, const StateProof& proof) const {
  if (!verify_proof(tip_.state_root, path, value, proof)) return wrong("the state proof does not verify");
  return {};
}

Status LightClient::check_block(const Header& header, const MmrProof& proof) const {
  const BlockId id = block_id(header);
  if (id == tip_id_) return {};
  if (proof.index != header.height.value || proof.count != tip_.height.value) return wrong("a proof of another height");
  if (!mmr_verify(tip_.headers_root, id, proof)) return wrong("the block is not on this chain");
  return {};
}

Status check_tx_in_block(const Header& header, const SignedTx& tx, const MerkleProof& proof) {
  if (merkle_verify(header.txs_root, tagged_hash(domain::kTxsRoot, encode(tx)), proof)) return {};
  return wrong("the transaction is not in the block");
}

Status check_receipt_in_block(const Header& header, const TxReceipt& receipt, const MerkleProof& proof) {
  if (merkle_verify(header.receipts_root, tagged_hash(domain::kReceiptsRoot, encode(receipt)), proof)) return {};
  return wrong("the receipt is not in the block");
}

Status check_event_in_block(const Header& header, const Event& event, const MerkleProof& proof) {
  if (merkle_verify(header.events_root, tagged_hash(domain::kEventsRoot, encode(event)), proof)) return {};
  return wrong("the event is not in the block");
}

}  // namespace micro
