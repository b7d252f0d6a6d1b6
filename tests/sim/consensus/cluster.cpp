#include "tests/sim/consensus/cluster.hpp"

#include <algorithm>
#include <cstdio>

#include "chain/types/address.hpp"
#include "consensus/core/certificate.hpp"
#include "tests/sim/consensus/describe.hpp"

namespace micro::test {

using namespace simplex;  // NOLINT

namespace {

constexpr std::uint64_t kUsPerMs = 1'000;
constexpr std::uint64_t kMaxEvents = 4'000'000;
/// Where every message takes longer than Δ, each height waits until the timers have grown again; where leaders take
/// poison first, until proposals have shrunk to nothing.
constexpr std::uint64_t kSlowFactor = 15;

/// FNV-1a over 64-bit words: only compared with itself.
constexpr std::uint64_t kPrime = 0x100000001b3ULL;

}  // namespace

Cluster::Cluster(Scenario scenario)
    : scenario_(std::move(scenario)), dice_(scenario_.seed ^ 0xabcdef), monitor_(*this) {
  make_nodes();
}

Cluster::~Cluster() = default;

EngineConfig Cluster::engine_config() const {
  EngineConfig c;
  c.delta_ms = kDeltaMs;
  c.build_ms = 20;
  c.execute_ms = 20;
  c.boundary_ms = 40;
  c.idle_ms = 60;
  c.retry_ms = scenario_.retry_ms;
  c.standstill_ms = scenario_.standstill_ms;
  c.standstill_items = scenario_.standstill_items;
  c.growth_cap_ppm = 6'000'000;
  c.max_drift_ms = 500;
  c.limits = {.max_bytes = 1u << 20, .max_txs = 8};
  c.repropose_depth = scenario_.repropose_depth;
  c.empty_above_depth = std::min<std::uint32_t>(8, scenario_.repropose_depth);
  c.journal_rewrite_bytes = scenario_.journal_rewrite_bytes;
  return c;
}

std::uint64_t Cluster::journal_limit() const {
  // Without finality nothing can be pruned: what an unfinalized stretch of this length writes is allowed on top.
  return scenario_.journal_rewrite_bytes + 4'000'000;
}

void Cluster::make_nodes() {
  for (std::size_t m = 0; m < scenario_.members.size(); ++m) {
    committees_.keys.push_back(SimSigner(scenario_.seed, m, scenario_.real_signatures).key());
  }
  committees_.weights = scenario_.weights;
  for (std::size_t m = 0; m < scenario_.members.size(); ++m) {
    const std::size_t copies = scenario_.members[m] == Behaviour::kTwins ? 2 : 1;
    for (std::size_t c = 0; c < copies; ++c) {
      nodes_.push_back(std::make_unique<SimNode>(*this, nodes_.size(), m, scenario_.members[m]));
      const bool lies = scenario_.members[m] != Behaviour::kHonest && scenario_.members[m] != Behaviour::kDead;
      liars_.push_back(lies ? std::make_unique<Liar>(*this, *nodes_.back()) : nullptr);
    }
  }
  cut_.assign(nodes_.size(), std::vector<bool>(nodes_.size(), false));
}

std::unique_ptr<SimLedger> Cluster::make_ledger(const std::shared_ptr<ModelChain>& chain, std::size_t node) {
  if (scenario_.real_ledger) return make_real_ledger(committees_, scenario_, chain);
  return std::make_unique<ModelLedger>(committees_, scenario_.epoch_ms, chain, node, scenario_.poison_first);
}

bool Cluster::is_honest(const Ed25519Key& key) const {
  for (const auto& node : nodes_) {
    if (node->key() == key && !node->is_honest()) return false;
  }
  return true;
}

bool Cluster::is_executed(const SimNode& node, const BlockId& id) const {
  return nodes_[node.index()]->ledger().is_executed(id);
}

void Cluster::violation(std::string what) {
  if (verbose) std::printf("%10.3f VIOLATION %s\n", static_cast<double>(now_.ns) / 1e9, what.c_str());
  violations_.push_back(std::move(what));
}

// --- time ---

void Cluster::schedule(std::uint64_t us, std::function<void()> work) {
  queue_.push({now_.ns / 1'000 + us, order_++, std::move(work)});
}

void Cluster::run_until(std::uint64_t us) {
  while (!queue_.empty() && queue_.top().at_us <= us && violations_.empty()) {
    Item item = queue_.top();
    queue_.pop();
    now_.ns = item.at_us * 1'000;
    item.work();
    if (++events_ > kMaxEvents) violation("the run does not end: too many events");
  }
  if (violations_.empty()) now_.ns = us * 1'000;
}

// --- network ---

void Cluster::send(SimNode& from, const Ed25519Key& to, MessagePtr message) {
  for (auto& node : nodes_) {
    if (node->key() != to || node.get() == &from) continue;
    if (liars_[from.index()]) {
      liars_[from.index()]->sends(*node, message);
    } else {
      transmit(from, *node, message, 0);
    }
  }
}

void Cluster::broadcast(SimNode& from, const MessagePtr& message) {
  for (auto& node : nodes_) {
    if (node->member() == from.member()) continue;
    if (liars_[from.index()]) {
      liars_[from.index()]->sends(*node, message);
    } else {
      transmit(from, *node, message, 0);
    }
  }
}

void Cluster::transmit(SimNode& from, SimNode& to, const MessagePtr& message, std::uint64_t extra_us) {
  ++messages_;
  if (cut_[from.index()][to.index()]) return count(SimFault::kPartitioned);
  if (dice_.chance(fault_rate(scenario_.loss_ppm))) return count(SimFault::kLost);
  const std::uint64_t max_ms = healed_ ? std::min(scenario_.delay_ms, scenario_.heal_delay_ms) : scenario_.delay_ms;
  const auto arrive = [&](std::uint64_t us) {
    schedule(us, [this, from = &from, to = &to, message] {
      if (!to->is_up()) return;
      if (liars_[to->index()]) liars_[to->index()]->hears(*message);
      to->deliver(from->key(), message);
    });
  };
  const std::uint64_t min_us = scenario_.heal_delay_ms > kDeltaMs ? max_ms * kUsPerMs / 2 : 200;
  std::uint64_t us = dice_.between(min_us, max_ms * kUsPerMs + 200) + extra_us;
  if (dice_.chance(fault_rate(scenario_.reorder_ppm))) {
    count(SimFault::kReordered);
    us += dice_.between(0, 5 * max_ms * kUsPerMs);
  }
  if (scenario_.long_delay_ppm > 0 && dice_.chance(fault_rate(scenario_.long_delay_ppm))) {
    count(SimFault::kLongDelay);
    us += dice_.between(0, 20 * max_ms * kUsPerMs);
  }
  if (!healed_ && (from.member() == scenario_.far || to.member() == scenario_.far)) {
    count(SimFault::kFarNode);
    us += scenario_.far_ms * kUsPerMs;
  }
  arrive(us);
  if (dice_.chance(fault_rate(scenario_.duplicate_ppm))) {
    count(SimFault::kDuplicated);
    arrive(us + dice_.between(0, 3 * max_ms * kUsPerMs));
  }
}

// --- faults ---

bool Cluster::crash_at(SimFault step, std::uint32_t ppm) {
  return scenario_.crash_at_steps && crash_now(step, ppm);
}

bool Cluster::crash_now(SimFault fault, std::uint32_t ppm) {
  if (scenario_.crash_every_ms == 0 || !dice_.chance(fault_rate(ppm))) return false;
  count(fault);
  return true;
}

void Cluster::crash_and_restart(SimNode& node) {
  if (!node.is_up()) return;
  node.crash();
  if (node.member() == scenario_.forgetful && dice_.below(2) == 0) node.forget_journal();
  const bool has_copies = !scenario_.real_ledger || scenario_.rocks;
  if (node.member() == scenario_.restored && has_copies && (scenario_.rocks || dice_.below(2) == 0))
    node.restore_ledger();
  restart_later(node);
}

void Cluster::restart_later(SimNode& node) {
  schedule(dice_.between(50, 2'000) * kUsPerMs, [&node] {
    if (!node.is_up()) node.boot();
  });
}

void Cluster::all_crash() {
  count(SimFault::kAllCrash);
  for (auto& node : nodes_) {
    if (node->behaviour() != Behaviour::kDead) crash_and_restart(*node);
  }
}

void Cluster::next_storm() {
  storm_is_near_ = !healed_;
  if (!healed_) schedule(dice_.between(1'500, 4'000) * kUsPerMs, [this] { next_storm(); });
}

void Cluster::vote_left(SimNode& node, const Vote& vote, std::size_t nullified_by) {
  if (healed_) return;
  if (vote.statement.kind == StatementKind::kNullify && storm_is_near_) {
    const auto up = std::ranges::count_if(nodes_, [](const auto& n) { return n->is_honest() && n->is_up(); });
    if (nullified_by < static_cast<std::size_t>(up)) return;
    storm_is_near_ = false;
    schedule(0, [this] { all_crash(); });
  }
  // The worst moment to forget: what it just signed matters, and nobody can tell it.
  if (vote.statement.kind == StatementKind::kFinalize && node.member() == scenario_.forgetful && dice_.below(20) == 0) {
    schedule(0, [this, &node] {
      if (!node.is_up()) return;
      node.crash();
      node.forget_journal();
      for (auto& from : cut_) from[node.index()] = true;
      schedule(50 * kUsPerMs, [&node] {
        if (!node.is_up()) node.boot();
      });
    });
  }
}

void Cluster::next_crash() {
  if (healed_) return;
  SimNode& node = *nodes_[dice_.below(nodes_.size())];
  if (node.is_honest() && node.is_up()) {
    count(SimFault::kCrash);
    crash_and_restart(node);
  }
  schedule(dice_.between(1, 2ULL * scenario_.crash_every_ms) * kUsPerMs, [this] { next_crash(); });
}

void Cluster::next_partition() {
  if (healed_) return;
  const std::size_t n = nodes_.size();
  cut_.assign(n, std::vector<bool>(n, false));
  const std::uint64_t kind = dice_.below(4);
  if (kind == 1) {  // two groups
    std::vector<bool> side(n);
    for (std::size_t i = 0; i < n; ++i) side[i] = dice_.below(2) == 0;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) cut_[i][j] = side[i] != side[j];
    }
  } else if (kind == 2) {  // one way
    count(SimFault::kOneWay);
    const std::size_t deaf = dice_.below(n);
    for (std::size_t i = 0; i < n; ++i) cut_[i][deaf] = i != deaf && dice_.below(3) > 0;
  } else if (kind == 3) {  // single links
    count(SimFault::kFlapping);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) cut_[i][j] = i != j && dice_.below(3) == 0;
    }
  }
  const std::uint64_t next = kind == 3 ? dice_.between(20, 300) : dice_.between(1, 2ULL * scenario_.partition_every_ms);
  schedule(next * kUsPerMs, [this] { next_partition(); });
}

