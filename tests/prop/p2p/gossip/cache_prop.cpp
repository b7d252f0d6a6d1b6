// The memories of a router against lists of everything that happened.
#include "p2p/gossip/cache.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "tests/gen/p2p/addresses.hpp"

namespace micro::p2p {
namespace {

SharedMessage message_of(int number) {
  return GossipMessage::write(number % 2 == 0 ? "even" : "odd", as_bytes(std::to_string(number)), nullptr, 0,
                              content_id)
      .value();
}

RC_GTEST_PROP(SeenMessages, RemembersTheFirstVerdictForItsTime, ()) {
  SeenMessages seen(1'000);
  std::vector<std::tuple<Instant, int, Verdict>> all;
  Instant now;
  const int steps = *rc::gen::inRange(1, 200);
  for (int n = 0; n < steps; ++n) {
    now = now.plus_ms(*rc::gen::inRange<std::uint64_t>(0, 200));
    seen.expire(now);
    std::erase_if(all, [&](const auto& one) { return std::get<0>(one) <= now; });
    const int number = *rc::gen::inRange(0, 20);
    const auto verdict = static_cast<Verdict>(*rc::gen::inRange(0, 3));
    const auto known = std::ranges::find_if(all, [&](const auto& one) { return std::get<1>(one) == number; });
    const auto found = seen.find(message_of(number)->id());
    RC_ASSERT(found.has_value() == (known != all.end()));
    if (found) RC_ASSERT(*found == std::get<2>(*known));
    seen.add(message_of(number)->id(), verdict, now);
    if (known == all.end()) all.emplace_back(now.plus_ms(1'000), number, verdict);
    RC_ASSERT(seen.size() == all.size());
  }
}

TEST(SeenMessages, TheOldestMakeRoom) {
  SeenMessages seen(1'000'000);
  std::vector<MessageId> ids;
  for (std::size_t n = 0; n < kMaxSeenMessages + 5; ++n) {
    ids.push_back(MessageId::from(as_bytes(std::to_string(n))).value());
    seen.add(ids.back(), Verdict::kAccepted, {n});
  }
  EXPECT_EQ(seen.size(), kMaxSeenMessages);
  EXPECT_FALSE(seen.find(ids[4]).has_value());
  EXPECT_TRUE(seen.find(ids[5]).has_value() && seen.find(ids.back()).has_value());
}

RC_GTEST_PROP(MessageCache, HoldsTheLastHeartbeatsAndTellsOfTheLastFew, ()) {
  const auto windows = *rc::gen::inRange<std::size_t>(1, 7);
  const auto gossip = *rc::gen::inRange<std::size_t>(0, windows + 1);
  MessageCache cache(windows, gossip);
  std::map<int, std::size_t> put;  // in which heartbeat
  std::map<std::pair<int, std::uint64_t>, std::size_t> handed;
  std::size_t beats = 0;
  const int steps = *rc::gen::inRange(1, 120);
  for (int n = 0; n < steps; ++n) {
    const int number = *rc::gen::inRange(0, 12);
    switch (*rc::gen::inRange(0, 3)) {
      case 0:
        cache.put(message_of(number));
        put.emplace(number, beats);
        break;
      case 1: {
        const auto asker = *rc::gen::inRange<std::uint64_t>(0, 3);
        const bool given = cache.hand_out(message_of(number)->id(), test::peer(asker), 3) != nullptr;
        RC_ASSERT(given == (put.contains(number) && handed[{number, asker}] < 3));
        if (given) ++handed[{number, asker}];
        break;
      }
      default:
        cache.shift();
        ++beats;
        std::erase_if(put, [&](const auto& one) { return one.second + windows <= beats; });
        std::erase_if(handed, [&](const auto& one) { return !put.contains(one.first.first); });
    }
    RC_ASSERT(cache.size() == put.size());
    std::size_t bytes = 0;
    std::set<MessageId> recent;
    for (const auto& [one, beat] : put) {
      RC_ASSERT(cache.find(message_of(one)->id()) != nullptr);
      bytes += message_of(one)->wire().size();
      if (one % 2 == 0 && beat + gossip > beats) recent.insert(message_of(one)->id());
    }
    RC_ASSERT(cache.bytes() == bytes);
    const auto told = cache.recent("even");
    RC_ASSERT(std::set<MessageId>(told.begin(), told.end()) == recent && told.size() == recent.size());
  }
}

TEST(MessageCache, StaysWithinItsBounds) {
  MessageCache cache(6, 3);
  for (std::size_t n = 0; n < kMaxCachedMessages + 50; ++n) cache.put(message_of(static_cast<int>(n)));
  EXPECT_EQ(cache.size(), kMaxCachedMessages);
  EXPECT_EQ(cache.find(message_of(49)->id()), nullptr);
  EXPECT_NE(cache.find(message_of(50)->id()), nullptr);
  for (int n = 0; n < 40; ++n) {
    const std::string data(1'000'000, static_cast<char>('a' + n));
    cache.put(GossipMessage::write("t", as_bytes(data), nullptr, 0, content_id).value());
    EXPECT_LE(cache.bytes(), kMaxCachedBytes);
  }
  for (int n = 0; n < 6; ++n) cache.shift();
  EXPECT_EQ(cache.size(), 0U);
  EXPECT_EQ(cache.bytes(), 0U);
}

RC_GTEST_PROP(Promises, WhatIsNeitherKeptNorForgottenIsBroken, ()) {
  Promises promises(3'000);
  std::map<std::pair<int, std::uint64_t>, Instant> open;
  Instant now;
  const int steps = *rc::gen::inRange(1, 150);
  for (int n = 0; n < steps; ++n) {
    now = now.plus_ms(*rc::gen::inRange<std::uint64_t>(0, 800));
    const int number = *rc::gen::inRange(0, 6);
    const auto who = *rc::gen::inRange<std::uint64_t>(0, 4);
    switch (*rc::gen::inRange(0, 4)) {
      case 0:
      case 1:
        promises.add(message_of(number)->id(), test::peer(who), now);
        open.emplace(std::pair(number, who), now.plus_ms(3'000));
        break;
      case 2:
        if (*rc::gen::inRange(0, 2) == 0) {
          promises.kept(message_of(number)->id());
          std::erase_if(open, [&](const auto& one) { return one.first.first == number; });
        } else {
          promises.forget(test::peer(who));
          std::erase_if(open, [&](const auto& one) { return one.first.second == who; });
        }
        break;
      default: {
        std::map<PeerId, std::size_t> broken;
        std::erase_if(open, [&](const auto& one) {
          if (one.second > now) return false;
          ++broken[test::peer(one.first.second)];
          return true;
        });
        RC_ASSERT(promises.take_broken(now) == broken);
      }
    }
    RC_ASSERT(promises.size() == open.size());
  }
}

}  // namespace
}  // namespace micro::p2p
