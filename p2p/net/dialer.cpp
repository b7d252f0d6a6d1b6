#include "p2p/net/dialer.hpp"

namespace micro::p2p {

namespace asio = boost::asio;
using boost::system::error_code;
using Tcp = asio::ip::tcp;

namespace {

// Shared with the handlers of connects, which end after the race was given up.
struct Race {
  Race(asio::io_context& io, std::vector<Multiaddr> all) : decisions(std::move(all)), wake(io) {
    sockets.reserve(decisions.addresses().size());  // handlers run in sockets that stay where they are
    for (std::size_t n = 0; n < decisions.addresses().size(); ++n) sockets.emplace_back(io);
  }
  DialRace decisions;
  std::vector<Tcp::socket> sockets;
  asio::steady_timer wake;
  error_code last = asio::error::timed_out;
};

// Whatever ends the race, cancellation too, no attempt goes on.
struct Closer {
  std::shared_ptr<Race> race;
  explicit Closer(std::shared_ptr<Race> of) : race(std::move(of)) {}
  Closer(const Closer&) = delete;
  Closer& operator=(const Closer&) = delete;
  ~Closer() {
    error_code ignored;
    for (Tcp::socket& socket : race->sockets) socket.close(ignored);
  }
};

void begin(const std::shared_ptr<Race>& race, std::size_t n) {
  const auto target = race->decisions.addresses()[n].tcp_target();
  error_code invalid;
  const auto ip = asio::ip::make_address(target ? target->host : std::string(), invalid);
  if (invalid) {
    race->last = invalid;
    return race->decisions.failed(n);
  }
  race->sockets[n].async_connect(Tcp::endpoint(ip, target->port), [race, n](const error_code& error) {
    if (error) {
      if (error != asio::error::operation_aborted) race->last = error;
      race->decisions.failed(n);
    } else {
      race->decisions.connected(n);
    }
    race->wake.cancel();
  });
}

}  // namespace

Task<Result<std::vector<Multiaddr>>> resolve(asio::io_context* io, Multiaddr address) {
  const auto target = address.tcp_target();
  if (!target) co_return fail(Fault::kInvalid, "not an address to dial: " + address.text());
  if (target->kind == AddrCode::kIp4 || target->kind == AddrCode::kIp6) {
    co_return std::vector<Multiaddr>{address.without_peer()};
  }
  Tcp::resolver resolver(*io);
  const auto [unknown, endpoints] =
      co_await resolver.async_resolve(target->host, std::to_string(target->port), kAsTuple);
  if (unknown) co_return fail(Fault::kNotFound, "nobody knows " + target->host);
  std::vector<Multiaddr> out;
  for (const auto& entry : endpoints) {
    const auto ip = entry.endpoint().address();
    if (target->kind == AddrCode::kDns4 && !ip.is_v4()) continue;
    if (target->kind == AddrCode::kDns6 && !ip.is_v6()) continue;
    const auto one = Multiaddr::tcp(ip.to_string(), entry.endpoint().port());
    if (one && out.size() < kMaxRaced) out.push_back(*one);
  }
  co_return out;
}

Task<Result<Dialed>> connect_first(asio::io_context* io, const Clock* clock, std::vector<Multiaddr> addresses) {
  const auto race = std::make_shared<Race>(*io, addresses);
  const Closer closer(race);
  while (true) {
    const auto step = race->decisions.step(clock->now());
    error_code ignored;
    for (const std::size_t n : step.cancel) race->sockets[n].close(ignored);
    if (const auto n = race->decisions.winner()) {
      const auto at = std::ranges::find(addresses, race->decisions.addresses()[*n]);
      co_return Dialed{std::move(race->sockets[*n]), static_cast<std::size_t>(at - addresses.begin())};
    }
    if (race->decisions.lost()) co_return fail(Fault::kUnreachable, race->last.message());
    for (const std::size_t n : step.begin) begin(race, n);
    const std::uint64_t now_ns = clock->now().ns;
    const std::uint64_t wait_ns = step.wake && step.wake->ns > now_ns ? step.wake->ns - now_ns : 0;
    race->wake.expires_after(std::chrono::nanoseconds(wait_ns));
    (void)co_await race->wake.async_wait(kAsTuple);
  }
}

}  // namespace micro::p2p
