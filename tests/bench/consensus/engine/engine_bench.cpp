// A committee of 100 whose shells cost nothing, and certificates.
//
// consensus_engine_view   milliseconds of processor time that one engine takes for one view: all its votes and
//                         certificates, a block of 1,000 transfers, everything that it writes and sends, encoded.
//                         Signing, verifying, executing, disk and decoding are the shell's and not in it. The limit is
//                         the 2 ms that a view may take at one view a second without anyone noticing it.
// consensus_certificate   microseconds to check a certificate of 100 members; limit: 67 Ed25519 verifications.
#include <deque>
#include <memory>

#include "consensus/core/certificate.hpp"
#include "consensus/core/engine.hpp"
#include "tests/bench/transfer_world.hpp"

namespace micro {
namespace {

using namespace bench;    // NOLINT
using namespace simplex;  // NOLINT

constexpr std::size_t kMembers = 100;
constexpr std::size_t kQuorum = 67;
constexpr std::size_t kTransfersPerBlock = 1'000;
constexpr std::uint64_t kWarmUpHeights = 5;
constexpr std::uint64_t kHeights = 25;
constexpr double kBudgetMs = 2;
constexpr int kRounds = 5;
constexpr double kSeconds = 0.5;

/// Costs nothing, and is not verified.
struct FreeSigner final : VoteSigner {
  Ed25519Signature sign(const Hash&) override { return {}; }
};

class Committee;

/// An engine whose shell answers at once: what is checked holds, what is executed fits.
class Member {
 public:
  Member(Committee& committee, const Ed25519Key& key)
      : committee_(committee), key_(key), engine_(config(key), signer_) {}

  void start(const ChainHead& head, const ValidatorSet& set) {
    perform(engine_.start({head, set}, {}, now()));
    events_.emplace_back(TxsWait{true});
  }
  void receive(const Ed25519Key& from, const Message& message) { events_.emplace_back(Received{from, message}); }
  /// All that came in. False when nothing did.
  bool turn();

  [[nodiscard]] const Ed25519Key& key() const { return key_; }
  [[nodiscard]] Height height() const { return engine_.tree().tip_header().height; }
  [[nodiscard]] View view() const { return engine_.view(); }
  double cpu_seconds = 0;  ///< in the engine

