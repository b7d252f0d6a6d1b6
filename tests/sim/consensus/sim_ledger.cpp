#include "tests/sim/consensus/sim_ledger.hpp"

#include <algorithm>

#include "chain/crypto/hash.hpp"

namespace micro::test {
namespace {

constexpr TimeMs kStart{1'767'225'600'000};

Header model_genesis(const Committees& committees) {
  Header header;
  header.time = kStart;
  header.next_validators = validator_set_hash(committees.set(Epoch(0)));
  return header;
}

}  // namespace

ValidatorSet Committees::set(Epoch epoch) const {
  ValidatorSet out;
  const auto& w = weights[epoch.value % weights.size()];
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (w[i] > 0) out.members.push_back({keys[i], w[i]});
  }
  std::ranges::sort(out.members, {}, &Validator::key);
  return out;
}

SignedTx model_tx(std::uint64_t number) {
  SignedTx out;
  out.body.nonce = Nonce(number);
  return out;
}

std::uint64_t tx_key(const SignedTx& tx) {
  if (tx.body.sender.is_zero()) return tx_number(tx);
  const TxId id = tx_id(tx.body);
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < sizeof out; ++i) out = out << 8 | id.data[i];
  return out;
}

ModelLedger::ModelLedger(const Committees& committees, std::uint32_t epoch_ms, std::shared_ptr<ModelChain> chain,
                         std::uint64_t node, bool poison_first)
    : committees_(&committees),
      epoch_ms_(epoch_ms),
      chain_(std::move(chain)),
      node_(node),
      poison_first_(poison_first) {
  head_.chain.data.fill(0x5a);
  head_.header = model_genesis(committees);
  head_.id = block_id(head_.header);
  head_.epoch_started = kStart;
  head_.epoch_ms = epoch_ms;
  head_.last_of_previous = head_.id;
  for (std::size_t i = 0; i < chain_->blocks.size(); ++i) {
    head_.certificate = chain_->certificates[i];
    advance(chain_->blocks[i]);
  }
}

void ModelLedger::advance(const Block& block) {
  head_.header = block.header;
  head_.id = block_id(block.header);
  for (const SignedTx& tx : block.txs) {
    committed_.insert(tx_number(tx));
    waiting_.erase(tx_number(tx));
  }
  if (block.header.boundary) {
    head_.epoch = head_.epoch.next();
    head_.epoch_started = block.header.time;
    head_.last_of_previous = head_.id;
  }
  std::erase_if(executed_, [&](const auto& e) { return e.second.header.height <= block.header.height; });
}

ChainHead ModelLedger::head() const {
  return head_;
}

std::optional<Block> ModelLedger::block(const BlockId& id) const {
  const auto it = chain_->index.find(id);
  return it == chain_->index.end() ? std::nullopt : std::optional(chain_->blocks[it->second]);
}

std::optional<Certificate> ModelLedger::boundary(Epoch epoch) const {
  for (std::size_t i = chain_->blocks.size(); i-- > 0;) {
    const Header& header = chain_->blocks[i].header;
    if (header.boundary && header.epoch == epoch) return chain_->certificates[i];
  }
  return std::nullopt;
}

void ModelLedger::submit(std::uint64_t tx) {
  if (!committed_.contains(tx)) waiting_.insert(tx);
}

std::optional<ModelLedger::On> ModelLedger::on(const BlockId& id) const {
  if (id == head_.id) return On{head_.header, head_.id, head_.epoch, head_.epoch_started};
  const auto it = executed_.find(id);
  if (it == executed_.end()) return std::nullopt;
  const Header& header = it->second.header;
  const bool ends = header.boundary;
  return On{header, id, ends ? header.epoch.next() : header.epoch, ends ? header.time : head_.epoch_started};
}

bool ModelLedger::is_used(std::uint64_t tx, BlockId parent) const {
  if (committed_.contains(tx)) return true;
  // What is forgotten cannot be built on, but what it used stays used.
  for (auto it = was_executed_.find(parent); it != was_executed_.end();
       it = was_executed_.find(it->second.header.parent)) {
    if (std::ranges::any_of(it->second.txs, [&](const SignedTx& t) { return tx_number(t) == tx; })) return true;
  }
  return false;
}

