#include "tests/e2e/p2p/attacker.hpp"

#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "p2p/net/session.hpp"

namespace micro::p2p::test {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Tcp = asio::ip::tcp;

constexpr std::size_t kPieceBytes = 64 * 1'024;
constexpr std::size_t kHoardedStreams = 128;
constexpr std::uint64_t kAgainMs = 200;

// What all hostile connections share.
class Army final : public SessionOwner, public std::enable_shared_from_this<Army> {
 public:
  Army(asio::io_context& io, const Multiaddr& victim, AttackPlan plan, AttackFigures& figures)
      : io_(io), target_(victim.tcp_target().value()), plan_(plan), figures_(figures), garbage_(kPieceBytes) {
    random_.fill(garbage_);
  }

  void begin() {
    for (std::size_t n = 0; n < plan_.connections; ++n) {
      asio::co_spawn(io_, life(shared_from_this(), n), [](const std::exception_ptr&) {});
    }
  }

  // --- what a session asks of its owner ---
  void secured(const std::shared_ptr<Session>& /*session*/) override { ++figures_.handshakes; }
  void closed(const std::shared_ptr<Session>& /*session*/) override {}
  void inbound(Stream /*stream*/) override {}
  void identified(const Session& /*session*/) override {}
  void swept(const std::shared_ptr<Session>& /*session*/) override {}
  Instant charge(const Session& /*session*/, Spending /*spent*/) override { return {}; }
  Instant charge_protocol(const Session& /*session*/, std::string_view /*protocol*/, Spending /*spent*/) override {
    return {};
  }
  [[nodiscard]] Instant now() const override { return clock_.now(); }

 private:
  using Self = std::shared_ptr<Army>;

  static Task<void> pause(std::uint64_t ms) {
    asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(ms));
    (void)co_await timer.async_wait(kAsTuple);
  }
  // Garbage leaves at the rate of the plan, whoever sends it.
  Task<void> turn_to_send() {
    const std::uint64_t piece_ns = kPieceBytes * 1'000'000'000ULL / plan_.bytes_per_s;
    next_piece_ns_ = std::max(next_piece_ns_ + piece_ns, now().ns);
    const std::uint64_t wait_ns = next_piece_ns_ - now().ns;
    asio::steady_timer timer(io_, std::chrono::nanoseconds(wait_ns));
    if (wait_ns > 1'000'000) (void)co_await timer.async_wait(kAsTuple);
  }

  static Task<void> life(Self self, std::size_t number) {
    const HostKey key = HostKey::generate(self->random_);
    while (true) {
      Tcp::socket socket(self->io_);
      error_code error;
      socket.open(Tcp::v4(), error);
      // 127.n.n.n: another address and mostly another network than everybody else's.
      const auto ip = 0x7F000000U + static_cast<unsigned>((number % 64 + 2) << 16) + static_cast<unsigned>(number + 1);
      socket.bind({asio::ip::address_v4(ip), 0}, error);
      const Tcp::endpoint victim(asio::ip::make_address_v4("127.0.0.1"), self->target_.port);
      const auto [refused] = co_await socket.async_connect(victim, kAsTuple);
      if (!refused) {
        ++self->figures_.connections;
        if (number % 8 < 3) {
          co_await stranger(self, std::move(socket), number % 8);
        } else {
          co_await insider(self, std::move(socket), key, number % 8);
        }
      }
      co_await pause(kAgainMs);
    }
  }

  // Without a handshake: silence, a byte now and then, garbage.
  static Task<void> stranger(Self self, Tcp::socket socket, std::size_t kind) {
    static constexpr std::string_view kHello = "\x13/multistream/1.0.0\n\x07/noise\n";
    std::uint8_t byte = 0;
    for (std::size_t n = 0;; ++n) {
      if (kind != 1) break;
      const char letter = kHello[n % kHello.size()];
      const auto [error, size] = co_await asio::async_write(socket, asio::buffer(&letter, 1), kAsTuple);
      if (error) co_return;
      self->figures_.bytes += size;
      co_await pause(500);
    }
    while (true) {
      if (kind != 2) break;
      co_await self->turn_to_send();
      const auto [error, size] = co_await asio::async_write(socket, asio::buffer(self->garbage_), kAsTuple);
      self->figures_.bytes += size;
      if (error) co_return;
    }
    (void)co_await socket.async_read_some(asio::buffer(&byte, 1), kAsTuple);  // the multistream header
    (void)co_await asio::async_read(socket, asio::buffer(self->ignored_), kAsTuple);
  }

