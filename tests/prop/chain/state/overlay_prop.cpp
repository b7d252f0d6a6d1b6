#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "chain/state/overlay.hpp"

namespace micro {
namespace {

StatePath small_path(std::uint8_t n) {
  const std::array<std::uint8_t, 1> key{n};
  return state_path(n % 2 == 0 ? Module::kAccounts : Module::kServices, key);
}

StateDiff some_diff() {
  StateDiff diff;
  const auto changes = *rc::gen::container<std::vector<std::pair<std::uint8_t, std::uint8_t>>>(
      rc::gen::pair(rc::gen::inRange<std::uint8_t>(0, 24), rc::gen::inRange<std::uint8_t>(0, 6)));
  for (const auto& [key, value] : changes) {  // zero removes
    diff.insert_or_assign(small_path(key), value > 0 ? std::optional(Bytes{value}) : std::nullopt);
  }
  return diff;
}

RC_GTEST_PROP(OverlayProp, TwoOverlaysReadLikeOneMapWithBothApplied, ()) {
  MapState base;
  base.apply(some_diff());
  MapState expected = base;
  Overlay block(base);
  const StateDiff first = some_diff();
  block.merge(first);
  expected.apply(first);
  Overlay tx(static_cast<const StateView&>(block));
  const StateDiff second = some_diff();
  tx.merge(second);
  expected.apply(second);

  for (std::uint8_t n = 0; n < 24; ++n) {
    const auto a = tx.get(small_path(n));
    const auto b = expected.get(small_path(n));
    RC_ASSERT(a.has_value() == b.has_value());
    if (a) RC_ASSERT(to_bytes(*a) == to_bytes(*b));
  }
  for (const Module module : {Module::kAccounts, Module::kServices, Module::kNames}) {
    std::vector<std::pair<StatePath, Bytes>> seen;
    std::vector<std::pair<StatePath, Bytes>> wanted;
    tx.scan(module, [&](const StatePath& p, ByteView v) { return seen.emplace_back(p, to_bytes(v)), true; });
    expected.scan(module, [&](const StatePath& p, ByteView v) { return wanted.emplace_back(p, to_bytes(v)), true; });
    RC_ASSERT(seen == wanted);
    if (!wanted.empty()) {
      std::size_t visits = 0;
      tx.scan(module, [&](const StatePath&, ByteView) { return ++visits, false; });
      RC_ASSERT(visits == 1U);
    }
  }
}

}  // namespace
}  // namespace micro
