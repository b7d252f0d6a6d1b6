// HTTP/1.1 on loopback and on a Unix socket. One thread, many connections; every wait has a deadline.
#pragma once

#include <filesystem>
#include <memory>

#include "chain/base/clock.hpp"
#include "chain/base/result.hpp"
#include "rpc/http/message.hpp"

namespace boost::asio {
class io_context;
}

namespace micro {

/// Of each listener: programs that fill one do not keep anybody out of the other.
inline constexpr std::size_t kMaxHttpConnections = 512;
inline constexpr std::uint64_t kHttpSweepMs = 1'000;  ///< deadlines are looked at this often

class HttpServer {
 public:
  /// The handler runs on the io_context's thread.
  HttpServer(boost::asio::io_context& io, HttpHandler handler);
  /// The clock outlives the server.
  HttpServer(boost::asio::io_context& io, HttpHandler handler, const Clock& clock);
  ~HttpServer();

  /// kDenied for an address that is not loopback, kBusy when the port is taken. Returns the bound port.
  Result<std::uint16_t> listen_loopback(const std::string& host, std::uint16_t port);
  /// Replaces a stale socket file; only this user may connect.
  Status listen_unix(const std::filesystem::path& path);
  /// Closes listeners and connections. What handlers still answer goes nowhere.
  void stop();
  /// Cuts connections that are past a deadline. Happens by itself every `kHttpSweepMs`.
  void sweep();
  [[nodiscard]] std::size_t connections() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;  // connections outlive the server while they unwind
};

}  // namespace micro
