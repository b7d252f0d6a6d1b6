// Whoever dialed whom, in whatever order each end saw it: exactly one of both ends acts, they name one connection, and
// bulk and the rest never share it.
#include "p2p/peers/lanes.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "tests/gen/p2p/addresses.hpp"

namespace micro::p2p {
namespace {

using LaneKind = LaneStep::Kind;

struct Wire {
  int dialer = 0;             // which end
  ConnectionId seen[2] = {};  // by its number at each end
  bool bulk = false;
};

std::vector<LaneConnection> seen_by(const std::vector<Wire>& wires, int end) {
  std::vector<LaneConnection> out;
  for (const Wire& wire : wires) {
    out.push_back({.id = wire.seen[end], .dialed = wire.dialer == end, .bulk = wire.bulk});
  }
  return out;
}

RC_GTEST_PROP(Lanes, BothEndsAgreeOnOneConnectionForBulk, ()) {
  const PeerId ids[2] = {test::peer(*rc::gen::inRange<std::uint64_t>(0, 50)),
                         test::peer(*rc::gen::inRange<std::uint64_t>(50, 100))};
  std::vector<Wire> wires;
  const auto add = [&](int dialer, bool in_order) {
    const std::size_t number = wires.size() + 10;
    wires.push_back({.dialer = dialer, .seen = {number, in_order ? number : 30 - number}});
  };
  const int many = *rc::gen::inRange(1, 4);
  for (int n = 0; n < many; ++n) add(*rc::gen::inRange(0, 2), *rc::gen::arbitrary<bool>());
  for (int round = 0; round < 3; ++round) {
    LaneStep steps[2];
    for (int end = 0; end < 2; ++end) steps[end] = lane_step(seen_by(wires, end), ids[end], ids[1 - end]);
    const int acts = steps[0].kind == LaneKind::kAsk ? 1 : 0;
    RC_ASSERT(steps[1 - acts].kind == LaneKind::kAsk);
    RC_ASSERT(steps[acts].kind == (wires.size() == 1 ? LaneKind::kDial : LaneKind::kName));
    Wire* named = nullptr;
    for (Wire& wire : wires) named = wire.seen[acts] == steps[acts].connection ? &wire : named;
    RC_ASSERT(named != nullptr && named->dialer == acts);
    if (steps[acts].kind == LaneKind::kDial) {
      add(acts, true);
      continue;
    }
    named->bulk = true;
    break;
  }
  for (int end = 0; end < 2; ++end) {
    const auto all = seen_by(wires, end);
    RC_ASSERT(lane_step(all, ids[end], ids[1 - end]).kind == LaneKind::kNone);
    for (const Wire& wire : wires) {
      if (wire.seen[end] == lane_for(all, StreamClass::kBulk)) RC_ASSERT(wire.bulk);
      if (wire.seen[end] == lane_for(all, StreamClass::kInteractive)) RC_ASSERT(!wire.bulk);
    }
  }
}

TEST(Lanes, OneConnectionCarriesEverything) {
  const LaneConnection only{.id = 5, .dialed = true, .bulk = false};
  EXPECT_EQ(lane_for(std::span(&only, 1), StreamClass::kBulk), 5U);
  EXPECT_EQ(lane_for(std::span(&only, 1), StreamClass::kInteractive), 5U);
  EXPECT_EQ(lane_for({}, StreamClass::kBulk), std::nullopt);
  EXPECT_EQ(lane_step({}, test::peer(1), test::peer(2)).kind, LaneKind::kNone);
}

}  // namespace
}  // namespace micro::p2p
