// HTTP as handlers see it: no sockets, no library types.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace micro {

inline constexpr std::size_t kMaxHttpHeaderBytes = 16 * 1'024;
inline constexpr std::size_t kMaxHttpMethodBytes = 16;
inline constexpr std::size_t kMaxHttpBodyBytes = 1'024 * 1'024;

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

/// Value of the first header with this name (lower case), or nothing.
std::optional<std::string_view> find_header(const HttpHeaders& headers, std::string_view name);

enum class HttpListener : std::uint8_t { kLoopback, kUnixSocket };

struct HttpRequest {
  HttpListener listener = HttpListener::kLoopback;
  uid_t peer_uid = 0;   ///< of the process at the other end of the Unix socket
  std::string method;   ///< "GET", …
  std::string target;   ///< path and query as sent
  std::string host;     ///< lower case, without port
  HttpHeaders headers;  ///< names in lower case, in the order sent
  std::string body;

  [[nodiscard]] std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
  [[nodiscard]] std::string_view query() const;
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const {
    return find_header(headers, name);
  }
};

struct HttpReply {
  unsigned status = 200;
  std::string content_type = "application/json";
  HttpHeaders headers;
  std::string body;
};

/// A reply that goes on: chunks until `end`. Safe to use from any thread; a reader that stops reading is cut off.
class HttpStream {
 public:
  virtual ~HttpStream() = default;
  /// False when nobody listens any more.
  virtual bool write(std::string chunk) = 0;
  virtual void end() = 0;
  /// False when nobody listens any more, as `write` would say.
  [[nodiscard]] virtual bool is_open() const = 0;
};

/// Answers one request, once, from any thread. Dropped without an answer it answers 500.
class HttpResponder {
 public:
  class Channel {
   public:
    virtual ~Channel() = default;
    virtual void send(HttpReply reply) = 0;
    virtual std::shared_ptr<HttpStream> stream(HttpReply head) = 0;
    virtual void when_gone(std::function<void()> tell) = 0;
  };
  explicit HttpResponder(std::shared_ptr<Channel> channel) : channel_(std::move(channel)) {}
  HttpResponder(HttpResponder&&) = default;
  HttpResponder& operator=(HttpResponder&&) = delete;
  ~HttpResponder();

  /// `tell` is called once, on the server's thread, if the client goes before it was answered; dropped otherwise. A
  /// client that ends its side is believed to wait for its reply for `kHttpHalfClosedMs` more, and then it is gone.
  /// Called by the handler before it returns; nothing when it has answered already.
  void when_gone(std::function<void()> tell) {
    if (channel_) channel_->when_gone(std::move(tell));
  }

  void send(HttpReply reply) && {
    const auto channel = std::exchange(channel_, nullptr);
    channel->send(std::move(reply));
  }
  std::shared_ptr<HttpStream> stream(HttpReply head) && {
    const auto channel = std::exchange(channel_, nullptr);
    return channel->stream(std::move(head));
  }

 private:
  std::shared_ptr<Channel> channel_;  // the connection waits on it too
};

using HttpHandler = std::function<void(HttpRequest&&, HttpResponder)>;

/// Host names that reach this machine only: localhost, *.localhost and loopback addresses.
bool is_loopback_host(std::string_view host);

/// True when a browser says that another site's page made the request: such a request never spends or administers.
bool is_cross_site(const HttpRequest& request);

}  // namespace micro
