// Whatever stakes come, go and change: each committee is a committee, little weight moves at a time, no seat outgrows
// its cap, and where stakes rest the committee arrives.
#include "chain/committee/next_set.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>

#include "chain/base/checked_math.hpp"
#include "chain/types/params.hpp"

namespace micro {
namespace {

constexpr std::uint64_t kWhole = kernel::kCommitteeWeight;

template <class T>
T draw(T min, T max) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<T>(min, max));
}

Ed25519Key key(std::uint32_t n) {
  Ed25519Key out;
  out.data[0] = static_cast<std::uint8_t>(n * 151);  // not in the order of numbers
  out.data[1] = static_cast<std::uint8_t>(n);
  out.data[2] = static_cast<std::uint8_t>(n >> 8);
  return out;
}

std::uint64_t any_stake() {
  switch (draw<int>(0, 5)) {
    case 0:
      return 0;
    case 1:
      return draw<std::uint64_t>(1, 10);
    case 2:
      return kMaxSupplyMicro / 512;
    default:
      return draw<std::uint64_t>(1, 1'000'000'000'000);
  }
}

std::vector<Candidate> any_candidates() {
  const auto pool = draw<std::uint32_t>(1, 300);
  std::vector<Candidate> out;
  for (std::uint32_t n = 0; n < pool; ++n) {
    if (draw<int>(0, 3) != 0) out.push_back({key(n), any_stake()});
  }
  return out;
}

ValidatorSet any_set() {
  std::map<Ed25519Key, std::uint64_t> weights;
  for (auto n = draw<int>(1, 120); n > 0; --n) weights[key(draw<std::uint32_t>(0, 300))] = 1 + any_stake();
  ValidatorSet out;
  for (const auto& [k, weight] : weights) out.members.push_back({k, weight});
  return out;
}

std::map<Ed25519Key, std::uint64_t> shares_of(const ValidatorSet& set) {
  u128 sum = 0;
  for (const Validator& v : set.members) sum += v.weight;
  std::map<Ed25519Key, std::uint64_t> out;
  for (const Validator& v : set.members) out[v.key] = static_cast<std::uint64_t>(u128{v.weight} * kWhole / sum);
  return out;
}

/// Weight that is with another key than before, in parts of the whole.
std::uint64_t moved(const ValidatorSet& before, const ValidatorSet& after) {
  const auto old_shares = shares_of(before);
  std::uint64_t gained = 0;
  for (const auto& [k, share] : shares_of(after)) {
    const auto old = old_shares.find(k);
    const std::uint64_t had = old == old_shares.end() ? 0 : old->second;
    gained += share > had ? share - had : 0;
  }
  return gained;
}

void check_is_committee(const ValidatorSet& set) {
  RC_ASSERT((!set.members.empty() && set.members.size() <= kMaxValidators));
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < set.members.size(); ++i) {
    RC_ASSERT(set.members[i].weight > 0u);
    RC_ASSERT((i == 0 || set.members[i - 1].key < set.members[i].key));
    sum += set.members[i].weight;
  }
  RC_ASSERT(sum <= kWhole + kMaxValidators);  // rounding is all that is lost or gained
  RC_ASSERT(sum + 1'000 >= kWhole);
}

RC_GTEST_PROP(NextSet, MovesLittleAndArrives, ()) {
  constexpr std::uint64_t kRounding = 1'000;
  ValidatorSet set = any_set();
  for (auto changes = draw<int>(1, 4); changes > 0; --changes) {
    const std::vector<Candidate> candidates = any_candidates();
    const auto min_members = draw<std::uint32_t>(1, 8);
    const auto able =
        static_cast<std::uint64_t>(std::ranges::count_if(candidates, [](const Candidate& c) { return c.stake > 0; }));
    for (int step = 0; step < 8; ++step) {
      std::vector<Candidate> shuffled = candidates;
      std::ranges::reverse(shuffled);
      const ValidatorSet next = next_set(set, candidates, min_members);
      RC_ASSERT(next == next_set(set, shuffled, min_members));
      if (able == 0 || able < min_members) {
        RC_ASSERT(next == set);
        break;
      }
      check_is_committee(next);
      RC_ASSERT(moved(set, next) <= kWhole / 4 + kRounding);
      set = next;
    }
    if (able == 0 || able < min_members) continue;
    RC_ASSERT(next_set(set, candidates, min_members) == set);
    const std::uint64_t cap = std::max<std::uint64_t>(kWhole / 10 * 3, (kWhole + able - 1) / able);
    for (const Validator& v : set.members) RC_ASSERT(v.weight <= cap);
  }
}

RC_GTEST_PROP(CappedShares, AreLinearBelowTheCap, ()) {
  std::vector<std::uint64_t> stakes;
  for (auto n = draw<int>(1, 40); n > 0; --n) stakes.push_back(1 + any_stake());
  std::ranges::sort(stakes, std::greater<>());
  const auto shares = capped_shares(stakes);
  std::uint64_t sum = 0;
  for (const std::uint64_t share : shares) sum += share;
  RC_ASSERT(sum == kWhole);
  const std::uint64_t cap = std::max<std::uint64_t>(kWhole / 10 * 3, (kWhole + shares.size() - 1) / shares.size());
  for (std::size_t i = 0; i < shares.size(); ++i) {
    RC_ASSERT(shares[i] <= cap);
    if (i == 0) continue;
    RC_ASSERT(shares[i] <= shares[i - 1] + 1);
    if (shares[i - 1] == cap) continue;
    // Neither is capped: as their stakes are to each other, but for rounding.
    const u128 left = u128{shares[i - 1]} * stakes[i];
    const u128 right = u128{shares[i]} * stakes[i - 1];
    const u128 slack = u128{2 * shares.size()} * stakes[i - 1];
    RC_ASSERT((left > right ? left - right : right - left) <= slack);
  }
}

}  // namespace
}  // namespace micro
