// How a client treats the peers that it asks, in virtual time against a model of what is true.
#include "p2p/sync/client.hpp"

#include <gtest/gtest.h>

#include "tests/gen/p2p/model_chain.hpp"
#include "tests/gen/p2p/sync_net.hpp"

namespace micro::p2p::sync {
namespace {

using test::peer;
using test::SyncNet;
using test::Truth;
using test::TruthSink;
using test::TruthSource;

Truth truth_of(std::uint64_t height, std::vector<std::size_t> block_bytes) {
  Truth out{.height = height, .block_bytes = std::move(block_bytes), .state = {}};
  for (std::uint64_t n = 0; n < height; ++n) out.state[Key{sha256(encode(n)).data}] = Bytes(n % 200, 1);
  return out;
}

struct ClientRig {
  explicit ClientRig(Truth of) : truth(std::move(of)), source(truth), sink(truth) {}
  SyncClient& start() { return net.start_client(sink, truth.everything()).client(); }
  Truth truth;
  TruthSource source;
  TruthSink sink;
  SyncNet net;
};

TEST(SyncClient, BringsEverythingFromOnePeer) {
  ClientRig rig(truth_of(500, {10, 700}));
  rig.net.add_server(1, rig.source);
  rig.start();
  ASSERT_TRUE(rig.net.finish(60'000));
  EXPECT_TRUE(rig.sink.has_everything());
  EXPECT_TRUE(rig.net.dropped.empty());
}

TEST(SyncClient, BlocksLargerThanAnyFrameComeInParts) {
  ClientRig rig(truth_of(12, {2'000'000, 10, 300'000}));
  for (std::uint64_t n = 1; n <= 3; ++n) rig.net.add_server(n, rig.source);
  rig.start();
  ASSERT_TRUE(rig.net.finish(60'000));
  EXPECT_TRUE(rig.sink.has_everything());
  EXPECT_TRUE(rig.net.dropped.empty());
}

TEST(SyncClient, ABlockInPartsComesThroughABusyPeerToo) {
  ClientRig rig(truth_of(3, {1'000'000}));
  rig.net.add_server(1, rig.source, SyncNet::kFastBytesPerMs, {.peer_bytes = {.per_s = 200'000, .stock = 100'000}});
  rig.start();
  ASSERT_TRUE(rig.net.finish(120'000)) << "parts that were refused for a while are asked for again, not the whole";
  EXPECT_TRUE(rig.sink.has_everything());
  EXPECT_TRUE(rig.net.dropped.empty());
}

TEST(SyncClient, SeveralPeersAreQuickerThanOne) {
  std::array<std::size_t, 2> took{};
  for (const std::uint64_t peers : {1U, 4U}) {
    ClientRig rig(truth_of(2'000, {2'000}));
    for (std::uint64_t n = 1; n <= peers; ++n) rig.net.add_server(n, rig.source, 200);
    SyncClient& client = rig.start();
    took[peers == 1 ? 0 : 1] = rig.net.until([&] { return client.done(); }, 120'000);
    ASSERT_TRUE(rig.sink.has_everything());
  }
  EXPECT_LT(2 * took[1], took[0]) << took[0] << " ms alone, " << took[1] << " ms with three others";
}

TEST(SyncClient, TheWindowFollowsWhatAPeerGives) {
  ClientRig rig(truth_of(20'000, {2'000}));
  rig.net.add_server(1, rig.source, 4'000);
  rig.net.add_server(2, rig.source, 100);
  SyncClient& client = rig.start();
  rig.net.until([&] { return rig.sink.blocks.size() > 8'000; }, 60'000);
  std::map<PeerId, SyncPeerView> views;
  for (const SyncPeerView& view : client.peers()) views[view.peer] = view;
  EXPECT_GT(views.at(peer(1)).requests, views.at(peer(2)).requests);
  EXPECT_GT(views.at(peer(1)).bytes, 5 * views.at(peer(2)).bytes);
  EXPECT_GT(views.at(peer(1)).bytes_per_s, 1'000'000U);
  EXPECT_LT(views.at(peer(2)).bytes_per_s, 400'000U);
}

TEST(SyncClient, ASlowPeerHoldsUpNobody) {
  ClientRig alone(truth_of(2'000, {2'000}));
  alone.net.add_server(1, alone.source, 500);
  SyncClient& first = alone.start();
  const std::size_t took = alone.net.until([&] { return first.done(); }, 120'000);

  ClientRig rig(truth_of(2'000, {2'000}));
  rig.net.add_server(1, rig.source, 500);
  rig.net.add_server(2, rig.source, 1);
  SyncClient& client = rig.start();
  const std::size_t both = rig.net.until([&] { return client.done(); }, 120'000);
  ASSERT_TRUE(rig.sink.has_everything());
  EXPECT_LT(both, took + took / 2 + 3'000);
}

TEST(SyncClient, AnAnswerThatNeverComesIsGivenElsewhereAndItsPeerLeaves) {
  ClientRig rig(truth_of(300, {500}));
  rig.net.add_server(1, rig.source).is_silent = true;
  SyncClient& client = rig.start();
  rig.net.until([&] { return rig.net.drop_of(1) != nullptr; }, 200'000);
  ASSERT_NE(rig.net.drop_of(1), nullptr);
  EXPECT_EQ(rig.net.drop_of(1)->reason, DropReason::kSlow);
  rig.net.add_server(2, rig.source);
  ASSERT_TRUE(rig.net.finish(60'000));
  EXPECT_EQ(client.peers().size(), 1U);
}

TEST(SyncClient, WhoPromisesMoreThanItHasIsOfNoUse) {
  struct Boaster final : TruthSource {
    using TruthSource::TruthSource;
    Result<StatusAnswer> status() override {
      StatusAnswer out = TRY(TruthSource::status());
      out.highest = UINT64_MAX;
      return out;
    }
  };
  ClientRig rig(truth_of(100, {500}));
  const Truth little = truth_of(20, {500});
  Boaster boaster(little);
  rig.net.add_server(2, boaster);
  rig.start();
  rig.net.until([&] { return rig.net.drop_of(2) != nullptr; }, 200'000);
  ASSERT_NE(rig.net.drop_of(2), nullptr);
  EXPECT_NE(rig.net.drop_of(2)->reason, DropReason::kSlow);
  rig.net.add_server(1, rig.source);
  ASSERT_TRUE(rig.net.finish(60'000));
  EXPECT_TRUE(rig.sink.has_everything());
}

TEST(SyncClient, APeerIsAskedForNoMoreThanItHas) {
  ClientRig rig(truth_of(100, {500}));
  Truth little = truth_of(100, {500});
  little.height = 30;
  TruthSource behind(little);
  rig.net.add_server(2, behind);
  rig.start();
  rig.net.until([] { return false; }, 3'000);
  EXPECT_TRUE(rig.sink.headers.empty());
  EXPECT_EQ(rig.sink.state, rig.truth.state);
  EXPECT_EQ(rig.net.drop_of(2), nullptr);
  little.height = 100;  // it caught up, and says so when it is asked again
  ASSERT_TRUE(rig.net.finish(60'000));
}

// Parts that keep coming are not overdue, however long the whole takes: it would go to and fro and never end.
TEST(SyncClient, ALargeBlockStaysWithASlowPeerThatGivesItsParts) {
  ClientRig rig(truth_of(12, {400'000}));
  for (std::uint64_t n = 1; n <= 2; ++n) rig.net.add_server(n, rig.source, 20);
  rig.start();
  ASSERT_TRUE(rig.net.finish(600'000));
  EXPECT_TRUE(rig.sink.has_everything());
}

// A quick peer with little to give must not take from a slow one what it cannot give itself.
TEST(SyncClient, WhoCannotGiveItTakesNothingOver) {
  ClientRig rig(truth_of(60, {100'000}));
  Truth little = rig.truth;
  little.height = 20;
  TruthSource behind(little);
  rig.net.add_server(1, behind);
  rig.net.add_server(2, rig.source, 40);  // more than two seconds a block
  rig.start();
  ASSERT_TRUE(rig.net.finish(600'000));
  EXPECT_TRUE(rig.sink.has_everything());
  EXPECT_TRUE(rig.net.dropped.empty());
}

TEST(SyncClient, WhatCannotBeKeptEndsItAndAccusesNobody) {
  ClientRig rig(truth_of(100, {500}));
  rig.sink.fails_after = 40;
  rig.net.add_server(1, rig.source);
  SyncClient& client = rig.start();
  rig.net.until([&] { return client.failure().has_value(); }, 60'000);
  ASSERT_TRUE(client.failure());
  EXPECT_EQ(client.failure()->fault, Fault::kIo);
  EXPECT_EQ(client.progress().blocks.next, 41U);
  EXPECT_TRUE(rig.net.dropped.empty());
  EXPECT_EQ(client.next_wake(rig.net.network.now()), std::nullopt);
  rig.sink.fails_after = SIZE_MAX;
  rig.net.start_client(rig.sink, client.progress());
  ASSERT_TRUE(rig.net.finish(60'000));
  EXPECT_TRUE(rig.sink.has_everything());
}

TEST(SyncClient, PeersBeyondTheLimitWaitForAPlace) {
  ClientRig rig(truth_of(50, {500}));
  SyncClient& client = rig.start();
  for (std::uint64_t n = 1; n <= kMaxSyncPeers + 1; ++n)
    rig.net.add_server(n, rig.source).is_silent = n <= kMaxSyncPeers;
  EXPECT_EQ(client.peers().size(), kMaxSyncPeers);
  ASSERT_TRUE(rig.net.finish(400'000)) << "the silent ones leave, and the last one gets a place";
  EXPECT_TRUE(rig.sink.has_everything());
}

/// A peer that answers whatever the test says.
struct Answering final : CallHandler {
  Answering(test::MemoryNetwork& network, const PeerId& self) : transport(network, self, *this) {
    network.add(transport);
  }
  void on_result(CallId, Result<Bytes>) override {}
  void on_call(IncomingCall call) override { transport.reply(call.id, answer(decode_request(call.body).value())); }
  void on_cancelled(CallId) override {}
  void on_ready(const PeerId&) override {}
  std::function<Result<Bytes>(const Request&)> answer;
  test::MemoryTransport transport;
};

Bytes part(std::uint32_t total, const Bytes& bytes) {
  return encode(Answer{.body = Part{.total = total, .bytes = Blob<kMaxWantBytes>(bytes)}});
}
Bytes part(std::uint32_t total, std::size_t bytes) {
  return part(total, Bytes(bytes));
}

// As many as are asked at once, and they say so themselves.
TEST(SyncClient, PeersThatHaveNothingDoNotKeepOutWhoHasIt) {
  struct Newcomer final : TruthSource {
    using TruthSource::TruthSource;
    Result<StatusAnswer> status() override {
      return StatusAnswer{.lowest = 1, .highest = 1, .head = Truth::id_of(1), .snapshots = {}};
    }
    Result<Bytes> block(const Id&) override { return fail(Fault::kNotFound, "no such block"); }
  };
  ClientRig rig(truth_of(300, {500}));
  Newcomer newcomer(rig.truth);
  SyncClient& client = rig.start();
  for (std::uint64_t n = 1; n <= kMaxSyncPeers + 4; ++n) rig.net.add_server(n, newcomer);
  rig.net.add_server(40, rig.source);
  ASSERT_TRUE(client.want_block(Truth::id_of(7), rig.net.network.now()));
  ASSERT_TRUE(rig.net.finish(4 * kIdlePlaceMs));
  EXPECT_TRUE(rig.sink.has_everything());
  EXPECT_TRUE(client.unknown().empty());
  EXPECT_EQ(rig.sink.blocks_by_id.size(), 1U);
  EXPECT_TRUE(rig.net.dropped.empty());
}

// A node that forgot a large answer between two parts, and then has another, is no liar; but of no use if that goes on.
TEST(SyncClient, AnAnswerThatChangesInTheMiddleIsAskedForAgain) {
  ClientRig rig(truth_of(30, {10}));
  test::SyncHost client(rig.net.network, peer(0), rig.net.no_source, rig.sink, rig.net.clock);
  Answering answering(rig.net.network, peer(1));
  std::uint32_t total = kMaxWantBytes;  // and more: never whole in one reply
  std::size_t begun = 0;
  answering.answer = [&](const Request& request) -> Result<Bytes> {
    if (std::holds_alternative<StatusAsk>(request.ask)) {
      const Bytes status = encode(rig.source.status().value());
      return part(static_cast<std::uint32_t>(status.size()), status);
    }
    ++total;
    begun += request.offset == 0 ? 1 : 0;
    return part(total, std::min(request.want_bytes, total - request.offset));
  };
  client.client().add_peer(peer(1), rig.net.network.now());
  Progress headers_only = rig.truth.everything();
  headers_only.state.reset();
  ASSERT_TRUE(client.client().start(headers_only, rig.net.network.now()));
  for (int n = 0; n < 20'000 && client.client().dropped().empty(); ++n) {
    rig.net.network.travel(peer(0), peer(1), 1'000'000);
    rig.net.network.advance_ms(1);
    client.client().tick(rig.net.network.now());
  }
  ASSERT_EQ(client.client().dropped().size(), 1U);
  EXPECT_EQ(client.client().dropped()[0].reason, DropReason::kUseless);
  EXPECT_EQ(begun, kMaxEmptyPromises);
}

// It would hold up everything behind what it was asked for.
TEST(SyncClient, WhoBeginsAnAnswerAndThenIsBusyForEverLosesItToAnother) {
  ClientRig rig(truth_of(300, {500}));
  test::MemoryNetwork& network = rig.net.network;
  auto& honest = *rig.net.add_server(1, rig.source).host;
  Answering answering(network, peer(3));
  answering.answer = [&](const Request& request) -> Result<Bytes> {
    if (std::holds_alternative<StatusAsk>(request.ask)) {
      const Bytes status = encode(rig.source.status().value());
      return part(static_cast<std::uint32_t>(status.size()), status);
    }
    if (request.offset == 0) return part(request.want_bytes + 1, request.want_bytes);  // and fast, at that
    return encode(Answer{.body = Refusal{.kind = RefusalKind::kBusy, .retry_ms = 10}});
  };
  SyncClient& client = rig.start();
  client.add_peer(peer(3), network.now());
  std::vector<Dropped> dropped;
  for (int n = 0; n < 60'000 && !client.done(); ++n) {
    network.travel(peer(0), peer(1), 100);
    while (honest.node.serve_one()) {
    }
    network.travel(peer(0), peer(3), 1'000'000);
    network.advance_ms(1);
    if (const auto wake = client.next_wake(network.now()); wake && *wake <= network.now()) client.tick(network.now());
    for (const Dropped& one : std::exchange(client.dropped(), {})) dropped.push_back(one);
  }
  EXPECT_TRUE(client.done());
  EXPECT_TRUE(rig.sink.has_everything());
  for (const Dropped& one : dropped) {
    EXPECT_EQ(one.peer, peer(3));
    EXPECT_EQ(one.reason, DropReason::kUseless);  // it may be an honest one with too much to do
  }
}

// True answers of one key each, by a peer that has shown how fast it can be: there are more keys than anybody can wait
// for.
TEST(SyncClient, WhoGivesLessAndLessOfAStateIsAskedLast) {
  ClientRig rig(truth_of(600, {10}));
  test::MemoryNetwork& network = rig.net.network;
  auto& honest = *rig.net.add_server(1, rig.source).host;
  Answering answering(network, peer(3));
  bool is_first = true;
  answering.answer = [&](const Request& request) -> Result<Bytes> {
    Bytes out = encode(rig.source.status().value());
    if (const auto* ask = std::get_if<StateAsk>(&request.ask)) {
      StateAnswer given = rig.source.state(ask->root, ask->first, ask->last, request.want_bytes / 2).value();
      if (!std::exchange(is_first, false)) {
        given.covered = ask->first;
        given.range = Blob<kMaxStateBytes>(encode(rig.truth.range(ask->first, ask->first)));
      }
      out = encode(given);
    }
    return part(static_cast<std::uint32_t>(out.size()), out);
  };
  Progress state_only = rig.truth.everything();
  state_only.headers = state_only.blocks = {1, 1};
  SyncClient& client = rig.net.start_client(rig.sink, state_only).client();
  client.remove_peer(peer(1), network.now());
  client.add_peer(peer(3), network.now());
  for (int n = 0; n < 20'000 && !client.done(); ++n) {
    network.travel(peer(0), peer(3), 1'000'000);
    if (n == 10) client.add_peer(peer(1), network.now());
    network.travel(peer(0), peer(1), 100);
    while (honest.node.serve_one()) {
    }
    network.advance_ms(1);
    if (const auto wake = client.next_wake(network.now()); wake && *wake <= network.now()) client.tick(network.now());
  }
  EXPECT_TRUE(client.done());
  EXPECT_TRUE(client.dropped().empty());
}

// What breaks the protocol rather than the truth: each is a lie with its name.
TEST(SyncClient, AnswersThatBreakTheProtocolAreNamed) {
  const std::vector<std::pair<std::string, std::function<Bytes()>>> cases{
      {"a malformed answer: ", [&] { return Bytes{7}; }},
      {"an answer of a size that it cannot have", [&] { return part(0, 0); }},
      {"an answer of a size that it cannot have", [&] { return part(UINT32_MAX, kMinWantBytes); }},
      {"a part of another size than was asked for", [&] { return part(100, 99); }},
      {"a part of another size than was asked for", [&] { return part(100, 101); }},
      {"a part of another size than was asked for", [&] { return part(kMinWantBytes + 1, 1); }},
      {"a malformed status: ", [&] { return part(3, 3); }},
  };
  for (const auto& [why, bytes] : cases) {
    test::MemoryNetwork network;
    Truth truth = truth_of(10, {10});
    TruthSink sink(truth);
    test::NoSource none;
    test::NetworkClock clock(network);
    test::SyncHost client(network, peer(0), none, sink, clock);
    Answering answering(network, peer(1));
    answering.answer = [&bytes](const Request&) { return bytes(); };
    client.client().add_peer(peer(1), network.now());
    for (int n = 0; n < 10 && client.client().dropped().empty(); ++n) {
      network.travel(peer(0), peer(1), 1'000'000);
      network.advance_ms(1);
    }
    ASSERT_EQ(client.client().dropped().size(), 1U) << why;
    EXPECT_EQ(client.client().dropped()[0].reason, DropReason::kLied);
    EXPECT_TRUE(client.client().dropped()[0].why.starts_with(why)) << client.client().dropped()[0].why;
    // It stays away.
    client.client().add_peer(peer(1), network.now());
    EXPECT_TRUE(client.client().peers().empty());
    EXPECT_EQ(client.transport.under_way(), 0U);
  }
}

TEST(SyncClient, ItsEndLeavesNoCallBehind) {
  ClientRig rig(truth_of(300, {5'000}));
  rig.net.add_server(1, rig.source, 10);
  SyncClient& client = rig.start();
  rig.net.until([&] { return client.progress().headers.next > 1; }, 60'000);
  ASSERT_GT(rig.net.client->transport.under_way(), 0U);
  test::SyncHost& host = *rig.net.client;
  client.remove_peer(peer(1), rig.net.network.now());
  EXPECT_EQ(host.transport.under_way(), 0U);
}

}  // namespace
}  // namespace micro::p2p::sync
