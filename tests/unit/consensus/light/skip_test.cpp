// Committees that change from epoch to epoch, and a client that does not want to see every one of them.
#include <gtest/gtest.h>

#include "consensus/core/certificate.hpp"
#include "consensus/light/light_client.hpp"

namespace micro {
namespace {

constexpr std::uint64_t kStart = 1'767'225'600'000;
constexpr std::uint64_t kEpochMs = 1'000;
constexpr std::uint64_t kDriftMs = 5'000;

Ed25519Secret secret(std::uint16_t member) {
  Hash seed;
  seed.data[0] = static_cast<std::uint8_t>(member);
  seed.data[1] = static_cast<std::uint8_t>(member >> 8);
  seed.data[2] = 1;
  return Ed25519Secret::from_seed(seed);
}

ValidatorSet committee(const std::vector<std::uint16_t>& members) {
  ValidatorSet out;
  for (const std::uint16_t m : members) out.members.push_back({secret(m).public_key(), 1});
  std::ranges::sort(out.members, {}, &Validator::key);
  return out;
}

/// One boundary block an epoch, signed by its whole committee.
class Chain {
 public:
  /// `committees[e]` is that of epoch e; the last one is only named.
  explicit Chain(std::vector<std::vector<std::uint16_t>> committees) : committees_(std::move(committees)) {
    chain_.data.fill(0x33);
    Header genesis;
    genesis.boundary = true;  // as good as any block that names a committee
    genesis.time = TimeMs(kStart);
    genesis.next_validators = validator_set_hash(committee(committees_[0]));
    append(genesis);
    for (std::size_t e = 0; e + 1 < committees_.size(); ++e) {
      Header header;
      header.epoch = Epoch(static_cast<std::uint32_t>(e + 1));
      header.boundary = true;
      header.next_validators = validator_set_hash(committee(committees_[e + 1]));
      append(header);
    }
  }
  [[nodiscard]] const Header& header(std::size_t height) const { return headers_[height]; }
  [[nodiscard]] ValidatorSet set(std::size_t e) const { return committee(committees_[e]); }
  [[nodiscard]] const ChainId& id() const { return chain_; }
  [[nodiscard]] LightClient client() const { return LightClient::from_checkpoint(chain_, headers_[0], set(0)).value(); }
  /// Epoch numbers here start at 1: the block of height h ends epoch h.
  [[nodiscard]] Skip step(std::size_t height) const {
    Skip out;
    out.header = headers_[height];
    out.before = headers_[height - 1];
    out.set = set(height - 1);
    out.next = set(height);
    out.proof =
        mmr_prove(height - 1, height, [&](const MmrPlace& place) -> Result<Hash> { return nodes_.at(place); }).value();
    out.certificate = sign(out, committees_[height - 1]);
    return out;
  }
  [[nodiscard]] Certificate sign(const Skip& step, const std::vector<std::uint16_t>& members) const {
    const Statement statement{StatementKind::kFinalize,
                              epoch_id(chain_, step.header.epoch, block_id(step.before), validator_set_hash(step.set)),
                              View(1), View(0), block_id(step.header)};
    std::vector<Ed25519Secret> keys;
    for (const std::uint16_t m : members) keys.push_back(secret(m));
    return certify(statement, step.set, keys).value();
  }
  [[nodiscard]] Trust trust(std::size_t height, std::uint64_t period_ms = 1'000'000) const {
    return {headers_[height].time, period_ms, kDriftMs};
  }
  std::size_t follow(LightClient& client, std::size_t to) const {
    const auto fetch = [&](Epoch e) -> Result<Skip> { return step(e.value); };
    return catch_up(client, Epoch(static_cast<std::uint32_t>(to)), fetch, trust(to)).value();
  }

