// Committees that change from epoch to epoch, and a client that does not want to see every one of them.
#include <gtest/gtest.h>

#include "tests/gen/boundary_chain.hpp"

namespace micro::test {
namespace {

TEST(LightSkip, OneHeaderIsEnoughWhereTheCommitteeStays) {
  const BoundaryChain chain(std::vector<std::vector<std::uint16_t>>(101, {1, 2, 3, 4}));
  LightClient client = chain.client();
  EXPECT_EQ(chain.follow(client, 100), 1U);
  EXPECT_EQ(client.tip(), chain.header(100));
  EXPECT_EQ(client.epoch(), Epoch(101));
}

TEST(LightSkip, ItGoesAsFarAsMoreThanAThirdOfTheKnownWeightReaches) {
  const BoundaryChain chain = rotating(24);
  for (std::size_t to = 2; to <= 8; ++to) {
    LightClient client = chain.client();
    // Of the six of epoch 1 the committee of epoch `to` still holds 7 − to; two are exactly a third.
    const auto reach = client.skip(chain.step(to), chain.trust(to));
    ASSERT_TRUE(reach);
    EXPECT_EQ(*reach, to <= 4 ? Reach::kTaken : Reach::kTooFar) << to;
    EXPECT_EQ(client.tip(), chain.header(to <= 4 ? to : 0));
  }
  LightClient client = chain.client();
  chain.follow(client, 24);
  EXPECT_EQ(client.tip(), chain.header(24));
}

TEST(LightSkip, ItCountsSignersByTheWeightsItKnows) {
  BoundaryChain chain({{1, 2, 3, 4}, {1, 2, 3, 4}, {1, 2, 3, 4}});
  Skip step = chain.step(2);
  LightClient client = chain.client();
  ASSERT_EQ(client.skip(step, chain.trust(2)).value(), Reach::kTaken);
  // A committee that knows one of them as heavy, in which only the light ones signed.
  ValidatorSet heavy = chain.set(0);
  const Ed25519Key one = member_secret(4).public_key();
  for (Validator& v : heavy.members) v.weight = v.key == one ? 100 : 1;
  Header boundary = chain.header(0);
  boundary.next_validators = validator_set_hash(heavy);
  LightClient other = LightClient::from_checkpoint(chain.id(), boundary, heavy).value();
  step.certificate = chain.sign(step, {1, 2, 3});
  EXPECT_EQ(other.skip(step, chain.trust(2)).value(), Reach::kTooFar);
}

TEST(LightSkip, OldKnowledgeIsWorthNothing) {
  const BoundaryChain chain(std::vector<std::vector<std::uint16_t>>(6, {1, 2, 3, 4}));
  LightClient client = chain.client();
  const Trust at_the_end = chain.trust(5, 5 * kEpochMs);
  const auto late = client.skip(chain.step(5), at_the_end);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().fault, Fault::kDenied);
  const auto fetch = [&](Epoch e) -> Result<Skip> { return chain.step(e.value); };
  EXPECT_FALSE(catch_up(client, Epoch(5), fetch, at_the_end)) << "neither one epoch after the other";
  EXPECT_EQ(client.tip(), chain.header(0));
  EXPECT_TRUE(client.skip(chain.step(5), chain.trust(5, 5 * kEpochMs + 1)));
}

TEST(LightSkip, AForgedCommitteeIsNeverReached) {
  const BoundaryChain chain = rotating(12);
  // Same past, another committee that nobody of the real one is in.
  std::vector<std::vector<std::uint16_t>> lie;
  for (std::size_t e = 0; e <= 12; ++e) lie.push_back({200, 201, 202, 203});
  const BoundaryChain forged(lie);
  LightClient client = chain.client();
  const auto fetch = [&](Epoch e) -> Result<Skip> { return forged.step(e.value); };
  const auto done = catch_up(client, Epoch(12), fetch, chain.trust(12));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().fault, Fault::kMismatch);
  EXPECT_EQ(client.tip(), chain.header(0));
}

TEST(LightSkip, EveryPartOfTheStepIsBound) {
  const BoundaryChain chain(std::vector<std::vector<std::uint16_t>>(6, {1, 2, 3, 4}));
  const Skip good = chain.step(4);
  const auto refused = [&](const char* what, auto change, bool signed_again = false) {
    Skip bad = good;
    change(bad);
    if (signed_again) bad.certificate = chain.sign(bad, {1, 2, 3, 4});
    LightClient client = chain.client();
    EXPECT_FALSE(client.skip(bad, chain.trust(4))) << what;
    EXPECT_EQ(client.tip(), chain.header(0)) << what;
  };
  const ValidatorSet mine = committee({1, 2, 3, 9});
  refused("state root", [](Skip& s) { s.header.state_root.data[0] ^= 1; });
  refused("no next committee", [](Skip& s) { s.next.reset(); });
  refused("another next committee", [&](Skip& s) { s.next = mine; });
  refused("another committee", [&](Skip& s) { s.set = mine; });
  refused("another boundary", [&](Skip& s) { s.before = chain.header(2); });
  refused("a boundary that is not below", [](Skip& s) { s.before.state_root.data[0] ^= 1; }, true);
  refused("no boundary", [](Skip& s) { s.before.boundary = false; }, true);
  refused("a proof of another place", [](Skip& s) { s.proof.index -= 1; });
  refused("a proof that is cut", [](Skip& s) { s.proof.path.pop_back(); });
  refused("no quorum", [&](Skip& s) { s.certificate = chain.sign(s, {1, 2}); });
  refused("a signature", [](Skip& s) { s.certificate.signatures[0].data[0] ^= 1; });
  refused("a block from the future", [](Skip& s) { s.header.time = TimeMs(s.header.time.value + kDriftMs + 1); }, true);
  refused("a known epoch", [&](Skip& s) { s = chain.step(1); });
  refused("a middle block with a next committee", [](Skip& s) { s.header.boundary = false; }, true);
  LightClient client = chain.client();
  EXPECT_TRUE(client.skip(good, chain.trust(4)));
}

TEST(LightSkip, ACheckpointNamesItsCommittee) {
  const BoundaryChain chain = rotating(3);
  EXPECT_FALSE(LightClient::from_checkpoint(chain.id(), chain.header(2), chain.set(1)));
  Header inside = chain.header(2);
  inside.boundary = false;
  EXPECT_FALSE(LightClient::from_checkpoint(chain.id(), inside, chain.set(2)));
  LightClient client = LightClient::from_checkpoint(chain.id(), chain.header(2), chain.set(2)).value();
  EXPECT_EQ(client.epoch(), Epoch(3));
  EXPECT_EQ(chain.follow(client, 3), 1U);
}

}  // namespace
}  // namespace micro::test
