#include "rpc/http/server.hpp"

#include <sys/socket.h>
#include <sys/stat.h>

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <deque>
#include <set>
#include <variant>

#include "chain/base/clock.hpp"

namespace micro {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using Tcp = asio::ip::tcp;
using Local = asio::local::stream_protocol;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kReadChunkBytes = 16 * 1'024;
constexpr std::uint64_t kSweepMs = 1'000;

std::uint64_t now_ms() {
  return SystemClock().now().ns / 1'000'000;
}

/// Chunks on their way from handlers to one connection. Its lock is all that other threads touch.
class StreamQueue final : public HttpStream {
 public:
  explicit StreamQueue(std::function<void()> wake) : wake_(std::move(wake)) {}

  bool write(std::string chunk) override {
    {
      const std::lock_guard guard(mutex_);
      if (closed_) return false;
      backlog_ += chunk.size();
      if (backlog_ > kMaxHttpStreamBacklogBytes) closed_ = true;
      if (!closed_) chunks_.push_back(std::move(chunk));
    }
    wake_();
    return true;
  }
  void end() override {
    {
      const std::lock_guard guard(mutex_);
      ended_ = true;
    }
    wake_();
  }
  void close() {
    const std::lock_guard guard(mutex_);
    closed_ = true;
  }
  /// Next chunk; an empty one at the end; nothing while there is none yet.
  std::optional<std::string> pop() {
    const std::lock_guard guard(mutex_);
    if (closed_) return std::string{};
    if (!chunks_.empty()) {
      std::string out = std::move(chunks_.front());
      chunks_.pop_front();
      backlog_ -= out.size();
      return out;
    }
    return ended_ ? std::optional<std::string>(std::in_place) : std::nullopt;
  }
  [[nodiscard]] bool cut_off() {
    const std::lock_guard guard(mutex_);
    return closed_;
  }

 private:
  std::mutex mutex_;
  std::function<void()> wake_;
  std::deque<std::string> chunks_;
  std::size_t backlog_ = 0;
  bool ended_ = false;
  bool closed_ = false;
};

/// Where a connection's coroutine waits for its handler's answer. Shared by the two; woken on the connection's
/// executor.
class Answer final : public HttpResponder::Channel, public std::enable_shared_from_this<Answer> {
 public:
  explicit Answer(asio::any_io_executor executor) : executor_(std::move(executor)) {}

  void send(HttpReply reply) override {
    asio::dispatch(executor_, [self = shared_from_this(), reply = std::move(reply)]() mutable {
      self->reply_ = std::move(reply);
      self->wake();
    });
  }
  std::shared_ptr<HttpStream> stream(HttpReply head) override {
    auto queue = std::make_shared<StreamQueue>([self = weak_from_this(), executor = executor_] {
      asio::post(executor, [self] {
        if (const auto alive = self.lock()) alive->wake();
      });
    });
    asio::dispatch(executor_, [self = shared_from_this(), head = std::move(head), queue]() mutable {
      self->reply_ = std::move(head);
      self->queue_ = queue;
      self->wake();
    });
    return queue;
  }

  /// Suspends until somebody wakes it. Only the connection's coroutine waits here.
  asio::awaitable<void> wait() {
    if (!std::exchange(woken_, false)) {
      co_await asio::async_initiate<decltype(asio::use_awaitable), void()>(
          [this](auto handler) {
            // std::function wants copies; the handler is move-only, so it is shared, and called once.
            auto shared = std::make_shared<decltype(handler)>(std::move(handler));
            resume_ = [shared] { std::move (*shared)(); };
          },
          asio::use_awaitable);
      woken_ = false;
    }
  }
  [[nodiscard]] bool answered() const { return reply_.has_value(); }
  HttpReply take_reply() { return std::move(*reply_); }
  [[nodiscard]] const std::shared_ptr<StreamQueue>& queue() const { return queue_; }
  void wake() {
    woken_ = true;
    if (const auto resume = std::exchange(resume_, nullptr)) resume();
  }

