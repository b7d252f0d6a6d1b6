// One engine whose shell needs no time: verification, execution, syncs and commits are done before `feed` returns. For
// tests of single rules, and for enumerations that need many small networks a second.
#pragma once

#include <deque>
#include <memory>

#include "tests/sim/consensus/sim_ledger.hpp"
#include "tests/sim/consensus/sim_signer.hpp"

namespace micro::test {

inline constexpr std::uint64_t kInstantSeed = 5;

/// Four members of one weight each, whatever the epoch.
inline Committees small_committee(std::size_t members = 4, std::vector<std::uint64_t> weights = {}) {
  Committees out;
  for (std::size_t m = 0; m < members; ++m) out.keys.push_back(SimSigner(kInstantSeed, m, false).key());
  if (weights.empty()) weights.assign(members, 1);
  out.weights.push_back(std::move(weights));
  return out;
}

class InstantNode {
 public:
  struct Out {
    std::optional<Ed25519Key> to;  ///< none: everyone
    simplex::MessagePtr message;
  };

  InstantNode(const Committees& committees, std::size_t member, simplex::EngineConfig config = {},
              std::uint32_t epoch_ms = 1'000'000, std::uint32_t pace_ms = 0)
      : signer_(kInstantSeed, member, false), ledger_(committees, epoch_ms, chain_, member), config_(config) {
    config_.key = signer_.key();
    config_.pace_ms = pace_ms;
    engine_ = std::make_unique<simplex::Engine>(config_, signer_);
  }

  void start() { begin({}); }
  /// A new process with the same disk.
  void restart() {
    engine_ = std::make_unique<simplex::Engine>(config_, signer_);
    begin(journal_);
  }
  /// What the event sets off is done too when this returns, in the order in which it came up.
  void feed(simplex::Event event) {
    queue_.push_back(std::move(event));
    drain();
  }
  /// Moves time on and wakes the engine, if it wanted to be woken by then.
  void advance_ms(std::uint64_t ms) {
    now_.at = now_.at.plus_ms(ms);
    now_.wall = TimeMs(now_.wall.value + ms);
    if (timer_ && *timer_ <= now_.at) {
      timer_.reset();
      feed(simplex::Tick{});
    }
  }
  void receive(const Ed25519Key& from, simplex::MessageBody body) {
    feed(simplex::Received{from, {simplex::kMessageVersion, engine_->epoch(), std::move(body)}});
  }
  std::vector<Out> take_out() { return std::exchange(out_, {}); }

  simplex::Engine& engine() { return *engine_; }
  ModelLedger& ledger() { return ledger_; }
  SimSigner& signer() { return signer_; }
  [[nodiscard]] std::uint64_t count(simplex::Counter c) const {
    return engine_->counters()[static_cast<std::size_t>(c)];
  }
  [[nodiscard]] const std::optional<Instant>& timer() const { return timer_; }
  [[nodiscard]] simplex::Now now() const { return now_; }
  [[nodiscard]] std::uint64_t height() const { return ledger_.head().header.height.value; }
  [[nodiscard]] const ModelChain& chain() const { return *chain_; }

  bool answer_checks = true;
  bool persisted = true;                ///< whether syncs are acknowledged
  std::vector<simplex::Effects> turns;  ///< kept while `keep_turns`
  bool keep_turns = false;
  std::vector<std::string> blames;
  std::optional<Error> halted;
  std::vector<simplex::Evidence> evidence;