 private:
  void append(Header header) {
    header.height = Height(headers_.size());
    if (!headers_.empty()) {
      header.parent = block_id(headers_.back());
      header.time = TimeMs(headers_.back().time.value + kEpochMs);
    }
    header.headers_root = peaks_.root();
    headers_.push_back(header);
    peaks_.append(block_id(header), [&](const MmrPlace& place, const Hash& hash) { nodes_[place] = hash; });
  }
  std::vector<std::vector<std::uint16_t>> committees_;
  ChainId chain_;
  std::vector<Header> headers_;
  MmrPeaks peaks_;
  std::map<MmrPlace, Hash> nodes_;
};

/// Six seats; each epoch the oldest member leaves and a new one comes.
Chain rotating(std::size_t epochs) {
  std::vector<std::vector<std::uint16_t>> out;
  for (std::size_t e = 0; e <= epochs; ++e) {
    std::vector<std::uint16_t> seats;
    for (std::size_t k = 0; k < 6; ++k) seats.push_back(static_cast<std::uint16_t>(e + k));
    out.push_back(std::move(seats));
  }
  return Chain(std::move(out));
}

TEST(LightSkip, OneHeaderIsEnoughWhereTheCommitteeStays) {
  const Chain chain(std::vector<std::vector<std::uint16_t>>(101, {1, 2, 3, 4}));
  LightClient client = chain.client();
  EXPECT_EQ(chain.follow(client, 100), 1U);
  EXPECT_EQ(client.tip(), chain.header(100));
  EXPECT_EQ(client.epoch(), Epoch(101));
}

TEST(LightSkip, ItGoesAsFarAsMoreThanAThirdOfTheKnownWeightReaches) {
  const Chain chain = rotating(24);
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
  Chain chain({{1, 2, 3, 4}, {1, 2, 3, 4}, {1, 2, 3, 4}});
  Skip step = chain.step(2);
  LightClient client = chain.client();
  ASSERT_EQ(client.skip(step, chain.trust(2)).value(), Reach::kTaken);
  // A committee that knows one of them as heavy, in which only the light ones signed.
  ValidatorSet heavy = chain.set(0);
  const Ed25519Key one = secret(4).public_key();
  for (Validator& v : heavy.members) v.weight = v.key == one ? 100 : 1;
  Header boundary = chain.header(0);
  boundary.next_validators = validator_set_hash(heavy);
  LightClient other = LightClient::from_checkpoint(chain.id(), boundary, heavy).value();
  step.certificate = chain.sign(step, {1, 2, 3});
  EXPECT_EQ(other.skip(step, chain.trust(2)).value(), Reach::kTooFar);
}

TEST(LightSkip, OldKnowledgeIsWorthNothing) {
  const Chain chain(std::vector<std::vector<std::uint16_t>>(6, {1, 2, 3, 4}));
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
  const Chain chain = rotating(12);
  // Same past, another committee that nobody of the real one is in.
  std::vector<std::vector<std::uint16_t>> lie;
  for (std::size_t e = 0; e <= 12; ++e) lie.push_back({200, 201, 202, 203});
  const Chain forged(lie);
  LightClient client = chain.client();
  const auto fetch = [&](Epoch e) -> Result<Skip> { return forged.step(e.value); };
  const auto done = catch_up(client, Epoch(12), fetch, chain.trust(12));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().fault, Fault::kMismatch);
  EXPECT_EQ(client.tip(), chain.header(0));
}

TEST(LightSkip, EveryPartOfTheStepIsBound) {
  const Chain chain(std::vector<std::vector<std::uint16_t>>(6, {1, 2, 3, 4}));
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
  const Chain chain = rotating(3);
  EXPECT_FALSE(LightClient::from_checkpoint(chain.id(), chain.header(2), chain.set(1)));
  Header inside = chain.header(2);
  inside.boundary = false;
  EXPECT_FALSE(LightClient::from_checkpoint(chain.id(), inside, chain.set(2)));
  LightClient client = LightClient::from_checkpoint(chain.id(), chain.header(2), chain.set(2)).value();
  EXPECT_EQ(client.epoch(), Epoch(3));
  EXPECT_EQ(chain.follow(client, 3), 1U);
}

}  // namespace
}  // namespace micro