void Cluster::next_txs() {
  std::uint64_t tx = next_tx_++;
  if (dice_.chance(fault_rate(scenario_.poison_ppm))) {
    count(SimFault::kPoison);
    tx *= kPoison;
  }
  for (auto& node : nodes_) {
    // The real mempool takes a sender's transactions in order only.
    if (scenario_.real_ledger || dice_.below(3) > 0) node->submit(tx);
  }
  schedule(dice_.between(1, 2ULL * scenario_.tx_every_ms) * kUsPerMs, [this] { next_txs(); });
}

/// Whoever wants in or out does its next step as its own node's state asks for it; everyone hears of it.
void Cluster::next_seats() {
  for (auto& node : nodes_) {
    const auto plan = scenario_.seats.find(node->member());
    if (plan == scenario_.seats.end() || !node->is_up()) continue;
    const bool leaves = plan->second != 0 && now_.ns / 1'000'000 >= plan->second;
    const auto tx = node->ledger().committee_step(node->member(), *node->secret(), leaves);
    if (!tx) continue;
    for (auto& other : nodes_) other->submit(*tx);
  }
  schedule(100 * kUsPerMs, [this] { next_seats(); });
}

void Cluster::report(const SimNode&, SubmitEvidence evidence) {
  if (scenario_.seats.empty()) return;
  evidence.reward_to = address_of(SecretKey::from(sha256(encode(scenario_.seed)).view()).value().public_key());
  reports_.insert_or_assign(evidence.key, evidence);
}

