// peer_keys.csv: what js-libp2p makes of fixed secrets, both key types.
#include <gtest/gtest.h>

#include "p2p/wire/identity.hpp"
#include "tests/vectors/csv.hpp"

namespace micro::p2p {
namespace {

TEST(PeerKeyVectors, IdsAndSignaturesOfAnotherStack) {
  const auto rows = test::read_csv("peer_keys.csv");
  ASSERT_EQ(rows.size(), 16U);
  for (const auto& row : rows) {
    ASSERT_EQ(row.size(), 7U);
    const Bytes encoded = from_hex(row[2]).value();
    const auto key = IdentityKey::decode(encoded);
    ASSERT_TRUE(key) << row[3];
    EXPECT_EQ(key->encode(), encoded);
    EXPECT_EQ(key->peer_id().text(), row[3]);
    EXPECT_EQ(key->peer_id().cid_text(), row[4]);
    EXPECT_EQ(PeerId::parse(row[3]).value(), key->peer_id());
    EXPECT_EQ(PeerId::parse(row[4]).value(), key->peer_id());
    Bytes message = from_hex(row[5]).value();
    const Bytes signature = from_hex(row[6]).value();
    EXPECT_TRUE(key->verify(message, signature)) << row[3];
    message[0] ^= 1;
    EXPECT_FALSE(key->verify(message, signature)) << row[3];
    message[0] ^= 1;
    if (row[0] != "ed25519") continue;
    const HostKey host = HostKey::from_seed(Hash::parse(row[1]).value());
    EXPECT_EQ(host.peer_id().text(), row[3]);
    EXPECT_EQ(to_hex(host.sign(message)), row[6]);
  }
}

}  // namespace
}  // namespace micro::p2p
