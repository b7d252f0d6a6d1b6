#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "chain/crypto/hash_batch.hpp"

namespace micro {
namespace {

struct Message {
  Bytes bytes;
  std::size_t cut = 0;  ///< where its second part begins
};

Message some_message() {
  Message out;
  // Around the ends of blocks of 128 bytes, where padding and counters change, and anywhere.
  const auto near_end = 128 * *rc::gen::inRange<std::size_t>(0, 6) + *rc::gen::inRange<std::size_t>(0, 48);
  const auto size = *rc::gen::oneOf(rc::gen::just(near_end), rc::gen::inRange<std::size_t>(0, 700));
  out.bytes = *rc::gen::container<Bytes>(size, rc::gen::arbitrary<std::uint8_t>());
  out.cut = *rc::gen::inRange<std::size_t>(0, size + 1);
  return out;
}

std::optional<domain::Tag> some_tag() {
  const auto n = *rc::gen::inRange<std::size_t>(0, domain::kTexts.size() + 1);
  if (n == domain::kTexts.size()) return std::nullopt;
  return static_cast<domain::Tag>(n);
}

// libsodium hashes one message at a time; it knows nothing of lanes.
Hash expected(std::optional<domain::Tag> tag, const Message& m) {
  return tag ? tagged_hash(*tag, m.bytes) : blake2b_256(m.bytes);
}

RC_GTEST_PROP(HashBatchProp, EqualsLibsodiumForEveryWidth, ()) {
  const auto tag = some_tag();
  std::vector<Message> messages(*rc::gen::inRange<std::size_t>(0, 30));
  for (Message& m : messages) m = some_message();
  // A width that this processor lacks hashes alone, which must be right too.
  for (const blake2b::Lanes lanes :
       {blake2b::Lanes{}, blake2b::one_lane(), blake2b::four_lanes(), blake2b::eight_lanes()}) {
    std::vector<Hash> out(messages.size());
    HashBatch batch(tag, lanes);
    for (std::size_t i = 0; i < messages.size(); ++i) {
      const ByteView all(messages[i].bytes);
      batch.add({all.first(messages[i].cut), all.subspan(messages[i].cut)}, out[i]);
    }
    batch.flush();
    for (std::size_t i = 0; i < messages.size(); ++i) RC_ASSERT(out[i] == expected(tag, messages[i]));
  }
}

RC_GTEST_PROP(HashBatchProp, IsUsedAgainAfterAFlush, ()) {
  const auto tag = some_tag();
  HashBatch batch(tag);
  for (int round = 0; round < 3; ++round) {
    std::vector<Message> messages(*rc::gen::inRange<std::size_t>(1, 12));
    std::vector<Hash> out(messages.size());
    for (std::size_t i = 0; i < messages.size(); ++i) {
      messages[i] = some_message();
      batch.add(messages[i].bytes, out[i]);
    }
    batch.flush();
    for (std::size_t i = 0; i < messages.size(); ++i) RC_ASSERT(out[i] == expected(tag, messages[i]));
  }
}

// Which widths a build was tested with shows in its report.
TEST(HashBatch, TheBestWidthIsOneOfThose) {
  const std::size_t best = blake2b::best_lanes().count;
  RecordProperty("lanes", static_cast<int>(best));
  EXPECT_TRUE(best == 1 || best == blake2b::four_lanes().count || best == blake2b::eight_lanes().count);
  EXPECT_GE(best, blake2b::four_lanes().count);
}

}  // namespace
}  // namespace micro
