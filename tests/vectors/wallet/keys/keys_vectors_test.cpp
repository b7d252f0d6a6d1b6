// BIP-39 (English) and BIP-32. Vector 5 of BIP-32 is about texts of extended keys, which this wallet neither reads nor
// writes. The texts of the other vectors are opened here with Botan's Base58Check.
#include <botan/base58.h>
#include <gtest/gtest.h>

#include "tests/vectors/csv.hpp"
#include "wallet/keys/hd_key.hpp"
#include "wallet/keys/mnemonic.hpp"

namespace micro {
namespace {

// An xprv holds version ‖ depth ‖ parent ‖ index (13 bytes), the chain code and 0 ‖ key.
void expect_extended_key(const HdKey& key, const std::string& xprv) {
  const auto raw = Botan::base58_check_decode(xprv);
  ASSERT_EQ(raw.size(), 78U);
  EXPECT_EQ(to_hex(key.chain_code()), to_hex(ByteView(raw).subspan(13, 32)));
  EXPECT_EQ(to_hex(key.secret().view()), to_hex(ByteView(raw).subspan(46, 32)));
}

TEST(Bip39Vectors, EntropyPhraseAndSeedAgree) {
  const auto rows = test::read_csv("bip39_english.csv");
  ASSERT_EQ(rows.size(), 24U);
  for (const auto& row : rows) {
    ASSERT_EQ(row.size(), 4U);
    const auto entropy = from_hex(row[0]).value();
    const auto made = Mnemonic::from_entropy(entropy);
    ASSERT_TRUE(made);
    EXPECT_EQ(made->phrase().text(), row[1]);
    const auto read = Mnemonic::parse(row[1]);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(to_hex(read->entropy()), row[0]);
    const auto seed = read->seed("TREZOR");
    ASSERT_TRUE(seed);
    EXPECT_EQ(to_hex(seed->view()), row[2]);
    expect_extended_key(HdKey::from_seed(seed->view()).value(), row[3]);
  }
}

TEST(Bip32Vectors, DerivesTheListedKeys) {
  const auto rows = test::read_csv("bip32.csv");
  ASSERT_EQ(rows.size(), 17U);
  for (const auto& row : rows) {
    ASSERT_EQ(row.size(), 3U);
    const auto path = DerivationPath::parse(row[1]);
    ASSERT_TRUE(path);
    EXPECT_EQ(path->text(), row[1]);
    const auto key = HdKey::from_seed(from_hex(row[0]).value()).value().derive(*path);
    ASSERT_TRUE(key);
    expect_extended_key(*key, row[2]);
  }
}

}  // namespace
}  // namespace micro
