// A history of blocks run by a node that dies again and again, and what must hold whenever it is started anew.
#pragma once

#include <gtest/gtest.h>

#include "tests/gen/chain/crash_kv.hpp"
#include "tests/gen/chain/small_net.hpp"

namespace micro::test {

/// Blocks of transfers, good and bad ones, with two boundaries among them.
inline std::vector<Block> history_of(SmallNet& net, std::size_t blocks) {
  std::vector<Block> out;
  for (std::uint64_t i = 0; i < blocks; ++i) {
    EXPECT_TRUE(net.ledger().submit(net.transfer(1, i, static_cast<std::uint8_t>(2 + i), 5 + i)).waits());
    EXPECT_TRUE(net.ledger().submit(net.transfer(2, i, 3, 9'000'000 * kMicroPerToken)).waits());  // more than there is
    auto block = net.seal(i % 2 == 0 ? 400 : 700);
    EXPECT_TRUE(block.has_value());
    if (block) out.push_back(*std::move(block));
  }
  return out;
}

/// One life of a process: opens the databases and goes on with `blocks` until it dies or is through.
struct Life {
  bool opened = false;
  Height acknowledged;  ///< what it found final, or was told is final
  Height head;          ///< where it stands at its end
  Header header;
};

inline Life live(const Genesis& genesis, std::shared_ptr<Kv> ledger_db, std::shared_ptr<Kv> state_db, Fuse& fuse,
                 std::span<const Block> blocks, LedgerOptions options = {}) {
  static NoPolicy policy;
  options.threads = 1;
  Life out;
  auto ledger = LedgerImpl::open(genesis, std::make_unique<CrashKv>(std::move(ledger_db), fuse),
                                 std::make_unique<CrashKv>(std::move(state_db), fuse), policy, options);
  if (!ledger) {
    EXPECT_TRUE(fuse.dead) << "a start that nothing disturbs succeeds: " << ledger.error().message;
    return out;
  }
  out.opened = true;
  out.acknowledged = (*ledger)->head().value().header.height;
  for (const Block& block : blocks) {
    if (block.header.height <= out.acknowledged) continue;
    const BlockId id = block_id(block.header);
    if (!(*ledger)->execute(block)) break;
    if (!(*ledger)->finalize(id, SmallNet::certificate_of(id, block.header.height.value))) break;
    out.acknowledged = block.header.height;
  }
  out.header = (*ledger)->head().value().header;
  out.head = out.header.height;
  return out;
}

}  // namespace micro::test
