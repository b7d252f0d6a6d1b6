// What a session key may do with channels, and what the ledger holds it to.
#include "tests/gen/chain/channel_world.hpp"

namespace micro {
namespace {

using test::ChannelWorld;
using test::person;
using test::person_key;

constexpr std::uint64_t kSession = 60;

GrantSessionKey terms(Amount per_call, Amount window, List<ServiceId, kMaxSessionServices> services = {}) {
  return {person_key(kSession).public_key(), Epoch(50), per_call, window, 10, std::move(services)};
}

TEST(SessionChannels, OpenWithinCapsForTheServicesAllowed) {
  ChannelWorld w;
  ASSERT_EQ(w.World::apply(0, terms(Amount(1'000'000), Amount(25'000'000), {w.service})).status, TxStatus::kOk);
  const TxReceipt opened = w.World::apply(kSession, w.terms(Amount(10'000'000)));
  ASSERT_EQ(opened.status, TxStatus::kOk);
  const ChannelId channel = std::get<event::ChannelOpened>(opened.events.at(0)).channel;
  EXPECT_EQ(w.channel(channel)->payer, person(0));
  EXPECT_EQ(w.World::apply(kSession, TopUpChannel{channel, Amount(20'000'000)}).status, TxStatus::kSessionCap);
  EXPECT_EQ(w.World::apply(kSession, TopUpChannel{channel, Amount(5'000'000)}).status, TxStatus::kOk);
  EXPECT_EQ(w.World::apply(kSession, w.terms(Amount(10'000'000))).status, TxStatus::kSessionCap);
}

TEST(SessionChannels, PriceAboveTheCallCapIsRefused) {
  ChannelWorld w;
  ASSERT_EQ(w.World::apply(0, terms(Amount(1), Amount(25'000'000))).status, TxStatus::kOk);
  EXPECT_EQ(w.World::apply(kSession, w.terms(Amount(10'000'000))).status, TxStatus::kSessionCap);
}

TEST(SessionChannels, OtherServicesAreRefused) {
  ChannelWorld w;
  ASSERT_EQ(w.World::apply(0, terms(Amount(1'000'000), Amount(25'000'000), {ServiceId{}})).status, TxStatus::kOk);
  EXPECT_EQ(w.World::apply(kSession, w.terms(Amount(10'000'000))).status, TxStatus::kSessionService);
}

TEST(TopUp, OverflowAndEmptyPurses) {
  ChannelWorld w;
  const ChannelId channel = w.open();
  EXPECT_EQ(w.World::apply(0, TopUpChannel{channel, Amount(kMaxSupplyMicro)}).status, TxStatus::kOverflow);
  EXPECT_EQ(w.World::apply(0, TopUpChannel{channel, Amount(5'000'000'000)}).status, TxStatus::kInsufficientFunds);
}

TEST(Finalizing, NeedsAChannel) {
  ChannelWorld w;
  EXPECT_EQ(w.World::apply(0, Finalize{ChannelId{}}).status, TxStatus::kNoSuchChannel);
}

}  // namespace
}  // namespace micro
