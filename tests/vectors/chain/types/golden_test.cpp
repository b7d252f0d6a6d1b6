// Frozen bytes of every type that the ledger hashes, signs, sends or stores: networks agree on them.
#include "tests/gen/golden.hpp"
#include "tests/gen/wire_types.hpp"

namespace micro {
namespace {

TEST(Golden, EveryTypeEncodesToItsFrozenBytes) {
  std::map<std::string, std::string> now;
#define X(type) now[#type] = test::golden<type>();
  MICRO_WIRE_TYPES(X)
#undef X
  test::expect_golden(now);
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
