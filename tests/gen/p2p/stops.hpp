// Stops nodes at every point at which all that they do waits: between any two turns of their loop. Each `co_await` that
// a scenario reaches is such a point, and so is each handler in between. What a stop leaves behind is counted here, and
// seen by AddressSanitizer.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <set>
#include <span>
#include <string_view>

#include "p2p/net/host.hpp"

namespace micro::p2p::test {

enum class StopKind : std::uint8_t {
  kAll,        ///< services go, hosts stop, the loop runs on
  kHostFirst,  ///< the same, and services go when everything has ended
  kFirst,      ///< the first node goes, the other notices
  kSecond,     ///< the second one
  kAbandoned,  ///< everything goes and the loop never runs again
  kCancelled,  ///< only the coroutine of the scenario is cancelled; everything else goes on
};

/// Two nodes on loopback that do something. Members of a derived class that use the loop go in `drop_services`.
class StopWorld {
 public:
  StopWorld() = default;
  virtual ~StopWorld() {
    hosts_.clear();
    moved_.reset();
    io_.reset();
    for (const auto& session : seen_) EXPECT_TRUE(session.expired()) << "a session is held by somebody";
  }
  StopWorld(const StopWorld&) = delete;
  StopWorld& operator=(const StopWorld&) = delete;

  /// Does what is to be stopped, and `came_to_its_end` where nobody did.
  virtual Task<void> scenario() = 0;
  /// Of the node with this number.
  virtual void drop_services(std::size_t node) = 0;

  Host& add_host() {
    hosts_.push_back(std::make_unique<Host>(
        *io_, HostConfig{.key = HostKey::generate(random_), .gater = {.local_addresses = true}}, clock(), random_));
    return *hosts_.back();
  }
  Host& host(std::size_t node) { return *hosts_[node]; }
  boost::asio::io_context& io() { return *io_; }
  [[nodiscard]] virtual const Clock& clock() const { return manual_clock_; }
  Random& random() { return random_; }

  /// The scenario waits so, and its services call `moved`.
  Task<void> until_moved(std::function<bool()> holds) {
    while (!stopping_ && !holds()) co_await moved_->wait();
  }
  void moved() { moved_->notify(); }
  [[nodiscard]] bool stopping() const { return stopping_; }
  void came_to_its_end() { came_to_its_end_ = true; }
  [[nodiscard]] bool has_come_to_its_end() const { return came_to_its_end_; }

  /// As many turns of the loop; whether the scenario ended before.
  bool turns(std::size_t most) {
    boost::asio::co_spawn(
        *io_, scenario(),
        boost::asio::bind_cancellation_slot(cancel_.slot(), [this](const std::exception_ptr&) { over_ = true; }));
    for (std::size_t n = 0; n < most && !over_; ++n) {
      io_->run_one();
      note_sessions();
    }
    return over_;
  }
  void stop(StopKind kind) {
    stopping_ = kind != StopKind::kCancelled;
    moved();
    switch (kind) {
      case StopKind::kAll:
        drop_all_services();
        stop_hosts();
        break;
      case StopKind::kHostFirst:
        stop_hosts();
        EXPECT_TRUE(until([&] { return open_sessions() == 0; }));
        drop_all_services();
        break;
      case StopKind::kFirst:
      case StopKind::kSecond:
        stop_one(kind == StopKind::kFirst ? 0 : 1);
        break;
      case StopKind::kAbandoned:
        drop_all_services();
        return;  // the loop goes last, with all that still waits in it
      case StopKind::kCancelled:
        cancel_.emit(boost::asio::cancellation_type::terminal);
        EXPECT_TRUE(until([&] { return over_ && streams() == 0; }));
        drop_all_services();
        stop_hosts();
        break;
    }
    EXPECT_TRUE(runs_dry()) << "something waits for ever";
  }

 private:
  static constexpr std::chrono::seconds kMostTime{30};  // a second of real time is the longest timer of a session
  static constexpr std::chrono::milliseconds kTryTime{10};

  void note_sessions() {
    for (const auto& host : hosts_) {
      for (const auto& session : host->sessions()) seen_.insert(session);
    }
  }
  void drop_all_services() {
    stopping_ = true;
    moved();
    for (std::size_t node = 0; node < hosts_.size(); ++node) drop_services(node);
  }
  // The other one loses it, and goes later.
  void stop_one(std::size_t node) {
    drop_services(node);
    hosts_[node]->stop();
    EXPECT_TRUE(until([&] { return open_sessions() == 0; })) << "a connection to nobody stays";
    drop_all_services();
    stop_hosts();
  }
  void stop_hosts() {
    note_sessions();
    for (const auto& host : hosts_) host->stop();
  }
  [[nodiscard]] std::size_t open_sessions() const {
    std::size_t sum = 0;
    for (const auto& host : hosts_) sum += host->sessions().size();
    return sum;
  }
  [[nodiscard]] std::size_t streams() const {
    std::size_t sum = 0;
    for (const auto& host : hosts_) {
      for (const auto& session : host->sessions()) sum += session->connection().mux().streams();
    }
    return sum;
  }
  template <class Condition>
  bool until(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + kMostTime;
    while (std::chrono::steady_clock::now() < end) {
      io_->restart();
      io_->poll();
      note_sessions();
      if (condition()) return true;
      io_->run_one_for(kTryTime);
    }
    return condition();
  }
  // Nothing is left to wait for.
  bool runs_dry() {
    return until([&] { return io_->stopped(); });
  }

  ManualClock manual_clock_;
  SeededRandom random_{1};
  std::unique_ptr<boost::asio::io_context> io_ = std::make_unique<boost::asio::io_context>(1);
  std::vector<std::unique_ptr<Host>> hosts_;
  boost::asio::cancellation_signal cancel_;
  std::unique_ptr<Signal> moved_ = std::make_unique<Signal>(io_->get_executor());
  bool over_ = false;
  bool stopping_ = false;
  bool came_to_its_end_ = false;
  std::set<std::weak_ptr<Session>, std::owner_less<>> seen_;
};

/// Runs the scenario again and again, each time a turn longer, until it ends by itself. How many points there were.
/// Each is stopped at in one of these ways, the ways in turn; with FULL=1 in all of them.
template <class World>
std::size_t stop_at_every_point(std::span<const StopKind> kinds) {
  const char* const full = std::getenv("FULL");
  const bool all_ways = full != nullptr && std::string_view(full) == "1";
  for (std::size_t point = 0;; ++point) {
    for (std::size_t n = 0; n < kinds.size(); ++n) {
      if (!all_ways && point % kinds.size() != n) continue;
      bool ended = false;
      {
        World world;
        ended = world.turns(point);
        world.stop(kinds[n]);
        EXPECT_TRUE(!ended || world.has_come_to_its_end()) << "it gave up by itself";
      }
      if (::testing::Test::HasFailure()) ADD_FAILURE() << "stopped behind turn " << point << ", way " << n;
      if (ended || ::testing::Test::HasFailure()) return point;
    }
  }
}

}  // namespace micro::p2p::test
