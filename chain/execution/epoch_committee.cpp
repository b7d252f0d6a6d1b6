#include "chain/execution/epoch_committee.hpp"

#include <algorithm>
#include <set>

#include "chain/committee/next_set.hpp"
#include "chain/committee/seat_rules.hpp"
#include "chain/execution/all_records.hpp"
#include "chain/execution/epoch_network.hpp"

namespace micro {
namespace {

std::set<Ed25519Key> keys_of(const ValidatorSet& set) {
  std::set<Ed25519Key> out;
  for (const Validator& v : set.members) out.insert(v.key);
  return out;
}

/// Notes in the seats who sits from `first` on and who sat until the epoch before.
void note_seated(BlockState& state, std::vector<SeatRecord>& seats, const ValidatorSet& set, Epoch first) {
  const std::set<Ed25519Key> members = keys_of(set);
  for (SeatRecord& seat : seats) {
    const bool sits = members.contains(seat.key);
    if (sits == seat.seated) continue;
    seat.seated = sits;
    if (sits && !seat.first_seated) seat.first_seated = first;
    if (!sits) seat.last_seated = Epoch(first.value - 1);
    state.overlay.put_record(path::seat(seat.key), seat);
  }
}

void forget_old(BlockState& state) {
  const std::uint32_t now = state.clock.epoch.value;
  state.overlay.erase(path::validators(Epoch(now - 1)));
  const std::uint64_t kept = std::uint64_t{state.ctx.params.unbonding_epochs} + 1;
  if (now > kept) state.overlay.erase(path::epoch_anchor(Epoch(static_cast<std::uint32_t>(now - kept - 1))));
}

}  // namespace

Status release_seats(BlockState& state, std::vector<Event>& events) {
  const Epoch now = state.clock.epoch;
  auto seats = TRY(all_records<SeatRecord>(state.overlay, Module::kSeats));
  const auto first = first_by_beacon(state.clock.beacon, seats.size());
  std::ranges::rotate(seats, seats.begin() + static_cast<std::ptrdiff_t>(first));
  TxScope scope(state.overlay, state.book, state.ctx);
  std::size_t released = 0;
  for (SeatRecord& seat : seats) {
    const auto release = release_of(seat, state.ctx.params);
    if (seat.convicted || !release || now < *release || released == kMaxSeatReleases) continue;
    ++released;
    scope.begin_transition();
    Account* owner = TRY(scope.account(seat.owner));
    const Amount amount = total(seat.bond, kWholeBond);
    if (!scope.unpause(seat.bond, seat.bonded_at, owner->purse, amount)) {
      return fail(Fault::kInternal, "a bond does not hold what it holds");
    }
    scope.erase(path::seat(seat.key));
    TRY(scope.finish_transition());
    events.push_back(event::SeatReleased{seat.owner, seat.key, amount});
  }
  return {};
}

Result<ValidatorSet> fix_committee(BlockState& state, std::vector<Event>& events) {
  const Epoch now = state.clock.epoch;
  const auto current = TRY(read_record<ValidatorSet>(state.overlay, path::validators(now)));
  if (!current) return fail(Fault::kCorrupt, "the state holds no validators of epoch " + now.text());
  auto seats = TRY(all_records<SeatRecord>(state.overlay, Module::kSeats));
  std::vector<Candidate> candidates;
  for (const SeatRecord& seat : seats) candidates.push_back({seat.key, stake_of(seat)});
  const ValidatorSet next = next_set(*current, std::move(candidates), state.ctx.params.min_committee);
  note_seated(state, seats, next, now.next());
  state.overlay.put_record(path::validators(now.next()), next);
  if (next != *current) {
    events.push_back(
        event::CommitteeFixed{now.next(), validator_set_hash(next), static_cast<std::uint32_t>(next.members.size())});
  }
  forget_old(state);
  return *current;
}

}  // namespace micro
