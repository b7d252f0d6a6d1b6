#include "consensus/replica/replica.hpp"

#include <algorithm>
#include <chrono>
#include <map>

#include "consensus/core/certificate.hpp"
#include "consensus/replica/perform.hpp"

namespace micro::simplex {
namespace {

// What is final goes first, then what others wait for. A proposal built after that stands on the newest tip.
enum LedgerLevel : std::size_t { kCommits, kExecutions, kBuilds, kAnswers, kLedgerLevels };

/// As many signatures as verifying all of it takes the time of, about.
std::size_t weight_of(const Check& check) {
  constexpr std::size_t kTxsLikeOneSignature = 32;
  std::size_t out = 0;
  for (const CheckItem& item : check.items) {
    out += item.signatures.size();
    for (const BlockPtr& body : item.bodies) out += body->txs.size() / kTxsLikeOneSignature;
  }
  return out;
}

Epoch keep_from(Epoch epoch) {
  return Epoch(epoch.value > 1 ? epoch.value - 2 : 0);
}

/// By the record's tag: bodies are megabytes and are not read again for this.
bool is_held(ByteView record) {
  static const std::uint8_t kTag = encode(Record(Held{})).front();
  return !record.empty() && record.front() == kTag;
}

}  // namespace

// --- life ---

Result<std::unique_ptr<Replica>> Replica::open(ReplicaPorts ports, const std::string& journal_folder,
                                               const Ed25519Secret& key, EngineConfig config) {
  const ChainHead head = TRY(ports.chain->head());
  auto journal = TRY(Journal::open(journal_folder, head.chain));
  const auto newest = TRY(journal->newest());
  if (newest && *newest > head.epoch) {
    return fail(Fault::kCorrupt,
                "the journal of what this node signed is ahead of the ledger: final blocks are missing",
                "restore the ledger's data; the journal must never be removed to get past this");
  }
  config.key = key.public_key();
  config.keeps_votes = ports.votes != nullptr;
  // Without its journal a node does not know what it signed, in its next processes neither. The ledger is one epoch
  // ahead of it at most, where a crash came before the new epoch's folder.
  const bool forgot = newest ? newest->next() < head.epoch : head.header.height.value > 0;
  if (forgot) TRY(journal->note_forgotten(SystemClock().wall()));
  config.vote_after = TRY(journal->forgot_at());
  std::unique_ptr<Replica> out(new Replica(std::move(ports), std::move(journal), key, config));
  TRY(out->recover(head));
  return out;
}

Status Replica::recover(const ChainHead& head) {
  ValidatorSet set = TRY(ports_.ledger->validators(head.epoch));
  TRY(check_validator_set(set));
  journal_epoch_ = head.epoch;
  std::vector<Record> records;
  for (const Bytes& bytes : TRY(journal_->start(head.epoch, keep_from(head.epoch)))) {
    records.push_back(TRY(decode<Record>(bytes)));
  }
  std::vector<PastEpoch> past = TRY(past_epochs(head, *ports_.ledger, *ports_.chain));
  std::vector<Certificate> certificates;
  for (const Record& record : records) {
    if (const auto* held = std::get_if<Held>(&record)) certificates.push_back(held->certificate);
  }
  remember(records, head.header.height);
  at_start_ = engine_.start({head, std::move(set), std::move(past)}, std::move(records), now());
  TRY(enter_epoch(head.epoch));
  for (const Certificate& certificate : certificates) TRY(keep(certificate));
  if (engine_.decides_alone() && engine_.footprint().fetches > 0) {
    return fail(Fault::kCorrupt, "the ledger lacks blocks that this node alone made final",
                "restore the ledger's data; the journal must never be removed to get past this");
  }
  return {};
}

void Replica::remember(const std::vector<Record>& records, Height above) const {
  if (!ports_.remembered) return;
  std::multimap<Height, const Block*> blocks;
  const auto add = [&](const Block& block) {
    if (block.header.height > above) blocks.emplace(block.header.height, &block);
  };
  for (const Record& record : records) {
    if (const auto* body = std::get_if<Body>(&record)) add(body->block);
    if (const auto* accepted = std::get_if<Accepted>(&record); accepted && accepted->block) add(*accepted->block);
  }
  for (const auto& [height, block] : blocks) ports_.remembered(*block);
}

Replica::~Replica() {
  stop();
}

void Replica::start() {
  ledger_jobs_ = std::make_unique<JobThread>(kLedgerLevels);
  check_jobs_ = std::make_unique<JobThread>(1);
  thread_ = std::thread([this] { run(); });
}

void Replica::stop() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  if (ledger_jobs_) ledger_jobs_->stop();
  if (check_jobs_) check_jobs_->stop();
}

