// Frozen bytes: golden.csv holds for each type of the ledger the BLAKE2b-256 of the encodings of 64 fixed values, one
// after another. A change here changes the format that networks agree on. After a deliberate one, write the table anew
// with
//   MICRO_WRITE_GOLDEN=1 vectors_chain_types
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>

#include "tests/gen/any_value.hpp"
#include "tests/gen/wire_types.hpp"
#include "tests/vectors/csv.hpp"

namespace micro {
namespace {

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

std::map<std::string, std::string> computed() {
  std::map<std::string, std::string> out;
#define X(type) out[#type] = golden<type>();
  MICRO_WIRE_TYPES(X)
#undef X
  return out;
}

TEST(Golden, EveryTypeEncodesToItsFrozenBytes) {
  const auto now = computed();
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
  EXPECT_EQ(frozen, now) << "a format changed; if that is meant: MICRO_WRITE_GOLDEN=1 vectors_chain_types";
}

// One value spelled out by hand, so that the codec, the generator and the table cannot all be wrong together.
TEST(Golden, TransferIsSpelledOut) {
  Transfer transfer;
  transfer.to.data.fill(0x11);
  transfer.amount = Amount(258);
  transfer.memo = Text<kMaxMemoBytes>("hi");
  EXPECT_EQ(to_hex(encode(Payload(transfer))), "00" + std::string(64, '1') + "0201000000000000" + "02000000" + "6869");
}

}  // namespace
}  // namespace micro
