// Two hosts on loopback and one thread; the test runs its loop until what it waits for has happened.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <optional>

#include "p2p/net/host.hpp"

namespace micro::p2p::test {

struct Hosts {
  using Tune = std::function<void(HostConfig&)>;
  boost::asio::io_context io{1};
  ManualClock clock;
  SeededRandom random{1};
  Host server;
  Host client;
  Multiaddr address;

  explicit Hosts(const Tune& of_server = {}, const Tune& of_client = {})
      : server(io, config(of_server, random), clock, random), client(io, config(of_client, random), clock, random) {
    address = server.listen(Multiaddr::tcp("127.0.0.1", 0).value()).value();
  }
  ~Hosts() {
    server.stop();
    client.stop();
    io.restart();
    io.run();  // returns: nothing waits for ever
  }
  static HostConfig config(const Tune& tune, Random& random) {
    HostConfig out{.key = HostKey::generate(random), .gater = {.local_addresses = true}};
    if (tune) tune(out);
    return out;
  }
  /// Runs until it holds.
  template <class Condition>
  void until(Condition condition) {
    io.restart();
    while (!condition() && io.run_one() > 0) {
    }
  }
  /// Runs a coroutine to its end.
  template <class T>
  T run(Task<T> task) {
    std::optional<T> out;
    boost::asio::co_spawn(io, std::move(task), [&](const std::exception_ptr& thrown, T value) {
      if (!thrown) out.emplace(std::move(value));
    });
    until([&] { return out.has_value(); });
    return std::move(out).value();
  }
  std::shared_ptr<Session> dial() { return run(client.dial(address)).value(); }
};

}  // namespace micro::p2p::test
