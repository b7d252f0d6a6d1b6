// The gateway under every order of events: answers that come late, twice or not at all, callers that leave, budgets
// that are refused, openings and calls whose outcome nobody knows, and a restart between any two steps. Whatever
// happens: nothing is sent before it is on disk, one number never has two vouchers, no second deposit is made while the
// first may be taken (these three are asserted in the world), nobody is answered twice, an order is run and charged at
// most once and exactly once when its caller was told so, and in the end everybody is answered and calls go on.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/gen/services/gateway_world.hpp"

namespace micro {
namespace {

using test::GatewayWorld;
using test::HostState;
using test::LedgerState;

template <class T>
T below(T end) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<T>(0, end));
}

std::map<std::string, int> seen;  // what the histories of this run came to

class History {
 public:
  void step() {
    switch (below(20)) {
      case 0:
      case 1:
      case 2:
        return order();
      case 3:
        return retry();
      case 4:
        if (!orders_.empty()) world.hear(gateway::CallerLeft{some_order()->first});
        return;
      case 5:
        world.host = *rc::gen::element(HostState::kUp, HostState::kUp, HostState::kDown, HostState::kFails);
        return;
      case 6:
        world.ledger =
            *rc::gen::element(LedgerState::kTakes, LedgerState::kTakes, LedgerState::kRefuses,
                              LedgerState::kNodeRefuses, LedgerState::kSilentAndTakes, LedgerState::kSilentAndForgets);
        return;
      case 7:
        return pass_time();
      case 8:
        if (below(3) == 0) restart();
        return;
      case 9:
        world.session_refused = below(4) == 0;
        world.deposit_cap = *rc::gen::element(Amount(1'000'000'000), Amount(200'000));
        return;
      case 10:
        return outlast_host();
      case 11:
        return world.write();
      case 12:
        world.settle_late_openings();
        return world.tip();
      default:
        return go_on();
    }
  }

  /// The host and the ledger do their work, and everything that is under way arrives.
  void settle() {
    world.host = HostState::kUp;
    world.ledger = LedgerState::kTakes;
    world.session_refused = false;
    world.deposit_cap = Amount(1'000'000'000);
    world.drain();
    RC_ASSERT(world.machine().waiting() == 0U);
    for (const auto& [id, body] : orders_) {
      const auto found = world.finished.find(id);
      RC_ASSERT(found != world.finished.end() || lost_.contains(id));
      if (found != world.finished.end()) check(body, found->second);
    }
    // Nothing is in the way of the next call, and both sides stand at the same place.
    const gateway::CallId last = world.call("the last order");
    world.drain();
    const auto& reply = world.finished.at(last);
    if (!reply) RC_FAIL(reply.error().message);
    for (const auto& [id, book] : world.books) {
      if (book.lane.pending()) continue;  // a channel that ended with a call of unknown outcome in it
      RC_ASSERT(book.lane.settled().seq == book.host.state(0).seq);
      RC_ASSERT(book.lane.settled().cum_charged == book.host.state(0).cum_charged);
    }
    // Each deposit that the ledger took is in the payer's hands.
    world.settle_late_openings();
    world.tip();
    world.drain();
    for (const auto& [id, channel] : world.channels) RC_ASSERT(world.books.contains(id));
  }

  GatewayWorld world;

 private:
  std::map<gateway::CallId, std::string>::const_iterator some_order() const {
    return std::next(orders_.begin(), static_cast<std::ptrdiff_t>(below(orders_.size())));
  }
  void order() {
    const std::string body = "order " + std::to_string(orders_.size());
    if (below(2) == 0) keys_[body] = "key of " + body;
    orders_[world.call(body, keys_[body], Amount(below(8) == 0 ? 40'000 : 5'000))] = body;
  }
  /// A client asks again for what it may have got already.
  void retry() {
    if (orders_.empty()) return;
    const std::string body = some_order()->second;
    if (!keys_[body].empty()) orders_[world.call(body, keys_[body])] = body;
  }
  void go_on() {
    const bool twice = below(6) == 0;
    if (!world.network.empty() && below(2) == 0) {
      world.arrive(below(world.network.size()), twice);
    } else if (!world.inbox.empty()) {
      world.deliver(below(world.inbox.size()), twice);
    }
  }
  void pass_time() {
    world.epoch = Epoch(world.epoch.value + *rc::gen::element<std::uint32_t>(1, 1, 60, 170));
    world.height = Height(world.height.value + *rc::gen::element<std::uint64_t>(1, 2'000));
    world.tip();
  }
  void restart() {
    for (const auto& [id, body] : orders_) {
      if (!world.finished.contains(id)) lost_.insert(id);
    }
    world.start();
    ++seen["restarts"];
  }
  void outlast_host() {
    const HostState before = std::exchange(world.host, HostState::kDown);
    world.drain();
    world.host = before;
  }

  void check(const std::string& body, const Result<gateway::PaidReply>& reply) const {
    const int runs = world.executions(body);
    RC_ASSERT(runs <= 1);
    if (reply) {
      ++seen["answered"];
      RC_ASSERT(runs == 1);
      return;
    }
    const Fault fault = reply.error().fault;
    ++seen["fault " + std::to_string(static_cast<int>(fault))];
    // A key may have been refused once and served at another time.
    const bool told = fault == Fault::kUnknownOutcome || fault == Fault::kInterrupted || !keys_.at(body).empty();
    if (!told) RC_ASSERT(runs == 0);
  }

  std::map<gateway::CallId, std::string> orders_;
  std::map<std::string, std::string> keys_;
  std::set<gateway::CallId> lost_;  // their callers went with the process
};

RC_GTEST_PROP(GatewayUnderAnyOrder, PaysOnceAnswersOnceAndGoesOn, ()) {
  History history;
  for (auto steps = 20 + below(150); steps > 0; --steps) history.step();
  history.settle();
}

TEST(GatewayVariety, TheHistoriesCameToEveryEnd) {
  const auto fault = [](Fault f) { return seen["fault " + std::to_string(static_cast<int>(f))]; };
  EXPECT_GT(seen["answered"], 500);
  EXPECT_GT(seen["restarts"], 50);
  EXPECT_GT(fault(Fault::kUnknownOutcome), 10);
  EXPECT_GT(fault(Fault::kInterrupted), 50);
  EXPECT_GT(fault(Fault::kFunds), 50);
  EXPECT_GT(fault(Fault::kRejected), 10);
}

}  // namespace
}  // namespace micro
