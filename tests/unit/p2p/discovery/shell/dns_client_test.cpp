#include "p2p/discovery/shell/dns_client.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>

#include "tests/gen/p2p/name_server.hpp"

namespace micro::p2p {
namespace {

namespace asio = boost::asio;
using Udp = asio::ip::udp;

using test::NameServer;
using test::one_text;

Result<std::vector<std::string>> ask(asio::io_context& io, DnsClient& client) {
  std::optional<Result<std::vector<std::string>>> out;
  asio::co_spawn(io, client.texts("seed.example"), [&](const std::exception_ptr& thrown, auto value) {
    if (!thrown) out.emplace(std::move(value));
  });
  io.restart();
  while (!out && io.run_one() > 0) {
  }
  return std::move(out).value();
}

TEST(DnsClient, TakesTheAnswerToItsQuestionAndNoOther) {
  asio::io_context io(1);
  SeededRandom random(1);
  NameServer server(io);
  DnsClient client(io, {server.socket.local_endpoint()}, random);
  server.answer({[](const Bytes& question) {
                   Bytes forged = one_text(question, "forged");
                   forged[0] ^= 1;
                   return forged;
                 },
                 [](const Bytes&) { return Bytes{1, 2, 3}; },
                 [](const Bytes& question) { return one_text(question, "right"); }});
  EXPECT_EQ(ask(io, client).value(), std::vector<std::string>{"right"});
}

TEST(DnsClient, AnotherServerIsAskedWhereOneIsNotThere) {
  asio::io_context io(1);
  SeededRandom random(1);
  NameServer server(io);
  Udp::endpoint nobody(asio::ip::address_v6::any(), 0);  // cannot be sent to
  DnsClient client(io, {nobody, server.socket.local_endpoint()}, random);
  server.answer({[](const Bytes& question) { return one_text(question, "here"); }});
  EXPECT_EQ(ask(io, client).value(), std::vector<std::string>{"here"});
}

TEST(DnsClient, WithoutServersItSaysSo) {
  asio::io_context io(1);
  SeededRandom random(1);
  DnsClient client(io, {}, random);
  EXPECT_EQ(ask(io, client).error().fault, Fault::kUnreachable);
}

TEST(DnsClient, ServersComeFromTheSystemsFile) {
  const auto servers = name_servers(
      "# nameserver 9.9.9.9\nsearch example\nnameserver 192.0.2.1\nnameserver\t2001:db8::1 x\n"
      "nameservers 192.0.2.9\nnameserver nonsense\nnameserver 192.0.2.2");
  ASSERT_EQ(servers.size(), 3U);
  EXPECT_EQ(servers[0].address().to_string(), "192.0.2.1");
  EXPECT_EQ(servers[1].address().to_string(), "2001:db8::1");
  EXPECT_EQ(servers[2].port(), 53);
}

}  // namespace
}  // namespace micro::p2p