 private:
  asio::any_io_executor executor_;
  std::optional<HttpReply> reply_;
  std::shared_ptr<StreamQueue> queue_;
  std::function<void()> resume_;
  bool woken_ = false;
};

/// What the sweeper and `stop` need of a connection.
class ConnectionBase {
 public:
  virtual ~ConnectionBase() = default;
  virtual void cut() = 0;
  std::uint64_t deadline_ms = 0;
};

template <class Protocol>
class Connection final : public ConnectionBase {
 public:
  Connection(typename Protocol::socket s, HttpListener l, uid_t uid)
      : socket(std::move(s)), listener(l), peer_uid(uid) {}
  void cut() override {
    error_code ignored;
    socket.shutdown(asio::socket_base::shutdown_both, ignored);
    socket.close(ignored);
    if (waiting) waiting->wake();
  }
  typename Protocol::socket socket;
  HttpListener listener;
  uid_t peer_uid;
  beast::flat_buffer buffer{kMaxHttpHeaderBytes + kMaxHttpBodyBytes + kReadChunkBytes};
  std::shared_ptr<Answer> waiting;
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

std::string host_without_port(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  const bool has_port = colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos;
  return lower(has_port ? host.substr(0, colon) : host);
}

HttpReply plain(unsigned status, std::string text) {
  return {status, "text/plain; charset=utf-8", {}, std::move(text) + "\n"};
}

/// Folded header lines (RFC 9112 §5.2) are refused: servers disagree on what they mean.
bool has_folded_line(std::string_view header_block) {
  for (std::size_t at = header_block.find('\n'); at != std::string_view::npos; at = header_block.find('\n', at + 1)) {
    if (at + 1 < header_block.size() && (header_block[at + 1] == ' ' || header_block[at + 1] == '\t')) return true;
  }
  return false;
}

using Parser = http::request_parser<http::string_body>;

Result<HttpRequest> to_request(Parser& parser, HttpListener listener, uid_t uid) {
  auto& message = parser.get();
  HttpRequest out;
  out.listener = listener;
  out.peer_uid = uid;
  out.method = std::string(message.method_string());
  out.target = std::string(message.target());
  if (out.target.empty() || out.target.front() != '/') return fail(Fault::kInvalid, "the target must start with /");
  out.headers.reserve(16);
  std::size_t hosts = 0;
  for (const auto& field : message) {
    out.headers.emplace_back(lower(field.name_string()), std::string(field.value()));
    if (field.name() == http::field::host) {
      ++hosts;
      out.host = host_without_port(field.value());
    }
  }
  if (hosts != 1) return fail(Fault::kInvalid, "exactly one Host header is needed");
  out.body = std::move(message.body());
  return out;
}

}  // namespace

class HttpServer::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& io, HttpHandler handler) : io_(io), handler_(std::move(handler)), sweep_timer_(io) {}

  void start_sweeper() { asio::co_spawn(io_, sweep(shared_from_this()), asio::detached); }

  template <class Protocol>
  void start_accepting(std::shared_ptr<typename Protocol::acceptor> acceptor) {
    asio::co_spawn(io_, accept<Protocol>(shared_from_this(), acceptor), asio::detached);
  }

  void stop() {
    stopping_ = true;
    for (const auto& close : close_listeners_) close();
    close_listeners_.clear();
    sweep_timer_.cancel();
    const auto all = connections_;
    for (const auto& connection : all) connection->cut();
  }

  asio::io_context& io() { return io_; }
  void on_stop(std::function<void()> close) { close_listeners_.push_back(std::move(close)); }
  [[nodiscard]] std::size_t size() const { return connections_.size(); }

 private:
  static asio::awaitable<void> sweep(std::shared_ptr<Impl> self) {
    while (!self->stopping_) {
      self->sweep_timer_.expires_after(std::chrono::milliseconds(kSweepMs));
      const auto [error] = co_await self->sweep_timer_.async_wait(kAwait);
      if (error || self->stopping_) co_return;
      const std::uint64_t now = now_ms();
      const auto all = self->connections_;
      for (const auto& connection : all) {
        if (connection->deadline_ms < now) connection->cut();
      }
    }
  }

  template <class Protocol>
  static asio::awaitable<void> accept(std::shared_ptr<Impl> self,
                                      std::shared_ptr<typename Protocol::acceptor> acceptor) {
    while (!self->stopping_) {
      auto [error, socket] = co_await acceptor->async_accept(kAwait);
      if (error == asio::error::operation_aborted || self->stopping_) co_return;
      if (error) {  // out of descriptors, usually: give others time to close theirs
        asio::steady_timer pause(self->io_, std::chrono::milliseconds(100));
        co_await pause.async_wait(kAwait);
        continue;
      }
      if (self->connections_.size() >= kMaxHttpConnections) continue;  // the socket closes
      uid_t uid = 0;
      HttpListener listener = HttpListener::kLoopback;
      if constexpr (std::same_as<Protocol, Local>) {
        listener = HttpListener::kUnixSocket;
        ucred credentials{};
        socklen_t size = sizeof credentials;
        if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) continue;
        uid = credentials.uid;
      } else {
        error_code ignored;
        socket.set_option(Tcp::no_delay(true), ignored);
      }
      auto connection = std::make_shared<Connection<Protocol>>(std::move(socket), listener, uid);
      self->connections_.insert(connection);
      asio::co_spawn(self->io_, serve<Protocol>(self, connection), asio::detached);
    }
  }

  template <class Protocol>
  static asio::awaitable<void> serve(std::shared_ptr<Impl> self, std::shared_ptr<Connection<Protocol>> connection) {
    bool going = true;
    while (going && !self->stopping_) {
      connection->deadline_ms = now_ms() + kHttpIdleMs;
      Parser parser;
      parser.header_limit(kMaxHttpHeaderBytes);
      parser.body_limit(kMaxHttpBodyBytes);
      HttpReply refusal;
      const Received received = co_await receive<Protocol>(connection, parser, refusal);
      if (received == Received::kClosed) break;
      if (received == Received::kRefused) {
        co_await write_reply<Protocol>(connection, std::move(refusal), false, false);
        break;
      }
      going = co_await answer<Protocol>(self, connection, parser);
    }
    connection->cut();
    self->connections_.erase(connection);
  }

  enum class Received { kWhole, kRefused, kClosed };

  /// Reads one request into the parser. What follows it in the buffer stays there for the next one.
  template <class Protocol>
  static asio::awaitable<Received> receive(std::shared_ptr<Connection<Protocol>> connection, Parser& parser,
                                           HttpReply& refusal) {
    auto& buffer = connection->buffer;
    bool checked = false;
    error_code error;
    for (;;) {
      if (!checked) {
        const auto data = buffer.cdata();
        const std::string_view text(static_cast<const char*>(data.data()), data.size());
        const std::size_t end = text.find("\r\n\r\n");
        if (end == std::string_view::npos && text.size() > kMaxHttpHeaderBytes) {
          refusal = plain(431, "the headers are larger than " + std::to_string(kMaxHttpHeaderBytes) + " bytes");
          co_return Received::kRefused;
        }
        if (end != std::string_view::npos) {
          if (has_folded_line(text.substr(0, end))) {
            refusal = plain(400, "folded header lines are not accepted");
            co_return Received::kRefused;
          }
          checked = true;
        }
      }
      if (checked && buffer.size() > 0) {
        while (!parser.is_done() && buffer.size() > 0) {
          const std::size_t used = parser.put(buffer.data(), error);
          buffer.consume(used);
          if (error == http::error::need_more) break;
          if (error) {
            refusal = refusal_for(error);
            co_return Received::kRefused;
          }
        }
        error = {};
        if (parser.is_done()) co_return Received::kWhole;
        if (parser.is_header_done() && parser.get()[http::field::expect] == "100-continue") {
          parser.get().erase(http::field::expect);
          const auto [sent, n] = co_await asio::async_write(
              connection->socket, asio::buffer(std::string_view("HTTP/1.1 100 Continue\r\n\r\n")), kAwait);
          if (sent) co_return Received::kClosed;
        }
      }
      const auto [read_error, n] = co_await connection->socket.async_read_some(buffer.prepare(kReadChunkBytes), kAwait);
      if (read_error) co_return Received::kClosed;
      if (buffer.size() == 0) connection->deadline_ms = now_ms() + kHttpReceiveMs;
      buffer.commit(n);
    }
  }

  static HttpReply refusal_for(error_code error) {
    if (error == http::error::body_limit) {
      return plain(413, "the body is larger than " + std::to_string(kMaxHttpBodyBytes) + " bytes");
    }
    if (error == http::error::header_limit) return plain(431, "the headers are too large");
    return plain(400, "not a valid HTTP/1.1 request: " + error.message());
  }

  template <class Protocol>
  static asio::awaitable<bool> answer(std::shared_ptr<Impl> self, std::shared_ptr<Connection<Protocol>> connection,
                                      Parser& parser) {
    const bool keep_alive = parser.get().keep_alive();
    const bool head_only = parser.get().method() == http::verb::head;
    auto request = to_request(parser, connection->listener, connection->peer_uid);
    if (!request) {
      co_await write_reply<Protocol>(connection, plain(400, request.error().message), false, false);
      co_return false;
    }
    if (connection->listener == HttpListener::kLoopback && !is_loopback_host(request->host)) {
      // A page of another site that resolves its name to this machine (DNS rebinding) ends here.
      co_await write_reply<Protocol>(connection, plain(421, "this node answers to localhost only"), false, false);
      co_return false;
    }
    const auto answer = std::make_shared<Answer>(self->io_.get_executor());  // its handler may answer from elsewhere
    connection->waiting = answer;
    connection->deadline_ms = UINT64_MAX;  // handlers bound their own time
    self->handler_(std::move(*request), HttpResponder(answer));
    while (!answer->answered() && connection->socket.is_open()) co_await answer->wait();
    if (!answer->answered()) co_return false;
    bool going = false;
    if (answer->queue()) {
      going = co_await write_stream<Protocol>(connection, answer);
    } else {
      going = co_await write_reply<Protocol>(connection, answer->take_reply(), keep_alive, head_only);
    }
    connection->waiting = nullptr;
    co_return going;
  }

  static http::response<http::string_body> to_response(HttpReply reply, bool keep_alive) {
    http::response<http::string_body> response(http::int_to_status(reply.status), 11);
    response.result(reply.status);
    response.set(http::field::content_type, reply.content_type);
    for (const auto& [name, value] : reply.headers) response.insert(name, value);
    response.keep_alive(keep_alive);
    response.body() = std::move(reply.body);
    return response;
  }

  template <class Protocol>
  static asio::awaitable<bool> write_reply(std::shared_ptr<Connection<Protocol>> connection, HttpReply reply,
                                           bool keep_alive, bool head_only) {
    connection->deadline_ms = now_ms() + kHttpWriteMs;
    auto response = to_response(std::move(reply), keep_alive);
    response.prepare_payload();
    http::response_serializer<http::string_body> serializer(response);
    serializer.split(head_only);
    error_code failed;
    if (head_only) {
      const auto [error, n] = co_await http::async_write_header(connection->socket, serializer, kAwait);
      failed = error;
    } else {
      const auto [error, n] = co_await http::async_write(connection->socket, serializer, kAwait);
      failed = error;
    }
    const bool going = !failed && keep_alive;
    co_return going;
  }

  template <class Protocol>
  static asio::awaitable<bool> write_stream(std::shared_ptr<Connection<Protocol>> connection,
                                            std::shared_ptr<Answer> answer) {
    const auto queue = answer->queue();
    http::response<http::empty_body> head(http::status::ok, 11);
    HttpReply reply = answer->take_reply();
    head.result(reply.status);
    head.set(http::field::content_type, reply.content_type);
    for (const auto& [name, value] : reply.headers) head.insert(name, value);
    head.chunked(true);
    http::response_serializer<http::empty_body> serializer(head);
    connection->deadline_ms = now_ms() + kHttpWriteMs;
    const auto [head_error, head_size] = co_await http::async_write_header(connection->socket, serializer, kAwait);
    bool open = !head_error;
    while (open) {
      auto chunk = queue->pop();
      if (!chunk) {
        connection->deadline_ms = UINT64_MAX;
        co_await answer->wait();
        open = connection->socket.is_open();
        continue;
      }
      if (chunk->empty()) break;
      connection->deadline_ms = now_ms() + kHttpWriteMs;
      const auto [error, n] =
          co_await asio::async_write(connection->socket, http::make_chunk(asio::buffer(*chunk)), kAwait);
      open = !error;
    }
    const bool whole = open && !queue->cut_off();
    queue->close();
    if (!whole) co_return false;
    const auto [error, n] = co_await asio::async_write(connection->socket, http::make_chunk_last(), kAwait);
    co_return !error;
  }

  asio::io_context& io_;
  HttpHandler handler_;
  asio::steady_timer sweep_timer_;
  std::set<std::shared_ptr<ConnectionBase>> connections_;
  std::vector<std::function<void()>> close_listeners_;
  bool stopping_ = false;
};

