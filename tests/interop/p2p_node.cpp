// p2p_node listen ADDRESS [--no-extension]   prints "ready ADDRESS", serves until its input ends; both this and dial
//                                            print "muxer handshake|multistream" for a connection: what agreed on it
// p2p_node gossip ADDRESS nosign|sign        a node of the gossip cases
// p2p_node kad ADDRESS                       a node of the Kademlia cases
// p2p_node network ADDRESS NAME=VALUE…       a node with all that finds peers, for tests/netns
// p2p_node dial ADDRESS [--no-extension]     tries every case, prints "case NAME ok" or "case NAME failed: WHY"
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdio>

#include "tests/interop/cases.hpp"
#include "tests/interop/gossip_node.hpp"
#include "tests/interop/kad_node.hpp"
#include "tests/netns/network_node.hpp"

namespace micro::p2p::interop {
namespace {

namespace asio = boost::asio;

void say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

void say_muxer(const std::shared_ptr<Session>& session) {
  say(std::string("muxer ") + (session->connection().muxer_from_handshake() ? "handshake" : "multistream"));
}

Task<void> try_all(Host* host, Multiaddr address) {
  const auto session = co_await host->dial(std::move(address));
  if (!session) {
    say("dial failed: " + session.error().message);
    co_return;
  }
  for (const Case& one : cases()) {
    const Status status = co_await one.run(*host, *session);
    say(std::string("case ") + one.name + (status ? " ok" : " failed: " + status.error().message));
  }
}

void until_input_ends(asio::posix::stream_descriptor& input, Host& host) {
  static std::array<char, 64> ignored;
  input.async_read_some(asio::buffer(ignored), [&](const boost::system::error_code& error, std::size_t) {
    if (error) return host.stop();
    until_input_ends(input, host);
  });
}

int run(const std::string& mode, const Multiaddr& address, bool extension) {
  asio::io_context io(1);
  const SystemClock clock;
  SystemRandom random;
  Host host(io,
            {.key = HostKey::generate(random),
             .agent = "micro-interop",
             .muxer_in_handshake = extension,
             .gater = {.local_addresses = true}},
            clock, random);
  Responder responder(io.get_executor());
  serve(host, responder);
  host.on_identified(say_muxer);
  asio::posix::stream_descriptor input(io);
  if (mode == "listen") {
    const auto bound = host.listen(address);
    if (!bound) {
      say("failed: " + bound.error().message);
      return 1;
    }
    say("ready " + bound->text());
    input.assign(::dup(STDIN_FILENO));
    until_input_ends(input, host);
  } else {
    asio::co_spawn(io, try_all(&host, address), [&](const std::exception_ptr&) { host.stop(); });
  }
  io.run();
  return 0;
}

}  // namespace
}  // namespace micro::p2p::interop

int main(int argc, char** argv) {
  using namespace micro::p2p;
  const std::string mode = argc > 1 ? argv[1] : "";
  const auto address = Multiaddr::parse(argc > 2 ? argv[2] : "");
  const bool extension = argc < 4 || std::string(argv[3]) != "--no-extension";
  if (mode == "gossip" && address && argc == 4) return interop::run_gossip(*address, std::string(argv[3]) == "sign");
  if (mode == "kad" && address && argc == 3) return interop::run_kad(*address);
  if (mode == "network" && address) return netns::run_network_node(*address, {argv + 3, argv + argc});
  if ((mode != "listen" && mode != "dial") || !address) {
    std::fprintf(stderr,
                 "p2p_node listen|dial ADDRESS [--no-extension], gossip ADDRESS nosign|sign, kad ADDRESS, or network "
                 "ADDRESS NAME=VALUE…\n");
    return 2;
  }
  return interop::run(mode, *address, extension);
}
