#include "consensus/light/light_client.hpp"

#include <algorithm>

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

Result<LightClient> LightClient::from_checkpoint(const ChainId& chain, const Header& boundary,
                                                 const ValidatorSet& set) {
  TRY(check_validator_set(set));
  if (boundary.version != 1 || !boundary.boundary) return wrong("the checkpoint is no boundary block");
  if (boundary.next_validators != validator_set_hash(set)) return wrong("not the committee that the checkpoint names");
  LightClient out;
  out.chain_ = chain;
  out.tip_ = boundary;
  out.tip_id_ = out.last_of_previous_ = block_id(boundary);
  out.epoch_ = boundary.epoch.next();
  out.set_ = set;
  return out;
}

Status LightClient::check_age(const Trust& trust) const {
  // The age, and not time + period: neither sum overflows for any header.
  const bool is_young = tip_.time > trust.now || trust.now.value - tip_.time.value < trust.period_ms;
  if (is_young) return {};
  return fail(Fault::kDenied, "the newest block known here is older than committees are trusted",
              "start from a checkpoint that somebody you trust has seen lately");
}

/// Everything but how much of the known committee signed.
Status LightClient::check_skip(const Skip& step, const Trust& trust) const {
  const Header& header = step.header;
  const Header& before = step.before;
  if (header.version != 1 || before.version != 1) return wrong("a header of an unknown version");
  if (header.epoch <= epoch_) return wrong("a header of an epoch that is known already");
  if (header.time > trust.now && header.time.value - trust.now.value > trust.drift_ms) {
    return wrong("a header from the future");
  }
  if (!before.boundary || before.epoch.next() != header.epoch) return wrong("not the end of the epoch before");
  const bool ascend = before.height > tip_.height && header.height > before.height && before.time > tip_.time &&
                      header.time > before.time;
  if (!ascend) return wrong("headers that are not above each other");
  TRY(check_validator_set(step.set));
  const Hash set_hash = validator_set_hash(step.set);
  if (set_hash != before.next_validators) return wrong("not the committee that the epoch before names");
  const BlockId last = block_id(before);
  const bool fits = step.proof.index == before.height.value && step.proof.count == header.height.value;
  if (!fits || !mmr_verify(header.headers_root, last, step.proof)) return wrong("the boundary is not on this chain");
  if (step.next.has_value() != header.boundary) return wrong("a next committee belongs to a boundary block");
  if (step.next) {
    TRY(check_validator_set(*step.next));
    if (validator_set_hash(*step.next) != header.next_validators) {
      return wrong("not the committee that the header names");
    }
  }
  if (step.certificate.statement.block != block_id(header)) return wrong("a certificate of another block");
  return check_certificate(step.certificate, step.set, epoch_id(chain_, header.epoch, last, set_hash));
}

/// Of the signers, counted as the known committee counts them.
std::uint64_t LightClient::known_weight(const Skip& step) const {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < step.set.members.size(); ++i) {
    if (!has_signer(step.certificate, i)) continue;
    const auto known = std::ranges::lower_bound(set_.members, step.set.members[i].key, {}, &Validator::key);
    if (known != set_.members.end() && known->key == step.set.members[i].key) out += known->weight;
  }
  return out;
}

Result<Reach> LightClient::skip(const Skip& step, const Trust& trust) {
  TRY(check_age(trust));
  TRY(check_skip(step, trust));
  // A set weighs 2⁶² at most.
  if (3 * known_weight(step) <= total_weight(set_)) return Reach::kTooFar;
  tip_ = step.header;
  tip_id_ = block_id(tip_);
  epoch_ = step.next ? tip_.epoch.next() : tip_.epoch;
  last_of_previous_ = step.next ? tip_id_ : block_id(step.before);
  set_ = step.next ? *step.next : step.set;
  return Reach::kTaken;
}

Result<std::size_t> catch_up(LightClient& client, Epoch target, const std::function<Result<Skip>(Epoch)>& fetch,
                             const Trust& trust) {
  std::size_t fetched = 0;
  Epoch goal = target;
  while (client.epoch() <= target) {
    TRY(client.check_age(trust));
    const Skip step = TRY(fetch(goal));
    ++fetched;
    if (step.header.epoch != goal || !step.next) return wrong("not the boundary block that was asked for");
    if (goal == client.epoch()) {
      TRY(client.end_epoch(step.header, step.certificate, *step.next));
    } else if (TRY(client.skip(step, trust)) == Reach::kTooFar) {
      goal = Epoch(client.epoch().value + (goal.value - client.epoch().value) / 2);
      continue;
    }
    goal = target;
  }
  return fetched;
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
