#include "rpc/http/server.hpp"

#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <set>

#include "rpc/http/connection.hpp"

namespace micro {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Tcp = asio::ip::tcp;
using Local = asio::local::stream_protocol;
using IoExecutor = asio::io_context::executor_type;
template <class Protocol>
using Socket = asio::basic_stream_socket<Protocol, IoExecutor>;
template <class Protocol>
using Acceptor = asio::basic_socket_acceptor<Protocol, IoExecutor>;
constexpr std::uint64_t kAcceptPauseMs = 100;

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

/// User of the process at the other end of a Unix socket.
std::optional<uid_t> peer_of(Socket<Local>& socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
  return credentials.uid;
}

}  // namespace

class HttpServer::Impl final : public ConnectionOwner, public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& io, HttpHandler handler, const Clock& clock)
      : io_(io), handler_(std::move(handler)), clock_(clock), timer_(io) {}

  void handle(HttpRequest&& request, HttpResponder responder) override {
    handler_(std::move(request), std::move(responder));
  }
  void closed(const std::shared_ptr<Connection>& connection) override {
    if (connections_.erase(connection) > 0) --open_[index_of(connection->listener())];
  }
  [[nodiscard]] std::uint64_t now_ms() const override { return clock_.now().ns / 1'000'000; }

  void keep_sweeping() {
    timer_.expires_after(std::chrono::milliseconds(kHttpSweepMs));
    timer_.async_wait([self = shared_from_this()](const error_code& error) {
      if (error || self->stopping_) return;
      self->sweep();
      self->keep_sweeping();
    });
  }

  void sweep() {
    const std::uint64_t now = now_ms();
    std::vector<std::shared_ptr<Connection>> overdue;
    for (const auto& connection : connections_) {
      if (connection->overdue(now)) overdue.push_back(connection);
    }
    for (const auto& connection : overdue) connection->time_out();
  }

  template <class Protocol>
  void accept(std::shared_ptr<Acceptor<Protocol>> acceptor) {
    acceptor->async_accept([self = shared_from_this(), acceptor](const error_code& error, Socket<Protocol> socket) {
      if (self->stopping_ || error == asio::error::operation_aborted) return;
      if (error) return self->accept_later(acceptor);
      self->take(std::move(socket));
      self->accept(acceptor);
    });
  }

  void stop() {
    stopping_ = true;
    for (const auto& close : close_listeners_) close();
    close_listeners_.clear();
    timer_.cancel();
    const auto all = connections_;
    for (const auto& connection : all) connection->cut();
  }

  asio::io_context& io() { return io_; }
  void on_stop(std::function<void()> close) { close_listeners_.push_back(std::move(close)); }
  [[nodiscard]] std::size_t size() const { return connections_.size(); }

 private:
  static std::size_t index_of(HttpListener listener) { return static_cast<std::size_t>(listener); }

  /// Out of descriptors, usually: gives others time to close theirs.
  template <class Protocol>
  void accept_later(std::shared_ptr<Acceptor<Protocol>> acceptor) {
    const auto pause = std::make_shared<asio::steady_timer>(io_, std::chrono::milliseconds(kAcceptPauseMs));
    pause->async_wait([self = shared_from_this(), acceptor, pause](const error_code&) {
      if (!self->stopping_) self->accept(acceptor);
    });
  }

  void take(Socket<Tcp> socket) {
    error_code ignored;
    socket.set_option(Tcp::no_delay(true), ignored);
    serve(std::move(socket), HttpListener::kLoopback, 0);
  }
  void take(Socket<Local> socket) {
    if (const auto uid = peer_of(socket)) serve(std::move(socket), HttpListener::kUnixSocket, *uid);
  }

  void serve(Connection::Socket socket, HttpListener listener, uid_t uid) {
    if (!make_room(listener)) return;  // the socket closes
    auto connection = std::make_shared<Connection>(io_, shared_from_this(), std::move(socket), listener, uid);
    connections_.insert(connection);
    ++open_[index_of(listener)];
    connection->start();
  }

  /// A full listener gives up the connection that has been idle the longest; false when all are at work.
  bool make_room(HttpListener listener) {
    if (open_[index_of(listener)] < kMaxHttpConnections) return true;
    std::shared_ptr<Connection> oldest;
    for (const auto& connection : connections_) {
      if (connection->listener() != listener || !connection->idle()) continue;
      if (!oldest || connection->deadline_ms() < oldest->deadline_ms()) oldest = connection;
    }
    if (!oldest) return false;
    oldest->cut();
    return true;
  }

  asio::io_context& io_;
  HttpHandler handler_;
  const Clock& clock_;
  asio::steady_timer timer_;
  std::set<std::shared_ptr<Connection>> connections_;
  std::array<std::size_t, 2> open_{};  // of each listener
  std::vector<std::function<void()>> close_listeners_;
  bool stopping_ = false;
};

HttpServer::HttpServer(asio::io_context& io, HttpHandler handler)
    : HttpServer(io, std::move(handler), system_clock()) {}

HttpServer::HttpServer(asio::io_context& io, HttpHandler handler, const Clock& clock)
    : impl_(std::make_shared<Impl>(io, std::move(handler), clock)) {
  impl_->keep_sweeping();
}

HttpServer::~HttpServer() {
  stop();
}

void HttpServer::stop() {
  impl_->stop();
}

void HttpServer::sweep() {
  impl_->sweep();
}

std::size_t HttpServer::connections() const {
  return impl_->size();
}

Result<std::uint16_t> HttpServer::listen_loopback(const std::string& host, std::uint16_t port) {
  error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (error || !address.is_loopback()) return fail(Fault::kDenied, host + " is not a loopback address");
  const auto acceptor = std::make_shared<Acceptor<Tcp>>(impl_->io());
  const Tcp::endpoint endpoint(address, port);
  acceptor->open(endpoint.protocol(), error);
  if (!error) acceptor->set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor->bind(endpoint, error);
  if (!error) acceptor->listen(asio::socket_base::max_listen_connections, error);
  if (error == asio::error::address_in_use) {
    return fail(Fault::kDenied, "port " + std::to_string(port) + " is in use by another program",
                "name a free one with --http 127.0.0.1:PORT");
  }
  if (error) return fail(Fault::kIo, "cannot listen on " + host + ":" + std::to_string(port) + ": " + error.message());
  const std::uint16_t bound = acceptor->local_endpoint().port();
  impl_->on_stop([acceptor] {
    error_code ignored;
    acceptor->close(ignored);
  });
  impl_->accept(acceptor);
  return bound;
}

Status HttpServer::listen_unix(const std::filesystem::path& path) {
  error_code error;
  std::error_code ignored_fs;
  std::filesystem::remove(path, ignored_fs);
  const auto acceptor = std::make_shared<Acceptor<Local>>(impl_->io());
  acceptor->open(Local(), error);
  // The mode is set before anybody can connect: bind makes the file with the process's umask.
  const mode_t before = ::umask(0177);
  if (!error) acceptor->bind(Local::endpoint(path.string()), error);
  ::umask(before);
  if (!error) acceptor->listen(asio::socket_base::max_listen_connections, error);
  if (error) return fail(Fault::kIo, "cannot listen on " + path.string() + ": " + error.message());
  impl_->on_stop([acceptor, path] {
    error_code ignored;
    acceptor->close(ignored);
    std::error_code gone;
    std::filesystem::remove(path, gone);
  });
  impl_->accept(acceptor);
  return {};
}

}  // namespace micro