 private:
  static EngineConfig config(const Ed25519Key& key) {
    EngineConfig out;
    out.key = key;
    out.seed = key.data[0];
    out.pace_ms = 0;  // its clock stands still
    return out;
  }
  [[nodiscard]] static Now now() { return {Instant{1'000'000'000}, TimeMs(1'767'225'600'001)}; }
  void perform(Effects effects);
  void act(Effect& effect);

  Committee& committee_;
  Ed25519Key key_;
  FreeSigner signer_;
  Engine engine_;
  std::deque<simplex::Event> events_;
};

class Committee {
 public:
  explicit Committee(std::vector<SignedTx> txs) : txs_(std::move(txs)) {
    ValidatorSet set;
    for (std::uint64_t i = 0; i < kMembers; ++i) {
      set.members.push_back({blake2b_256(encode(i)).as<Ed25519Key>(), 1});
    }
    std::ranges::sort(set.members, {}, &Validator::key);
    for (const Validator& v : set.members) members_.push_back(std::make_unique<Member>(*this, v.key));
    ChainHead head;
    head.id = block_id(head.header);
    head.last_of_previous = head.id;
    head.epoch_started = TimeMs(1'767'225'600'000);
    head.epoch_ms = 3'600'000;
    for (auto& member : members_) member->start(head, set);
  }

  Block build(const BlockId& parent, TimeMs time) {
    const auto above = heights_.find(parent);
    Block out;
    out.header.height = above == heights_.end() ? Height(1) : above->second.next();
    out.header.parent = parent;
    out.header.time = time;
    out.txs.assign(txs_.begin(), txs_.end());
    heights_[block_id(out.header)] = out.header.height;
    return out;
  }
  void broadcast(const Ed25519Key& from, const Message& message) {
    for (auto& member : members_) {
      if (member->key() != from) member->receive(from, message);
    }
  }
  void send(const Ed25519Key& from, const Ed25519Key& to, const Message& message) {
    for (auto& member : members_) {
      if (member->key() == to) return member->receive(from, message);
    }
  }
  void run_to(Height height) {
    while (members_.front()->height() < height) {
      bool moved = false;
      for (auto& member : members_) moved = member->turn() || moved;
      if (!moved) must<void>(fail(Fault::kInternal, "the committee stands still"));
    }
  }
  [[nodiscard]] double engine_seconds() const {
    double sum = 0;
    for (const auto& member : members_) sum += member->cpu_seconds;
    return sum;
  }
  [[nodiscard]] View view() const { return members_.front()->view(); }

 private:
  std::vector<SignedTx> txs_;
  std::map<BlockId, Height> heights_;
  std::vector<std::unique_ptr<Member>> members_;
};

bool Member::turn() {
  if (events_.empty()) return false;
  std::vector<Effects> turns;
  const double start = thread_cpu_seconds();
  for (std::size_t i = 0, n = events_.size(); i < n; ++i) {
    turns.push_back(engine_.on(std::move(events_.front()), now()));
    events_.pop_front();
  }
  cpu_seconds += thread_cpu_seconds() - start;
  for (Effects& effects : turns) perform(std::move(effects));
  return true;
}

void Member::perform(Effects effects) {
  for (Effect& effect : effects) act(effect);
}

void Member::act(Effect& effect) {
  if (const auto* record = std::get_if<Persist>(&effect)) {
    events_.emplace_back(Persisted{record->sequence, 0});
  } else if (const auto* send = std::get_if<Send>(&effect)) {
    committee_.send(key_, send->to, *send->message);
  } else if (const auto* all = std::get_if<Broadcast>(&effect)) {
    committee_.broadcast(key_, *all->message);
  } else if (const auto* check = std::get_if<Check>(&effect)) {
    events_.emplace_back(Checked{check->batch, std::vector<bool>(check->items.size(), true)});
  } else if (const auto* build = std::get_if<Build>(&effect)) {
    events_.emplace_back(Built{build->parent, committee_.build(build->parent, build->time)});
  } else if (const auto* execute = std::get_if<Execute>(&effect)) {
    events_.emplace_back(Executed{execute->id, Verdict::kValid, {}});
  } else if (const auto* commit = std::get_if<Commit>(&effect)) {
    events_.emplace_back(Committed{commit->block, {}, false});
  } else if (const auto* halt = std::get_if<Halt>(&effect)) {
    must<void>(std::unexpected(halt->error));
  }
}

/// Seconds of processor time of one call, the least of some rounds.
template <class Work>
double seconds_of(Work&& work) {
  double best = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    const double start = thread_cpu_seconds();
    std::uint64_t calls = 0;
    do {
      work();
      ++calls;
    } while (thread_cpu_seconds() - start < kSeconds / kRounds);
    best = std::min(best, (thread_cpu_seconds() - start) / static_cast<double>(calls));
  }
  return best;
}

void measure_views(const World& world) {
  std::vector<SignedTx> txs;
  for (const Bytes& bytes : world.transfers) txs.push_back(must(decode<SignedTx>(bytes)));
  Committee committee(std::move(txs));
  committee.run_to(Height(kWarmUpHeights));
  const double before = committee.engine_seconds();
  const View from = committee.view();
  committee.run_to(Height(kWarmUpHeights + kHeights));
  const auto views = static_cast<double>(committee.view().value - from.value);
  report("consensus_engine_view", 1e3 * (committee.engine_seconds() - before) / views / kMembers, "ms", kBudgetMs);
}

void measure_certificates() {
  ValidatorSet set;
  std::vector<Ed25519Secret> keys;
  for (std::uint64_t i = 0; i < kMembers; ++i) {
    const auto key = Ed25519Secret::from_seed(blake2b_256(encode(i)));
    set.members.push_back({key.public_key(), 1});
    if (i < kQuorum) keys.push_back(key);
  }
  std::ranges::sort(set.members, {}, &Validator::key);
  Statement statement;
  statement.view = View(7);
  statement.block = blake2b_256(encode(std::uint64_t{1})).as<BlockId>();
  const Certificate certificate = must(certify(statement, set, keys));
  const Hash message = statement_hash(statement);
  const Ed25519Signature signature = keys.front().sign(message);
  const auto verify = [&] {
    for (std::size_t i = 0; i < kQuorum; ++i) {
      if (!verify_ed25519(keys.front().public_key(), message, signature)) std::abort();
    }
  };
  const double limit = seconds_of(verify);
  const double whole = seconds_of([&] { must<void>(check_certificate(certificate, set, statement.epoch_id)); });
  report("consensus_certificate", 1e6 * whole, "us", 1e6 * std::min(limit, seconds_of(verify)));
}

int run_bench() {
  measure_views(make_world({kTransfersPerBlock, kTransfersPerBlock, kTransfersPerBlock, 1}));
  measure_certificates();
  return 0;
}

}  // namespace
}  // namespace micro

int main() {
  return micro::run_bench();
}
