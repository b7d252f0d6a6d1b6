// A name server on loopback that answers one question at a time.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <functional>
#include <vector>

#include "chain/base/bytes.hpp"

namespace micro::p2p::test {

struct NameServer {
  using Udp = boost::asio::ip::udp;
  explicit NameServer(boost::asio::io_context& io)
      : socket(io, Udp::endpoint(boost::asio::ip::address_v4::loopback(), 0)) {}
  // Answers one question with these bytes for each answer, made from the question.
  void answer(std::vector<std::function<Bytes(const Bytes&)>> answers) {
    socket.async_receive_from(
        boost::asio::buffer(buffer), from,
        [this, answers = std::move(answers)](const boost::system::error_code& error, std::size_t n) {
          if (error) return;
          const Bytes question(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(n));
          for (const auto& make : answers) {
            const Bytes out = make(question);
            socket.send_to(boost::asio::buffer(out), from);
          }
        });
  }
  Udp::socket socket;
  Udp::endpoint from;
  std::array<std::uint8_t, 1'024> buffer;
};

inline Bytes one_text(const Bytes& question, std::string_view text) {
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

}  // namespace micro::p2p::test
