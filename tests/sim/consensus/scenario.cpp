#include "tests/sim/consensus/scenario.hpp"

#include <algorithm>
#include <numeric>

namespace micro::test {
namespace {

/// The weights of one epoch: members from `joined` on stay out, the faulty ones weigh less than a third.
std::vector<std::uint64_t> epoch_weights(const Scenario& s, std::size_t out_of_set, bool unequal, Dice& dice) {
  for (;;) {
    std::vector<std::uint64_t> out;
    std::uint64_t total = 0;
    std::uint64_t faulty = 0;
    for (std::size_t i = 0; i < s.members.size(); ++i) {
      const std::uint64_t w = i == out_of_set ? 0 : unequal ? dice.between(1, 6) : 1;
      out.push_back(w);
      total += w;
      if (s.members[i] != Behaviour::kHonest || i == s.forgetful) faulty += w;
    }
    if (3 * faulty < total) return out;
  }
}

void choose_members(Scenario& s, Dice& dice) {
  const std::size_t n = dice.below(3) == 0 ? 7 : 4;
  s.members.assign(n, Behaviour::kHonest);
  const std::size_t f = (n - 1) / 3;
  s.storm = dice.below(6) == 0;
  for (std::size_t k = 0; k < f; ++k) {
    if (!s.storm && dice.below(4) == 0) continue;
    s.members[dice.below(n)] = s.storm ? Behaviour::kDead : static_cast<Behaviour>(1 + dice.below(10));
  }
  const bool all_honest = std::ranges::all_of(s.members, [](Behaviour b) { return b == Behaviour::kHonest; });
  if (all_honest) s.forgetful = dice.below(n);
  const bool joins = dice.below(3) == 0;
  if (joins) s.members.push_back(Behaviour::kHonest);
  const bool unequal = dice.below(3) == 0;
  const std::size_t epochs = joins || unequal ? 5 : 1;
  for (std::size_t e = 0; e < epochs; ++e) {
    // One honest member is out in each epoch, another one every time.
    std::size_t out = s.members.size();
    if (joins) {
      do {
        out = e == 0 ? s.members.size() - 1 : dice.below(s.members.size());
      } while (s.members[out] != Behaviour::kHonest);
    }
    s.weights.push_back(epoch_weights(s, out, unequal, dice));
  }
}

/// Whether a proposer and those who sign whatever is said could be a quorum: only one vote a member is certain not to.
bool liars_have_weight(const Scenario& s) {
  const auto supports = [](Behaviour b) {
    return b == Behaviour::kLyingProposer || b == Behaviour::kEquivocator || b == Behaviour::kNuller;
  };
  const bool unequal = std::ranges::any_of(
      s.weights, [](const auto& w) { return std::ranges::any_of(w, [](auto x) { return x > 1; }); });
  return unequal && std::ranges::any_of(s.members, supports);
}

void choose_faults(Scenario& s, Dice& dice) {
  s.clean = !s.storm && dice.below(12) == 0;
  if (s.clean) return;
  if (dice.below(2) == 0) s.loss_ppm = static_cast<std::uint32_t>(dice.below(300'001));
  if (dice.below(2) == 0) s.duplicate_ppm = static_cast<std::uint32_t>(dice.below(100'000));
  if (dice.below(2) == 0) s.reorder_ppm = static_cast<std::uint32_t>(dice.below(200'000));
  s.delay_ms = static_cast<std::uint32_t>(dice.between(1, dice.below(4) == 0 ? 250 : 60));
  if (dice.below(2) == 0) s.crash_every_ms = static_cast<std::uint32_t>(dice.between(500, 4'000));
  if (dice.below(3) == 0) s.all_crash_at_ms = static_cast<std::uint32_t>(dice.between(500, s.safety_ms));
  if (dice.below(2) == 0) s.partition_every_ms = static_cast<std::uint32_t>(dice.between(500, 5'000));
  if (dice.below(4) == 0) s.failed_sync_ppm = 2'000;
  if (dice.below(4) == 0) s.slow_disk_ppm = 20'000;
  // A poisoned block executes where it was made and nowhere else: its leader is one more who is wrong.
  if (dice.below(6) == 0 && !liars_have_weight(s)) s.poison_ppm = 20'000;
  s.poison_first = dice.below(3) == 0;
  if (dice.below(8) == 0) s.repropose_depth = 3;
  if (dice.below(6) == 0) s.standstill_items = static_cast<std::uint32_t>(dice.between(2, 6));
  // Each of the two ways to repeat has to do alone.
  const std::uint64_t alone = dice.below(s.storm ? 3 : 8);
  if (alone == 0) s.standstill_ms = 60'000;
  if (alone == 1) {
    s.retry_ms = 60'000;
    if (dice.below(2) == 0) s.standstill_items = static_cast<std::uint32_t>(dice.between(2, 4));
  }
  // Slower than Δ for ever: only timers that grow are long enough.
  if (dice.below(16) == 0) s.delay_ms = s.heal_delay_ms = static_cast<std::uint32_t>(dice.between(350, 550));
}

/// Of a dice of its own, so that a seed stays what it was where none of it happens.
void choose_slow_and_old(Scenario& s, Dice dice) {
  if (s.clean) return;
  if (dice.below(4) == 0) s.long_delay_ppm = static_cast<std::uint32_t>(dice.between(1'000, 50'000));
  if (dice.below(6) == 0) {
    s.far = dice.below(s.members.size());
    s.far_ms = static_cast<std::uint32_t>(dice.between(20, 200));
  }
  s.crash_at_steps = s.crash_every_ms > 0 && dice.below(2) == 0;
  // Only one: what all others forget too is gone.
  const std::size_t restored = dice.below(s.members.size());
  if (s.crash_at_steps && s.members[restored] == Behaviour::kHonest) s.restored = restored;
}

}  // namespace

Scenario make_scenario(std::uint64_t seed) {
  Dice dice(seed);
  Scenario s;
  s.seed = seed;
  s.real_signatures = seed % 20 == 7;
  s.safety_ms = static_cast<std::uint32_t>(dice.between(6'000, 16'000));
  s.epoch_ms = static_cast<std::uint32_t>(dice.below(4) == 0 ? 60'000 : dice.between(500, 3'000));
  choose_members(s, dice);
  choose_faults(s, dice);
  choose_slow_and_old(s, Dice(seed ^ 0x51077));
  return s;
}

Scenario make_real_scenario(std::uint64_t seed) {
  Scenario s = make_scenario(seed);
  s.real_ledger = true;
  s.poison_ppm = 0;
  s.weights.resize(1);
  s.safety_ms = std::min<std::uint32_t>(s.safety_ms, 6'000);
  s.all_crash_at_ms = std::min(s.all_crash_at_ms, s.safety_ms);
  return s;
}

Scenario make_disk_scenario(std::uint64_t seed) {
  Dice dice(seed ^ 0xd15c);
  Scenario s = make_real_scenario(seed);
  s.clean = false;
  s.rocks = true;
  s.safety_ms = static_cast<std::uint32_t>(dice.between(4'000, 7'000));
  if (dice.below(3) > 0) s.epoch_ms = 60'000;
  s.delay_ms = std::min<std::uint32_t>(s.delay_ms, 60);
  s.heal_delay_ms = 40;
  s.loss_ppm /= 2;
  s.crash_every_ms = static_cast<std::uint32_t>(dice.between(150, 800));
  s.crash_at_steps = true;
  s.all_crash_at_ms = dice.below(2) == 0 ? static_cast<std::uint32_t>(dice.between(500, s.safety_ms)) : 0;
  s.failed_sync_ppm = dice.below(2) == 0 ? 5'000 : 0;
  s.deferred_blocks = dice.below(2) == 0 ? static_cast<std::uint32_t>(dice.between(1, 4)) : 0;
  do {
    s.restored = dice.below(s.members.size());
  } while (s.members[s.restored] != Behaviour::kHonest || s.restored == s.forgetful);
  return s;
}

Scenario make_seats_scenario(std::uint64_t seed) {
  Dice dice(seed ^ 0x5ea7);
  Scenario s = make_real_scenario(seed);
  s.real_signatures = true;
  s.epoch_ms = static_cast<std::uint32_t>(dice.between(400, 900));
  s.safety_ms = 12'000;
  // Equal stakes: the faulty ones of the genesis are less than a third of it, and of all that come in addition.
  s.weights[0].assign(s.members.size(), kSeatStake);
  for (int joiners = 3; joiners > 0; --joiners) {
    s.seats[s.members.size()] = joiners > 1 ? static_cast<std::uint32_t>(dice.between(5'000, 9'000)) : 0;
    s.members.push_back(Behaviour::kHonest);
    s.weights[0].push_back(0);
  }
  return s;
}

}  // namespace micro::test
