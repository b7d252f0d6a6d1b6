#include "tests/sim/consensus/sim_node.hpp"

#include "chain/crypto/hash.hpp"
#include "consensus/journal/vote_log.hpp"
#include "tests/gen/disk/rocks_machine.hpp"
#include "tests/sim/consensus/cluster.hpp"

namespace micro::test {

using namespace simplex;  // NOLINT: the shell speaks the engine's words

namespace {

// What the databases' disk suffers, and about how many steps a start and a commit take: later ones do not come.
constexpr std::uint32_t kCutAtStartPpm = 150'000;
constexpr std::uint32_t kCutInCommitPpm = 200'000;
constexpr std::uint32_t kFailedSyncPpm = 60'000;
constexpr std::uint64_t kStepsOfAStart = 120;
constexpr std::uint64_t kStepsOfACommit = 4;
constexpr std::uint64_t kStepsOfALongCommit = 40;  ///< that brings entries and values to their places
constexpr std::uint64_t kSyncsOfACommit = 2;

}  // namespace

void Durable::note(const Record& record) {
  const auto body = [&](const Block& block) { bodies.insert(block_id(block.header)); };
  if (const auto* in = std::get_if<Entered>(&record)) entered = std::max(entered, in->view);
  if (const auto* own = std::get_if<OwnVote>(&record)) votes.insert(encode(own->vote));
  if (const auto* accepted = std::get_if<Accepted>(&record); accepted != nullptr && accepted->block) {
    body(*accepted->block);
  }
  if (const auto* fetched = std::get_if<Body>(&record)) body(fetched->block);
  if (const auto* held = std::get_if<Held>(&record)) {
    certified.emplace(held->certificate.statement.view, held->certificate.statement.block);
  }
}

// --- life ---

SimNode::SimNode(Cluster& cluster, std::size_t index, std::size_t member, Behaviour behaviour)
    : cluster_(cluster),
      index_(index),
      member_(member),
      behaviour_(behaviour),
      signer_(cluster.scenario().seed, member, cluster.scenario().real_signatures) {
  Dice& dice = cluster.dice();
  clock_skew_ms_ = static_cast<std::int64_t>(dice.below(401)) - 200;
  if (behaviour == Behaviour::kClockLiar) clock_skew_ms_ = dice.chance(500'000) ? 3'600'000 : -3'600'000;
}

SimNode::~SimNode() = default;

Now SimNode::now() const {
  const Instant at = cluster_.now();
  const auto wall = static_cast<std::int64_t>(kSimStartMs + at.ns / 1'000'000) + clock_skew_ms_;
  return {at, TimeMs(static_cast<std::uint64_t>(wall))};
}

std::uint64_t SimNode::height() const {
  return ledger_ ? ledger_->head().header.height.value : chain_->blocks.size();
}

std::uint64_t SimNode::journal_bytes() const {
  const auto it = files_.find(journal_epoch_);
  return it == files_.end() ? 0 : it->second.durable.size() + it->second.pending.size();
}

void SimNode::boot() {
  const Scenario& s = cluster_.scenario();
  ++life_;
  if (!open_ledger()) return;
  EngineConfig config = cluster_.engine_config();
  config.key = signer_.key();
  config.seed = s.seed * 64 + index_;
  config.vote_after = vote_after_;
  config.keeps_votes = index_ % 2 == 1;
  held_.clear();
  held_synced_ = 0;
  syncing_ = dirty_ = waiting_announced_ = false;
  sequence_ = 0;
  const ChainHead head = ledger_->head();
  auto records = recover(head.epoch);
  if (ever_booted_) cluster_.count(SimFault::kRestart);
  ever_booted_ = true;
  engine_ = std::make_unique<Engine>(config, signer_);
  if (is_honest()) cluster_.monitor().booted(*this, told_);
  perform(engine_->start({head, ledger_->port().validators(head.epoch).value()}, std::move(records), now()));
}

void SimNode::crash() {
  ++life_;
  if (disk() != nullptr) disk()->cut();
  engine_.reset();
  ledger_.reset();
  if (disk() != nullptr) lose_power();
  held_.clear();
  Dice& dice = cluster_.dice();
  for (auto& [epoch, file] : files_) {
    if (file.pending.empty()) continue;
    const std::size_t kept = dice.below(3) == 0 ? 0 : dice.below(file.pending.size() + 1);
    cluster_.count(kept == 0 ? SimFault::kUnsyncedLost : SimFault::kTornTail);
    file.durable.insert(file.durable.end(), file.pending.begin(),
                        file.pending.begin() + static_cast<std::ptrdiff_t>(kept));
    if (kept > 0 && dice.below(4) == 0) file.durable.back() ^= 0x20;
    file.pending.clear();
  }
}

void SimNode::forget_journal() {
  files_.clear();
  vote_after_ = TimeMs(kSimStartMs + cluster_.now().ns / 1'000'000);
  cluster_.count(SimFault::kMemoryLost);
}

// --- the databases' disk ---

LossyDisk* SimNode::disk() {
  return chain_->machine ? &chain_->machine->disk() : nullptr;
}

/// False where the machine died on the way.
bool SimNode::open_ledger() {
  if (cluster_.scenario().rocks && !chain_->machine) chain_->machine = std::make_shared<RocksMachine>();
  const bool breaks = disk() != nullptr && cluster_.strikes(kCutAtStartPpm);
  if (breaks) disk()->cut_at(1 + cluster_.dice().below(kStepsOfAStart));
  disk_hurt_ = false;
  ledger_ = cluster_.make_ledger(chain_, index_);
  const Status opened = ledger_->opened();
  if (breaks && !disk()->has_power()) {
    cluster_.count(SimFault::kDiskCutAtStart);
    crash();
    cluster_.restart_later(*this);
    return false;
  }
  if (breaks) disk()->cut_at(0);
  if (opened) return true;
  cluster_.violation("node " + std::to_string(index_) + " does not find its ledger again: " + opened.error().message);
  ledger_.reset();
  return false;
}

void SimNode::break_disk_soon() {
  if (disk() == nullptr) return;
  const bool is_long = cluster_.scenario().deferred_blocks > 0 && cluster_.dice().below(2) == 0;
  const std::uint64_t steps = is_long ? kStepsOfALongCommit : kStepsOfACommit;
  if (cluster_.strikes(kCutInCommitPpm)) disk()->cut_at(1 + cluster_.dice().below(steps));
  if (cluster_.strikes(kFailedSyncPpm)) disk()->fail_sync_at(1 + cluster_.dice().below(kSyncsOfACommit));
}

/// Whether the power went within the step that is over.
bool SimNode::disk_died() {
  if (disk() == nullptr) return false;
  if (disk()->sync_failed()) {
    disk_hurt_ = true;
    cluster_.count(SimFault::kDiskSyncFailed);
  }
  disk()->cut_at(0);
  disk()->fail_sync_at(0);
  if (disk()->has_power()) return false;
  cluster_.count(SimFault::kDiskCutInCommit);
  return true;
}

void SimNode::lose_power() {
  const LossyDisk::Lost lost = disk()->lose_power([this](std::uint64_t bound) { return cluster_.dice().below(bound); });
  cluster_.count(SimFault::kDiskBytesGone, lost.gone);
  cluster_.count(SimFault::kDiskTorn, lost.torn);
  cluster_.count(SimFault::kDiskNamesLost, lost.names);
  cluster_.trace_disk(disk()->digest());
}

/// The oldest that the node may be restored to: one an epoch.
void SimNode::copy_ledger() {
  if (disk() == nullptr || member_ != cluster_.scenario().restored) return;
  const ChainHead head = ledger_->head();
  if (copy_ && copy_->epoch == head.epoch) return;
  copy_ = Copy{head.epoch, head.header.height, disk()->image()};
}

void SimNode::restore_ledger() {
  if (disk() != nullptr) {
    if (!copy_ || copy_->height == told_ || files_.empty() || copy_->epoch < files_.rbegin()->first) return;
    disk()->restore(copy_->image);
    told_ = copy_->height;
    cluster_.count(SimFault::kDiskRestored);
    return;
  }
  std::size_t first = chain_->blocks.size();
  while (first > 0 && !chain_->blocks[first - 1].header.boundary) --first;
  const std::size_t kept = first + cluster_.dice().below(chain_->blocks.size() - first + 1);
  if (kept == chain_->blocks.size()) return;
  cluster_.count(SimFault::kLedgerRestored);
  for (std::size_t i = kept; i < chain_->blocks.size(); ++i) chain_->index.erase(block_id(chain_->blocks[i].header));
  chain_->blocks.resize(kept);
  chain_->certificates.resize(kept);
  told_ = Height(kept);
}

std::vector<Record> SimNode::recover(Epoch epoch) {
  durable_ = durable_at_boot_ = {};
  unsynced_.clear();
  const auto it = files_.find(epoch);
  if (it == files_.end()) return {};
  const auto journal = recover_journal(it->second.durable);
  if (!journal) {
    cluster_.violation("a journal that only crashed is called damaged: " + journal.error().message);
    return {};
  }
  journal_epoch_ = epoch;
  std::vector<Record> out;
  for (const Bytes& payload : journal->payloads) {
    auto record = decode<Record>(payload);
    if (!record) {
      cluster_.violation("a record does not decode: " + record.error().message);
      return {};
    }
    durable_.note(*record);
    out.push_back(std::move(*record));
  }
  durable_at_boot_ = durable_;
  return out;
}

void SimNode::open_journal(Epoch epoch, Epoch keep_from) {
  if (journal_epoch_ != epoch) {
    durable_ = durable_at_boot_ = {};
    unsynced_.clear();
    sync_bytes_ = 0;  // a sync that is under way is the old file's
  }
  journal_epoch_ = epoch;
  files_.erase(files_.begin(), files_.lower_bound(keep_from));
  ModelFile& file = files_[epoch];
  const auto journal = recover_journal(file.durable);
  file.durable.resize(journal ? journal->valid_bytes : 0);
  if (journal && journal->head) {
    writer_ = JournalWriter(journal->last, journal->head->salt);
    return;
  }
  writer_ = JournalWriter();
  file.durable = writer_.begin({1, ledger_->head().chain, epoch, blake2b_256(key().view())});
  writer_.mark_synced();
}

// --- turns ---

void SimNode::after(std::uint64_t us, Work work) {
  cluster_.schedule(us, [this, life = life_, work = std::move(work)] {
    if (life == life_ && is_up()) work();
  });
}

void SimNode::feed(simplex::Event event) {
  if (!is_up()) return;
  cluster_.trace_event(*this, event);
  auto effects = engine_->on(std::move(event), now());
  if (is_honest()) cluster_.monitor().after_turn(*this, effects);
  perform(std::move(effects));
}

/// Before anything else happens, but behind what is going on.
void SimNode::crash_soon() {
  after(0, [this] { cluster_.crash_and_restart(*this); });
}

/// Journal effects happen at once, in memory of the kernel; everything else waits behind them for the next sync where
/// one is needed, as in consensus/replica.
void SimNode::perform(Effects effects) {
  for (Effect& effect : effects) {
    cluster_.trace_effect(*this, effect);
    if (const auto* open = std::get_if<OpenJournal>(&effect)) {
      open_journal(open->epoch, open->keep_from);
      if (cluster_.crash_at(SimFault::kCrashAtEpoch, 50'000)) crash_soon();
    } else if (const auto* record = std::get_if<Persist>(&effect)) {
      const Bytes framed = writer_.append(record->record);
      Bytes& pending = files_[journal_epoch_].pending;
      pending.insert(pending.end(), framed.begin(), framed.end());
      sequence_ = record->sequence;
      unsynced_.emplace_back(sequence_, decode<Record>(record->record).value());
      dirty_ = dirty_ || record->urgent;
    } else if (const auto* rewrite = std::get_if<Rewrite>(&effect)) {
      JournalWriter fresh;
      ModelFile file;
      file.durable = fresh.begin({1, ledger_->head().chain, journal_epoch_, blake2b_256(key().view())});
      durable_ = {};
      unsynced_.clear();
      for (const Bytes& payload : rewrite->records) {
        durable_.note(decode<Record>(payload).value());
        const Bytes framed = fresh.append(payload);
        file.durable.insert(file.durable.end(), framed.begin(), framed.end());
      }
      fresh.mark_synced();
      writer_ = fresh;
      files_[journal_epoch_] = std::move(file);
      sync_bytes_ = 0;
      sequence_ = rewrite->sequence;
      dirty_ = true;
      if (cluster_.crash_at(SimFault::kCrashAtRewrite, 100'000)) crash_soon();
    } else if (const auto* commit = std::get_if<Commit>(&effect); commit != nullptr && commit->certificate) {
      act(effect);
    } else {
      held_.push_back(std::move(effect));
    }
  }
  if (dirty_ && cluster_.crash_at(SimFault::kCrashAtAppend, 3'000)) crash_soon();
  release();
}

void SimNode::release() {
  if (syncing_) return;
  if (dirty_) {
    syncing_ = true;
    dirty_ = false;
    held_synced_ = held_.size();
    sync_sequence_ = sequence_;
    sync_bytes_ = files_[journal_epoch_].pending.size();
    const bool slow = cluster_.dice().chance(cluster_.fault_rate(cluster_.scenario().slow_disk_ppm));
    if (slow) cluster_.count(SimFault::kSlowDisk);
    after(slow ? cluster_.dice().between(20'000, 200'000) : cluster_.dice().between(100, 4'000),
          [this] { sync_done(); });
    return;
  }
  while (!held_.empty() && !syncing_ && is_up()) {
    Effect effect = std::move(held_.front());
    held_.pop_front();
    act(effect);
  }
}

void SimNode::sync_done() {
  if (cluster_.dice().chance(cluster_.fault_rate(cluster_.scenario().failed_sync_ppm))) {
    cluster_.count(SimFault::kFailedSync);
    return cluster_.crash_and_restart(*this);
  }
  if (cluster_.crash_at(SimFault::kCrashAtSync, 3'000)) return cluster_.crash_and_restart(*this);
  ModelFile& file = files_[journal_epoch_];
  const auto n = static_cast<std::ptrdiff_t>(std::min(sync_bytes_, file.pending.size()));
  file.durable.insert(file.durable.end(), file.pending.begin(), file.pending.begin() + n);
  file.pending.erase(file.pending.begin(), file.pending.begin() + n);
  if (file.pending.empty()) writer_.mark_synced();
  const std::uint64_t done = sync_sequence_;
  for (; !unsynced_.empty() && unsynced_.front().first <= done; unsynced_.pop_front()) {
    durable_.note(unsynced_.front().second);
  }
  if (cluster_.crash_at(SimFault::kCrashAfterSync, 3'000)) return cluster_.crash_and_restart(*this);
  for (std::size_t i = held_synced_; i > 0 && is_up(); --i) {
    Effect effect = std::move(held_.front());
    held_.pop_front();
    act(effect);
  }
  if (!is_up()) return;
  syncing_ = false;
  feed(Persisted{done, journal_bytes()});
}

// --- effects ---

void SimNode::act(Effect& effect) {
  Dice& dice = cluster_.dice();
  if (const auto* send = std::get_if<Send>(&effect)) {
    if (is_honest()) cluster_.monitor().leaves(*this, *send->message);
    cluster_.send(*this, send->to, send->message);
  } else if (const auto* all = std::get_if<Broadcast>(&effect)) {
    if (is_honest()) cluster_.monitor().leaves(*this, *all->message);
    cluster_.broadcast(*this, all->message);
  } else if (const auto* timer = std::get_if<ArmTimer>(&effect)) {
    const std::uint64_t mine = ++timer_;
    const std::uint64_t at = std::max(timer->at.ns, cluster_.now().ns);
    after((at - cluster_.now().ns + 999) / 1'000, [this, mine] {
      if (mine == timer_) feed(Tick{});
    });
  } else if (const auto* check = std::get_if<Check>(&effect)) {
    act_check(*check);
  } else if (const auto* build = std::get_if<Build>(&effect)) {
    act_build(*build);
  } else if (const auto* execute = std::get_if<Execute>(&effect)) {
    after(dice.between(500, 5'000), [this, id = execute->id, block = execute->block] {
      const Status done = ledger_->port().execute(*block);
      Executed event{id, simplex::Verdict::kValid, ""};
      if (!done) {
        event.verdict =
            done.error().fault == Fault::kNotFound ? simplex::Verdict::kUnknown : simplex::Verdict::kInvalid;
        event.why = done.error().message;
      }
      feed(std::move(event));
    });
  } else if (const auto* commit = std::get_if<Commit>(&effect)) {
    act_commit(*commit);
  } else if (const auto* serve = std::get_if<ServeBlocks>(&effect)) {
    act_serve(*serve);
  } else if (const auto* boundary = std::get_if<ServeBoundary>(&effect)) {
    if (const auto c = ledger_->boundary(boundary->epoch)) {
      Certificates out;
      out.certificates.push_back(*c);
      cluster_.send(*this, boundary->to, std::make_shared<const Message>(Message{1, boundary->epoch, std::move(out)}));
    }
  } else if (const auto* evidence = std::get_if<Evidence>(&effect)) {
    if (is_honest()) cluster_.monitor().accused(*this, *evidence);
  } else if (const auto* seen = std::get_if<Witnessed>(&effect)) {
    if (is_honest()) act_witnessed(*seen);
  } else if (const auto* halt = std::get_if<Halt>(&effect)) {
    if (is_honest()) cluster_.violation("node " + std::to_string(index_) + " halts: " + halt->error.message);
  }
}

/// A model of the log of single votes, kept as long: what contradicts one of them is evidence too.
void SimNode::act_witnessed(const Witnessed& seen) {
  if (seen.key == key()) return cluster_.violation("node " + std::to_string(index_) + " keeps its own vote");
  const Epoch oldest(journal_epoch_.value - std::min(journal_epoch_.value, kVoteEpochs));
  kept_votes_.erase(kept_votes_.begin(), kept_votes_.lower_bound({oldest, {}, {}}));
  if (seen.epoch < oldest) return;
  auto& votes = kept_votes_[{seen.epoch, seen.key, seen.vote.statement.view}];
  for (const Vote& other : votes) {
    if (other.statement == seen.vote.statement) return;
    if (!contradict(other.statement, seen.vote.statement)) continue;
    cluster_.monitor().accused(*this, Evidence{seen.epoch, seen.key, other, seen.vote});
  }
  votes.push_back(seen.vote);
}

void SimNode::act_check(const Check& check) {
  Checked out;
  out.batch = check.batch;
  for (const CheckItem& item : check.items) {
    bool holds = true;
    for (const auto& s : item.signatures) holds = holds && SimSigner::holds(s, cluster_.scenario().real_signatures);
    for (const BlockPtr& block : item.bodies) holds = holds && txs_root(block->txs) == block->header.txs_root;
    out.holds.push_back(holds);
  }
  after(cluster_.dice().between(100, 2'000), [this, out = std::move(out)] { feed(out); });
}

void SimNode::act_build(const Build& build) {
  after(cluster_.dice().between(500, 5'000), [this, build] {
    Result<Block> block = ledger_->port().propose(build.parent, build.time, build.limits);
    feed(Built{build.parent, std::move(block)});
  });
}

void SimNode::act_commit(const Commit& commit) {
  after(cluster_.dice().between(500, 6'000), [this, commit] {
    if (cluster_.crash_at(SimFault::kCrashBeforeCommit, 10'000)) return cluster_.crash_and_restart(*this);
    break_disk_soon();
    const Status done = ledger_->port().finalize(commit.block, commit.certificate);
    if (disk_died() || (!done && disk_hurt_)) return cluster_.crash_and_restart(*this);
    if (!done && done.error().fault == Fault::kNotFound) return feed(Committed{commit.block, {}, true});
    if (!done) return cluster_.violation("the ledger refuses a commit: " + done.error().message);
    const auto block = ledger_->block(commit.block);
    told_ = std::max(told_, block->header.height);
    if (is_honest()) cluster_.monitor().committed(*this, *block, commit.certificate);
    copy_ledger();
    if (cluster_.crash_now(SimFault::kCrashInCommit, 10'000)) return cluster_.crash_and_restart(*this);
    after(cluster_.dice().between(10, 500), [this, id = commit.block, boundary = block->header.boundary] {
      Committed event{id, {}};
      if (boundary) {
        const ChainHead head = ledger_->head();
        event.next = EpochStart{head, ledger_->port().validators(head.epoch).value()};
        if (is_honest()) count_epoch(engine_->set(), event.next->set);
        // Its key is remembered from here on.
        if (vote_after_ && head.epoch_started.value > vote_after_->value + cluster_.engine_config().max_drift_ms) {
          vote_after_.reset();
        }
      }
      feed(std::move(event));
      announce_waiting();
    });
  });
}

void SimNode::count_epoch(const ValidatorSet& before, const ValidatorSet& now) {
  cluster_.count(SimFault::kEpochChange);
  if (!std::ranges::equal(before.members, now.members, {}, &Validator::key, &Validator::key)) {
    cluster_.count(SimFault::kJoinOrLeave);
  }
  if (std::ranges::any_of(now.members, [&](const Validator& v) { return v.weight != now.members.front().weight; })) {
    cluster_.count(SimFault::kUnequalWeights);
  }
}

void SimNode::act_serve(const ServeBlocks& serve) {
  Blocks out;
  BlockId id = serve.block;
  while (out.blocks.size() < kMaxBlocksPerAnswer) {
    const auto block = ledger_->block(id);
    if (!block || block->header.height <= serve.above) break;
    id = block->header.parent;
    out.blocks.push_back(*block);
  }
  if (out.blocks.empty()) return;
  const Epoch epoch = engine_->epoch();
  cluster_.send(*this, serve.to, std::make_shared<const Message>(Message{1, epoch, std::move(out)}));
}

void SimNode::submit(std::uint64_t tx) {
  if (!is_up()) return;
  ledger_->submit(tx);
  announce_waiting();
}

void SimNode::submit(const SignedTx& tx) {
  if (!is_up()) return;
  ledger_->submit(tx);
  announce_waiting();
}

void SimNode::announce_waiting() {
  if (!is_up() || (!ledger_->txs_wait() && !waiting_announced_)) return;
  waiting_announced_ = ledger_->txs_wait();  // again and again while they do: the engine may have found none of use
  feed(TxsWait{waiting_announced_});
}

void SimNode::deliver(const Ed25519Key& from, MessagePtr message) {
  feed(Received{from, *message});
}

}  // namespace micro::test
