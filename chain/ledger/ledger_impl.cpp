#include "chain/ledger/ledger_impl.hpp"

#include <algorithm>
#include <set>

#include "chain/base/check.hpp"
#include "chain/base/random.hpp"
#include "chain/execution/full_sum.hpp"
#include "chain/records/records.hpp"
#include "chain/state/overlay.hpp"

namespace micro {
namespace {

constexpr std::size_t kForgetChunk = 250;         ///< committed transactions that leave the pool under one lock
constexpr std::size_t kPrefetchTxs = 4;           ///< between asking for a transaction and copying it
constexpr std::uint64_t kExpireEveryBlocks = 64;  ///< sweeps of the mempool

std::size_t thread_count(std::size_t asked) {
  return asked != 0 ? asked : std::max<std::size_t>(1, std::thread::hardware_concurrency());
}

std::uint64_t random_seed() {
  SystemRandom random;
  const Hash bytes = random.draw<Hash>();
  std::uint64_t seed = 0;
  std::memcpy(&seed, bytes.data.data(), sizeof seed);
  return seed;
}

Header genesis_header(const Genesis& genesis, const StateRoot& root) {
  Header header;
  header.time = genesis.time;
  header.state_root = root;
  header.next_validators = validator_set_hash(genesis.validators);
  return header;
}

Status same_header(const Header& given, const Header& computed) {
  const auto differs = [](const char* what) {
    return fail(Fault::kMismatch, std::string("the block's ") + what + " is not what executing it gives");
  };
  if (given.version != computed.version) return differs("version");
  if (given.height != computed.height) return differs("height");
  if (given.epoch != computed.epoch) return differs("epoch");
  if (given.boundary != computed.boundary) return differs("boundary flag");
  if (given.parent != computed.parent) return differs("parent");
  if (given.time != computed.time) return differs("time");
  if (given.txs_root != computed.txs_root) return differs("txs_root");
  if (given.receipts_root != computed.receipts_root) return differs("receipts_root");
  if (given.events_root != computed.events_root) return differs("events_root");
  if (given.state_root != computed.state_root) return differs("state_root");
  if (given.headers_root != computed.headers_root) return differs("headers_root");
  if (given.next_validators != computed.next_validators) return differs("next_validators");
  CHECK(given == computed, "every field of a header is compared");
  return {};
}

/// Asks the memory for a transaction that is copied soon.
void prefetch(const PreparedTx& tx) {
  constexpr std::size_t kLineBytes = 64;
  const auto* const begin = reinterpret_cast<const char*>(&tx);
  for (std::size_t at = 0; at < sizeof tx; at += kLineBytes) __builtin_prefetch(begin + at);
}

/// Removes from `all` what a block left out; gives the contents of what stays, and its ids.
std::vector<Hash> keep_included(List<SignedTx, kMaxTxsPerBlock>& all,
                                std::span<const std::shared_ptr<const PreparedTx>> prepared,
                                const std::vector<bool>& included, std::vector<TxId>& ids) {
  std::vector<Hash> contents;
  contents.reserve(all.size());
  ids.reserve(all.size());
  for (std::size_t i = 0; i < prepared.size(); ++i) {
    if (!included[i]) continue;
    if (ids.size() != i) all[ids.size()] = std::move(all[i]);
    contents.push_back(prepared[i]->content);
    ids.push_back(prepared[i]->id);
  }
  all.resize(ids.size());
  return contents;
}

}  // namespace

LedgerImpl::LedgerImpl(const Genesis& genesis, BlockStore blocks, StateStore states, PolicyPort& policy,
                       const LedgerOptions& options)
    : chain_(chain_id(genesis)),
      kind_(genesis.kind),
      blocks_(std::move(blocks)),
      states_(std::move(states)),
      policy_(policy),
      workers_(thread_count(options.threads)),
      pool_(options.mempool, random_seed()) {}

/// Remembers that this node's disk or an invariant failed.
template <class T>
Result<T> LedgerImpl::failing(Result<T> result) {
  if (!result && result.error().fault != Fault::kInvalid && result.error().fault != Fault::kMismatch) failed_ = true;
  return result;
}

// --- opening ---

Result<std::unique_ptr<LedgerImpl>> LedgerImpl::open(const Genesis& genesis, std::unique_ptr<Kv> ledger_db,
                                                     std::unique_ptr<Kv> state_db, PolicyPort& policy,
                                                     const LedgerOptions& options) {
  BlockStore blocks = TRY(BlockStore::open(std::move(ledger_db), chain_id(genesis), options.index));
  std::unique_ptr<LedgerImpl> out(
      new LedgerImpl(genesis, std::move(blocks), StateStore(std::move(state_db), options.state), policy, options));
  auto loaded = TRY(out->states_.load());
  if (loaded) {
    TRY(out->load_state(*std::move(loaded)));
  } else {
    TRY(out->start_from(genesis));
  }
  TRY(out->replay());
  TRY(out->check_tip());
  return out;
}

Status LedgerImpl::start_from(const Genesis& genesis) {
  const StateDiff diff = TRY(genesis_state(genesis));
  std::vector<StateEntry> entries;
  entries.reserve(diff.size());
  for (const auto& [path, value] : diff) entries.push_back({path, *value});
  tree_.load(std::move(entries));
  head_header_ = genesis_header(genesis, tree_.root());
  head_id_ = block_id(head_header_);
  if (!blocks_.tip()) {
    TRY(blocks_.put_genesis(head_header_));
  } else if (TRY(blocks_.header(Height(0))) != head_header_) {
    return fail(Fault::kCorrupt, "the ledger's first block is not the one that this program makes of the genesis",
                "run the version of the program that made the data, or remove the data");
  }
  return states_.write_genesis(diff, {chain_, Height(0), head_id_, tree_.root(), Epoch(0)});
}

Status LedgerImpl::load_state(StateStore::Loaded loaded) {
  const char* const hint = "remove the state's folder: it is made again from the blocks";
  if (loaded.meta.chain != chain_) {
    return fail(Fault::kMismatch, "the state's database belongs to another network", hint);
  }
  if (!blocks_.tip() || blocks_.tip()->height < loaded.meta.height) {
    return fail(Fault::kCorrupt, "the state is ahead of the blocks", "restore the ledger's folder, or remove both");
  }
  tree_.load(std::move(loaded.entries));
  if (tree_.root() != loaded.meta.root) return fail(Fault::kCorrupt, "the stored state does not have its root", hint);
  head_header_ = TRY(blocks_.header(loaded.meta.height));
  head_id_ = block_id(head_header_);
  if (head_id_ != loaded.meta.block || head_header_.state_root != loaded.meta.root) {
    return fail(Fault::kCorrupt, "the state belongs to other blocks than those stored", hint);
  }
  const auto sum = check_full_sum(tree_);
  if (!sum) return fail(Fault::kCorrupt, "the stored state: " + sum.error().message, hint);
  return {};
}

/// What the next block will commit to without reading it again.
Status LedgerImpl::check_tip() const {
  const Tip& tip = *blocks_.tip();
  if (tip.id == head_id_ && tip.ids_below.root() == head_header_.headers_root) return {};
  return fail(Fault::kCorrupt, "the record of the ledger's tip does not fit the last block",
              "restore the ledger's folder from a backup, or remove the node's data and let it sync again");
}

// After a crash between the two batches the state is behind. The blocks were final, so their signatures were verified.
Status LedgerImpl::replay() {
  const Tip tip = *blocks_.tip();
  if (head_header_.height == tip.height) return {};
  MmrPeaks ids_below = TRY(blocks_.ids_below(head_header_.height));
  while (head_header_.height < tip.height) {
    const Block block = TRY(blocks_.block(head_header_.height.next()));
    std::vector<TxPtr> txs(block.txs.size());
    workers_.each(txs.size(), kVerifyChunk, [&](std::size_t begin, std::size_t end) {
      PreparedTxs prepared = prepare_txs(std::span(block.txs).subspan(begin, end - begin));
      for (std::size_t i = begin; i < end; ++i) {
        txs[i] = std::make_shared<PreparedTx>(std::move(prepared.txs[i - begin]));
      }
    });
    const Parent parent{head_header_, head_id_, ids_below, {}};
    const auto done = run(parent, block.header.time, txs, ExecutionMode::kValidate, nullptr);
    const Status same =
        done ? same_header(block.header, (*done)->block.block.header) : Status(std::unexpected(done.error()));
    if (!same) {
      return fail(Fault::kCorrupt,
                  "executing final block " + block.header.height.text() + " again: " + same.error().message,
                  "this program and the one that made the block do not agree: report it, and run the other version");
    }
    ids_below.append(head_id_);
    move_head(**done);
    TRY(write_state(**done));
  }
  return {};
}

// --- blocks ---

Result<LedgerImpl::Parent> LedgerImpl::parent(const BlockId& id) const {
  Parent out;
  out.id = id;
  for (BlockId at = id; at != head_id_;) {
    const auto it = executed_.find(at);
    if (it == executed_.end()) {
      return fail(Fault::kNotFound, "block " + id.brief() + " is neither the finalized tip nor an executed block");
    }
    out.unfinalized.push_back(it->second.get());
    at = it->second->block.block.header.parent;
  }
  std::ranges::reverse(out.unfinalized);
  out.header = out.unfinalized.empty() ? head_header_ : out.unfinalized.back()->block.block.header;
  out.ids_below = out.unfinalized.empty() ? blocks_.tip()->ids_below : out.unfinalized.back()->ids_below;
  return out;
}

Result<std::unique_ptr<LedgerImpl::Executed>> LedgerImpl::run(const Parent& parent, TimeMs time,
                                                              std::span<const TxPtr> txs, ExecutionMode mode,
                                                              std::vector<bool>* kept) {
  if (time <= parent.header.time) return fail(Fault::kInvalid, "a block is not newer than its parent");
  auto out = std::make_unique<Executed>();
  Block& block = out->block.block;
  Header& header = block.header;
  std::vector<DiffView> layers;
  layers.reserve(parent.unfinalized.size());
  const StateView* view = &tree_;
  std::vector<const StateDiff*> diffs;
  for (const Executed* ancestor : parent.unfinalized) {
    view = &layers.emplace_back(*view, ancestor->diff);
    diffs.push_back(&ancestor->diff);
  }
  List<SignedTx, kMaxTxsPerBlock> all;
  all.reserve(txs.size());
  std::vector<TxFacts> facts;
  facts.reserve(txs.size());
  for (std::size_t i = 0; i < txs.size(); ++i) {
    if (i + kPrefetchTxs < txs.size()) prefetch(*txs[i + kPrefetchTxs]);
    all.push_back(txs[i]->tx);
    facts.push_back({txs[i]->id, txs[i]->encoded.size()});
  }
  const BlockInput input{chain_, kind_, parent.header.height.next(), time, parent.id};
  std::vector<bool> included;
  BlockOutcome outcome = TRY(execute_block(*view, input, all, policy_, mode, &included, facts));

  const std::vector<Hash> contents = keep_included(all, txs, included, out->block.tx_ids);
  block.txs = std::move(all);
  out->block.receipts.receipts.assign(std::make_move_iterator(outcome.receipts.begin()),
                                      std::make_move_iterator(outcome.receipts.end()));
  out->block.receipts.boundary_events.assign(std::make_move_iterator(outcome.boundary_events.begin()),
                                             std::make_move_iterator(outcome.boundary_events.end()));
  if (outcome.policy) {
    out->block.policy = PolicyRecordIo{Blob<kMaxPolicyIoBytes>(std::move(outcome.policy->input)),
                                       Blob<kMaxPolicyIoBytes>(std::move(outcome.policy->output))};
  }
  out->diff = std::move(outcome.diff);
  diffs.push_back(&out->diff);
  out->update = tree_.prepare(diffs);
  out->ids_below = parent.ids_below;
  out->ids_below.append(parent.id);

  header.height = input.height;
  header.epoch = outcome.epoch;
  header.boundary = outcome.boundary;
  header.parent = parent.id;
  header.time = time;
  header.txs_root = merkle_root(contents);
  header.receipts_root = receipts_root(out->block.receipts.receipts);
  header.events_root = events_root(out->block.receipts.boundary_events);
  header.state_root = out->update.root;
  header.headers_root = out->ids_below.root();
  if (outcome.next_validators) {
    header.next_validators = validator_set_hash(*outcome.next_validators);
    out->block.next_validators = std::move(outcome.next_validators);
  }
  out->block.id = block_id(header);
  if (kept != nullptr) *kept = std::move(included);
  return out;
}

LedgerImpl::Executed& LedgerImpl::keep(std::unique_ptr<Executed> executed) {
  executed->order = executions_++;
  if (executed_.size() >= kMaxUnfinalizedBlocks) make_room_for(*executed);
  auto& slot = executed_[executed->block.id];
  slot = std::move(executed);
  return *slot;
}

/// The oldest goes that the new one does not stand on, and whatever stands on it: no block is left whose way down to
/// the head has a gap.
void LedgerImpl::make_room_for(const Executed& executed) {
  std::set<BlockId> below;
  for (BlockId at = executed.block.block.header.parent; executed_.contains(at);) {
    below.insert(at);
    at = BlockId(executed_.at(at)->block.block.header.parent);
  }
  const Executed* oldest = nullptr;
  for (const auto& [id, one] : executed_) {
    if (below.contains(id) && below.size() < executed_.size()) continue;
    if (oldest == nullptr || one->order < oldest->order) oldest = one.get();
  }
  std::vector<BlockId> gone{oldest->block.id};
  while (!gone.empty()) {
    const BlockId parent = gone.back();
    gone.pop_back();
    executed_.erase(parent);
    for (const auto& [id, one] : executed_) {
      if (one->block.block.header.parent == parent) gone.push_back(id);
    }
  }
}

Result<Block> LedgerImpl::propose(const BlockId& parent_id, TimeMs time, const ProposeLimits& limits) {
  const std::lock_guard writer(writer_mutex_);
  if (failed_) return fail(Fault::kIo, "the ledger failed before: the process has to stop");
  const Parent on = TRY(parent(parent_id));
  const auto params = TRY(read_record<ChainParams>(tree_, path::params()));
  const std::size_t max_bytes = std::min(limits.max_bytes, params ? params->max_block_bytes : 0);
  Mempool::Ahead ahead;
  for (const Executed* ancestor : on.unfinalized) {
    for (const SignedTx& tx : ancestor->block.block.txs) {
      Nonce& next = ahead[tx.body.sender];
      next = std::max(next, tx.body.nonce.next());
    }
  }
  std::vector<TxPtr> txs;
  {
    const std::lock_guard lock(pool_mutex_);
    const std::size_t max_txs = std::min<std::size_t>(limits.max_txs, kMaxTxsPerBlock);
    std::vector<Mempool::EntryPtr> chosen;
    if (!limits.only.empty()) chosen = pool_.select(max_bytes, max_txs, ahead, {.only = limits.only});
    if (chosen.empty()) chosen = pool_.select(max_bytes, max_txs, ahead, {.without = limits.without});
    txs.assign(std::make_move_iterator(chosen.begin()), std::make_move_iterator(chosen.end()));
  }
  std::vector<bool> kept;
  auto executed = TRY(failing(run(on, time, txs, ExecutionMode::kBuild, &kept)));
  if (on.unfinalized.empty()) {  // else an ancestor that never becomes final may be what is in their way
    const std::lock_guard lock(pool_mutex_);
    for (std::size_t i = 0; i < txs.size(); ++i) {
      if (!kept[i]) pool_.drop(txs[i]->id);
    }
  }
  return keep(std::move(executed)).block.block;
}

bool LedgerImpl::is_signed(const SignedTx& tx, const PreparedTx& prepared, const Hash& signed_hash) {
  if (verified_.has(prepared.content)) return true;
  ++verifications_;
  return signature_holds(tx, signed_hash, keys_);
}

Result<std::vector<LedgerImpl::TxPtr>> LedgerImpl::verified(const Block& block) {
  std::vector<TxPtr> txs(block.txs.size());
  std::atomic<bool> all_hold = true;
  const auto verify = [&](std::span<const SignedTx> chunk, std::span<TxPtr> out) {
    PreparedTxs prepared = prepare_txs(chunk);
    {
      const std::lock_guard lock(pool_mutex_);
      for (std::size_t i = 0; i < chunk.size(); ++i) {
        auto waiting = pool_.find(prepared.txs[i].id);
        if (waiting && waiting->content == prepared.txs[i].content) out[i] = std::move(waiting);
      }
    }
    std::vector<Hash> strangers;
    for (std::size_t i = 0; i < chunk.size() && all_hold; ++i) {
      if (out[i]) continue;  // verified when it came in
      if (!is_signed(chunk[i], prepared.txs[i], prepared.signed_hashes[i])) all_hold = false;
      strangers.push_back(prepared.txs[i].content);
      out[i] = std::make_shared<PreparedTx>(std::move(prepared.txs[i]));
    }
    if (all_hold) verified_.put(strangers);
  };
  workers_.each(txs.size(), kVerifyChunk, [&](std::size_t begin, std::size_t end) {
    if (all_hold) verify(std::span(block.txs).subspan(begin, end - begin), std::span(txs).subspan(begin, end - begin));
  });
  if (!all_hold) return fail(Fault::kInvalid, "a transaction of the block has a wrong signature");
  return txs;
}

Status LedgerImpl::execute(const Block& block) {
  const std::lock_guard writer(writer_mutex_);
  if (failed_) return fail(Fault::kIo, "the ledger failed before: the process has to stop");
  const BlockId id = block_id(block.header);
  if (id == head_id_) return {};
  const auto txs = TRY(verified(block));
  std::vector<Hash> contents;
  contents.reserve(txs.size());
  for (const TxPtr& tx : txs) contents.push_back(tx->content);
  if (merkle_root(contents) != block.header.txs_root) {
    return fail(Fault::kMismatch, "the block's body is not the one its header commits to");
  }
  if (executed_.contains(id)) return {};
  const Parent on = TRY(parent(block.header.parent));
  auto executed = TRY(failing(run(on, block.header.time, txs, ExecutionMode::kValidate, nullptr)));
  TRY(same_header(block.header, executed->block.block.header));
  keep(std::move(executed));
  return {};
}

// --- finality ---

Status LedgerImpl::finalize(const BlockId& id, const std::optional<Certificate>& certificate) {
  const std::lock_guard writer(writer_mutex_);
  if (failed_) return fail(Fault::kIo, "the ledger failed before: the process has to stop");
  if (id == head_id_) return {};
  if (certificate && certificate->statement.block != id) {
    return fail(Fault::kMismatch, "the certificate is of another block");
  }
  const Parent upto = TRY(parent(id));
  for (const Executed* next : upto.unfinalized) {
    Executed& executed = *executed_.at(next->block.id);
    if (executed.block.id == id) executed.block.certificate = certificate;
    TRY(failing(make_final(executed)));
  }
  forget_other_branches();
  return {};
}

Status LedgerImpl::make_final(Executed& executed) {
  TRY(blocks_.append(executed.block));
  move_head(executed);
  forget_committed(executed.block);
  // The block is durable and readable. If the process dies before the state is too, the next start executes it again.
  if (on_finalized_) on_finalized_(executed.block);
  return write_state(executed);
}

void LedgerImpl::move_head(const Executed& executed) {
  const Header& header = executed.block.block.header;
  const std::unique_lock lock(state_mutex_);
  const StateRoot root = tree_.is_current(executed.update) ? tree_.commit(executed.update) : tree_.apply(executed.diff);
  CHECK(root == header.state_root, "committing a block gives the root that executing it gave");
  head_header_ = header;
  head_id_ = executed.block.id;
}

Status LedgerImpl::write_state(const Executed& executed) {
  const Header& header = executed.block.block.header;
  const Epoch epoch = header.boundary ? header.epoch.next() : header.epoch;
  return states_.write(executed.diff, {chain_, header.height, executed.block.id, header.state_root, epoch});
}

void LedgerImpl::forget_committed(const FinalizedBlock& block) {
  const Header& header = block.block.header;
  const std::span<const SignedTx> txs = block.block.txs;
  const std::span<const TxId> ids = block.tx_ids;
  for (std::size_t i = 0; i < txs.size(); i += kForgetChunk) {
    const std::size_t n = std::min(kForgetChunk, txs.size() - i);
    const std::lock_guard lock(pool_mutex_);  // in pieces: who adds transactions does not wait for all of it
    pool_.committed(txs.subspan(i, n), ids.subspan(i, n));
  }
  if (!header.boundary && header.height.value % kExpireEveryBlocks != 0) return;
  const std::lock_guard lock(pool_mutex_);
  pool_.expire(header.height.next());
}

void LedgerImpl::forget_other_branches() {
  std::vector<Executed*> by_height;
  for (const auto& [id, executed] : executed_) by_height.push_back(executed.get());
  std::ranges::sort(by_height, {}, [](const Executed* e) { return e->block.block.header.height; });
  for (const Executed* executed : by_height) {
    const BlockId& below = executed->block.block.header.parent;
    if (below == head_id_ || executed_.contains(below)) {
      // A block below the head is no parent to build on, even where it is still in the map.
      if (executed->block.block.header.height > head_header_.height) continue;
    }
    executed_.erase(BlockId(executed->block.id));
  }
}

}  // namespace micro
