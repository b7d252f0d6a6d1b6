#include "chain/committee/next_set.hpp"

#include <algorithm>
#include <map>

#include "chain/base/checked_math.hpp"
#include "chain/types/params.hpp"

namespace micro {
namespace {

using Weights = std::map<Ed25519Key, std::uint64_t>;

constexpr std::uint64_t kWhole = kernel::kCommitteeWeight;
constexpr std::uint64_t kMaxStep = kWhole / kPpm * kernel::kMaxSetChangePpm;

std::uint64_t part_of(std::uint64_t whole, std::uint64_t part, u128 sum) {
  return static_cast<std::uint64_t>(static_cast<u128>(whole) * part / sum);
}

/// Any committee's weights as shares of the whole.
Weights shares_of(const ValidatorSet& set) {
  u128 sum = 0;
  for (const Validator& v : set.members) sum += v.weight;
  Weights out;
  for (const Validator& v : set.members) out[v.key] = part_of(kWhole, v.weight, sum);
  return out;
}

/// The highest stakes, as many as a committee has room for. Whoever still sits while weight moves away from it takes
/// room too: newcomers wait until both fit.
std::vector<Candidate> chosen(std::vector<Candidate> candidates, const Weights& current) {
  std::erase_if(candidates, [](const Candidate& c) { return c.stake == 0; });
  std::ranges::sort(candidates, [](const Candidate& a, const Candidate& b) {
    return a.stake != b.stake ? a.stake > b.stake : a.key < b.key;
  });
  std::size_t room = kMaxValidators - std::min(current.size(), kMaxValidators);
  std::vector<Candidate> out;
  for (const Candidate& c : candidates) {
    if (out.size() == kernel::kMaxSeats) break;
    const bool sits = current.contains(c.key);
    if (!sits && room == 0) continue;
    room -= sits ? 0 : 1;
    out.push_back(c);
  }
  return out;
}

/// `change` as it is, or its part where all changes of its direction together are more than a step.
std::uint64_t in_step(std::uint64_t change, std::uint64_t all) {
  return all <= kMaxStep ? change : part_of(kMaxStep, change, all);
}

ValidatorSet step(const Weights& from, const Weights& to) {
  struct Move {
    std::uint64_t from = 0, to = 0;
  };
  std::map<Ed25519Key, Move> moves;
  for (const auto& [key, weight] : from) moves[key].from = weight;
  for (const auto& [key, weight] : to) moves[key].to = weight;
  std::uint64_t gains = 0, losses = 0;
  for (const auto& [key, move] : moves) {
    gains += move.to > move.from ? move.to - move.from : 0;
    losses += move.from > move.to ? move.from - move.to : 0;
  }
  ValidatorSet out;
  for (const auto& [key, move] : moves) {
    const std::uint64_t weight = move.to >= move.from ? move.from + in_step(move.to - move.from, gains)
                                                      : move.from - in_step(move.from - move.to, losses);
    if (weight > 0) out.members.push_back({key, weight});
  }
  return out;
}

}  // namespace

std::vector<std::uint64_t> capped_shares(std::span<const std::uint64_t> stakes) {
  const std::uint64_t equal = stakes.empty() ? kWhole : (kWhole + stakes.size() - 1) / stakes.size();
  const std::uint64_t cap = std::max(kWhole / kPpm * kernel::kMaxSeatPpm, equal);
  u128 stake_left = 0;
  for (const std::uint64_t stake : stakes) stake_left += stake;
  std::uint64_t left = kWhole;
  std::vector<std::uint64_t> out;
  for (const std::uint64_t stake : stakes) {  // descending: who comes after a seat below the cap is below it too
    out.push_back(std::min(cap, part_of(left, stake, stake_left)));
    left -= out.back();
    stake_left -= stake;
  }
  return out;
}

ValidatorSet next_set(const ValidatorSet& current, std::vector<Candidate> candidates, std::uint32_t min_members) {
  const Weights from = shares_of(current);
  const std::vector<Candidate> wanted = chosen(std::move(candidates), from);
  if (wanted.empty() || wanted.size() < min_members) return current;
  std::vector<std::uint64_t> stakes;
  for (const Candidate& c : wanted) stakes.push_back(c.stake);
  const std::vector<std::uint64_t> shares = capped_shares(stakes);
  Weights to;
  for (std::size_t i = 0; i < wanted.size(); ++i) to[wanted[i].key] = shares[i];
  return step(from, to);
}

}  // namespace micro
