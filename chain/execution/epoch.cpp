#include "chain/execution/epoch.hpp"

namespace micro {
namespace {

// The committee of the epoch that starts; until committees are drawn it stays the genesis set.
Result<ValidatorSet> carry_validators(BlockState& state, Epoch ended) {
  const auto set = TRY(read_record<ValidatorSet>(state.overlay, path::validators(ended)));
  if (!set) return fail(Fault::kCorrupt, "the state holds no validators of epoch " + ended.text());
  state.overlay.put_record(path::validators(ended.next()), *set);
  if (ended.value > 0) state.overlay.erase(path::validators(Epoch(ended.value - 1)));
  return *set;
}

}  // namespace

Status end_epoch(BlockState& state, PolicyPort&, BlockOutcome& out) {
  const Epoch ended = state.clock.epoch;
  const SupplyBook::Swept swept = state.book.next_epoch();
  EpochClock& clock = state.clock;
  clock.epoch = ended.next();
  clock.started = state.ctx.block.time;
  clock.beacon = tagged_hash(domain::kBeacon, {clock.beacon.view(), state.ctx.block.parent.view()});
  clock.parent_at_start = state.ctx.block.parent;
  state.ctx.epoch = clock.epoch;
  out.next_validators = TRY(carry_validators(state, ended));
  out.boundary_events.push_back(event::EpochEnded{ended, swept.expired, swept.purged, Amount(0)});
  state.overlay.put_record(path::epoch_clock(), clock);
  return state.book.check();
}

}  // namespace micro
