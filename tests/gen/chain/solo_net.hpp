// The small network with the engine of its only validator, driven without threads: its journal lives in memory and
// survives "restarts".
#pragma once

#include <deque>

#include "consensus/core/engine.hpp"
#include "consensus/replica/perform.hpp"
#include "tests/gen/chain/small_net.hpp"

namespace micro::test {

/// A journal that is always synced.
struct MemoryJournal {
  std::map<Epoch, std::vector<simplex::Record>> epochs;
  /// Every vote ever written, over all lives.
  std::vector<simplex::Vote> votes;

  void add(Epoch epoch, simplex::Record record) {
    if (const auto* own = std::get_if<simplex::OwnVote>(&record)) votes.push_back(own->vote);
    epochs[epoch].push_back(std::move(record));
  }
};

struct Sealed {
  Block block;
  BlockId id;
  Certificate certificate;
};

class Solo {
 public:
  Solo(SmallNet& net, MemoryJournal& journal, const ProposeLimits& limits = {})
      : net_(net), journal_(journal), signer_{validator_key(1)}, limits_(limits) {}

  Status start(TimeMs now = kGenesisTime) {
    const ChainHead head = TRY(net_.ledger().head());
    wall_ = std::max(now, head.header.time);
    simplex::EngineConfig config;
    config.key = signer_.key.public_key();
    config.idle_ms = 3'600'000;
    config.limits = limits_;
    if (journal_.epochs.empty() && head.header.height.value > 0) config.vote_after = wall_;
    engine_ = std::make_unique<simplex::Engine>(config, signer_);
    epoch_ = head.epoch;
    ValidatorSet set = TRY(net_.ledger().validators(head.epoch));
    perform(engine_->start({head, std::move(set)}, journal_.epochs[head.epoch], at()));
    return drain();
  }

  /// The newest block that became final by it, if any did.
  Result<std::optional<Sealed>> step(TimeMs now, bool txs_wait) {
    wall_ = std::max(now, wall_);
    const BlockId before = TRY(net_.ledger().head()).id;
    if (txs_wait) events_.emplace_back(simplex::TxsWait{true});
    events_.emplace_back(simplex::Tick{});
    TRY(drain());
    const ChainHead head = TRY(net_.ledger().head());
    if (head.id == before) return std::optional<Sealed>{};
    return std::optional(Sealed{TRY(net_.ledger().final_block(head.id)), head.id, head.certificate.value()});
  }

  [[nodiscard]] const simplex::Engine& engine() const { return *engine_; }

 private:
  struct Signer final : simplex::VoteSigner {
    explicit Signer(const Ed25519Secret& k) : key(k) {}
    Ed25519Signature sign(const Hash& message) override { return key.sign(message); }
    Ed25519Secret key;
  };
  [[nodiscard]] simplex::Now at() const { return {Instant{(wall_.value - kGenesisTime.value + 1) * 1'000'000}, wall_}; }

  Status drain() {
    while (!events_.empty() && !stopped_) {
      simplex::Event event = std::move(events_.front());
      events_.pop_front();
      perform(engine_->on(std::move(event), at()));
    }
    if (stopped_) return std::unexpected(*stopped_);
    return {};
  }
  void perform(simplex::Effects effects) {
    std::optional<std::uint64_t> written;
    for (simplex::Effect& effect : effects) act(effect, written);
    if (written) events_.emplace_front(simplex::Persisted{*written, 0});
  }
  void act(const simplex::Effect& effect, std::optional<std::uint64_t>& written) {
    Ledger& ledger = net_.ledger();
    if (const auto* open = std::get_if<simplex::OpenJournal>(&effect)) {
      epoch_ = open->epoch;
      journal_.epochs[epoch_];
    } else if (const auto* record = std::get_if<simplex::Persist>(&effect)) {
      journal_.add(epoch_, decode<simplex::Record>(record->record).value());
      written = record->sequence;
    } else if (const auto* build = std::get_if<simplex::Build>(&effect)) {
      events_.push_back(simplex::perform(*build, ledger));
    } else if (const auto* execute = std::get_if<simplex::Execute>(&effect)) {
      events_.push_back(simplex::perform(*execute, ledger));
    } else if (const auto* commit = std::get_if<simplex::Commit>(&effect)) {
      events_.push_back(simplex::perform(*commit, ledger, net_.ledger()));
    } else if (const auto* halt = std::get_if<simplex::Halt>(&effect)) {
      stopped_ = halt->error;
    }
  }

  SmallNet& net_;
  MemoryJournal& journal_;
  Signer signer_;
  ProposeLimits limits_;
  std::unique_ptr<simplex::Engine> engine_;
  TimeMs wall_;
  Epoch epoch_;
  std::deque<simplex::Event> events_;
  std::optional<Error> stopped_;
};

}  // namespace micro::test
