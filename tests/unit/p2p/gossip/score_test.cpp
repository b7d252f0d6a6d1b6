// Each part of the score alone, by numbers worked out by hand.
#include "p2p/gossip/score.hpp"

#include <gtest/gtest.h>

#include "tests/gen/p2p/addresses.hpp"

namespace micro::p2p {
namespace {

using test::peer;

constexpr std::uint64_t kSecondNs = 1'000'000'000;

Instant at_s(std::uint64_t seconds) {
  return {seconds * kSecondNs};
}

TEST(GossipScore, TimeInTheMeshIsWorthALittleUpToACap) {
  PeerScores scores(std::make_shared<ScoreParams>());
  scores.connected(peer(1), "");
  scores.grafted(peer(1), "t", at_s(0));
  EXPECT_NEAR(scores.score(peer(1), at_s(1'800)), 0.05, 1e-9);
  EXPECT_NEAR(scores.score(peer(1), at_s(100'000)), 0.1, 1e-9);
  scores.pruned(peer(1), "t");
  EXPECT_EQ(scores.score(peer(1), at_s(100'000)), 0);
}

TEST(GossipScore, FirstDeliveriesCountUpToACapAndFade) {
  PeerScores scores(std::make_shared<ScoreParams>());
  scores.connected(peer(1), "");
  for (int n = 0; n < 150; ++n) scores.first_delivery(peer(1), "t");
  EXPECT_NEAR(scores.score(peer(1), {}), 50, 1e-9);  // a hundred, by five, by a tenth
  for (std::uint64_t s = 1; s <= 3'600; ++s) scores.decay(at_s(s));
  EXPECT_NEAR(scores.score(peer(1), {}), 0.5, 0.01);  // a hundredth of it after an hour
  for (std::uint64_t s = 3'601; s <= 10'000; ++s) scores.decay(at_s(s));
  EXPECT_EQ(scores.score(peer(1), {}), 0);
}

TEST(GossipScore, InvalidMessagesCountByTheirSquare) {
  PeerScores scores(std::make_shared<ScoreParams>());
  scores.connected(peer(1), "");
  scores.invalid(peer(1), "t");
  EXPECT_EQ(scores.score(peer(1), {}), -100);
  for (int n = 0; n < 4; ++n) scores.invalid(peer(1), "t");
  EXPECT_EQ(scores.score(peer(1), {}), -2'500);
  scores.invalid(peer(1), "u");  // each topic for itself
  EXPECT_EQ(scores.score(peer(1), {}), -2'600);
}

TEST(GossipScore, ATopicMayHaveItsOwnWeights) {
  ScoreParams params;
  params.topics["t"].weight = 1;
  PeerScores scores(std::make_shared<ScoreParams>(params));
  scores.connected(peer(1), "");
  scores.invalid(peer(1), "t");
  EXPECT_EQ(scores.score(peer(1), {}), -1'000);
}

TEST(GossipScore, ManyAtOneAddressPayForIt) {
  PeerScores scores(std::make_shared<ScoreParams>());
  for (std::uint64_t n = 1; n <= 5; ++n) scores.connected(peer(n), "a");
  scores.connected(peer(8), "");
  EXPECT_EQ(scores.score(peer(1), {}), 0);
  scores.connected(peer(6), "a");
  scores.connected(peer(7), "a");
  EXPECT_EQ(scores.score(peer(1), {}), -400);
  EXPECT_EQ(scores.score(peer(8), {}), 0);
  scores.disconnected(peer(6), {});
  EXPECT_EQ(scores.score(peer(1), {}), -100);
  EXPECT_EQ(scores.score(peer(6), {}), 0);  // it is not there
  scores.disconnected(peer(7), {});
  EXPECT_EQ(scores.score(peer(1), {}), 0);
}

TEST(GossipScore, OffencesCountAboveSix) {
  PeerScores scores(std::make_shared<ScoreParams>());
  scores.connected(peer(1), "");
  scores.misbehaved(peer(1), 6);
  EXPECT_EQ(scores.score(peer(1), {}), 0);
  scores.misbehaved(peer(1), 3);
  EXPECT_EQ(scores.score(peer(1), {}), -90);
  scores.set_application(peer(1), 7);
  EXPECT_EQ(scores.score(peer(1), {}), -83);
}

TEST(GossipScore, ABadScoreIsKeptForSixHoursAndAGoodOneIsNot) {
  PeerScores scores(std::make_shared<ScoreParams>());
  scores.connected(peer(1), "");
  scores.connected(peer(2), "");
  scores.invalid(peer(1), "t");
  scores.first_delivery(peer(2), "t");
  scores.disconnected(peer(1), at_s(10));
  scores.disconnected(peer(2), at_s(10));
  EXPECT_EQ(scores.retained(), 1U);
  EXPECT_EQ(scores.score(peer(2), at_s(11)), 0);
  scores.decay(at_s(6 * 3'600 + 9));
  EXPECT_EQ(scores.score(peer(1), at_s(6 * 3'600 + 9)), -100);  // it does not fade while away
  scores.connected(peer(1), "");
  EXPECT_EQ(scores.retained(), 0U);
  scores.disconnected(peer(1), at_s(6 * 3'600 + 9));
  scores.decay(at_s(12 * 3'600 + 9));
  EXPECT_EQ(scores.retained(), 0U);
  EXPECT_EQ(scores.score(peer(1), at_s(12 * 3'600 + 9)), 0);
}

TEST(GossipScore, TheWorstAreRememberedWhenThereAreTooMany) {
  PeerScores scores(std::make_shared<ScoreParams>());
  scores.connected(peer(0), "");
  for (int n = 0; n < 5; ++n) scores.invalid(peer(0), "t");
  scores.disconnected(peer(0), {});
  for (std::uint64_t n = 1; n <= kMaxRetainedScores + 10; ++n) {
    scores.connected(peer(n), "");
    scores.invalid(peer(n), "t");
    scores.disconnected(peer(n), {});
    ASSERT_LE(scores.retained(), kMaxRetainedScores);
  }
  EXPECT_EQ(scores.score(peer(0), {}), -2'500);
}

}  // namespace
}  // namespace micro::p2p
