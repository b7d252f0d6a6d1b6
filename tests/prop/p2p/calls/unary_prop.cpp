// Calls over a stream that cuts bytes anywhere and an answerer that answers in any order: each call ends exactly once,
// with its own answer; cancelled and late ones leave nothing; memory is bounded.
#include "p2p/calls/unary.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <set>

namespace micro::p2p {
namespace {

Bytes answer_to(const Bytes& body) {
  Bytes out(body.rbegin(), body.rend());
  out.push_back(1);
  return out;
}

class World {
 public:
  void step() {
    now_.ns += *rc::gen::inRange<std::uint64_t>(0, 50'000'000);
    switch (*rc::gen::weightedElement<int>({{4, 0}, {4, 1}, {4, 2}, {4, 3}, {1, 4}, {1, 5}})) {
      case 0:
        return call();
      case 1:
        return travel_there(*rc::gen::element<std::size_t>(1, 3, 30, 5'000, 2'000'000));
      case 2:
        return travel_back(*rc::gen::element<std::size_t>(1, 3, 30, 5'000, 2'000'000));
      case 3:
        return answer();
      case 4:
        return cancel();
      default:
        client_.expire(now_);
        server_.expire(now_);
        return collect();
    }
  }

  void settle() {
    for (int n = 0; n < 2'000 && (client_.pending() > 0 || server_.held_bytes() > 0 || !client_.output().empty());
         ++n) {
      travel_there(SIZE_MAX);
      while (!at_work_.empty()) answer();
      travel_back(SIZE_MAX);
    }
    RC_ASSERT(client_.pending() == 0U && server_.running() == 0U && server_.held_bytes() == 0U);
    RC_ASSERT(asked_.empty());
  }

 private:
  void call() {
    Bytes body(*rc::gen::element<std::size_t>(0, 1, 100, 40'000, kMaxCallBytes));
    for (std::size_t n = 0; n < body.size(); ++n) body[n] = static_cast<std::uint8_t>(calls_ * 7 + n);
    ++calls_;
    const auto ms = *rc::gen::inRange<std::uint64_t>(1, 5'000);
    const auto id = client_.call("/m", body, now_.plus_ms(ms), now_);
    if (!id) {
      RC_ASSERT(id.error().fault == Fault::kBusy);
      RC_ASSERT(client_.output().size() + body.size() > kQueuedCallBytes || client_.pending() == kMaxPendingCalls);
      return;
    }
    asked_[*id] = {now_.plus_ms(ms), std::move(body)};
    RC_ASSERT(client_.output().size() <= kQueuedCallBytes + kMaxFrameBytes);
  }

  void travel_there(std::size_t most) {
    ByteQueue& out = client_.output();
    const auto taken = server_.feed(out.view().first(std::min(most, out.size())), now_);
    RC_ASSERT(taken.has_value());
    out.consume(*taken);
    for (IncomingRequest& request : server_.requests()) {
      RC_ASSERT(request.method == "/m");
      RC_ASSERT(at_work_.emplace(request.id, std::move(request.body)).second);
    }
    server_.requests().clear();
    collect();
    RC_ASSERT(server_.held_bytes() <= kHeldCallBytes + 2 * kMaxFrameBytes);
    RC_ASSERT(server_.running() <= kMaxRunningCalls);
  }

  void travel_back(std::size_t most) {
    ByteQueue& out = server_.output();
    const std::size_t size = std::min(most, out.size());
    RC_ASSERT(client_.feed(out.view().first(size)).has_value());
    out.consume(size);
    collect();
  }

  void collect() {
    for (const CallId id : std::exchange(server_.cancelled(), {})) at_work_.erase(id);
    for (const CallResult& one : std::exchange(client_.results(), {})) {
      const auto node = asked_.extract(one.id);
      RC_ASSERT(!node.empty());  // once, and never after it was cancelled
      if (one.result) {
        RC_ASSERT(*one.result == answer_to(node.mapped().second));
      } else if (one.result.error().fault == Fault::kUnknownOutcome) {
        RC_ASSERT(now_ >= node.mapped().first);
      } else {
        RC_ASSERT(one.result.error().fault == Fault::kRefused && one.result.error().message == "no");
      }
    }
  }

  void answer() {
    if (at_work_.empty()) return;
    const auto at = std::next(at_work_.begin(), *rc::gen::inRange<std::ptrdiff_t>(0, std::ssize(at_work_)));
    const bool refuses = *rc::gen::inRange(0, 4) == 0 || at->second.size() == kMaxCallBytes;
    server_.reply(at->first, refuses ? Result<Bytes>(fail(Fault::kRefused, "no")) : answer_to(at->second));
    at_work_.erase(at);
  }

  void cancel() {
    if (asked_.empty()) return;
    const auto at = std::next(asked_.begin(), *rc::gen::inRange<std::ptrdiff_t>(0, std::ssize(asked_)));
    client_.cancel(at->first);
    client_.cancel(at->first);
    asked_.erase(at);
  }

  UnaryClient client_;
  UnaryServer server_;
  std::map<CallId, std::pair<Instant, Bytes>> asked_;
  std::map<CallId, Bytes> at_work_;
  std::uint64_t calls_ = 0;
  Instant now_;
};

RC_GTEST_PROP(Unary, EachCallEndsOnceWithItsOwnAnswer, ()) {
  World world;
  const int steps = *rc::gen::inRange(1, 150);
  for (int n = 0; n < steps; ++n) world.step();
  world.settle();
}

RC_GTEST_PROP(Unary, AnyBytesAreAnErrorOrBounded, ()) {
  UnaryServer server;
  UnaryClient client;
  (void)client.call("/m", {1}, Instant().plus_ms(1'000), {});
  Bytes bytes(client.output().view().begin(), client.output().view().end());
  const int changes = *rc::gen::inRange(0, 6);
  for (int n = 0; n < changes; ++n) {
    const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
    bytes[at] = *rc::gen::arbitrary<std::uint8_t>();
  }
  const Bytes more = *rc::gen::arbitrary<Bytes>();
  bytes.insert(bytes.end(), more.begin(), more.end());
  (void)server.feed(bytes, {});
  (void)client.feed(bytes);
  RC_ASSERT(server.held_bytes() <= kHeldCallBytes + 2 * kMaxFrameBytes && server.running() <= 64U);
}

// Who answers nothing is asked no more than it may hold, and the asker's application hears it.
TEST(Unary, BackPressureReachesTheCaller) {
  UnaryClient client;
  UnaryServer server;
  std::size_t calls = 0;
  for (; calls < 1'000; ++calls) {
    if (!client.call("/m", Bytes(30'000), Instant().plus_ms(1'000), {})) break;
    client.output().consume(server.feed(client.output().view(), {}).value());
  }
  EXPECT_LT(calls, 100U);
  EXPECT_FALSE(server.has_room());
  EXPECT_LE(server.held_bytes(), kHeldCallBytes + kMaxFrameBytes);
  const auto requests = std::exchange(server.requests(), {});
  for (const IncomingRequest& request : requests) server.reply(request.id, Bytes{1});
  ASSERT_TRUE(client.feed(server.output().view()));
  server.output().clear();
  EXPECT_EQ(client.results().size(), requests.size());
  client.output().consume(server.feed(client.output().view(), {}).value());
  EXPECT_TRUE(client.may_call());
}

TEST(Unary, AClosedStreamLeavesNobodyWaiting) {
  UnaryClient client;
  const CallId id = client.call("/m", {}, Instant().plus_ms(10), {}).value();
  EXPECT_EQ(client.next_deadline(), Instant().plus_ms(10));
  client.closed("gone");
  ASSERT_EQ(client.results().size(), 1U);
  EXPECT_EQ(client.results()[0].id, id);
  EXPECT_EQ(client.results()[0].result.error().fault, Fault::kUnknownOutcome);
  EXPECT_FALSE(client.call("/m", Bytes(kMaxCallBytes + 1), Instant().plus_ms(10), {}));
  EXPECT_FALSE(client.call("/m", {}, Instant(), {}));
}

}  // namespace
}  // namespace micro::p2p
