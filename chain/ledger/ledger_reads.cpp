#include <algorithm>
#include <map>

#include "chain/ledger/ledger_impl.hpp"
#include "chain/records/records.hpp"

namespace micro {
namespace {

template <class T>
std::vector<Hash> hashes(const std::vector<T>& items, domain::Tag tag) {
  std::vector<Hash> out;
  out.reserve(items.size());
  for (const T& item : items) out.push_back(tagged_hash(tag, encode(item)));
  return out;
}

}  // namespace

// --- waiting transactions ---

/// All but the nonce's place in the sender's queue, which only counts once the transaction is queued.
void LedgerImpl::check(std::span<Arrival> txs, std::span<Submission> out) const {
  const std::shared_lock lock(state_mutex_);
  const BlockInput next{chain_, kind_, head_header_.height.next(), TimeMs(head_header_.time.value + 1), head_id_};
  auto checker = TxChecker::open(tree_, next);
  std::vector<Address> senders;
  for (const Arrival& arrival : txs) senders.push_back(arrival.tx.tx.body.sender);
  if (checker) checker->expect(senders);
  for (std::size_t i = 0; i < txs.size(); ++i) {
    Arrival& arrival = txs[i];
    out[i] = {arrival.tx.id, TxStatus::kMalformed, PoolVerdict::kAdded};
    if (!checker) continue;
    out[i].status = checker->check(arrival.tx.tx, {arrival.tx.id, arrival.tx.encoded.size()}, arrival.tx.tx.body.nonce);
    arrival.next = checker->sender_nonce();
    arrival.at = head_id_;
    arrival.tx.fee = checker->charge();
    arrival.tx.funds = checker->funds();
  }
}

/// Those whose status is kOk.
void LedgerImpl::enqueue(std::span<Arrival> txs, std::span<Submission> out) {
  const std::lock_guard pool(pool_mutex_);
  const std::shared_lock state(state_mutex_);
  for (const Arrival& arrival : txs) pool_.expect(arrival.tx);
  for (std::size_t i = 0; i < txs.size(); ++i) {
    if (out[i].status != TxStatus::kOk) continue;
    Arrival& arrival = txs[i];
    if (arrival.known) {
      out[i].verdict = PoolVerdict::kKnown;  // or was, a moment ago: this one was not verified and must not come in
      continue;
    }
    if (arrival.at != head_id_) arrival.next = next_nonce(tree_, arrival.tx.tx.body.sender);
    out[i].verdict = pool_.add(std::move(arrival.tx), arrival.next);
    if (out[i].verdict == PoolVerdict::kNonceUsed) out[i].status = TxStatus::kNonceUsed;
    if (out[i].verdict == PoolVerdict::kNonceGap) out[i].status = TxStatus::kNonceGap;
    if (out[i].verdict == PoolVerdict::kUnpayable) out[i].status = TxStatus::kCannotPayFee;
  }
}

Submission LedgerImpl::submit(SignedTx tx) {
  return submit_batch(std::span(&tx, 1)).front();
}

Submission LedgerImpl::submit_reserved(const SignedTx& tx) {
  return take(std::span(&tx, 1), true).front();
}

std::vector<Submission> LedgerImpl::submit_batch(std::span<const SignedTx> txs) {
  return take(txs, false);
}

/// What cannot wait here, because one before it is missing, or waits already, is not worth a verification. With what
/// came before it in the same batch counted; no transaction is let in by this.
void LedgerImpl::look_into_pool(std::span<Arrival> txs, std::span<Submission> out) const {
  std::map<Address, Nonce> behind;
  const std::lock_guard pool(pool_mutex_);
  const std::shared_lock state(state_mutex_);
  for (const Arrival& arrival : txs) pool_.expect(arrival.tx);
  for (std::size_t i = 0; i < txs.size(); ++i) {
    if (out[i].status != TxStatus::kOk) continue;
    Arrival& arrival = txs[i];
    const Mempool::EntryPtr known = pool_.find(arrival.tx.id);
    arrival.known = known != nullptr && known->content == arrival.tx.content;
    const TxBody& body = arrival.tx.tx.body;
    const auto [next, is_first] = behind.try_emplace(body.sender);
    if (is_first) {
      const bool is_old = arrival.at != head_id_;
      next->second = pool_.expected(body.sender, is_old ? next_nonce(tree_, body.sender) : arrival.next);
    }
    if (body.nonce > next->second) {
      out[i].status = TxStatus::kNonceGap;
      out[i].verdict = PoolVerdict::kNonceGap;
    } else if (body.nonce == next->second) {
      next->second = body.nonce.next();
    }
  }
}

std::vector<Submission> LedgerImpl::take(std::span<const SignedTx> txs, bool reserved) {
  std::vector<Arrival> arrivals(txs.size());
  std::vector<Submission> out(txs.size());
  std::vector<Hash> signed_hashes(txs.size());
  // Cheap checks first: a signature is only worth verifying when a block could hold the transaction…
  workers_.each(txs.size(), kVerifyChunk, [&](std::size_t begin, std::size_t end) {
    PreparedTxs prepared = prepare_txs(txs.subspan(begin, end - begin));
    for (std::size_t i = begin; i < end; ++i) {
      arrivals[i].tx = std::move(prepared.txs[i - begin]);
      arrivals[i].tx.reserved = reserved;
      signed_hashes[i] = prepared.signed_hashes[i - begin];
    }
    check(std::span(arrivals).subspan(begin, end - begin), std::span(out).subspan(begin, end - begin));
  });
  // …and when it could wait here until then.
  look_into_pool(arrivals, out);
  workers_.each(txs.size(), kVerifyChunk, [&](std::size_t begin, std::size_t end) {
    keys_.prefetch(txs.subspan(begin, end - begin));
    for (std::size_t i = begin; i < end; ++i) {
      if (out[i].status != TxStatus::kOk || arrivals[i].known) continue;
      if (is_signed(txs[i], arrivals[i].tx, signed_hashes[i])) continue;
      out[i].status = TxStatus::kBadSignature;
    }
  });
  for (std::size_t begin = 0; begin < txs.size(); begin += kVerifyChunk) {
    const std::size_t n = std::min(kVerifyChunk, txs.size() - begin);
    enqueue(std::span(arrivals).subspan(begin, n), std::span(out).subspan(begin, n));
  }
  const bool any = std::ranges::any_of(out, &Submission::waits);
  if (any && on_waiting_) on_waiting_();
  return out;
}

bool LedgerImpl::txs_wait() const {
  const std::lock_guard lock(pool_mutex_);
  return !pool_.empty();
}

std::size_t LedgerImpl::waiting() const {
  const std::lock_guard lock(pool_mutex_);
  return pool_.size();
}

std::optional<SignedTx> LedgerImpl::waiting_tx(const TxId& id) const {
  const std::lock_guard lock(pool_mutex_);
  const Mempool::EntryPtr entry = pool_.find(id);
  return entry ? std::optional(entry->tx) : std::nullopt;
}

Nonce LedgerImpl::pending_nonce(const Address& sender) const {
  const std::lock_guard lock(pool_mutex_);
  const Nonce next = read([&](const StateView& view, const Header&) { return next_nonce(view, sender); });
  return pool_.expected(sender, next);
}

// --- reading ---

Result<ValidatorSet> LedgerImpl::validators(Epoch epoch) const {
  auto set = TRY(read(
      [&](const StateView& view, const Header&) { return read_record<ValidatorSet>(view, path::validators(epoch)); }));
  if (set) return *std::move(set);
  // Past ones are where the block that ended the epoch before named them; the genesis names the first.
  const auto height = epoch.value == 0 ? Result<Height>(Height(0)) : blocks_.boundary_of(Epoch(epoch.value - 1));
  if (!height) return fail(Fault::kNotFound, "the committee of epoch " + epoch.text() + " is not fixed yet");
  return blocks_.validator_set(TRY(blocks_.header(*height)).next_validators);
}

Result<ChainHead> LedgerImpl::head() const {
  ChainHead out;
  out.chain = chain_;
  struct Records {
    Result<std::optional<EpochClock>> clock;
    Result<std::optional<ChainParams>> params;
  };
  const Records records = read([&](const StateView& view, const Header& header) {
    out.header = header;
    out.id = head_id_;
    return Records{read_record<EpochClock>(view, path::epoch_clock()), read_record<ChainParams>(view, path::params())};
  });
  const auto clock = TRY(records.clock);
  const auto params = TRY(records.params);
  if (!clock || !params) return fail(Fault::kCorrupt, "the state holds no epoch clock or no parameters");
  out.epoch = clock->epoch;
  out.epoch_started = clock->started;
  out.epoch_ms = params->epoch_ms;
  if (out.header.height.value > 0) {
    auto certificate = blocks_.certificate(out.header.height);
    if (certificate) {
      out.certificate = *std::move(certificate);
    } else if (certificate.error().fault != Fault::kNotFound) {
      return std::unexpected(certificate.error());
    }
  }
  const Height last = out.epoch.value == 0 ? Height(0) : TRY(blocks_.boundary_of(Epoch(out.epoch.value - 1)));
  out.last_of_previous = block_id(TRY(blocks_.header(last)));
  return out;
}

Result<Block> LedgerImpl::final_block(const BlockId& id) const {
  const Height height = TRY(blocks_.height_of(id));
  if (height.value == 0) return fail(Fault::kNotFound, "the genesis has no block");
  return blocks_.block(height);
}

Result<Certificate> LedgerImpl::boundary_certificate(Epoch epoch) const {
  return blocks_.certificate(TRY(blocks_.boundary_of(epoch)));
}

LedgerImpl::ProvenState LedgerImpl::prove(const StatePath& path) const {
  const std::shared_lock lock(state_mutex_);
  ProvenState out{head_header_, std::nullopt, tree_.prove(path)};
  if (const auto value = tree_.get(path)) out.value = to_bytes(*value);
  return out;
}

LedgerImpl::ProvenRange LedgerImpl::prove_range(const StatePath& first, const StatePath& last,
                                                const MerkleTree::RangeLimits& limits) const {
  const std::shared_lock lock(state_mutex_);
  return {head_header_, tree_.prove_range(first, last, limits)};
}

Result<LedgerImpl::ProvenTx> LedgerImpl::prove_tx(const TxId& id) const {
  ProvenTx out;
  out.stored = TRY(blocks_.tx(id));
  const Block block = TRY(blocks_.block(out.stored.height));
  const BlockReceipts receipts = TRY(blocks_.receipts(out.stored.height));
  out.header = block.header;
  out.tx_proof = merkle_prove(hashes(block.txs, domain::kTxsRoot), out.stored.index);
  out.receipt_proof = merkle_prove(hashes(receipts.receipts, domain::kReceiptsRoot), out.stored.index);
  return out;
}

Result<LedgerImpl::ProvenEvent> LedgerImpl::prove_event(const EventCursor& at) const {
  if (at.tx != kBoundaryTx) return fail(Fault::kInvalid, "a transaction's event is proved with its receipt");
  const BlockReceipts receipts = TRY(blocks_.receipts(at.height));
  if (at.event >= receipts.boundary_events.size()) return fail(Fault::kNotFound, "no such event in the block");
  ProvenEvent out;
  out.header = TRY(blocks_.header(at.height));
  out.event = receipts.boundary_events[at.event];
  out.proof = merkle_prove(hashes(receipts.boundary_events, domain::kEventsRoot), at.event);
  return out;
}

Result<LedgerImpl::ProvenBlock> LedgerImpl::prove_block(Height height) const {
  ProvenBlock out;
  out.head = read([](const StateView&, const Header& header) { return header; });
  out.header = TRY(blocks_.header(height));
  if (height < out.head.height) out.proof = TRY(blocks_.prove_block(height, out.head.height));
  return out;
}

}  // namespace micro
