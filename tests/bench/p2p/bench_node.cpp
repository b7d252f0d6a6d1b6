// p2p_bench_node listen ADDRESS     prints "ready ADDRESS", serves until its input ends
// p2p_bench_node dial ADDRESS [WHAT…]   measures against a listener of its kind, prints "figure NAME VALUE"; WHAT is
//                                   some of idle bulk calls mixed busy handshakes, in this order
// p2p_bench_node local              what this machine could do at best
// The same figures, in the same units, as the helpers of tests/interop print with "bench".
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdio>
#include <fstream>
#include <set>

#include "p2p/aio/run.hpp"
#include "p2p/net/host.hpp"
#include "tests/bench/p2p/local_figures.hpp"

namespace micro::p2p::bench {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kPieceBytes = 64 * 1'024;
constexpr std::size_t kCallBytes = 64;
constexpr std::uint64_t kMeasureNs = 3'000'000'000;
constexpr std::size_t kDialers = 16;
constexpr std::size_t kIdleConnections = 500;
constexpr std::size_t kBusyStreams = 64;
constexpr std::size_t kBusyPieces = 32;     // of kPieceBytes, echoed on each of them
constexpr std::size_t kWarmPieces = 2'000;  // until everything has its size
constexpr std::size_t kWarmCalls = 2'000;
constexpr std::size_t kMostCalls = 1'000'000;
constexpr std::uint64_t kSampleMs = 2;

void print(const std::string& name, double value) {
  std::printf("figure %s %.3f\n", name.c_str(), value);
  std::fflush(stdout);
}

// No budget binds here: what is measured is what a byte costs, not what a stranger is allowed.
HostConfig config(Random& random) {
  const Rate much{.per_s = 1ULL << 33, .stock = 1ULL << 33};
  const BudgetRates rates{.bytes = much, .cpu_ns = much};
  return {.key = HostKey::generate(random),
          .gater = {.local_addresses = true},
          .slots = {.inbound = 4'096},
          .budgets = {.peer = rates, .protocol = rates, .process = rates}};
}

std::size_t held_by_busiest(const Host& host) {
  std::size_t most = 0;
  for (const auto& session : host.sessions()) most = std::max(most, session->connection().held_bytes());
  return most;
}

// --- who serves ---

Task<void> echo(Stream stream) {
  Bytes buffer(kPieceBytes);
  while (true) {
    const auto size = co_await stream.read(buffer);
    if (!size) co_return;
    if (*size == 0) break;
    if (!co_await stream.write(ByteView(buffer).first(*size))) co_return;
  }
  stream.finish();
}

// /perf/1.0.0 one way: eight bytes, then as much as the other side likes; a count comes back behind its end.
Task<void> count(Stream stream) {
  Bytes buffer(kPieceBytes);
  std::uint64_t bytes = 0;
  while (true) {
    const auto size = co_await stream.read(buffer);
    if (!size) co_return;
    if (*size == 0) break;
    bytes += *size;
  }
  (void)co_await stream.write(to_bytes(std::to_string(bytes)));
  stream.finish();
}

struct Held {
  bool over = false;
  std::size_t most = 0;
};
Task<void> watch_held(const Host* host, std::shared_ptr<Held> held) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  while (!held->over) {
    held->most = std::max(held->most, held_by_busiest(*host));
    timer.expires_after(std::chrono::milliseconds(kSampleMs));
    (void)co_await timer.async_wait(kAsTuple);
  }
}
// The most that a connection of this host held, from the beginning of this stream to its end.
Task<void> tell_held(const Host* host, Stream stream) {
  const auto held = std::make_shared<Held>();
  asio::co_spawn(co_await asio::this_coro::executor, watch_held(host, held), [](const std::exception_ptr&) {});
  const auto end = co_await stream.read_all(0);
  held->over = true;
  if (end && co_await stream.write(to_bytes(std::to_string(held->most)))) stream.finish();
}

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t all = 0;
  std::size_t resident = 0;
  file >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// --- who measures ---

class Bench {
 public:
  Bench(asio::io_context& io, Multiaddr address, std::set<std::string> what)
      : io_(io), address_(std::move(address)), what_(std::move(what)), host_(make_host()) {}

  static Task<void> run(Bench* self) {
    const auto session = co_await self->host_->dial(self->address_);
    if (!session) co_return print("failed", 1);
    self->peer_ = (*session)->peer();
    if (self->wanted("idle")) co_await self->idle();  // first: what it adds is not hidden by what others gave back
    if (self->wanted("bulk")) co_await self->bulk(kMeasureNs);
    if (self->wanted("calls")) co_await self->calls("rpc");
    if (self->wanted("mixed")) {
      self->bulk_goes_on_ = true;
      Signal bulk_over(self->io_.get_executor());
      bool is_over = false;
      asio::co_spawn(self->io_, self->bulk(0), [&](const std::exception_ptr&) {
        is_over = true;
        bulk_over.notify();
      });
      co_await self->calls("rpc_under_bulk");
      self->bulk_goes_on_ = false;
      while (!is_over) co_await bulk_over.wait();
    }
    if (self->wanted("busy")) co_await self->busy();
    if (self->wanted("handshakes")) co_await self->handshakes();
    self->stop();
  }