  static Task<void> insider(Self self, Tcp::socket socket, HostKey key, std::size_t kind) {
    NoiseConfig noise{.role = Role::kInitiator,
                      .identity = key,
                      .static_keys = DhKeys::generate(self->random_),
                      .ephemeral = DhKeys::generate(self->random_),
                      .expected_peer = {},
                      .muxers = {std::string(kYamuxProtocol)}};
    const auto session =
        std::make_shared<Session>(self, std::move(socket), std::move(noise), self->protocols_, self->pool_);
    session->start();
    if (co_await session->wait_secured()) {
      if (kind == 4) co_await flood(self, session);
      if (kind == 5) co_await hoard(self, session);
      if (kind == 6) co_await ping_flood(self, session);
      if (kind == 7) co_await identify_bombs(self, session);
    }
    session->close({.fault = Fault::kInterrupted, .message = "hit and run"});  // kind 3 does only this
  }

  static Task<void> flood(Self self, std::shared_ptr<Session> session) {
    auto stream = co_await session->open({"/sink/1"}, StreamClass::kBulk);
    while (stream) {
      co_await self->turn_to_send();
      if (!co_await stream->write(self->garbage_)) co_return;
      self->figures_.bytes += kPieceBytes;
    }
  }

  // Echoes asked for on every stream there can be, and never read.
  static Task<void> hoard(Self self, std::shared_ptr<Session> session) {
    for (std::size_t n = 0; n < kHoardedStreams && session->is_open(); ++n) {
      auto stream = session->open_lazily("/echo/1");
      if (!stream) co_return;
      asio::co_spawn(self->io_, fill(self, session, std::move(*stream)), [](const std::exception_ptr&) {});
      co_await pause(5);
    }
    while (session->is_open()) co_await pause(1'000);
  }
  static Task<void> fill(Self self, std::shared_ptr<Session> session, Stream stream) {
    for (std::size_t n = 0; n < 4; ++n) {
      if (!co_await stream.write(self->garbage_)) co_return;
      self->figures_.bytes += kPieceBytes;
    }
    while (session->is_open()) co_await pause(1'000);  // what comes back is never read
  }

  static Task<void> ping_flood(Self self, std::shared_ptr<Session> session) {
    auto stream = session->open_lazily("/echo/1");
    while (stream && session->is_open()) {
      for (std::uint32_t n = 0; n < 1'000; ++n) session->connection().mux().ping(n);
      self->figures_.bytes += 1'000 * kYamuxHeaderBytes;
      if (!co_await stream->write(as_bytes("x"))) co_return;
      co_await pause(20);
    }
  }

  static Task<void> identify_bombs(Self self, std::shared_ptr<Session> session) {
    while (session->is_open()) {
      auto stream = session->open_lazily(std::string(kIdentifyPushProtocol));
      if (!stream || !co_await stream->write(self->garbage_)) co_return;
      self->figures_.bytes += kPieceBytes;
      stream->reset();
      co_await pause(20);
    }
  }

  asio::io_context& io_;
  TcpTarget target_;
  AttackPlan plan_;
  AttackFigures& figures_;
  SystemClock clock_;
  SystemRandom random_;
  Bytes garbage_;
  std::array<std::uint8_t, 64> ignored_{};
  ProtocolSet protocols_;
  std::shared_ptr<MemoryPool> pool_ = std::make_shared<MemoryPool>(1'024ULL * 1'024 * 1'024);
  std::uint64_t next_piece_ns_ = 0;
};

}  // namespace

void attack(const Multiaddr& victim, AttackPlan plan, AttackFigures& figures) {
  asio::io_context io(1);
  const auto army = std::make_shared<Army>(io, victim, plan, figures);
  army->begin();
  io.run();
  ::_exit(1);
}

}  // namespace micro::p2p::test