 private:
  void begin(const std::vector<simplex::Record>& records) {
    const ChainHead head = ledger_.head();
    queue_.clear();
    perform(engine_->start({head, ledger_.port().validators(head.epoch).value()}, records, now_));
    drain();
  }
  void drain() {
    if (draining_) return;
    draining_ = true;
    while (!queue_.empty()) {
      simplex::Event event = std::move(queue_.front());
      queue_.pop_front();
      perform(engine_->on(std::move(event), now_));
    }
    draining_ = false;
  }
  void perform(simplex::Effects effects) {
    if (keep_turns) turns.push_back(effects);
    std::optional<std::uint64_t> written;
    bool urgent = false;
    for (simplex::Effect& effect : effects) {
      const auto* record = std::get_if<simplex::Persist>(&effect);
      urgent = urgent || (record != nullptr && record->urgent);
      if (auto event = act(effect, written)) queue_.push_back(std::move(*event));
    }
    if (urgent && persisted) queue_.emplace_back(simplex::Persisted{*written, 0});
  }
  std::optional<simplex::Event> act(simplex::Effect& effect, std::optional<std::uint64_t>& written) {
    using namespace simplex;  // NOLINT
    if (const auto* open = std::get_if<OpenJournal>(&effect)) {
      if (open->epoch != journal_epoch_) journal_.clear();
      journal_epoch_ = open->epoch;
    } else if (auto* record = std::get_if<Persist>(&effect)) {
      journal_.push_back(decode<Record>(record->record).value());
      written = record->sequence;
    } else if (auto* send = std::get_if<Send>(&effect)) {
      out_.push_back({send->to, send->message});
    } else if (auto* all = std::get_if<Broadcast>(&effect)) {
      out_.push_back({std::nullopt, all->message});
    } else if (const auto* blocks = std::get_if<ServeBlocks>(&effect)) {
      serve(*blocks);
    } else if (const auto* boundary = std::get_if<ServeBoundary>(&effect)) {
      if (const auto certificate = ledger_.boundary(boundary->epoch)) {
        Certificates held;
        held.certificates.push_back(*certificate);
        out_.push_back({boundary->to, std::make_shared<const Message>(Message{1, boundary->epoch, std::move(held)})});
      }
    } else if (auto* timer = std::get_if<ArmTimer>(&effect)) {
      timer_ = timer->at;
    } else if (auto* blame = std::get_if<Blame>(&effect)) {
      blames.push_back(blame->why);
    } else if (auto* halt = std::get_if<Halt>(&effect)) {
      halted = halt->error;
    } else if (auto* guilt = std::get_if<Evidence>(&effect)) {
      evidence.push_back(*guilt);
    } else {
      return answer(effect);
    }
    return std::nullopt;
  }
  void serve(const simplex::ServeBlocks& wanted) {
    simplex::Blocks found;
    for (auto block = ledger_.block(wanted.block);
         block && block->header.height > wanted.above && found.blocks.size() < simplex::kMaxBlocksPerAnswer;
         block = ledger_.block(found.blocks.back().header.parent)) {
      found.blocks.push_back(std::move(*block));
    }
    if (found.blocks.empty()) return;
    out_.push_back(
        {wanted.to, std::make_shared<const simplex::Message>(simplex::Message{1, engine_->epoch(), std::move(found)})});
  }
  std::optional<simplex::Event> answer(simplex::Effect& effect) {
    using namespace simplex;  // NOLINT
    if (auto* check = std::get_if<Check>(&effect)) {
      if (!answer_checks) return std::nullopt;
      Checked out{check->batch, {}};
      for (const CheckItem& item : check->items) {
        bool holds = true;
        for (const auto& s : item.signatures) holds = holds && SimSigner::holds(s, false);
        for (const BlockPtr& b : item.bodies) holds = holds && txs_root(b->txs) == b->header.txs_root;
        out.holds.push_back(holds);
      }
      return out;
    }
    if (auto* build = std::get_if<Build>(&effect)) {
      return Built{build->parent, ledger_.port().propose(build->parent, build->time, build->limits)};
    }
    if (auto* execute = std::get_if<Execute>(&effect)) {
      const Status done = ledger_.port().execute(*execute->block);
      if (done) return Executed{execute->id, simplex::Verdict::kValid, ""};
      const bool unknown = done.error().fault == Fault::kNotFound;
      return Executed{execute->id, unknown ? simplex::Verdict::kUnknown : simplex::Verdict::kInvalid,
                      done.error().message};
    }
    if (auto* commit = std::get_if<Commit>(&effect)) {
      if (!ledger_.port().finalize(commit->block, commit->certificate)) return Committed{commit->block, {}, true};
      if (!ledger_.txs_wait()) queue_.emplace_back(TxsWait{false});
      Committed out{commit->block, {}, false};
      const ChainHead head = ledger_.head();
      if (head.header.boundary) out.next = EpochStart{head, ledger_.port().validators(head.epoch).value()};
      return out;
    }
    return std::nullopt;
  }

  std::shared_ptr<ModelChain> chain_ = std::make_shared<ModelChain>();
  SimSigner signer_;
  ModelLedger ledger_;
  simplex::EngineConfig config_;
  std::unique_ptr<simplex::Engine> engine_;
  simplex::Now now_{Instant{1'000'000'000}, TimeMs(1'767'225'600'001)};
  std::optional<Instant> timer_;
  std::vector<Out> out_;
  std::vector<simplex::Record> journal_;
  Epoch journal_epoch_;
  std::deque<simplex::Event> queue_;
  bool draining_ = false;
};

}  // namespace micro::test
