#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/gen/chain/small_net.hpp"

namespace micro {
namespace {

using test::SmallNet;

template <class T>
T below(T end) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<T>(0, end));
}

struct History {
  std::vector<test::Disks> images;  ///< after each height
  std::vector<Header> headers;
};

// Transfers that succeed and fail, several a sender, now and then a boundary.
History some_history(SmallNet& net) {
  History out;
  const auto remember = [&] {
    out.images.push_back(net.disks());
    out.headers.push_back(net.ledger().head().value().header);
  };
  remember();
  const auto blocks = 1 + below(6);
  for (int i = 0; i < blocks; ++i) {
    const auto txs = below(6);
    for (int t = 0; t < txs; ++t) {
      const auto from = static_cast<std::uint8_t>(1 + below(4));
      const auto to = static_cast<std::uint8_t>(1 + below(12));
      const auto nonce = net.ledger().pending_nonce(test::address_of_key(from));
      const auto amount = below(3) == 0 ? 9'000'000 * kMicroPerToken : 1 + below<std::uint64_t>(1'000);
      RC_ASSERT(net.ledger().submit(net.transfer(from, nonce.value, to, amount)).waits());
    }
    RC_ASSERT(net.seal(1 + below<std::uint64_t>(900)).has_value());
    remember();
  }
  return out;
}

// A process that dies between the two batches leaves a state that is behind its blocks, by one block and, where the
// state's folder was restored, by any number.
RC_GTEST_PROP(RecoveryProp, AnyOlderStateCatchesUpToEqualRoots, ()) {
  SmallNet net;
  const History history = some_history(net);
  const std::size_t height = below(history.images.size());
  const std::size_t behind = below(height + 1);
  const bool lost = below(5) == 0;
  const test::Disks disks{history.images[height].ledger,
                          lost ? MemoryKv::Image{} : history.images[height - behind].state};
  SmallNet again(net.genesis(), disks, 1 + below<std::size_t>(3));
  RC_ASSERT(again.opened().has_value());
  const ChainHead head = again.ledger().head().value();
  RC_ASSERT(head.header == history.headers[height]);
  RC_ASSERT(again.disks().state == history.images[height].state);

  // The rest of the history goes on from there.
  for (std::size_t h = height + 1; h < history.headers.size(); ++h) {
    const Block block = net.ledger().blocks().block(Height(h)).value();
    RC_ASSERT(again.ledger().execute(block).has_value());
    const BlockId id = block_id(block.header);
    RC_ASSERT(again.ledger().finalize(id, SmallNet::certificate_of(id, h)).has_value());
  }
  RC_ASSERT(again.disks().state == history.images.back().state);
  RC_ASSERT(again.disks().ledger == history.images.back().ledger);
}

// The disk fails at the second batch: what was acknowledged is there after the restart, once.
RC_GTEST_PROP(RecoveryProp, ABlockWhoseStateWasNotWrittenIsStillFinal, ()) {
  SmallNet net;
  some_history(net);
  const auto nonce = net.ledger().pending_nonce(test::address_of_key(5));
  const Submission sent = net.ledger().submit(net.transfer(5, nonce.value, 6, 77));
  net.state_db().break_writes();
  RC_ASSERT(!net.seal().has_value());
  SmallNet again(net.genesis(), net.disks());
  RC_ASSERT(again.opened().has_value());
  RC_ASSERT(again.ledger().blocks().tx(sent.id).value().receipt.status == TxStatus::kOk);
  RC_ASSERT(again.ledger().pending_nonce(test::address_of_key(5)) == nonce.next());
  RC_ASSERT(again.ledger().submit(net.transfer(5, nonce.value, 6, 77)).status == TxStatus::kNonceUsed);
}

RC_GTEST_PROP(RecoveryProp, ABlockThatWasNotWrittenNeverWas, ()) {
  SmallNet net;
  some_history(net);
  const auto before = net.disks();
  const auto nonce = net.ledger().pending_nonce(test::address_of_key(5));
  const SignedTx tx = net.transfer(5, nonce.value, 6, 77);
  RC_ASSERT(net.ledger().submit(tx).waits());
  net.ledger_db().break_writes();
  RC_ASSERT(!net.seal().has_value());
  RC_ASSERT(net.disks().ledger == before.ledger);
  RC_ASSERT(net.disks().state == before.state);
  SmallNet again(net.genesis(), net.disks());
  RC_ASSERT(again.ledger().submit(tx).waits());
  RC_ASSERT(again.seal().has_value());
}

}  // namespace
}  // namespace micro
