// bip340.csv: rows 0 to 14 of the test vectors of BIP-340 (the later rows have messages of other lengths than 32 bytes,
// which this network never signs).
#include <gtest/gtest.h>

#include "chain/crypto/secp256k1.hpp"
#include "tests/vectors/csv.hpp"

namespace micro {
namespace {

TEST(Bip340Vectors, VerifiesAndSignsAsListed) {
  const auto rows = test::read_csv("bip340.csv");
  ASSERT_EQ(rows.size(), 16U);
  int signed_rows = 0;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const auto& row = rows[i];
    ASSERT_GE(row.size(), 7U);
    const auto key = XOnlyKey::parse(row[2]);
    const auto message = Hash::parse(row[4]);
    const auto signature = SchnorrSignature::parse(row[5]);
    ASSERT_TRUE(key && message && signature) << row[0];
    EXPECT_EQ(verify_schnorr(*key, *message, *signature), row[6] == "TRUE") << row[0];
    if (row[1].empty()) continue;
    const auto secret = SecretKey::from(from_hex(row[1]).value());
    ASSERT_TRUE(secret);
    EXPECT_EQ(secret->x_only_key(), *key) << row[0];
    if (row[3].find_first_not_of('0') != std::string::npos) continue;  // we sign with zero auxiliary randomness only
    EXPECT_EQ(secret->sign_schnorr(*message), *signature) << row[0];
    ++signed_rows;
  }
  EXPECT_EQ(signed_rows, 1);
}

}  // namespace
}  // namespace micro
