// HTTP/1.1 on loopback and on a Unix socket. One thread, many connections; every wait has a deadline.
#pragma once

#include <filesystem>
#include <memory>

#include "chain/base/result.hpp"
#include "rpc/http/message.hpp"

namespace boost::asio {
class io_context;
}

namespace micro {

inline constexpr std::size_t kMaxHttpConnections = 1'024;
inline constexpr std::uint64_t kHttpIdleMs = 60'000;          ///< between requests
inline constexpr std::uint64_t kHttpReceiveMs = 10'000;       ///< for one whole request
inline constexpr std::uint64_t kHttpWriteMs = 30'000;         ///< for one reply, or one chunk of a stream
inline constexpr std::size_t kMaxHttpStreamBacklogBytes = 4u << 20;

class HttpServer {
 public:
  /// The handler runs on the io_context's thread.
  HttpServer(boost::asio::io_context& io, HttpHandler handler);
  ~HttpServer();

  /// kDenied for an address that is not loopback, kBusy when the port is taken. Returns the bound port.
  Result<std::uint16_t> listen_loopback(const std::string& host, std::uint16_t port);
  /// Replaces a stale socket file; only this user may connect.
  Status listen_unix(const std::filesystem::path& path);
  /// Closes listeners and connections. What handlers still answer goes nowhere.
  void stop();
  [[nodiscard]] std::size_t connections() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;  // connections outlive the server while they unwind
};

}  // namespace micro
