#include "wallet/keys/mnemonic.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace micro {
namespace {

constexpr std::string_view kPhrase = "legal winner thank year wave sausage worth useful legal winner thank yellow";

TEST(Mnemonic, GeneratesTwelveAndTwentyFourWords) {
  SeededRandom random(7);
  const Mnemonic twelve = Mnemonic::generate(MnemonicWords::k12, random);
  const Mnemonic twenty_four = Mnemonic::generate(MnemonicWords::k24, random);
  EXPECT_EQ(twelve.word_count(), 12U);
  EXPECT_EQ(twenty_four.word_count(), 24U);
  EXPECT_EQ(to_hex(Mnemonic::parse(twenty_four.phrase().text())->entropy()), to_hex(twenty_four.entropy()));
  EXPECT_NE(twelve.phrase().text(), Mnemonic::generate(MnemonicWords::k12, random).phrase().text());
}

TEST(Mnemonic, ToleratesCaseAndWhiteSpace) {
  const auto read =
      Mnemonic::parse("  Legal WINNER\tthank year\nwave sausage worth useful legal winner thank yellow \r\n");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->phrase().text(), kPhrase);
}

TEST(Mnemonic, NamesThePlaceOfAnUnknownWordButNotTheWord) {
  const auto read = Mnemonic::parse("legal winner thank yaer wave sausage worth useful legal winner thank yellow");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().fault, Fault::kInvalid);
  EXPECT_THAT(read.error().message, testing::HasSubstr("word 4"));
  EXPECT_THAT(read.error().message, testing::Not(testing::HasSubstr("yaer")));
}

TEST(Mnemonic, SwappedWordsFailTheChecksum) {
  const auto read = Mnemonic::parse("winner legal thank year wave sausage worth useful legal winner thank yellow");
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, testing::HasSubstr("checksum"));
}

TEST(Mnemonic, RefusesOtherNumbersOfWords) {
  EXPECT_FALSE(Mnemonic::parse(""));
  EXPECT_FALSE(Mnemonic::parse("legal winner thank"));
  EXPECT_FALSE(Mnemonic::parse(std::string(kPhrase) + " thank"));
  EXPECT_FALSE(Mnemonic::parse(std::string(kPhrase) + " " + std::string(kPhrase) + " legal winner thank"));
  EXPECT_FALSE(Mnemonic::from_entropy(Bytes(17)));
  EXPECT_FALSE(Mnemonic::from_entropy(Bytes(36)));
}

TEST(Mnemonic, PassphraseIsPrintableAsciiAndChangesTheSeed) {
  const auto mnemonic = Mnemonic::parse(kPhrase);
  ASSERT_TRUE(mnemonic);
  const auto plain = mnemonic->seed();
  const auto other = mnemonic->seed("secret");
  ASSERT_TRUE(plain && other);
  EXPECT_NE(to_hex(plain->view()), to_hex(other->view()));
  EXPECT_EQ(mnemonic->seed("caf\xc3\xa9").error().fault, Fault::kInvalid);
  EXPECT_EQ(mnemonic->seed(std::string(300, 'a')).error().fault, Fault::kInvalid);
}

TEST(Mnemonic, FourLettersTellWordsApart) {
  std::set<std::string_view> heads;
  for (std::size_t i = 0; i < 2048; ++i) heads.insert(mnemonic_word(i).substr(0, 4));
  EXPECT_EQ(heads.size(), 2048U);
}

}  // namespace
}  // namespace micro
