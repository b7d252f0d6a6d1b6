// Poison among a node's own transactions ends up alone, and the others in blocks.
#include "consensus/core/held_back.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace micro::simplex {
namespace {

TxId id_of(std::uint32_t number) {
  TxId out;
  for (std::size_t byte = 0; byte < 4; ++byte) out.data[byte] = static_cast<std::uint8_t>(number >> (24 - 8 * byte));
  return out;
}

std::vector<TxId> ids(std::uint32_t from, std::uint32_t until) {
  std::vector<TxId> out;
  for (std::uint32_t n = from; n < until; ++n) out.push_back(id_of(n));
  return out;
}

/// A leader whose bodies fail while they hold any of the poison.
struct Leader {
  std::set<TxId> waiting;
  std::set<TxId> poison;
  std::size_t max_txs = 1'000;
  HeldBack held;
  std::size_t failures = 0;
  bool was_attempt = false;

  void propose() {
    const HeldBack::Attempt attempt = held.due(max_txs);
    std::vector<TxId> body = attempt.txs;
    const auto out = held.txs();
    for (const TxId& tx : waiting) {
      if (attempt.txs.empty() && body.size() < max_txs && !std::ranges::binary_search(out, tx)) body.push_back(tx);
    }
    EXPECT_FALSE(was_attempt && !attempt.txs.empty()) << "what never failed has every second body";
    was_attempt = !attempt.txs.empty();
    held.proposed(attempt);
    const bool fails = std::ranges::any_of(body, [&](const TxId& tx) { return poison.contains(tx); });
    if (!fails) {
      for (const TxId& tx : body) waiting.erase(tx);
      return;
    }
    ++failures;
    held.failed(std::move(body), attempt.failures);
  }
};

TEST(HeldBack, PoisonEndsUpAloneAndIsTriedEverMoreSeldom) {
  for (const std::uint32_t poison : {0U, 37U, 499U, 999U}) {
    Leader leader;
    for (const TxId& tx : ids(0, 1'000)) leader.waiting.insert(tx);
    leader.poison.insert(id_of(poison));
    std::size_t bodies = 0;
    for (; leader.waiting.size() > 1; ++bodies) {
      ASSERT_LT(bodies, 5'000U);
      leader.propose();
    }
    EXPECT_LE(leader.failures, 11U) << "halved ten times";
    EXPECT_EQ(leader.held.txs(), std::vector<TxId>{id_of(poison)});
    const std::size_t before = leader.failures;
    for (int n = 0; n < 10'240; ++n) leader.propose();
    EXPECT_LE(leader.failures - before, 11U);
    EXPECT_GE(leader.failures - before, 9U) << "it is tried for ever: whatever was wrong may be over";
  }
}

TEST(HeldBack, SeveralPoisonsAndFreshTransactionsMeanwhile) {
  Leader leader;
  leader.max_txs = 64;
  for (const TxId& tx : ids(0, 1'000)) leader.waiting.insert(tx);
  for (std::uint32_t n = 0; n < 1'000; n += 100) leader.poison.insert(id_of(n));
  for (std::uint32_t n = 0; n < 2'000; ++n) {
    leader.waiting.insert(id_of(10'000 + n));
    leader.propose();
  }
  for (const TxId& tx : leader.poison) leader.waiting.erase(tx);
  EXPECT_LE(leader.waiting.size(), 2 * leader.max_txs) << "only what came last";
}

TEST(HeldBack, WhatHasNoRoomInABodyStaysHeld) {
  HeldBack held;
  held.failed(ids(0, 10), 0);
  for (int n = 0; n < 3; ++n) held.proposed(held.due(0));
  const auto attempt = held.due(2);
  EXPECT_EQ(attempt.txs, ids(0, 2));
  EXPECT_EQ(attempt.failures, 1U);
  held.proposed(attempt);
  EXPECT_EQ(held.txs(), ids(2, 10));
  EXPECT_EQ(held.size(), 8U);
}

TEST(HeldBack, WhatFailsInSeveralBodiesIsHeldOnce) {
  HeldBack held;
  held.failed(ids(0, 10), 0);
  held.failed(ids(0, 12), 0);
  EXPECT_EQ(held.size(), 12U);
  EXPECT_EQ(held.txs(), ids(0, 12));
}

TEST(HeldBack, BeyondItsBoundTheOldestGoFree) {
  HeldBack held;
  held.failed(ids(0, 10), 0);
  held.failed(ids(1'000, 1'000 + static_cast<std::uint32_t>(kMaxHeldBackTxs)), 0);
  EXPECT_LE(held.size(), kMaxHeldBackTxs);
  EXPECT_EQ(held.txs(), ids(1'000, 1'000 + static_cast<std::uint32_t>(kMaxHeldBackTxs)));
  held.failed({}, 0);
  EXPECT_EQ(held.size(), kMaxHeldBackTxs);
}

}  // namespace
}  // namespace micro::simplex
