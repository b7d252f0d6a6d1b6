#include "p2p/discovery/shell/dns_client.hpp"

#include <array>
#include <memory>

namespace micro::p2p {

namespace asio = boost::asio;
using boost::system::error_code;
using Udp = asio::ip::udp;

namespace {

constexpr std::uint16_t kDnsPort = 53;

// One question to one server. kUnreachable where no answer came in time.
Task<Result<std::vector<std::string>>> ask(asio::io_context* io, Udp::endpoint server, std::string name,
                                           std::uint16_t id) {
  const auto question = txt_question(id, name);
  if (!question) co_return std::unexpected(question.error());
  const auto socket = std::make_shared<Udp::socket>(*io);
  error_code error;
  socket->open(server.protocol(), error);  // from a port that the kernel draws
  if (error) co_return fail(Fault::kIo, "cannot ask a name server: " + error.message());
  const auto [unsent, sent] = co_await socket->async_send_to(asio::buffer(*question), server, kAsTuple);
  if (unsent) co_return fail(Fault::kUnreachable, "cannot ask a name server: " + unsent.message());
  asio::steady_timer timer(*io, std::chrono::milliseconds(kDnsWaitMs));
  timer.async_wait([socket](const error_code& cancelled) {
    error_code ignored;
    if (!cancelled) socket->close(ignored);
  });
  std::array<std::uint8_t, kMaxDnsAnswerBytes> buffer;
  while (true) {
    Udp::endpoint from;
    const auto [failed, size] = co_await socket->async_receive_from(asio::buffer(buffer), from, kAsTuple);
    if (failed) co_return fail(Fault::kUnreachable, "no name server answered for " + name);
    if (from != server) continue;
    auto answer = txt_answer(id, name, ByteView(buffer).first(size));
    if (answer || answer.error().fault != Fault::kInvalid) co_return answer;
  }
}

}  // namespace

Task<Result<std::vector<std::string>>> DnsClient::texts(std::string name) {
  Error last{.fault = Fault::kUnreachable, .message = "there is no name server"};
  for (unsigned round = 0; round < kDnsRounds; ++round) {
    for (const Udp::endpoint& server : servers_) {
      auto answer = co_await ask(&io_, server, name, static_cast<std::uint16_t>(random_.draw_u64()));
      if (answer || answer.error().fault != Fault::kUnreachable) co_return answer;
      last = answer.error();
    }
  }
  co_return std::unexpected(last);
}

std::vector<Udp::endpoint> name_servers(std::string_view resolv_conf) {
  constexpr std::string_view kKey = "nameserver";
  constexpr std::string_view kBlank = " \t\r";
  std::vector<Udp::endpoint> out;
  while (!resolv_conf.empty() && out.size() < kMaxNameServers) {
    const std::size_t size = std::min(resolv_conf.find('\n'), resolv_conf.size());
    std::string_view line = resolv_conf.substr(0, size);
    resolv_conf.remove_prefix(std::min(size + 1, resolv_conf.size()));
    if (!line.starts_with(kKey) || line.size() == kKey.size()) continue;
    line.remove_prefix(kKey.size());
    const std::size_t begin = line.find_first_not_of(kBlank);
    if (begin == 0 || begin == std::string_view::npos) continue;
    line.remove_prefix(begin);
    error_code invalid;
    const auto ip = asio::ip::make_address(std::string(line.substr(0, line.find_first_of(kBlank))), invalid);
    if (!invalid) out.emplace_back(ip, kDnsPort);
  }
  return out;
}

}  // namespace micro::p2p