 private:
  [[nodiscard]] bool wanted(const std::string& what) const { return what_.empty() || what_.contains(what); }
  std::unique_ptr<Host> make_host() { return std::make_unique<Host>(io_, config(random_), clock_, random_); }

  // For so long, or until told.
  Task<void> bulk(std::uint64_t ns) {
    auto stream = co_await host_->open(peer_, {"/bench/count/1"}, StreamClass::kBulk);
    if (!stream) co_return print("failed", 2);
    const Bytes piece(kPieceBytes, 7);
    std::uint64_t pieces = 0;
    std::uint64_t warm = 0;
    std::size_t before = 0;
    const Instant start = clock_.now();
    while (ns == 0 ? bulk_goes_on_ : clock_.now().ns - start.ns < ns) {
      if (!co_await stream->write(piece)) co_return print("failed", 3);
      if (++pieces == kWarmPieces) {
        warm = pieces;
        before = allocations();
      }
    }
    const std::size_t allocated = allocations() - before;
    stream->finish();
    const auto said = co_await stream->read_all(100);
    const double seconds = static_cast<double>(clock_.now().ns - start.ns) / 1e9;
    if (!said || as_text(*said) != std::to_string(pieces * kPieceBytes)) co_return print("failed", 4);
    print(ns == 0 ? "bulk_under_rpc" : "bulk", static_cast<double>(pieces * kPieceBytes) / seconds);
    if (ns > 0 && warm > 0)
      print("allocations_per_write", static_cast<double>(allocated) / static_cast<double>(pieces - warm));
  }

  Task<void> calls(std::string name) {
    auto stream = co_await host_->open(peer_, {"/bench/echo/1"});
    if (!stream) co_return print("failed", 5);
    Bytes message(kCallBytes, 1);
    Bytes back(kCallBytes);
    std::vector<std::uint64_t> took;
    took.reserve(kMostCalls);
    std::size_t before_allocations = 0;
    const Instant start = clock_.now();
    while (clock_.now().ns - start.ns < kMeasureNs && took.size() < took.capacity()) {
      const Instant before = clock_.now();
      if (!co_await stream->write(message) || !co_await stream->read_exactly(back)) co_return print("failed", 6);
      took.push_back(clock_.now().ns - before.ns);
      if (took.size() == kWarmCalls) before_allocations = allocations();
    }
    const auto allocated = static_cast<double>(allocations() - before_allocations);
    if (took.size() > kWarmCalls)
      print(name + "_allocations", allocated / static_cast<double>(took.size() - kWarmCalls));
    std::ranges::sort(took);
    print(name + "_p50_us", static_cast<double>(took[took.size() / 2]) / 1e3);
    print(name + "_p99_us", static_cast<double>(took[took.size() * 99 / 100]) / 1e3);
  }

  // Echoes on many streams at once, as much as goes: what the connection with most to hold holds.
  Task<void> busy() {
    auto theirs = co_await host_->open(peer_, {"/bench/held/1"});
    if (!theirs) co_return print("failed", 9);
    busy_left_ = kBusyStreams;
    for (std::size_t n = 0; n < kBusyStreams; ++n) {
      asio::co_spawn(io_, busy_stream(), [this](const std::exception_ptr&) { --busy_left_; });
    }
    std::size_t most = 0;
    while (busy_left_ > 0) {
      most = std::max(most, held_by_busiest(*host_));
      asio::steady_timer timer(io_, std::chrono::milliseconds(kSampleMs));
      (void)co_await timer.async_wait(kAsTuple);
    }
    theirs->finish();
    const auto said = co_await theirs->read_all(100);
    if (!said || busy_bytes_ != kBusyStreams * kBusyPieces * kPieceBytes) co_return print("failed", 10);
    print("busiest_connection_bytes", std::max(static_cast<double>(most), std::stod(std::string(as_text(*said)))));
  }
  Task<void> busy_stream() {
    auto stream = co_await host_->open(peer_, {"/bench/echo/1"}, StreamClass::kBulk);
    if (!stream) co_return print("failed", 7);
    const auto shared = std::make_shared<Stream>(std::move(*stream));
    asio::co_spawn(
        io_,
        [](std::shared_ptr<Stream> out) -> Task<void> {
          const Bytes piece(kPieceBytes, 3);
          for (std::size_t n = 0; n < kBusyPieces; ++n) {
            if (!co_await out->write(piece)) co_return;
          }
          out->finish();
        }(shared),
        [](const std::exception_ptr&) {});
    Bytes buffer(kPieceBytes);
    while (true) {
      const auto size = co_await shared->read(buffer);
      if (!size || *size == 0) co_return;
      busy_bytes_ += *size;
    }
  }

