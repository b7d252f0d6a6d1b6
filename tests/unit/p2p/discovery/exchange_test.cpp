#include "p2p/discovery/exchange.hpp"

#include <gtest/gtest.h>

#include "tests/gen/p2p/addresses.hpp"

namespace micro::p2p {
namespace {

using test::address_in_group;

// Each address in a group of its own, so that buckets do not limit what is counted.
PeerAddress spread(std::uint64_t n) {
  return {test::peer(n), test::address(static_cast<std::uint32_t>((20U + n / 200 % 40) << 24 | n % 200 << 16 | 5))};
}

struct World {
  SeededRandom random{1};
  AddressBook book{random, false};
  PeerExchange exchange{book};
  Instant now = Instant{1}.plus_ms(86'400'000);

  static Bytes list(std::uint64_t from, std::uint64_t count) {
    AddressList out;
    for (std::uint64_t n = from; n < from + count; ++n) {
      out.addresses.push_back({.peer = Blob<kMaxPeerIdBytes>(spread(n).peer.view()),
                               .address = Blob<128>(ByteView(spread(n).address.bytes()))});
    }
    return encode(out);
  }
};

TEST(Exchange, OnePeerLearnsWhatAnotherKnows) {
  World one;
  World other;
  for (std::uint64_t n = 0; n < 10; ++n) ASSERT_TRUE(one.book.add(spread(n), address_in_group(9, 9), one.now));
  const Bytes said = one.exchange.answer(test::peer(2), one.now).value();
  EXPECT_EQ(other.exchange.learn(test::peer(1), address_in_group(1, 1), said, other.now).value(), 10U);
  EXPECT_EQ(other.book.size(), 10U);
}

TEST(Exchange, NobodyLearnsAWholeLargeBookHoweverOftenHeAsks) {
  World world;
  for (std::uint64_t n = 0; n < 2'000; ++n) world.book.add(spread(n), spread(n).address, world.now);
  ASSERT_GT(world.book.size(), 1'500U);
  std::set<Bytes> told;
  for (std::uint64_t asker = 0; asker < 50; ++asker) {
    const auto list = decode<AddressList>(world.exchange.answer(test::peer(asker), world.now).value()).value();
    for (const ExchangedAddress& one : list.addresses) told.insert(one.address);
  }
  EXPECT_EQ(told.size(), kMaxExchanged);
  EXPECT_EQ(world.exchange.answer(test::peer(1), world.now).error().fault, Fault::kBusy);
  world.now = world.now.plus_ms(kAnswerMs);
  EXPECT_TRUE(world.exchange.answer(test::peer(1), world.now));
}

TEST(Exchange, AYoungBookHasMoreToTellOnceItGrew) {
  World world;
  world.book.add(spread(0), spread(0).address, world.now);
  const Bytes first = world.exchange.answer(test::peer(1), world.now).value();
  for (std::uint64_t n = 0; n < 5; ++n) world.book.add(spread(n), spread(n).address, world.now);
  EXPECT_GT(world.exchange.answer(test::peer(2), world.now).value().size(), first.size());
}

TEST(Exchange, WhoTellsTooMuchIsBelievedATenthOfAnAddressASecond) {
  World world;
  std::size_t taken = 0;
  for (std::uint64_t n = 0; n < 40; ++n) {
    const Bytes said = World::list(n * kMaxExchanged, kMaxExchanged);
    taken += world.exchange.learn(test::peer(1), spread(n).address, said, world.now).value();
  }
  EXPECT_LE(taken, kBelievedPer10s.stock);
  EXPECT_GT(taken, kBelievedPer10s.stock / 2);
  world.now = world.now.plus_ms(100'000);
  const Bytes more = World::list(7'000, kMaxExchanged);
  EXPECT_LE(world.exchange.learn(test::peer(1), spread(99).address, more, world.now).value(), 10U);
  EXPECT_GT(world.exchange.learn(test::peer(2), spread(98).address, more, world.now).value(), 10U);
}

TEST(Exchange, RefusesWhatIsNoList) {
  World world;
  EXPECT_EQ(world.exchange.learn(test::peer(1), spread(1).address, as_bytes("x"), world.now).error().fault,
            Fault::kInvalid);
  AddressList bad;
  bad.addresses.push_back({.peer = Blob<kMaxPeerIdBytes>(as_bytes("nobody")), .address = {}});
  EXPECT_EQ(world.exchange.learn(test::peer(1), spread(1).address, encode(bad), world.now).error().fault,
            Fault::kInvalid);
}

TEST(Exchange, RemembersSoManyPeersAndNoMore) {
  World world;
  for (std::uint64_t n = 0; n < kMaxExchangingPeers + 50; ++n) (void)world.exchange.answer(test::peer(n), world.now);
  EXPECT_EQ(world.exchange.peers(), kMaxExchangingPeers);
}

}  // namespace
}  // namespace micro::p2p