Block ModelLedger::run(const On& parent, TimeMs time, List<SignedTx, kMaxTxsPerBlock> txs) const {
  Block out;
  Header& h = out.header;
  h.height = parent.header.height.next();
  h.epoch = parent.epoch;
  h.boundary = time.value >= parent.epoch_started.value + epoch_ms_;
  h.parent = parent.id;
  h.time = time;
  h.txs_root = txs_root(txs);
  Encoder state;
  state.put(parent.header.state_root).put(h.txs_root).put(time);
  for (const SignedTx& tx : txs) {
    if (tx_number(tx) % kPoison == 0) state.put(node_);
  }
  h.state_root = blake2b_256(state.bytes()).as<StateRoot>();
  if (h.boundary) h.next_validators = validator_set_hash(committees_->set(h.epoch.next()));
  out.txs = std::move(txs);
  return out;
}

void ModelLedger::keep(const BlockId& id, const Block& block) {
  was_executed_.emplace(id, block);
  if (executed_.insert_or_assign(id, block).second) order_.push_back(id);
  std::erase_if(order_, [&](const BlockId& known) { return !executed_.contains(known); });
  if (order_.size() <= kModelUnfinalized) return;
  executed_.erase(order_.front());
  order_.erase(order_.begin());
}

Result<Block> ModelLedger::propose(const BlockId& parent, TimeMs time, const ProposeLimits& limits) {
  const auto on_parent = on(parent);
  if (!on_parent) return fail(Fault::kNotFound, "no such parent");
  std::vector<std::uint64_t> order(waiting_.begin(), waiting_.end());
  const auto is_among = [](const std::vector<TxId>& ids, std::uint64_t tx) {
    return std::ranges::binary_search(ids, tx_id(model_tx(tx).body));
  };
  const bool has_only =
      !limits.only.empty() && std::ranges::any_of(order, [&](std::uint64_t tx) { return is_among(limits.only, tx); });
  if (has_only || !limits.without.empty()) {
    std::erase_if(
        order, [&](std::uint64_t tx) { return has_only ? !is_among(limits.only, tx) : is_among(limits.without, tx); });
  }
  if (poison_first_) std::ranges::sort(order, {}, [](std::uint64_t tx) { return std::pair(tx % kPoison != 0, tx); });
  List<SignedTx, kMaxTxsPerBlock> txs;
  for (const std::uint64_t tx : order) {
    if (txs.size() >= limits.max_txs) break;
    if (!is_used(tx, parent)) txs.push_back(model_tx(tx));
  }
  Block out = run(*on_parent, time, std::move(txs));
  keep(block_id(out.header), out);
  return out;
}

Status ModelLedger::execute(const Block& block) {
  const BlockId id = block_id(block.header);
  if (id == head_.id || executed_.contains(id)) return {};
  const auto parent = on(block.header.parent);
  if (!parent) return fail(Fault::kNotFound, "no such parent");
  if (block.header.time <= parent->header.time) return fail(Fault::kInvalid, "not newer than its parent");
  std::set<std::uint64_t> seen;
  for (const SignedTx& tx : block.txs) {
    if (!seen.insert(tx_number(tx)).second || is_used(tx_number(tx), block.header.parent)) {
      return fail(Fault::kInvalid, "a transaction twice");
    }
  }
  if (run(*parent, block.header.time, block.txs).header != block.header) return fail(Fault::kMismatch, "other roots");
  keep(id, block);
  return {};
}

Status ModelLedger::finalize(const BlockId& id, const std::optional<Certificate>& certificate) {
  if (id == head_.id) return {};
  const auto it = executed_.find(id);
  if (it == executed_.end() || it->second.header.parent != head_.id)
    return fail(Fault::kNotFound, "not the next block");
  const Block block = it->second;
  chain_->index[id] = chain_->blocks.size();
  chain_->blocks.push_back(block);
  chain_->certificates.push_back(certificate);
  head_.certificate = certificate;
  advance(block);
  return {};
}

Result<ValidatorSet> ModelLedger::validators(Epoch epoch) const {
  return committees_->set(epoch);
}

}  // namespace micro::test