// --- what comes in ---

void Replica::deliver(const Ed25519Key& from, Message message) {
  {
    const std::lock_guard guard(mutex_);
    if (messages_ >= kMaxInboxMessages) return;
    ++messages_;
    events_.emplace_back(Received{from, std::move(message)});
  }
  wake_.notify_one();
}

void Replica::txs_wait() {
  {
    const std::lock_guard guard(mutex_);
    look_for_txs_ = true;
  }
  wake_.notify_one();
}

void Replica::push(Event event) {
  {
    const std::lock_guard guard(mutex_);
    events_.push_back(std::move(event));
  }
  wake_.notify_one();
}

// --- turns ---

void Replica::run() {
  take_in(std::exchange(at_start_, {}));
  do {
    take_events();
    if (timer_ && *timer_ <= clock_.now()) {
      timer_.reset();
      turn(Tick{});
    }
    settle();
  } while (!halted_ && (dirty_ ? !is_stopping() : wait_for_work()));
}

bool Replica::is_stopping() {
  const std::lock_guard guard(mutex_);
  return stopping_;
}

/// False when the replica is to stop.
bool Replica::wait_for_work() {
  std::unique_lock lock(mutex_);
  const auto has_work = [this] { return stopping_ || look_for_txs_ || !events_.empty(); };
  if (!timer_) {
    wake_.wait(lock, has_work);
  } else if (const std::uint64_t at = clock_.now().ns; timer_->ns > at) {
    wake_.wait_for(lock, std::chrono::nanoseconds(timer_->ns - at), has_work);
  }
  return !stopping_;
}

void Replica::take_events() {
  std::vector<Event> taken;
  bool look_for_txs = false;
  {
    const std::lock_guard guard(mutex_);
    look_for_txs = std::exchange(look_for_txs_, false);
    while (!events_.empty() && taken.size() < kMaxEventsPerSync) {
      if (std::holds_alternative<Received>(events_.front())) --messages_;
      taken.push_back(std::move(events_.front()));
      events_.pop_front();
    }
  }
  for (Event& event : taken) {
    look_for_txs = look_for_txs || std::holds_alternative<Committed>(event);
    const auto* done = std::get_if<Executed>(&event);
    if (done != nullptr && done->verdict == Verdict::kInvalid && ports_.refused) ports_.refused(done->block, done->why);
    turn(std::move(event));
  }
  if (look_for_txs) turn(TxsWait{ports_.txs_wait()});
}

void Replica::turn(Event event) {
  if (!halted_) take_in(engine_.on(std::move(event), now()));
}

/// What is for the journal is written at once, everything else waits for its sync where it needs one. A commit with its
/// certificate does not: its own sync goes on beside the journal's.
void Replica::take_in(Effects effects) {
  for (Effect& effect : effects) {
    const bool is_journal = std::holds_alternative<OpenJournal>(effect) || std::holds_alternative<Persist>(effect) ||
                            std::holds_alternative<Rewrite>(effect);
    const auto* commit = std::get_if<Commit>(&effect);
    if (commit != nullptr && commit->certificate) {
      act(effect);
    } else if (!is_journal) {
      held_.push_back(std::move(effect));
    } else if (const Status done = write(effect); !done) {
      return halt(done.error(), {});
    }
  }
}

