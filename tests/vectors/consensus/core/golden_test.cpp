// Frozen bytes of what validators send and keep: golden.csv holds for each type the BLAKE2b-256 of the encodings of 64
// fixed values. After a deliberate change of a format write the table anew with
//   MICRO_WRITE_GOLDEN=1 vectors_consensus_core
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>

#include "tests/gen/any_value.hpp"
#include "tests/gen/consensus_types.hpp"
#include "tests/vectors/csv.hpp"

namespace micro {
namespace {

using namespace simplex;  // NOLINT

template <class T>
std::string golden() {
  SeededRandom random(7);
  Bytes all;
  for (int n = 0; n < 64; ++n) {
    const Bytes bytes = encode(test::any_value<T>(random));
    all.insert(all.end(), bytes.begin(), bytes.end());
  }
  return blake2b_256(all).hex();
}

TEST(ConsensusGolden, EveryTypeEncodesToItsFrozenBytes) {
  std::map<std::string, std::string> now;
#define X(type) now[#type] = golden<type>();
  MICRO_CONSENSUS_TYPES(X)
#undef X
  if (std::getenv("MICRO_WRITE_GOLDEN") != nullptr) {
    std::ofstream file(std::string(MICRO_VECTORS) + "/golden.csv");
    for (const auto& [name, hash] : now) file << name << ',' << hash << '\n';
  }
  std::map<std::string, std::string> frozen;
  for (const auto& row : test::read_csv("golden.csv")) {
    ASSERT_EQ(row.size(), 2U);
    frozen[row[0]] = row[1];
  }
  ASSERT_FALSE(frozen.empty());
  EXPECT_EQ(frozen, now) << "a format changed; if that is meant: MICRO_WRITE_GOLDEN=1 vectors_consensus_core";
}

// Two values spelled out by hand, so that the codec, the generator and the table cannot all be wrong together.
TEST(ConsensusGolden, AnAskAndAVoteAreSpelledOut) {
  Ask ask;
  ask.kind = AskKind::kCertificates;
  ask.from = View(3);
  ask.to = View(258);
  const std::string zeros(64, '0');
  EXPECT_EQ(to_hex(encode(Message{1, Epoch(2), ask})), std::string("01"
                                                                   "02000000"
                                                                   "03"
                                                                   "01"
                                                                   "0300000000000000"
                                                                   "0201000000000000") +
                                                           zeros + "0000000000000000");
  Vote vote;
  vote.statement.kind = StatementKind::kNullify;
  vote.statement.view = View(5);
  vote.signer = 7;
  EXPECT_EQ(to_hex(encode(vote)), "01" + zeros +
                                      "0500000000000000"
                                      "0000000000000000" +
                                      zeros + "0700" + zeros + zeros);
}

TEST(ConsensusGolden, DecodingInvertsEncodingAndTakesNothingElse) {
  SeededRandom random(11);
  for (int n = 0; n < 2'000; ++n) {
    Message message = test::any_value<Message>(random);
    message.version = kMessageVersion;
    const Bytes bytes = encode(message);
    const auto back = decode_message(bytes);
    ASSERT_TRUE(back);
    ASSERT_EQ(encode(*back), bytes);
    ASSERT_FALSE(decode_message(ByteView(bytes).first(test::draw_below(random, bytes.size()))));
  }
  Message other;
  other.version = 2;
  other.body = Ask{};
  EXPECT_FALSE(decode_message(encode(other)));
  EXPECT_EQ(decode_message(Bytes(kMaxMessageBytes + 1)).error().fault, Fault::kLimit);
}

}  // namespace
}  // namespace micro
