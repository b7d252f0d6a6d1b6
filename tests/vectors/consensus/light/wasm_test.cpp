// The light client as wasm against the one that this machine runs natively: for chains and for lies about them both say
// the same, word for word. golden.csv freezes what goes in and what comes out for the chain that no rule of the ledger
// touches.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "chain/records/records.hpp"
#include "consensus/light/wasm/exchange.hpp"
#include "services/wasm/engine.hpp"
#include "tests/gen/boundary_chain.hpp"
#include "tests/gen/chain/solo_net.hpp"
#include "tests/gen/golden.hpp"

namespace micro::test {
namespace {

using namespace light;  // NOLINT

constexpr std::uint64_t kFuel = 20'000'000'000;
constexpr std::size_t kFlipsOfAFeed = 12;

class Guest {
 public:
  Guest() {
    std::ifstream file(MICRO_LIGHT_WASM, std::ios::binary);
    const Bytes wasm{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    engine_ = wasm::Engine::create({}).value();
    module_ = engine_->load(engine_->compile(wasm).value()).value();
  }
  Result<Bytes> call(ByteView input) {
    wasm::PureCall pure;
    pure.input = input;
    pure.fuel = kFuel;
    ++calls;
    auto out = TRY(engine_->run_pure(module_, pure));
    if (!out.ok) return fail(Fault::kInternal, out.trap);
    return std::move(out.output);
  }
  Outcome run(const Script& script) {
    auto out = settle(
        script, [&](const Bytes& input) { return call(input); },
        [](const SignatureClaim& c) { return verify_ed25519(c.key, c.message, c.signature); });
    EXPECT_TRUE(out) << out.error().message;
    return out.value_or(Outcome{});
  }
  std::size_t calls = 0;

 private:
  std::unique_ptr<wasm::Engine> engine_;
  wasm::Module module_;
};

Guest& guest() {
  static Guest made;
  return made;
}

/// Committees that change by one seat an epoch: far skips, one that is too far, each epoch, a block inside one.
Script skipping() {
  const BoundaryChain chain = rotating(12);
  Script out;
  out.start = FromCheckpoint{chain.id(), chain.header(0), chain.set(0)};
  const auto skip = [&](std::size_t to) {
    const Trust trust = chain.trust(to);
    out.feeds.push_back(SkipTo{chain.step(to), trust.now, trust.period_ms, trust.drift_ms});
  };
  skip(9);  // too far
  skip(4);
  const Skip fifth = chain.step(5);
  out.feeds.push_back(EndEpoch{fifth.header, fifth.certificate, *fifth.next});
  skip(8);
  for (const std::size_t below : {0U, 3U, 6U}) {
    out.feeds.push_back(CheckBlock{chain.header(below), chain.proof_of(below, 8)});
  }
  skip(12);
  return out;
}

/// The small network from its genesis, and everything that can be proven of it.
Script proving() {
  SmallNet net;
  MemoryJournal journal;
  Solo solo(net, journal);
  EXPECT_TRUE(solo.start());
  Script out;
  out.start = FromGenesis{net.genesis(), net.ledger().head().value().header};
  std::vector<Sealed> sealed;
  std::uint64_t now = kGenesisTime.value;
  for (std::uint64_t i = 0; i < 5; ++i) {
    EXPECT_TRUE(net.ledger().submit(net.transfer(1, i, 2, 5)).waits());
    now += i == 4 ? 5 : 500;
    sealed.push_back(*solo.step(TimeMs(now), true).value());
    const Sealed& s = sealed.back();
    if (s.block.header.boundary) {
      out.feeds.push_back(EndEpoch{s.block.header, s.certificate, net.genesis().validators});
    } else {
      out.feeds.push_back(Advance{s.block.header, s.certificate});
    }
  }
  LedgerImpl& ledger = net.ledger();
  for (const StatePath& path : {path::account(address_of_key(2)), path::account(address_of_key(77)), path::supply()}) {
    const auto proven = ledger.prove(path);
    std::optional<Blob<kMaxValueBytes>> value;
    if (proven.value) value.emplace(ByteView(*proven.value));
    out.feeds.push_back(CheckState{path, value, proven.proof});
  }
  for (std::uint64_t h = 0; h < 5; ++h) {
    const auto proven = ledger.prove_block(Height(h)).value();
    out.feeds.push_back(CheckBlock{proven.header, proven.proof});
  }
  const auto tx = ledger.prove_tx(tx_id(sealed[2].block.txs[0].body)).value();
  out.feeds.push_back(CheckTx{tx.header, tx.stored.tx, tx.tx_proof});
  out.feeds.push_back(CheckReceipt{tx.header, tx.stored.receipt, tx.receipt_proof});
  const auto event = ledger.prove_event({sealed[1].block.header.height, kBoundaryTx, 0}).value();
  out.feeds.push_back(CheckEvent{event.header, event.event, event.proof});
  return out;
}

std::size_t taken(const Outcome& outcome) {
  std::size_t out = 0;
  for (const auto& refusal : outcome.feeds) out += refusal ? 0 : 1;
  return out;
}

/// A byte of one feed is another one. Not every change decodes.
std::optional<Script> flipped(const Script& script, std::size_t feed, std::size_t part, std::size_t parts) {
  Bytes bytes = encode(script.feeds[feed]);
  bytes[1 + (bytes.size() - 2) * part / parts] ^= 0x10;
  auto changed = decode<Feed>(bytes);
  if (!changed) return std::nullopt;
  Script out = script;
  out.feeds[feed] = std::move(*changed);
  return out;
}

void compare_with_lies(const Script& script) {
  std::size_t refused = 0;
  for (std::size_t feed = 0; feed < script.feeds.size(); ++feed) {
    for (std::size_t part = 0; part < kFlipsOfAFeed; ++part) {
      const auto lie = flipped(script, feed, part, kFlipsOfAFeed);
      if (!lie) continue;
      const Outcome native = run(*lie);
      ASSERT_EQ(guest().run(*lie), native) << "feed " << feed << " part " << part;
      refused += native.feeds[feed].has_value() ? 1 : 0;
    }
  }
  EXPECT_GT(refused, 4 * script.feeds.size()) << "the lies were none";
}

TEST(LightWasm, FollowsACommitteeThatChanges) {
  const Script script = skipping();
  const Outcome native = run(script);
  ASSERT_FALSE(native.start);
  EXPECT_EQ(taken(native), script.feeds.size() - 1);
  ASSERT_TRUE(native.feeds[0]);
  EXPECT_EQ(native.feeds[0]->fault, static_cast<std::uint8_t>(Fault::kNotFound));
  EXPECT_EQ(native.epoch, Epoch(13));
  EXPECT_EQ(guest().run(script), native);
  expect_golden(
      {{"skipping in", blake2b_256(encode(script)).hex()}, {"skipping out", blake2b_256(encode(native)).hex()}});
}

TEST(LightWasm, ChecksEverythingThatCanBeProven) {
  const Script script = proving();
  const Outcome native = run(script);
  ASSERT_FALSE(native.start);
  EXPECT_EQ(taken(native), script.feeds.size());
  EXPECT_EQ(guest().run(script), native);
}

TEST(LightWasm, RefusesTheSameLiesWithTheSameWords) {
  compare_with_lies(skipping());
  compare_with_lies(proving());
}

TEST(LightWasm, StartsNowhereThatTheNativeOneDoesNot) {
  Script script = skipping();
  std::get<FromCheckpoint>(script.start).set = committee({1, 2, 3});
  const Outcome native = run(script);
  ASSERT_TRUE(native.start);
  EXPECT_EQ(guest().run(script), native);
}

// The module knows no curve: what its host calls wrong is refused, and it asks for each signature once.
TEST(LightWasm, ItsHostDecidesAboutSignatures) {
  const Script script = skipping();
  std::size_t asked = 0;
  const auto call = [&](const Bytes& input) { return guest().call(input); };
  const auto outcome = settle(script, call, [&](const SignatureClaim&) { return ++asked, false; });
  ASSERT_TRUE(outcome);
  EXPECT_EQ(taken(*outcome), 1U) << "only that the checkpoint's own block is on the chain";
  EXPECT_EQ(outcome->tip, std::get<FromCheckpoint>(script.start).boundary);
  EXPECT_GT(asked, 0U);
  asked = 0;
  guest().calls = 0;
  ASSERT_TRUE(settle(script, call, [&](const SignatureClaim& c) {
    ++asked;
    return verify_ed25519(c.key, c.message, c.signature);
  }));
  EXPECT_EQ(guest().calls, 2U);
  EXPECT_EQ(asked, 5 * 6U) << "five certificates of six members";
}

TEST(LightWasm, AnInputThatIsNoCallIsNoAnswer) {
  const auto out = guest().call(Bytes{1, 2, 3});
  EXPECT_TRUE(!out || out->empty());
}

}  // namespace
}  // namespace micro::test