Status Replica::write(const Effect& effect) {
  if (const auto* record = std::get_if<Persist>(&effect)) {
    sequence_ = record->sequence;
    dirty_ = dirty_ || record->urgent;
    TRY(journal_->append(record->record));
    if ((ports_.justifications == nullptr && ports_.votes == nullptr) || !is_held(record->record)) return {};
    return keep(std::get<Held>(TRY(decode<Record>(record->record))).certificate);
  }
  if (const auto* rewrite = std::get_if<Rewrite>(&effect)) {
    sequence_ = rewrite->sequence;
    dirty_ = true;
    if (ports_.justifications != nullptr) TRY(ports_.justifications->sync());  // the journal may drop them now
    return journal_->rewrite(rewrite->records);
  }
  const auto& open = std::get<OpenJournal>(effect);
  if (open.epoch == journal_epoch_) return {};
  TRY(journal_->sync());
  TRY(journal_->start(open.epoch, open.keep_from));
  journal_epoch_ = open.epoch;
  return enter_epoch(open.epoch);
}

Status Replica::enter_epoch(Epoch epoch) {
  if (ports_.justifications != nullptr) {
    const Epoch answerable(epoch.value - std::min(epoch.value, ports_.answerable_epochs));
    const ChainHead& at = engine_.resumed_at();
    JustifiedEpoch head{at.chain, epoch, at.last_of_previous, engine_.set(), {}};
    if (epoch.value > 0) {
      const auto ended = ports_.chain->boundary_certificate(Epoch(epoch.value - 1));
      if (ended) head.ended_previous = *ended;
    }
    TRY(ports_.justifications->sync());
    TRY(ports_.justifications->begin(head, answerable));
  }
  if (ports_.votes == nullptr) return {};
  for (const VotesInConflict& pair : TRY(ports_.votes->begin(epoch))) accuse_again(pair);
  return {};
}

Status Replica::keep(const Certificate& certificate) {
  if (ports_.justifications != nullptr) TRY(ports_.justifications->keep(certificate));
  return ports_.votes != nullptr ? keep_signers(certificate) : Status{};
}

/// A certificate may hold votes that this node never got one by one.
Status Replica::keep_signers(const Certificate& certificate) {
  const auto [epoch, set] = epoch_of(certificate.statement);
  if (set == nullptr) return {};
  std::size_t at = 0;
  const auto& members = set->members;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (!has_signer(certificate, i)) continue;
    const Vote vote{certificate.statement, static_cast<std::uint16_t>(i), certificate.signatures[at++]};
    auto evidence = TRY(keep_vote(epoch, members[i].key, vote));
    if (evidence) held_.emplace_back(*std::move(evidence));
  }
  return {};
}

Result<std::optional<Evidence>> Replica::keep_vote(Epoch epoch, const Ed25519Key& key, const Vote& vote) {
  if (key == key_) return std::optional<Evidence>{};
  const auto earlier = TRY(ports_.votes->keep({vote.statement, vote.signer, vote.signature}));
  if (!earlier) return std::optional<Evidence>{};
  return std::optional(Evidence{epoch, key, {earlier->statement, earlier->signer, earlier->signature}, vote});
}

Status Replica::witness(const Witnessed& seen) {
  if (ports_.votes == nullptr) return {};
  const auto evidence = TRY(keep_vote(seen.epoch, seen.key, seen.vote));
  if (evidence) tell(*evidence);
  return {};
}

/// What a former process had seen. Of an epoch that nobody knows any more it proves nothing to anyone.
void Replica::accuse_again(const VotesInConflict& pair) {
  const KeptVote& a = pair.first;
  const KeptVote& b = pair.second;
  const auto [epoch, set] = epoch_of(a.statement);
  if (set == nullptr || a.signer >= set->members.size()) return;
  const Ed25519Key& key = set->members[a.signer].key;
  held_.emplace_back(Evidence{epoch, key, {a.statement, a.signer, a.signature}, {b.statement, b.signer, b.signature}});
}

/// The epoch of a statement and its committee: this one or one that ended; nothing for any other.
std::pair<Epoch, const ValidatorSet*> Replica::epoch_of(const Statement& statement) const {
  if (statement.epoch_id == engine_.epoch_id()) return {engine_.epoch(), &engine_.set()};
  const auto past = std::ranges::find(engine_.past(), statement.epoch_id, &PastEpoch::id);
  if (past == engine_.past().end()) return {Epoch(), nullptr};
  return {past->epoch, &past->set};
}

void Replica::tell(const Evidence& evidence) {
  if (ports_.evidence) ports_.evidence(evidence);
}