HttpServer::HttpServer(asio::io_context& io, HttpHandler handler)
    : impl_(std::make_shared<Impl>(io, std::move(handler))) {
  impl_->start_sweeper();
}

HttpServer::~HttpServer() {
  stop();
}

void HttpServer::stop() {
  impl_->stop();
}

std::size_t HttpServer::connections() const {
  return impl_->size();
}

Result<std::uint16_t> HttpServer::listen_loopback(const std::string& host, std::uint16_t port) {
  error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (error || !address.is_loopback()) return fail(Fault::kDenied, host + " is not a loopback address");
  const auto acceptor = std::make_shared<Tcp::acceptor>(impl_->io());
  const Tcp::endpoint endpoint(address, port);
  acceptor->open(endpoint.protocol(), error);
  if (!error) acceptor->set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor->bind(endpoint, error);
  if (!error) acceptor->listen(asio::socket_base::max_listen_connections, error);
  if (error == asio::error::address_in_use) {
    return fail(Fault::kBusy, "port " + std::to_string(port) + " is in use by another program",
                "name a free one with --listen 127.0.0.1:PORT");
  }
  if (error) return fail(Fault::kIo, "cannot listen on " + host + ":" + std::to_string(port) + ": " + error.message());
  const std::uint16_t bound = acceptor->local_endpoint().port();
  impl_->on_stop([acceptor] {
    error_code ignored;
    acceptor->close(ignored);
  });
  impl_->start_accepting<Tcp>(acceptor);
  return bound;
}

Status HttpServer::listen_unix(const std::filesystem::path& path) {
  error_code error;
  std::error_code ignored_fs;
  std::filesystem::remove(path, ignored_fs);
  const auto acceptor = std::make_shared<Local::acceptor>(impl_->io());
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
  impl_->start_accepting<Local>(acceptor);
  return {};
}

}  // namespace micro
