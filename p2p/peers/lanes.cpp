#include "p2p/peers/lanes.hpp"

#include <algorithm>

namespace micro::p2p {

std::optional<ConnectionId> lane_for(std::span<const LaneConnection> all, StreamClass of) {
  std::optional<ConnectionId> any;
  for (const LaneConnection& one : all) {
    if (one.bulk == (of == StreamClass::kBulk)) return one.id;
    if (!any) any = one.id;
  }
  return any;
}

LaneStep lane_step(std::span<const LaneConnection> all, const PeerId& self, const PeerId& peer) {
  using Kind = LaneStep::Kind;
  if (all.empty() || std::ranges::any_of(all, [](const auto& one) { return one.bulk; })) return {};
  const bool mine = std::ranges::any_of(all, [](const auto& one) { return one.dialed; });
  const bool theirs = std::ranges::any_of(all, [](const auto& one) { return !one.dialed; });
  if (all.size() == 1) {
    // Who dialed the first knows an address that works.
    return {.kind = mine ? Kind::kDial : Kind::kAsk, .connection = all.front().id};
  }
  // Only who dialed a connection names it. Where both dialed, the end with the larger id does.
  const bool ours = mine && (!theirs || peer < self);
  ConnectionId named = 0;
  for (const LaneConnection& one : all) {
    if (one.dialed == ours) named = std::max(named, one.id);
  }
  return {.kind = ours ? Kind::kName : Kind::kAsk, .connection = named};
}

}  // namespace micro::p2p