void Cluster::next_reports() {
  for (const auto& [key, evidence] : reports_) {
    for (auto& node : nodes_) {
      if (!node->is_up()) continue;
      if (const auto tx = node->ledger().report(evidence)) {
        for (auto& other : nodes_) other->submit(*tx);
      }
      break;
    }
  }
  schedule(100 * kUsPerMs, [this] { next_reports(); });
}

ValidatorSet Cluster::committee(Epoch epoch) const {
  if (!scenario_.real_ledger) return committees_.set(epoch);
  for (const auto& node : nodes_) {
    if (!node->is_up()) continue;
    if (auto set = node->ledger().port().validators(epoch)) return *set;
  }
  return {};
}

void Cluster::watch_bounds() {
  for (auto& node : nodes_) {
    if (node->is_up() && node->is_honest()) monitor_.bounds(*node);
  }
  for (auto& liar : liars_) {
    if (liar) liar->tick();
  }
  schedule(5 * kUsPerMs, [this] { watch_bounds(); });
}

void Cluster::start_faults() {
  if (scenario_.clean) return;
  if (scenario_.crash_every_ms > 0) schedule(dice_.between(1, 1'000) * kUsPerMs, [this] { next_crash(); });
  if (scenario_.partition_every_ms > 0) schedule(dice_.between(1, 1'000) * kUsPerMs, [this] { next_partition(); });
  if (scenario_.all_crash_at_ms > 0) {
    schedule(scenario_.all_crash_at_ms * kUsPerMs, [this] { all_crash(); });
  }
  if (scenario_.storm) schedule(dice_.between(500, 2'000) * kUsPerMs, [this] { next_storm(); });
}

// --- phases ---

RunResult Cluster::run() {
  for (auto& node : nodes_) {
    if (node->behaviour() == Behaviour::kDead) {
      count(SimFault::kDeadNode);
    } else {
      schedule(dice_.between(0, 300) * kUsPerMs, [&node] { node->boot(); });
    }
  }
  start_faults();
  schedule(1, [this] { next_txs(); });
  schedule(1, [this] { watch_bounds(); });
  if (!scenario_.seats.empty()) schedule(500 * kUsPerMs, [this] { next_seats(); });
  if (!scenario_.seats.empty()) schedule(500 * kUsPerMs, [this] { next_reports(); });
  run_until(scenario_.safety_ms * kUsPerMs);
  if (violations_.empty()) heal();
  if (violations_.empty()) live();
  RunResult out;
  collect(out);
  return out;
}

void Cluster::heal() {
  healed_ = true;
  cut_.assign(nodes_.size(), std::vector<bool>(nodes_.size(), false));
  for (auto& node : nodes_) {
    if (!node->is_up() && node->behaviour() != Behaviour::kDead) node->boot();
  }
  if (verbose) std::printf("%10.3f HEALED at height %zu\n", static_cast<double>(now_.ns) / 1e9, monitor_.highest());
}

bool Cluster::all_reached(std::uint64_t height) const {
  return std::ranges::all_of(
      nodes_, [&](const auto& node) { return !node->is_honest() || (node->is_up() && node->height() >= height); });
}

/// Whether blocks above this height hold transactions.
bool Cluster::took_txs(std::uint64_t height) const {
  for (const auto& node : nodes_) {
    if (!node->is_honest() || !node->is_up()) continue;
    for (auto block = node->ledger().block(node->ledger().head().id); block && block->header.height.value > height;
         block = node->ledger().block(block->header.parent)) {
      if (!block->txs.empty()) return true;
    }
    return false;
  }
  return false;
}

void Cluster::live() {
  std::uint64_t growth = 1'000'000;
  for (auto& node : nodes_) {
    if (!node->is_honest() || !node->is_up()) continue;
    const Engine& e = node->engine();
    std::uint64_t g = 1'000'000;
    for (std::uint64_t v = e.final_view().value + 1; v < e.view().value && g < engine_config().growth_cap_ppm; ++v) {
      g = g * engine_config().growth_ppm / 1'000'000;
    }
    growth = std::max(growth, std::min<std::uint64_t>(g, engine_config().growth_cap_ppm));
  }
  const std::uint64_t healed_at = monitor_.highest();
  const std::uint64_t goal = healed_at + kHeightsAfterHeal;
  const std::uint64_t start = now_.ns / 1'000;
  const bool has_poison = scenario_.poison_first && scenario_.poison_ppm > 0;
  const bool is_slow = scenario_.heal_delay_ms > kDeltaMs || has_poison;
  const std::uint64_t factor = is_slow ? kSlowFactor : 1;
  const std::uint64_t limit = start + factor * kDeltasAfterHeal * kDeltaMs * kUsPerMs * growth / 1'000'000;
  const auto goes_on = [&] { return all_reached(goal) && took_txs(healed_at); };
  while (violations_.empty() && !goes_on() && now_.ns / 1'000 < limit) run_until(now_.ns / 1'000 + 10 * kUsPerMs);
  if (!violations_.empty() || goes_on()) return;
  if (all_reached(goal)) return violation("no transaction gets into a block after the heal");
  std::string heights;
  for (auto& node : nodes_) heights += " " + std::to_string(node->height());
  violation("no progress after the heal: wanted height " + std::to_string(goal) + ", have" + heights);
}

void Cluster::collect(RunResult& out) {
  for (auto& node : nodes_) {
    if (node->is_up() && node->is_honest()) {
      for (std::size_t i = 0; i < counters_.size(); ++i) counters_[i] += node->engine().counters()[i];
    }
  }
  out.seed = scenario_.seed;
  out.violations = violations_;
  out.trace = trace_;
  out.events = events_;
  out.messages = messages_;
  out.simulated_ms = now_.ns / 1'000'000;
  out.heights = monitor_.highest();
  for (const auto& node : nodes_) {
    if (!node->is_up() || !node->is_honest()) continue;
    for (std::uint32_t e = 0; e <= node->ledger().head().epoch.value; ++e)
      out.committees.push_back(committee(Epoch(e)));
    for (const Ed25519Key& key : node->ledger().convicted()) {
      ++out.convicted;
      if (is_honest(key)) out.violations.push_back("the ledger convicted an honest validator");
    }
    break;
  }
  out.accused = reports_.size();
  out.votes_checked = monitor_.votes_checked();
  out.counters = counters_;
  out.faults = faults_;
  out.happened = happened_;
}

// --- the trace ---

void Cluster::mix(std::uint64_t value) {
  trace_ = (trace_ ^ value) * kPrime;
}

void Cluster::trace_event(const SimNode& node, const simplex::Event& event) {
  mix(now_.ns);
  mix(node.index() * 100 + event.index());
  ++happened_.events[event.index()];
  if (const auto* received = std::get_if<Received>(&event)) ++happened_.messages[received->message.body.index()];
  if (!verbose) return;
  std::string what;
  if (const auto* received = std::get_if<Received>(&event)) what = describe(received->message);
  if (const auto* executed = std::get_if<Executed>(&event)) what = executed->block.brief() + " " + executed->why;
  if (const auto* committed = std::get_if<Committed>(&event)) what = committed->block.brief();
  if (const auto* built = std::get_if<Built>(&event)) {
    what = "on " + built->parent.brief() +
           (built->block ? " with " + std::to_string(built->block->txs.size()) + " txs" : "");
  }
  if (const auto* checked = std::get_if<Checked>(&event)) {
    what = std::to_string(std::ranges::count(checked->holds, true)) + " of " + std::to_string(checked->holds.size());
  }
  if (const auto* persisted = std::get_if<Persisted>(&event)) what = "up to " + std::to_string(persisted->sequence);
  if (const auto* txs = std::get_if<TxsWait>(&event)) what = txs->wait ? "yes" : "no";
  std::printf("%10.3f node %zu e%u v%llu <- %s %s\n", static_cast<double>(now_.ns) / 1e9, node.index(),
              node.engine().epoch().value, static_cast<unsigned long long>(node.engine().view().value),
              Happened::kEvents[event.index()], what.c_str());
}

void Cluster::trace_effect(const SimNode& node, const Effect& effect) {
  mix(effect.index() + 1'000);
  ++happened_.effects[effect.index()];
  std::string what;
  if (const auto* record = std::get_if<Persist>(&effect)) {
    for (const std::uint8_t byte : record->record) mix(byte);
    if (verbose) what = "persist " + describe(decode<Record>(record->record).value());
  } else if (verbose) {
    if (const auto* all = std::get_if<Broadcast>(&effect)) what = "broadcast " + describe(*all->message);
    if (const auto* one = std::get_if<Send>(&effect)) what = "send " + describe(*one->message);
    if (const auto* execute = std::get_if<Execute>(&effect)) what = "execute " + execute->id.brief();
    if (const auto* build = std::get_if<Build>(&effect)) what = "build on " + build->parent.brief();
    if (const auto* commit = std::get_if<Commit>(&effect)) what = "commit " + commit->block.brief();
    if (const auto* blame = std::get_if<Blame>(&effect)) what = "blame " + blame->why;
    if (const auto* halt = std::get_if<Halt>(&effect)) what = "halt " + halt->error.message;
    if (std::holds_alternative<Evidence>(effect)) what = "evidence";
    if (const auto* open = std::get_if<OpenJournal>(&effect)) what = "open journal of epoch " + open->epoch.text();
    if (const auto* all = std::get_if<Rewrite>(&effect)) what = "rewrite " + std::to_string(all->records.size());
    if (const auto* check = std::get_if<Check>(&effect)) what = "check " + std::to_string(check->items.size());
    if (const auto* timer = std::get_if<ArmTimer>(&effect)) {
      what = "timer in " + std::to_string((timer->at.ns - std::min(timer->at.ns, now_.ns)) / 1'000'000) + " ms";
    }
    if (const auto* serve = std::get_if<ServeBlocks>(&effect)) what = "serve blocks from " + serve->block.brief();
    if (const auto* serve = std::get_if<ServeBoundary>(&effect)) what = "serve the end of epoch " + serve->epoch.text();
  }
  if (!what.empty()) {
    std::printf("%10.3f node %zu -> %s\n", static_cast<double>(now_.ns) / 1e9, node.index(), what.c_str());
  }
}

}  // namespace micro::test
