#include "consensus/core/certificate.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace micro {
namespace {

Ed25519Secret secret(std::uint8_t n) {
  Hash seed;
  seed.data.fill(n);
  return Ed25519Secret::from_seed(seed);
}

class CertificateTest : public testing::Test {
 protected:
  void committee(std::vector<std::uint64_t> weights) {
    keys_.clear();
    set_.members.clear();
    for (std::size_t i = 0; i < weights.size(); ++i) keys_.push_back(secret(static_cast<std::uint8_t>(i + 1)));
    std::ranges::sort(keys_, {}, [](const Ed25519Secret& k) { return k.public_key(); });
    for (std::size_t i = 0; i < weights.size(); ++i) set_.members.push_back({keys_[i].public_key(), weights[i]});
    statement_.epoch_id.data.fill(7);
    statement_.view = View(3);
    statement_.parent_view = View(2);
    statement_.block.data.fill(9);
  }
  Certificate signed_by(std::vector<std::size_t> members) {
    std::vector<Ed25519Secret> keys;
    for (const std::size_t i : members) keys.push_back(keys_[i]);
    return certify(statement_, set_, keys).value();
  }
  bool holds(const Certificate& c) { return check_certificate(c, set_, statement_.epoch_id).has_value(); }

  std::vector<Ed25519Secret> keys_;
  ValidatorSet set_;
  Statement statement_;
};

TEST_F(CertificateTest, NeedsMoreThanTwoThirdsOfTheWeight) {
  committee({1, 1, 1, 1});
  EXPECT_EQ(quorum_weight(set_), 3U);
  EXPECT_TRUE(holds(signed_by({0, 1, 2})));
  EXPECT_TRUE(holds(signed_by({0, 1, 2, 3})));
  EXPECT_FALSE(holds(signed_by({0, 1})));
  EXPECT_FALSE(holds(signed_by({})));
  committee({5, 1, 1});  // of weight 7, 5 are needed
  EXPECT_TRUE(holds(signed_by({0})));
  EXPECT_FALSE(holds(signed_by({1, 2})));
  committee({1});
  EXPECT_EQ(quorum_weight(set_), 1U);
  EXPECT_TRUE(holds(signed_by({0})));
}

TEST_F(CertificateTest, QuorumsOverlapByMoreThanAThird) {
  for (std::uint64_t total = 1; total < 400; ++total) {
    ValidatorSet set;
    set.members.push_back({Ed25519Key{}, total});
    EXPECT_EQ(quorum_weight(set), 2 * total / 3 + 1);
    const std::uint64_t faulty = (total - 1) / 3;
    EXPECT_GT(2 * quorum_weight(set), total + faulty);
  }
}

TEST_F(CertificateTest, EveryMutationIsRefused) {
  committee({1, 1, 1, 1, 1, 1, 1, 1, 1, 1});
  const Certificate good = signed_by({0, 2, 3, 4, 5, 7, 9});
  ASSERT_TRUE(holds(good));
  const Bytes bytes = encode(good);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes bad = bytes;
      bad[i] = static_cast<std::uint8_t>(bad[i] ^ 1U << bit);
      const auto decoded = decode<Certificate>(bad);
      EXPECT_FALSE(decoded.has_value() && holds(*decoded)) << "byte " << i << " bit " << bit;
    }
  }
}

TEST_F(CertificateTest, ShapesThatMustNotPass) {
  committee({1, 1, 1, 1});
  const Certificate good = signed_by({0, 1, 2});
  Certificate bad = good;
  bad.signers.push_back(0);
  EXPECT_FALSE(holds(bad));
  bad = good;
  bad.signers[0] |= 0x10;  // a fifth of four
  EXPECT_FALSE(holds(bad));
  bad = good;
  bad.signatures.push_back(bad.signatures.back());
  EXPECT_FALSE(holds(bad));
  bad = good;
  bad.signatures.pop_back();
  EXPECT_FALSE(holds(bad));
  bad = good;  // one member's signature under another's bit
  std::swap(bad.signatures[0], bad.signatures[1]);
  EXPECT_FALSE(holds(bad));
  statement_.kind = StatementKind::kNotarize;
  EXPECT_FALSE(holds(signed_by({0, 1, 2})));
  statement_.kind = StatementKind::kFinalize;
  statement_.parent_view = View(3);
  EXPECT_FALSE(holds(signed_by({0, 1, 2})));
  statement_.parent_view = View(2);
  Hash other = statement_.epoch_id;
  other.data[0] ^= 1;
  EXPECT_FALSE(check_certificate(good, set_, other));
}

TEST_F(CertificateTest, SetsAreCheckedToo) {
  committee({1, 1});
  std::swap(set_.members[0], set_.members[1]);
  EXPECT_FALSE(check_validator_set(set_));
  set_.members[1] = set_.members[0];
  EXPECT_FALSE(check_validator_set(set_));
  committee({1, 0});
  EXPECT_FALSE(check_validator_set(set_));
  committee({1ULL << 63, 1ULL << 63});
  EXPECT_FALSE(check_validator_set(set_));
  EXPECT_FALSE(check_validator_set({}));
  committee({1});
  const auto strange = certify(statement_, set_, std::array{secret(200)});
  ASSERT_FALSE(strange.has_value());
  EXPECT_EQ(strange.error().fault, Fault::kInvalid);
}

}  // namespace
}  // namespace micro
