// A node in a process of its own, honest peers, and a process of hostile connections: silence, bytes one by one,
// garbage, handshakes for their own sake, floods of bulk, windows filled and never read, floods of pings, bombs for
// identify. What honest peers get done and what the node's memory grows to are measured before and meanwhile.
//
// A slice with every other test; FULL=1 runs 1,000 connections and 100 MB/s for 60 s.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "p2p/net/host.hpp"
#include "tests/e2e/p2p/attacker.hpp"

namespace micro::p2p::test {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kHonestPeers = 3;
constexpr std::size_t kHonestBytes = 32 * 1'024;  // there and back
constexpr std::uint64_t kHonestPauseMs = 2;
constexpr std::size_t kMostGrowthBytes = 256 * 1'024 * 1'024;
constexpr std::uint64_t kSampleMs = 100;

struct Plan {
  AttackPlan attack;
  std::uint64_t before_ms = 0;
  std::uint64_t attack_ms = 0;
};
Plan plan() {
  const char* const full = std::getenv("FULL");
  if (full != nullptr && std::string_view(full) == "1") {
    return {.attack = {.connections = 1'000, .bytes_per_s = 100'000'000}, .before_ms = 10'000, .attack_ms = 60'000};
  }
  return {.attack = {.connections = 160, .bytes_per_s = 20'000'000}, .before_ms = 2'000, .attack_ms = 5'000};
}

// --- the node ---

Task<void> echo_all(Stream stream) {
  Bytes buffer(kHonestBytes);
  while (true) {
    const auto size = co_await stream.read(buffer);
    if (!size) co_return;
    if (*size == 0) break;
    if (!co_await stream.write(ByteView(buffer).first(*size))) co_return;
  }
  stream.finish();
}

Task<void> swallow(Stream stream) {
  Bytes buffer(64 * 1'024);
  while (true) {
    const auto size = co_await stream.read(buffer);
    if (!size || *size == 0) co_return;
  }
}

[[noreturn]] void be_the_node(int tell) {
  asio::io_context io(1);
  const SystemClock clock;
  SystemRandom random;
  Host host(io, {.key = HostKey::generate(random)}, clock,
            random);  // as on a public network: loopback is nothing special
  host.handle("/echo/1", echo_all);
  host.handle("/sink/1", swallow, StreamClass::kBulk);
  const auto address = host.listen(Multiaddr::tcp("127.0.0.1", 0).value());
  const std::string text = address ? address->text() : std::string("failed");
  if (::write(tell, text.data(), text.size()) < 0) ::_exit(1);
  ::close(tell);
  io.run();
  ::_exit(1);
}

/// A process that ends with its holder.
class Process {
 public:
  template <class Run>
  explicit Process(Run run) : id_(::fork()) {
    if (id_ == 0) run();
  }
  ~Process() {
    ::kill(id_, SIGKILL);
    ::waitpid(id_, nullptr, 0);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  [[nodiscard]] bool runs() const { return ::waitpid(id_, nullptr, WNOHANG) == 0; }
  [[nodiscard]] std::size_t resident_bytes() const {
    std::ifstream file("/proc/" + std::to_string(id_) + "/statm");
    std::size_t all = 0;
    std::size_t resident = 0;
    file >> all >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  }

 private:
  pid_t id_;
};

// --- honest peers ---

struct HonestPeer {
  HonestPeer(asio::io_context& io, const Clock& clock, Random& random)
      : host(io, {.key = HostKey::generate(random), .gater = {.local_addresses = true}}, clock, random) {}
  Host host;
  std::uint64_t done = 0;  // messages that came back
};

Task<void> pause_for(std::uint64_t ms) {
  asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(ms));
  (void)co_await timer.async_wait(kAsTuple);
}

Task<void> be_honest(HonestPeer* peer, Multiaddr node) {
  Bytes message(kHonestBytes, 7);
  Bytes back(kHonestBytes);
  while (true) {
    const auto session = co_await peer->host.dial(node);
    if (session) {
      auto stream = co_await (*session)->open({"/echo/1"});
      while (stream && co_await stream->write(message) && co_await stream->read_exactly(back)) {
        if (back == message) ++peer->done;
        co_await pause_for(kHonestPauseMs);
      }
    }
    co_await pause_for(1'000);
  }
}

struct Watch {
  asio::io_context io{1};
  SystemClock clock;
  SystemRandom random;
  std::vector<std::unique_ptr<HonestPeer>> peers;

  explicit Watch(const Multiaddr& node) {
    for (std::size_t n = 0; n < kHonestPeers; ++n) {
      peers.push_back(std::make_unique<HonestPeer>(io, clock, random));
      asio::co_spawn(io, be_honest(peers.back().get(), node), [](const std::exception_ptr&) {});
    }
  }
  /// Messages a second over that time, and the most that the node's memory was.
  std::pair<double, std::size_t> measure(const Process& node, std::uint64_t ms) {
    const auto total = [&] {
      std::uint64_t sum = 0;
      for (const auto& peer : peers) sum += peer->done;
      return sum;
    };
    const std::uint64_t before = total();
    std::size_t most = 0;
    for (std::uint64_t at = 0; at < ms; at += kSampleMs) {
      io.run_for(std::chrono::milliseconds(kSampleMs));
      most = std::max(most, node.resident_bytes());
    }
    return {static_cast<double>(total() - before) * 1'000 / static_cast<double>(ms), most};
  }
};

TEST(Malice, HonestTrafficGoesOnAndMemoryStaysBounded) {
  const Plan of = plan();
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  void* const shared =
      ::mmap(nullptr, sizeof(AttackFigures), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(shared, MAP_FAILED);
  auto* const figures = new (shared) AttackFigures();

  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const Process node([&] { be_the_node(pipe[1]); });
  ::close(pipe[1]);
  char text[256] = {};
  ASSERT_GT(::read(pipe[0], text, sizeof text - 1), 0);
  ::close(pipe[0]);
  const auto address = Multiaddr::parse(text);
  ASSERT_TRUE(address) << text;

  Watch watch(*address);
  watch.measure(node, 500);  // until everybody is connected
  const auto [usual, usual_bytes] = watch.measure(node, of.before_ms);
  ASSERT_GT(usual, 10);
  const Process army([&] {
    // Attackers have machines of their own: they take none of this one's time from the others.
    static_cast<void>(::nice(19));
    attack(*address, of.attack, *figures);
  });
  const auto [under_attack, most_bytes] = watch.measure(node, of.attack_ms);
  EXPECT_TRUE(army.runs());
  EXPECT_TRUE(node.runs());
  const double seconds = static_cast<double>(of.attack_ms) / 1'000;
  std::printf("honest messages a second: %.0f before, %.0f under attack (%.0f %%)\n", usual, under_attack,
              100 * under_attack / usual);
  std::printf("resident memory: %.1f MiB before, at most %.1f MiB under attack\n",
              static_cast<double>(usual_bytes) / (1 << 20), static_cast<double>(most_bytes) / (1 << 20));
  std::printf("the attack: %.0f connections, %.0f handshakes, %.1f MB a second\n",
              static_cast<double>(figures->connections) / seconds, static_cast<double>(figures->handshakes) / seconds,
              static_cast<double>(figures->bytes) / seconds / 1e6);
  EXPECT_GE(under_attack, usual / 2);
  EXPECT_LE(most_bytes, usual_bytes + kMostGrowthBytes);
  EXPECT_GE(figures->connections, of.attack.connections);
  EXPECT_GT(figures->handshakes, 0U);
  EXPECT_GT(figures->bytes, 1'000'000U);
}

}  // namespace
}  // namespace micro::p2p::test
