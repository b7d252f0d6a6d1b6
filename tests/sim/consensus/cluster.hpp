// A whole network in virtual time. One seed decides everything; the same seed gives the same trace, whose hash is
// printed.
#pragma once

#include <queue>
#include <string>

#include "tests/sim/consensus/byzantine.hpp"
#include "tests/sim/consensus/monitor.hpp"
#include "tests/sim/consensus/sim_node.hpp"

namespace micro::test {

inline constexpr std::uint64_t kSimStartMs = 1'767'225'600'000;
inline constexpr std::uint64_t kHeightsAfterHeal = 5;
inline constexpr std::uint64_t kDeltasAfterHeal = 40;
inline constexpr std::uint32_t kDeltaMs = 100;

/// How often each kind went into honest and lying engines and came out.
struct Happened {
  std::array<std::uint64_t, std::variant_size_v<simplex::Event>> events{};
  std::array<std::uint64_t, std::variant_size_v<simplex::Effect>> effects{};
  std::array<std::uint64_t, std::variant_size_v<simplex::MessageBody>> messages{};
  static constexpr std::array kEvents{"received",  "tick",      "checked",  "built", "executed",
                                      "committed", "persisted", "txs-wait", "failed"};
  static constexpr std::array kEffects{
      "open-journal", "persist", "rewrite",      "send",           "broadcast", "arm-timer", "check", "build",
      "execute",      "commit",  "serve-blocks", "serve-boundary", "evidence",  "blame",     "halt",  "witnessed"};
  static constexpr std::array kMessages{"proposal", "votes", "certificates", "ask", "blocks"};
  static_assert(kEvents.size() == std::variant_size_v<simplex::Event> &&
                kEffects.size() == std::variant_size_v<simplex::Effect> &&
                kMessages.size() == std::variant_size_v<simplex::MessageBody>);
};

struct RunResult {
  std::uint64_t seed = 0;
  std::vector<std::string> violations;
  std::uint64_t trace = 0;
  std::uint64_t events = 0;
  std::uint64_t messages = 0;
  std::uint64_t simulated_ms = 0;
  std::uint64_t heights = 0;
  std::uint64_t votes_checked = 0;
  std::uint64_t accused = 0;             ///< before the real ledger
  std::uint64_t convicted = 0;           ///< by it
  std::vector<ValidatorSet> committees;  ///< by epoch, up to an honest node's current one
  simplex::Counters counters{};
  FaultCounts faults{};
  Happened happened;
};

class Cluster {
 public:
  explicit Cluster(Scenario scenario);
  ~Cluster();
  /// The safety phase, the heal, the liveness phase. Stops at the first violation.
  RunResult run();
  /// Prints every event and effect.
  bool verbose = false;

  // --- for nodes, liars and the monitor ---
  [[nodiscard]] const Scenario& scenario() const { return scenario_; }
  [[nodiscard]] simplex::EngineConfig engine_config() const;
  Dice& dice() { return dice_; }
  Monitor& monitor() { return monitor_; }
  [[nodiscard]] Instant now() const { return now_; }
  void schedule(std::uint64_t us, std::function<void()> work);
  void send(SimNode& from, const Ed25519Key& to, simplex::MessagePtr message);
  void broadcast(SimNode& from, const simplex::MessagePtr& message);
  /// Past the liar's filter.
  void transmit(SimNode& from, SimNode& to, const simplex::MessagePtr& message, std::uint64_t extra_us);
  [[nodiscard]] std::vector<std::unique_ptr<SimNode>>& nodes() { return nodes_; }
  std::unique_ptr<SimLedger> make_ledger(const std::shared_ptr<ModelChain>& chain, std::size_t node);
  void crash_and_restart(SimNode& node);
  /// Of a node that is down.
  void restart_later(SimNode& node);
  /// A vote of an honest node is on its way for the first time. `nullified_by`: so many nullified its view by now.
  void vote_left(SimNode& node, const simplex::Vote& vote, std::size_t nullified_by);
  [[nodiscard]] bool crash_now(SimFault fault, std::uint32_t ppm);
  /// The same where this run also crashes between the steps of a disk.
  [[nodiscard]] bool crash_at(SimFault step, std::uint32_t ppm);
  /// The dice alone: counted when it comes to it.
  [[nodiscard]] bool strikes(std::uint32_t ppm) { return scenario_.crash_at_steps && dice_.chance(fault_rate(ppm)); }
  /// Zero once the network is healed.
  [[nodiscard]] std::uint32_t fault_rate(std::uint32_t ppm) const { return healed_ ? 0 : ppm; }
  [[nodiscard]] bool healed() const { return healed_; }
  [[nodiscard]] bool is_honest(const Ed25519Key& key) const;
  [[nodiscard]] bool is_executed(const SimNode& node, const BlockId& id) const;
  [[nodiscard]] ValidatorSet committee(Epoch epoch) const;
  /// Brings evidence before the real ledger, as often as it takes.
  void report(const SimNode& node, SubmitEvidence evidence);
  [[nodiscard]] std::uint64_t journal_limit() const;
  void count(SimFault fault, std::uint64_t times = 1) { faults_[static_cast<std::size_t>(fault)] += times; }
  void violation(std::string what);
  void trace_disk(std::uint64_t digest) { mix(digest); }
  void trace_event(const SimNode& node, const simplex::Event& event);
  void trace_effect(const SimNode& node, const simplex::Effect& effect);

 private:
  struct Item {
    std::uint64_t at_us;
    std::uint64_t order;
    std::function<void()> work;
    bool operator>(const Item& o) const { return at_us != o.at_us ? at_us > o.at_us : order > o.order; }
  };
  void make_nodes();
  void start_faults();
  void next_crash();
  void next_storm();
  void all_crash();
  void next_partition();
  void next_txs();
  void next_seats();
  void next_reports();
  void watch_bounds();
  void run_until(std::uint64_t us);
  void heal();
  void live();
  [[nodiscard]] bool all_reached(std::uint64_t height) const;
  [[nodiscard]] bool took_txs(std::uint64_t height) const;
  void mix(std::uint64_t value);
  void collect(RunResult& out);

  Scenario scenario_;
  Dice dice_;
  Monitor monitor_;
  Committees committees_;
  std::vector<std::unique_ptr<SimNode>> nodes_;
  std::vector<std::unique_ptr<Liar>> liars_;  ///< by node; none for honest ones
  std::vector<std::vector<bool>> cut_;
  std::priority_queue<Item, std::vector<Item>, std::greater<>> queue_;
  std::uint64_t order_ = 0;
  Instant now_;
  bool healed_ = false;
  bool storm_is_near_ = false;
  std::uint64_t next_tx_ = 1;
  std::map<Ed25519Key, SubmitEvidence> reports_;  ///< by whom they accuse
  std::vector<std::string> violations_;
  std::uint64_t trace_ = 0xcbf29ce484222325ULL;
  std::uint64_t events_ = 0;
  std::uint64_t messages_ = 0;
  simplex::Counters counters_{};
  FaultCounts faults_{};
  Happened happened_;
};

}  // namespace micro::test