  // Each dialer with a key of its own; closed as soon as streams could be opened.
  Task<void> handshakes() {
    handshakes_ = 0;
    dialers_left_ = kDialers;
    const Instant start = clock_.now();
    for (std::size_t n = 0; n < kDialers; ++n) {
      dialers_.push_back(make_host());
      asio::co_spawn(io_, dial_and_close(dialers_.back().get(), start),
                     [this](const std::exception_ptr&) { --dialers_left_; });
    }
    while (dialers_left_ > 0) {
      asio::steady_timer timer(io_, std::chrono::milliseconds(kSampleMs));
      (void)co_await timer.async_wait(kAsTuple);
    }
    print("handshakes_per_s", static_cast<double>(handshakes_) * 1e9 / static_cast<double>(clock_.now().ns - start.ns));
  }
  Task<void> dial_and_close(Host* host, Instant start) {
    while (clock_.now().ns - start.ns < kMeasureNs) {
      const auto session = co_await host->dial(address_);
      if (!session) continue;  // the end of the last one may not have arrived yet
      ++handshakes_;
      (*session)->close({.fault = Fault::kInterrupted, .message = "measured"});
    }
  }

  // Both ends of each are of this process's kind; this one's share of memory is what is printed, with a host for each.
  Task<void> idle() {
    const std::size_t before = resident_bytes();
    while (dialers_.size() < kIdleConnections) {
      dialers_.push_back(make_host());
      if (!co_await dialers_.back()->dial(address_)) co_return print("failed", 8);
    }
    asio::steady_timer timer(io_, std::chrono::milliseconds(kIdleMs + 3 * kTickMs));
    (void)co_await timer.async_wait(kAsTuple);
    std::size_t held = 0;
    for (const auto& dialer : dialers_) {
      for (const auto& session : dialer->sessions()) held = std::max(held, session->connection().held_bytes());
    }
    print("idle_connection_bytes", static_cast<double>(resident_bytes() - before) / kIdleConnections);
    print("idle_connection_held_bytes", static_cast<double>(held));
    dialers_.clear();
  }

  void stop() {
    for (const auto& dialer : dialers_) dialer->stop();
    host_->stop();
  }

  asio::io_context& io_;
  SystemClock clock_;
  SystemRandom random_;
  Multiaddr address_;
  std::set<std::string> what_;
  std::unique_ptr<Host> host_;
  PeerId peer_;
  bool bulk_goes_on_ = false;
  std::size_t busy_left_ = 0;
  std::size_t busy_bytes_ = 0;
  std::vector<std::unique_ptr<Host>> dialers_;
  std::size_t dialers_left_ = 0;
  std::uint64_t handshakes_ = 0;
};

void until_input_ends(asio::posix::stream_descriptor& input, Host& host) {
  static std::array<char, 64> ignored;
  input.async_read_some(asio::buffer(ignored), [&](const boost::system::error_code& error, std::size_t) {
    if (error) return host.stop();
    until_input_ends(input, host);
  });
}

int listen(const Multiaddr& address) {
  asio::io_context io(1);
  const SystemClock clock;
  SystemRandom random;
  Host host(io, config(random), clock, random);
  host.handle("/bench/echo/1", echo);
  host.handle("/bench/count/1", count, StreamClass::kBulk);
  host.handle("/bench/held/1", [&](Stream stream) { return tell_held(&host, std::move(stream)); });
  const auto bound = host.listen(address);
  if (!bound) return 1;
  std::printf("ready %s\n", bound->text().c_str());
  std::fflush(stdout);
  asio::posix::stream_descriptor input(io, ::dup(STDIN_FILENO));
  until_input_ends(input, host);
  run_alert(io);
  return 0;
}

int dial(const Multiaddr& address, std::set<std::string> what) {
  asio::io_context io(1);
  Bench bench(io, address, std::move(what));
  asio::co_spawn(io, Bench::run(&bench), [](const std::exception_ptr&) {});
  run_alert(io);
  return 0;
}

}  // namespace
}  // namespace micro::p2p::bench

int main(int argc, char** argv) {
  using namespace micro::p2p;
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "local") {
    bench::print_local_figures();
    return 0;
  }
  const auto address = Multiaddr::parse(argc > 2 ? argv[2] : "");
  if ((mode != "listen" && mode != "dial") || !address) {
    std::fprintf(stderr, "p2p_bench_node listen ADDRESS, dial ADDRESS [WHAT...], or local\n");
    return 2;
  }
  return mode == "listen" ? bench::listen(*address) : bench::dial(*address, {argv + 3, argv + argc});
}
