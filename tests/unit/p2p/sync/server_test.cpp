// What a server does for strangers: within budgets, in turns, part by part.
#include "p2p/sync/server.hpp"

#include <gtest/gtest.h>

#include "p2p/sync/key_ranges.hpp"
#include "tests/gen/p2p/sync_net.hpp"

namespace micro::p2p::sync {
namespace {

using test::peer;

/// Collects what would be sent.
struct Replies final : Transport {
  Result<CallId> call(const PeerId&, std::string, Bytes, Instant) override { return fail(Fault::kUnreachable, "no"); }
  void cancel(CallId) override {}
  void reply(CallId id, Result<Bytes> result) override { EXPECT_TRUE(given.emplace(id, std::move(result)).second); }
  std::map<CallId, Result<Bytes>> given;
};

/// Blocks of one size, and it counts.
struct Blocks final : Source {
  explicit Blocks(std::size_t size) : block_bytes(size) {}
  Result<StatusAnswer> status() override {
    return StatusAnswer{.lowest = 1, .highest = 1'000, .head = {}, .snapshots = {}};
  }
  Result<HeadersAnswer> headers(const Id&, std::uint64_t, std::size_t, std::size_t) override {
    return fail(Fault::kIo, "the disk is gone");
  }
  Result<Bytes> header(const Id&) override { return fail(Fault::kNotFound, "no such header"); }
  Result<Bytes> block(std::uint64_t height) override {
    ++reads;
    if (height == 0 || height > 1'000) return fail(Fault::kNotFound, "no such block");
    return Bytes(block_bytes, static_cast<std::uint8_t>(height));
  }
  Result<Bytes> block(const Id& id) override {
    ++reads;
    if (id.data[0] == 0) return fail(Fault::kNotFound, "no such block");
    return Bytes(block_bytes, id.data[0]);
  }
  Result<StateAnswer> state(const Id&, const Key&, const Key&, std::size_t) override {
    return fail(Fault::kNotFound, "no such state");
  }
  std::size_t block_bytes;
  std::size_t reads = 0;
};

struct ServerRig {
  explicit ServerRig(std::size_t block_bytes, const ServerLimits& limits = {})
      : source(block_bytes), server(replies, source, limits) {}
  CallId ask(std::uint64_t from, Ask what, std::uint32_t want = kMinWantBytes, std::uint32_t offset = 0) {
    const CallId id = ++last;
    const Request request{.ask = std::move(what), .want_bytes = want, .offset = offset};
    server.on_call({.id = id, .from = peer(from), .method = "sync", .body = encode(request), .deadline = {}}, now);
    return id;
  }
  void work() {
    while (server.step(now)) {
    }
  }
  [[nodiscard]] Part part(CallId id) {
    return std::get<Part>(decode_answer(replies.given.at(id).value()).value().body);
  }
  [[nodiscard]] Refusal refusal(CallId id) {
    return std::get<Refusal>(decode_answer(replies.given.at(id).value()).value().body);
  }
  [[nodiscard]] bool is_refused(CallId id) {
    return std::holds_alternative<Refusal>(decode_answer(replies.given.at(id).value()).value().body);
  }
  Replies replies;
  Blocks source;
  SyncServer server;
  Instant now{1'000'000'000};
  CallId last = 0;
};

TEST(SyncServer, GivesAsManyBlocksAsFitAndAtLeastOne) {
  ServerRig rig(5'000);
  const CallId some = rig.ask(1, BlocksAsk{.first = 10, .count = 100});
  const CallId end = rig.ask(1, BlocksAsk{.first = 999, .count = 100});
  const CallId beyond = rig.ask(1, BlocksAsk{.first = 1'001, .count = 1});
  rig.work();
  const Part some_part = rig.part(some);
  const auto blocks = decode<BlocksAnswer>(std::span(some_part.bytes)).value().blocks;
  ASSERT_EQ(blocks.size(), 3U);
  EXPECT_EQ(blocks[2], BlockBytes(Bytes(5'000, 12)));
  const Part end_part = rig.part(end);
  EXPECT_EQ(decode<BlocksAnswer>(std::span(end_part.bytes)).value().blocks.size(), 2U);
  EXPECT_EQ(rig.refusal(beyond).kind, RefusalKind::kGone);
}

TEST(SyncServer, ALargeAnswerGoesInPartsAndIsReadOnce) {
  ServerRig rig(100'000);
  Bytes whole;
  std::uint32_t total = 1;
  while (whole.size() < total) {
    const CallId id =
        rig.ask(1, BlocksAsk{.first = 7, .count = 1}, kMinWantBytes, static_cast<std::uint32_t>(whole.size()));
    rig.work();
    const Part part = rig.part(id);
    total = part.total;
    EXPECT_EQ(part.bytes.size(), std::min<std::size_t>(kMinWantBytes, total - whole.size()));
    whole.insert(whole.end(), part.bytes.begin(), part.bytes.end());
    if (whole.size() < total) {
      EXPECT_EQ(rig.server.kept_bytes(), total);
    }
  }
  EXPECT_EQ(decode<BlocksAnswer>(whole).value().blocks.at(0), BlockBytes(Bytes(100'000, 7)));
  EXPECT_EQ(rig.source.reads, 1U);
  EXPECT_EQ(rig.server.kept_bytes(), 0U);
  const CallId behind = rig.ask(1, BlocksAsk{.first = 7, .count = 1}, kMinWantBytes, total);
  rig.work();
  EXPECT_EQ(rig.replies.given.at(behind).error().fault, Fault::kInvalid);
}

TEST(SyncServer, KeptAnswersAreBounded) {
  ServerRig rig(1'000'000, {.max_kept_bytes = 3'100'000});
  for (std::uint64_t height = 1; height < 20; ++height) {
    rig.ask(height, BlocksAsk{.first = height, .count = 1});
    rig.work();
    EXPECT_LE(rig.server.kept_bytes(), 3'100'000U);
  }
  // What had to go is read again.
  const std::size_t reads = rig.source.reads;
  const CallId id = rig.ask(1, BlocksAsk{.first = 1, .count = 1}, kMinWantBytes, kMinWantBytes);
  rig.work();
  EXPECT_EQ(rig.part(id).bytes.at(0), 1);
  EXPECT_EQ(rig.source.reads, reads + 1);
}

TEST(SyncServer, WhoIsOverItsBytesWaitsAndOthersDoNot) {
  ServerRig rig(10'000, {.peer_bytes = {.per_s = 10'000, .stock = 20'000}});
  std::vector<CallId> greedy;
  for (int n = 0; n < 10; ++n) greedy.push_back(rig.ask(1, BlocksAsk{.first = 1, .count = 1}));
  const CallId modest = rig.ask(2, BlocksAsk{.first = 1, .count = 1});
  rig.work();
  EXPECT_FALSE(rig.is_refused(greedy[0]));
  EXPECT_TRUE(rig.is_refused(greedy[9]));
  EXPECT_EQ(rig.refusal(greedy[9]).kind, RefusalKind::kBusy);
  EXPECT_FALSE(rig.is_refused(modest));
  const auto given =
      static_cast<std::size_t>(std::ranges::count_if(greedy, [&](CallId id) { return !rig.is_refused(id); }));
  EXPECT_LE(given, 3U);
  // Refused at the door as well, and told for how long.
  const CallId again = rig.ask(1, BlocksAsk{.first = 1, .count = 1});
  ASSERT_TRUE(rig.is_refused(again));
  rig.now = rig.now.plus_ms(rig.refusal(again).retry_ms);
  const CallId later = rig.ask(1, BlocksAsk{.first = 1, .count = 1});
  rig.work();
  EXPECT_FALSE(rig.is_refused(later));
}

TEST(SyncServer, ReadsAndProcessorTimeAreBudgetsToo) {
  ServerRig reads(10, {.peer_reads = {.per_s = 100, .stock = 300}});
  List<Id, kMaxIdsPerAsk> nobodys(64);  // a read each, and hardly a byte
  std::size_t refused = 0;
  for (int n = 0; n < 20; ++n) {
    const CallId id = reads.ask(1, BlocksByIdAsk{.ids = nobodys});
    reads.work();
    refused += reads.is_refused(id) ? 1 : 0;
  }
  EXPECT_GE(refused, 15U);
  EXPECT_LE(reads.source.reads, 400U);

  ServerRig cpu(10);
  const CallId first = cpu.ask(1, StatusAsk{});
  const auto served = cpu.server.step(cpu.now);
  ASSERT_EQ(served, peer(1));
  cpu.server.charge_cpu(peer(1), 800'000, cpu.now);
  EXPECT_FALSE(cpu.is_refused(first));
  EXPECT_EQ(cpu.refusal(cpu.ask(1, StatusAsk{})).kind, RefusalKind::kBusy);
  const CallId other = cpu.ask(2, StatusAsk{});
  cpu.work();
  EXPECT_FALSE(cpu.is_refused(other));
}

TEST(SyncServer, PeersTakeTurns) {
  ServerRig rig(10);
  for (int n = 0; n < 5; ++n) rig.ask(1, StatusAsk{});
  for (int n = 0; n < 2; ++n) rig.ask(2, StatusAsk{});
  std::vector<PeerId> order;
  while (const auto served = rig.server.step(rig.now)) order.push_back(*served);
  ASSERT_EQ(order.size(), 7U);
  for (const std::size_t n : {0U, 1U, 2U}) EXPECT_NE(order[n], order[n + 1]);
}

TEST(SyncServer, TheQueueIsBoundedAndWhatIsCancelledIsNotWorkedOn) {
  ServerRig rig(10, {.max_waiting_per_peer = 4, .max_waiting = 6});
  std::vector<CallId> calls;
  for (int n = 0; n < 5; ++n) calls.push_back(rig.ask(1, BlocksAsk{.first = 1, .count = 1}));
  EXPECT_EQ(rig.refusal(calls[4]).kind, RefusalKind::kBusy);
  for (int n = 0; n < 3; ++n) calls.push_back(rig.ask(2, BlocksAsk{.first = 1, .count = 1}));
  EXPECT_EQ(rig.refusal(calls[7]).kind, RefusalKind::kBusy);
  EXPECT_EQ(rig.server.waiting(), 6U);
  rig.server.on_cancelled(calls[0]);
  rig.server.on_cancelled(calls[5]);
  rig.server.on_cancelled(calls[6]);
  EXPECT_EQ(rig.server.waiting(), 3U);
  rig.work();
  EXPECT_EQ(rig.source.reads, 3U);
  EXPECT_FALSE(rig.replies.given.contains(calls[0]));
  EXPECT_EQ(rig.server.waiting(), 0U);
}

TEST(SyncServer, NonsenseIsAnErrorAndAFailureOfOursIsTold) {
  ServerRig rig(10);
  rig.server.on_call({.id = 100, .from = peer(1), .method = "sync", .body = {9, 9}, .deadline = {}}, rig.now);
  EXPECT_EQ(rig.replies.given.at(100).error().fault, Fault::kInvalid);
  const std::vector<Ask> wrong{BlocksAsk{.first = 1, .count = 0},
                               HeadersAsk{.anchor = {}, .first = UINT64_MAX, .count = 2}, HeadersByIdAsk{},
                               StateAsk{.root = {}, .first = next_key(Key{}).value(), .last = {}}};
  for (const Ask& ask : wrong) EXPECT_EQ(rig.replies.given.at(rig.ask(1, ask)).error().fault, Fault::kInvalid);
  EXPECT_EQ(rig.replies.given.at(rig.ask(1, StatusAsk{}, 1)).error().fault, Fault::kInvalid);
  const CallId broken = rig.ask(1, HeadersAsk{.anchor = {}, .first = 1, .count = 1});
  rig.work();
  EXPECT_EQ(rig.replies.given.at(broken).error().fault, Fault::kIo);
}

}  // namespace
}  // namespace micro::p2p::sync
