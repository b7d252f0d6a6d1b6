#include "chain/execution/epoch.hpp"

#include "chain/execution/epoch_committee.hpp"
#include "chain/execution/epoch_network.hpp"
#include "chain/execution/epoch_policy.hpp"

namespace micro {
namespace {

void advance_clock(BlockState& state) {
  EpochClock& clock = state.clock;
  clock.epoch = clock.epoch.next();
  clock.started = state.ctx.block.time;
  clock.beacon = tagged_hash(domain::kBeacon, {clock.beacon.view(), state.ctx.block.parent.view()});
  clock.parent_at_start = state.ctx.block.parent;
  state.ctx.epoch = clock.epoch;
}

// What is left of a chain of bonds is due one epoch later, before those that are due then.
Status put_off(BlockState& state, DueRecord rest) {
  rest.epoch = rest.epoch.next();
  if (const auto then = TRY(read_record<DueRecord>(state.overlay, path::due(rest.epoch)))) {
    auto last = TRY(read_record<OfferRecord>(state.overlay, path::offer(rest.last_bond.value_or(OfferId{}))));
    if (!last) return fail(Fault::kCorrupt, "the last of the offers that are due is not stored");
    last->next_due = then->first_bond;
    state.overlay.put_record(path::offer(last->offer), *last);
    rest.last_bond = then->last_bond;
  }
  state.overlay.put_record(path::due(rest.epoch), rest);
  return {};
}

// Bonds whose unbonding ends now go back to their owners, each lot for the life it had left.
Status release_bonds(BlockState& state, std::vector<Event>& events) {
  const Epoch now = state.clock.epoch;
  const auto due = TRY(read_record<DueRecord>(state.overlay, path::due(now)));
  if (!due) return {};
  TxScope scope(state.overlay, state.book, state.ctx);
  std::optional<OfferId> next = due->first_bond;
  for (std::size_t released = 0; next && released < kMaxBondReleases; ++released) {
    scope.begin_transition();
    auto offer = TRY(scope.load<OfferRecord>(path::offer(*next)));
    if (!offer) return fail(Fault::kCorrupt, "an offer is due that is not stored");
    Account* owner = TRY(scope.account(offer->owner));
    const Amount amount = total(offer->bond, {Epoch(0), false});
    if (!scope.unpause(offer->bond, offer->bonded_at, owner->purse, amount)) {
      return fail(Fault::kInternal, "a bond does not hold what it holds");
    }
    next = offer->next_due;
    offer->next_due.reset();
    offer->state = OfferState::kReleased;
    scope.store(path::offer(offer->offer), *offer);
    TRY(scope.finish_transition());
    events.push_back(event::BondReleased{offer->owner, offer->offer, amount});
  }
  state.overlay.erase(path::due(now));
  return next ? put_off(state, {now, next, due->last_bond}) : Status{};
}

}  // namespace

Status end_epoch(BlockState& state, PolicyPort& policy, BlockOutcome& out) {
  const Epoch ended = state.clock.epoch;
  std::vector<Event>& events = out.boundary_events;
  const SupplyBook::Swept swept = state.book.next_epoch();
  advance_clock(state);
  TRY(release_bonds(state, events));
  TRY(release_seats(state, events));
  Network network = TRY(read_network(state, ended));
  end_placements(state, network, events);
  TRY(update_statuses(state, network, events));
  TRY(run_policy(state, network, policy, out));
  const Amount upkeep = TRY(charge_upkeep(state, network));
  store_placements(state, network);
  out.next_validators = TRY(fix_committee(state, events));
  events.push_back(event::EpochEnded{ended, swept.expired, swept.purged, upkeep});
  state.overlay.put_record(path::epoch_clock(), state.clock);
  return state.book.check();
}

}  // namespace micro
