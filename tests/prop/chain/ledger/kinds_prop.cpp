// Properties 4, 7 and 12 over every kind of transaction: two nodes of different sizes, one of which is restarted from
// older and newer disks, and the rules on a plain map, agree on every root.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>

#include "tests/gen/chain/ledger_twin.hpp"

namespace micro {
namespace {

using test::AnyTx;
using test::ChannelWorld;
using test::Disks;
using test::Node;

template <class T>
T below(T end) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<T>(0, end));
}

std::vector<int>& applied_kinds() {
  static std::vector<int> counts(kTxKinds);
  return counts;
}

/// One history: which kinds its blocks have applied so far, and what the generator learned from them.
struct History {
  AnyTx txs;
  std::array<int, kTxKinds> applied{};
};

/// Half of them are of a kind that this history has applied least: the rare ones need others before them.
SignedTx next_tx(History& history) {
  if (below(2) == 0) return test::signed_by_person(history.txs.next());
  const int least = *std::ranges::min_element(history.applied);
  std::vector<std::size_t> kinds;
  for (std::size_t kind = 0; kind < kTxKinds; ++kind) {
    if (history.applied[kind] == least) kinds.push_back(kind);
  }
  return test::signed_by_person(history.txs.next(kinds[below(kinds.size())]));
}

/// One block of node `one`, followed by the world; its receipts teach the generator.
Block next_block(Node& one, ChannelWorld& w, History& history) {
  for (auto n = below(5); n > 0; --n) static_cast<void>(one.ledger().submit(next_tx(history)));
  const std::uint64_t after = below(4) == 0 ? w.genesis.params.epoch_ms : 1 + below<std::uint64_t>(200);
  const ChainHead head = one.ledger().head().value();
  const auto block = one.ledger().propose(head.id, TimeMs(head.header.time.value + after), {});
  if (!block) RC_FAIL(block.error().message);
  RC_ASSERT(one.finalize(*block).has_value());
  const auto out = w.run(block->txs, after);
  if (!out) RC_FAIL(out.error().message);
  RC_ASSERT(test::root_of(w.state) == block->header.state_root);
  RC_ASSERT(receipts_root(out->receipts) == block->header.receipts_root);
  RC_ASSERT(events_root(out->boundary_events) == block->header.events_root);
  for (std::size_t i = 0; i < out->receipts.size(); ++i) {
    history.txs.learn(out->receipts[i]);
    if (out->receipts[i].status != TxStatus::kOk) continue;
    const std::size_t kind = block->txs[i].body.payload.index();
    ++history.applied[kind];
    ++applied_kinds()[kind];
  }
  w.parent = block_id(block->header);
  return *block;
}

/// What node `one` proves at its head holds there, and under no other height's root.
void check_proofs(Node& one, const ChannelWorld& w, const Header& before) {
  const auto& entries = w.state.entries();
  const auto some = std::next(entries.begin(), static_cast<std::ptrdiff_t>(below(entries.size())));
  StatePath nowhere = some->first;
  nowhere.data[31] ^= 1;
  for (const StatePath& path : {some->first, nowhere}) {
    const auto proven = one.ledger().prove(path);
    const auto value = proven.value ? std::optional<ByteView>(*proven.value) : std::nullopt;
    RC_ASSERT(verify_proof(proven.header.state_root, path, value, proven.proof));
    if (proven.header.state_root == before.state_root) continue;
    RC_ASSERT(!verify_proof(before.state_root, path, value, proven.proof));
  }
}

RC_GTEST_PROP(EveryKind, HasOneRootOnEveryNodeAndAfterEveryRestart, ()) {
  ChannelWorld w({below<std::uint64_t>(3), below<std::uint64_t>(3), below<std::uint64_t>(3)});
  if (below(2) == 0) RC_ASSERT(w.end_epochs(115).has_value());  // soon there is something to refresh
  const Disks start = test::disks_of(w);
  Node one(w, start, 1);
  RC_ASSERT(one.opened.has_value());
  auto other = std::make_unique<Node>(w, start, 2);
  RC_ASSERT(other->opened.has_value());
  SeededRandom random(below<std::uint64_t>(1'000'000'000));
  History history{AnyTx(w, random)};
  std::vector<MemoryKv::Image> states{start.state};
  Header before = one.ledger().head().value().header;
  for (auto blocks = 30 + below(20); blocks > 0; --blocks) {
    const Block block = next_block(one, w, history);
    check_proofs(one, w, before);
    before = block.header;
    states.push_back(one.disks().state);
    if (below(5) == 0) {  // the other node starts again, from the state of now or of some height before
      const std::size_t height = below(states.size() - 1);
      other = std::make_unique<Node>(w, Disks{other->disks().ledger, states[height]}, 1 + below<std::size_t>(3));
      if (!other->opened) RC_FAIL(other->opened.error().message);
    }
    const Status executed = other->ledger().execute(block);
    if (!executed) RC_FAIL(executed.error().message);
    RC_ASSERT(other->finalize(block).has_value());
    RC_ASSERT(other->ledger().head().value().header == block.header);
  }
  RC_ASSERT(other->disks().state == one.disks().state);
  RC_ASSERT(other->disks().ledger == one.disks().ledger);
}

TEST(EveryKindVariety, TheHistoriesAppliedEachKindManyTimes) {
  for (std::size_t kind = 0; kind < kTxKinds; ++kind) EXPECT_GE(applied_kinds()[kind], 5) << tx_kind_name(kind);
}

}  // namespace
}  // namespace micro
