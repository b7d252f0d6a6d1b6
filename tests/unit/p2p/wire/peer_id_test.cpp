#include "p2p/wire/peer_id.hpp"

#include <gtest/gtest.h>

#include "chain/crypto/hash.hpp"
#include "p2p/wire/base_n.hpp"
#include "p2p/wire/identity.hpp"

namespace micro::p2p {
namespace {

TEST(PeerId, ALongKeyIsHashed) {
  const Bytes key(43, 7);
  const PeerId id = PeerId::of_encoded_key(key);
  EXPECT_EQ(to_hex(id), "1220" + sha256(key).hex());
  EXPECT_TRUE(id.text().starts_with("Qm"));
  EXPECT_TRUE(id.inline_key().empty());
  EXPECT_EQ(PeerId::of_encoded_key(Bytes(42, 7)).inline_key().size(), 42U);
}

TEST(PeerId, ReadsEveryUsualText) {
  const PeerId id = HostKey::from_seed(Hash{}).peer_id();
  const Bytes cid = from_hex("0172" + to_hex(id)).value();
  EXPECT_EQ(PeerId::parse(id.text()).value(), id);
  EXPECT_EQ(PeerId::parse(id.cid_text()).value(), id);
  EXPECT_EQ(PeerId::parse("k" + to_base36(cid)).value(), id);
  EXPECT_EQ(PeerId::parse("z" + to_base58(cid)).value(), id);
}

TEST(PeerId, RefusesOtherTextAndBytes) {
  const PeerId id = HostKey::from_seed(Hash{}).peer_id();
  const Bytes other_codec = from_hex("0155" + to_hex(id)).value();
  for (const std::string& text :
       {std::string(), std::string("Qm"), std::string("1"), std::string("12D3Koo0"), "z" + to_base58(other_codec),
        std::string("b"), std::string("f0172"), std::string(5'000, '1')}) {
    EXPECT_FALSE(PeerId::parse(text)) << text;
  }
  EXPECT_FALSE(PeerId::from(from_hex("1220aa").value()));
  EXPECT_FALSE(PeerId::from(from_hex("0000").value()));
  EXPECT_FALSE(PeerId::from(from_hex("1302aaaa").value()));
  EXPECT_FALSE(PeerId::from(Bytes(45)));
}

TEST(IdentityKey, RefusesOtherTypesAndLengths) {
  EXPECT_FALSE(IdentityKey::decode(from_hex("0800"
                                            "1220" +
                                            std::string(64, 'a'))
                                       .value()));
  EXPECT_FALSE(IdentityKey::decode(from_hex("0801"
                                            "121f" +
                                            std::string(62, 'a'))
                                       .value()));
  EXPECT_FALSE(IdentityKey::decode(from_hex("0802"
                                            "1220" +
                                            std::string(64, 'a'))
                                       .value()));
  EXPECT_FALSE(IdentityKey::decode(Bytes(300)));
  EXPECT_TRUE(IdentityKey::decode(from_hex("0801"
                                           "1220" +
                                           std::string(64, 'a'))
                                      .value()));
}

TEST(IdentityKey, AKeyThatIsNoPointVerifiesNothing) {
  const auto key = IdentityKey::decode(from_hex("0802"
                                                "1221" +
                                                std::string(66, 'f'))
                                           .value());
  ASSERT_TRUE(key);
  EXPECT_FALSE(key->verify(as_bytes("m"), Bytes(70)));
  EXPECT_FALSE(key->verify({}, {}));
}

}  // namespace
}  // namespace micro::p2p
