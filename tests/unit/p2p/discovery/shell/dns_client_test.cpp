// A name server on loopback.
#include "p2p/discovery/shell/dns_client.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>

namespace micro::p2p {
namespace {

namespace asio = boost::asio;
using Udp = asio::ip::udp;

struct NameServer {
  explicit NameServer(asio::io_context& io) : socket(io, Udp::endpoint(asio::ip::address_v4::loopback(), 0)) {}
  // Answers one question with these bytes for each answer, made from the question.
  void answer(std::vector<std::function<Bytes(const Bytes&)>> answers) {
    socket.async_receive_from(
        asio::buffer(buffer), from,
        [this, answers = std::move(answers)](const boost::system::error_code& error, std::size_t n) {
          if (error) return;
          const Bytes question(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(n));
          for (const auto& make : answers) {
            const Bytes out = make(question);
            socket.send_to(asio::buffer(out), from);
          }
        });
  }
  Udp::socket socket;
  Udp::endpoint from;
  std::array<std::uint8_t, 1'024> buffer;
};

Bytes one_text(const Bytes& question, std::string_view text) {
  Bytes out(question.begin(), question.end() - 11);
  out[2] = 0x81;
  out[7] = 1;
  out[11] = 0;
  for (const std::uint8_t byte : Bytes{0xc0, 0x0c, 0, 16, 0, 1, 0, 0, 0, 60, 0}) out.push_back(byte);
  out.push_back(static_cast<std::uint8_t>(text.size() + 1));
  out.push_back(static_cast<std::uint8_t>(text.size()));
  out.insert(out.end(), text.begin(), text.end());
  return out;
}

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
