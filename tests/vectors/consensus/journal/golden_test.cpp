// Frozen bytes of a journal: a node of tomorrow must know what the one of today signed.
#include "tests/gen/golden.hpp"
#include "consensus/core/records.hpp"
#include "consensus/journal/format.hpp"

namespace micro::test {
namespace {

using namespace simplex;  // NOLINT

/// Its head and one record of each kind; everything before the last one is known to be synced.
Bytes small_journal() {
  SeededRandom random(3);
  JournalWriter writer;
  Bytes out = writer.begin({1, ChainId{}, Epoch(4), blake2b_256(as_bytes("salt"))});
  const auto add = [&](const Record& record) {
    writer.mark_synced();
    const Bytes bytes = writer.append(encode(record));
    out.insert(out.end(), bytes.begin(), bytes.end());
  };
  add(any_value<Entered>(random));
  add(any_value<OwnVote>(random));
  add(any_value<Accepted>(random));
  add(any_value<Held>(random));
  add(any_value<Body>(random));
  add(any_value<Rejected>(random));
  add(any_value<Floor>(random));
  return out;
}

TEST(JournalGolden, HeadAndWholeJournalHaveTheirFrozenBytes) {
  const Bytes journal = small_journal();
  const auto back = recover_journal(journal);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->payloads.size(), 7U);
  EXPECT_EQ(back->valid_bytes, journal.size());
  expect_golden({{"JournalHead", golden<JournalHead>()}, {"journal", blake2b_256(journal).hex()}});
}

// By hand, so that writer and reader cannot both be wrong together.
TEST(JournalGolden, ARecordIsSpelledOut) {
  const Hash salt = blake2b_256(as_bytes("salt"));
  JournalWriter writer;
  static_cast<void>(writer.begin({1, ChainId{}, Epoch(4), salt}));
  writer.mark_synced();
  const Bytes record = writer.append(as_bytes("ab"));
  const std::string numbers =
      "02000000"           // length
      "0200000000000000"   // sequence
      "0100000000000000";  // synced
  const Hash hash = blake2b_256(from_hex(salt.hex() + numbers + "6162").value());
  EXPECT_EQ(to_hex(record), salt.hex().substr(0, 8) + numbers + hash.hex() + "6162");
}

}  // namespace
}  // namespace micro::test
