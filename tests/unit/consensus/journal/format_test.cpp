#include "consensus/journal/format.hpp"

#include <gtest/gtest.h>

#include "chain/crypto/hash.hpp"

namespace micro {
namespace {

/// A head and five records; the third is synced when the fourth is written.
struct Sample {
  Bytes bytes;
  std::size_t head = 0;  ///< its bytes
  std::vector<std::size_t> ends;
};

const Hash kSalt = blake2b_256(as_bytes("salt"));

Sample sample() {
  Sample out;
  JournalWriter writer;
  out.bytes = writer.begin({1, ChainId{}, Epoch(3), kSalt});
  out.head = out.bytes.size();
  for (std::uint8_t n = 1; n <= 5; ++n) {
    const Bytes record = writer.append(Bytes(n, n));
    out.bytes.insert(out.bytes.end(), record.begin(), record.end());
    out.ends.push_back(out.bytes.size());
    if (n == 3) writer.mark_synced();
  }
  return out;
}

TEST(JournalFormat, ReadsBackWhatWasWritten) {
  const Sample s = sample();
  const auto back = recover_journal(s.bytes).value();
  ASSERT_EQ(back.payloads.size(), 5U);
  EXPECT_EQ(back.payloads[3], Bytes(4, 4));
  EXPECT_EQ(back.last, 6U);
  EXPECT_EQ(back.head, (JournalHead{1, ChainId{}, Epoch(3), kSalt}));
  EXPECT_EQ(back.valid_bytes, s.bytes.size());
  EXPECT_TRUE(recover_journal({}).value().payloads.empty());
}

TEST(JournalFormat, ATailCutAnywhereLosesOnlyTheCutRecord) {
  const Sample s = sample();
  for (std::size_t cut = 0; cut <= s.bytes.size(); ++cut) {
    const auto back = recover_journal(ByteView(s.bytes).first(cut)).value();
    std::size_t whole = 0;
    while (whole < s.ends.size() && s.ends[whole] <= cut) ++whole;
    EXPECT_EQ(back.payloads.size(), whole) << cut;
    EXPECT_EQ(back.valid_bytes, whole > 0 ? s.ends[whole - 1] : cut < s.head ? 0 : s.head) << cut;
  }
}

TEST(JournalFormat, DamageOfASyncedRecordIsCorruptAndOfATailIsNot) {
  const Sample s = sample();
  for (std::size_t at = 0; at < s.bytes.size(); ++at) {
    Bytes bad = s.bytes;
    bad[at] ^= 0x40;
    const auto back = recover_journal(bad);
    if (at < s.ends[2]) {
      ASSERT_FALSE(back.has_value()) << at;
      EXPECT_EQ(back.error().fault, Fault::kCorrupt);
    } else {
      ASSERT_TRUE(back.has_value()) << at;
      EXPECT_EQ(back->payloads.size(), at < s.ends[3] ? 3U : 4U) << at;
    }
  }
}

TEST(JournalFormat, ALostRecordInTheMiddleIsNoticed) {
  const Sample s = sample();
  Bytes bad(s.bytes.begin(), s.bytes.begin() + static_cast<std::ptrdiff_t>(s.ends[0]));
  bad.insert(bad.end(), s.bytes.begin() + static_cast<std::ptrdiff_t>(s.ends[1]), s.bytes.end());
  EXPECT_EQ(recover_journal(bad).error().fault, Fault::kCorrupt);
}

TEST(JournalFormat, AppendsGoOnBehindARecoveredTail) {
  const Sample s = sample();
  const auto back = recover_journal(ByteView(s.bytes).first(s.ends[3] + 7)).value();
  JournalWriter writer(back.last, back.head->salt);
  Bytes bytes(s.bytes.begin(), s.bytes.begin() + static_cast<std::ptrdiff_t>(back.valid_bytes));
  const Bytes more = writer.append(as_bytes("more"));
  bytes.insert(bytes.end(), more.begin(), more.end());
  EXPECT_EQ(recover_journal(bytes).value().payloads.back(), to_bytes("more"));
}

TEST(JournalFormat, APayloadThatPretendsToBeARecordProvesNothing) {
  // Whoever writes transactions decides about bytes of the journal: here a whole record that says what was synced.
  // Only the salt of this file makes it one of this file's.
  for (const bool knows_salt : {false, true}) {
    JournalWriter other(1'000, knows_salt ? kSalt : Hash{});
    const Bytes forged = other.append(as_bytes("anything"));
    Sample s = sample();
    JournalWriter writer(6, kSalt);
    Bytes body(3, 7);
    body.insert(body.end(), forged.begin(), forged.end());
    body.resize(body.size() + 100);
    const Bytes torn = writer.append(body);
    const std::size_t before = s.bytes.size();
    s.bytes.insert(s.bytes.end(), torn.begin(), torn.end() - 50);
    const auto back = recover_journal(s.bytes);
    ASSERT_NE(back.has_value(), knows_salt);
    if (back) EXPECT_EQ(back->valid_bytes, before) << "a torn tail is cut";
  }
}

TEST(JournalFormat, ADamagedHeadIsATornOneOnlyWhereNothingFollows) {
  const Sample s = sample();
  Bytes bad = s.bytes;
  bad[s.head - 1] ^= 1;
  EXPECT_EQ(recover_journal(bad).error().fault, Fault::kCorrupt) << "what was signed behind it is unknown";
  bad.resize(s.head);
  EXPECT_FALSE(recover_journal(bad).value().head) << "cut while it was made";
}

TEST(JournalFormat, IsFrozen) {
  EXPECT_EQ(blake2b_256(sample().bytes).hex(), "fb7f2fdd8d42ce952849739a4ddfd48c762876de2fb4fac76199af494ab0d9b8");
}

}  // namespace
}  // namespace micro