/// What a sync brings up may have to be synced again. A proposal is built when nothing is left to sync: the commit that
/// the next sync may release gives it a newer tip to stand on.
void Replica::settle() {
  if (std::exchange(dirty_, false) && !halted_) {
    if (const Status done = journal_->sync(); !done) return halt(done.error(), {});
    const std::uint64_t sequence = sequence_;
    release(false);
    turn(Persisted{sequence, journal_->bytes()});
  }
  if (!dirty_) release(true);
  if (ports_.votes == nullptr || halted_) return;
  if (const Status kept = ports_.votes->flush(); !kept) halt(kept.error(), {});
}

void Replica::release(bool builds) {
  std::vector<Effect> later;
  for (Effect& effect : std::exchange(held_, {})) {
    if (halted_) return;
    if (!builds && std::holds_alternative<Build>(effect)) {
      later.push_back(std::move(effect));
    } else {
      act(effect);
    }
  }
  held_ = std::move(later);
}

// --- effects ---

void Replica::act(Effect& effect) {
  if (const auto* send = std::get_if<Send>(&effect)) {
    if (ports_.peers != nullptr) ports_.peers->send(send->to, send->message);
  } else if (const auto* all = std::get_if<Broadcast>(&effect)) {
    if (ports_.peers != nullptr) ports_.peers->broadcast(all->message);
  } else if (const auto* timer = std::get_if<ArmTimer>(&effect)) {
    timer_ = timer->at;
  } else if (auto* check = std::get_if<Check>(&effect)) {
    // Two changes of thread take as long as a few signatures.
    if (weight_of(*check) <= kMaxChecksAtOnce) return push(perform(*check));
    check_jobs_->add(0, [this, check = std::move(*check)] { push(perform(check)); });
  } else if (const auto* build = std::get_if<Build>(&effect)) {
    give_ledger(kBuilds, [this, build = *build] { return perform(build, *ports_.ledger); });
  } else if (const auto* execute = std::get_if<Execute>(&effect)) {
    give_execution(*execute);
  } else if (const auto* commit = std::get_if<Commit>(&effect)) {
    give_ledger(kCommits, [this, commit = *commit] { return perform(commit, *ports_.ledger, *ports_.chain); });
  } else if (const auto* blocks = std::get_if<ServeBlocks>(&effect)) {
    const Epoch epoch = engine_.epoch();
    give_answer(blocks->to, [this, ask = *blocks, epoch] { return answer(ask, *ports_.chain, epoch); });
  } else if (const auto* boundary = std::get_if<ServeBoundary>(&effect)) {
    give_answer(boundary->to, [this, ask = *boundary] { return answer(ask, *ports_.chain); });
  } else if (const auto* evidence = std::get_if<Evidence>(&effect)) {
    tell(*evidence);
  } else if (const auto* seen = std::get_if<Witnessed>(&effect)) {
    if (const Status kept = witness(*seen); !kept) halt(kept.error(), {});
  } else if (const auto* blame = std::get_if<Blame>(&effect)) {
    if (ports_.blame) ports_.blame(blame->peer, blame->why);
  } else if (const auto* stop = std::get_if<Halt>(&effect)) {
    halt(stop->error, stop->proof);
  }
}

void Replica::give_ledger(std::size_t level, std::function<Event()> work) {
  ledger_jobs_->add(level, [this, work = std::move(work)] { push(work()); });
}

/// A few transactions take less time than the two changes of thread, unless the ledger is at work for something else.
void Replica::give_execution(const Execute& execute) {
  const Block& block = *execute.block;
  const bool is_small = block.txs.size() <= kMaxTxsAtOnce && !block.header.boundary;
  if (is_small && ledger_jobs_->is_idle()) return push(perform(execute, *ports_.ledger));
  give_ledger(kExecutions, [this, execute] { return perform(execute, *ports_.ledger); });
}

void Replica::give_answer(const Ed25519Key& to, std::function<MessagePtr()> make) {
  if (ports_.peers == nullptr) return;
  ledger_jobs_->add(
      kAnswers,
      [this, to, make = std::move(make)] {
        if (const MessagePtr message = make()) ports_.peers->send(to, message);
      },
      kMaxAnswersWaiting);
}

void Replica::halt(const Error& error, const std::vector<Certificate>& proof) {
  if (std::exchange(halted_, true)) return;
  ports_.halted(error, proof);
}

}  // namespace micro::simplex
