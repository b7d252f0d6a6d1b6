// Asks name servers for TXT records over UDP. An answer from another address, with another id or for another name is
// passed over; a seed's addresses are only a beginning, and whoever answers there must prove who he is.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

#include "chain/base/random.hpp"
#include "p2p/aio/task.hpp"
#include "p2p/discovery/dns.hpp"

namespace micro::p2p {

inline constexpr std::uint64_t kDnsWaitMs = 2'000;  ///< for one server's answer
inline constexpr unsigned kDnsRounds = 2;           ///< over all servers
inline constexpr std::size_t kMaxNameServers = 4;

/// Whoever knows the texts of a name.
class TxtResolver {
 public:
  virtual ~TxtResolver() = default;
  virtual Task<Result<std::vector<std::string>>> texts(std::string name) = 0;
};

class DnsClient final : public TxtResolver {
 public:
  /// All outlive it and its questions.
  DnsClient(boost::asio::io_context& io, std::vector<boost::asio::ip::udp::endpoint> servers, Random& random)
      : io_(io), servers_(std::move(servers)), random_(random) {}
  Task<Result<std::vector<std::string>>> texts(std::string name) override;

 private:
  boost::asio::io_context& io_;
  std::vector<boost::asio::ip::udp::endpoint> servers_;
  Random& random_;
};

/// Of the text of a resolv.conf: its `nameserver` lines.
std::vector<boost::asio::ip::udp::endpoint> name_servers(std::string_view resolv_conf);

}  // namespace micro::p2p
