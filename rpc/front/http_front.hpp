// From HTTP requests to what the node does: which surface a request reached, and who may pay for it.
#pragma once

#include <functional>
#include <string>

#include "chain/types/amount.hpp"
#include "rpc/http/message.hpp"

namespace micro {

/// Who pays when the caller brings no voucher.
enum class CallerKind : std::uint8_t {
  kOwner,      ///< the Unix socket, or the bearer token: the node's gateway may pay
  kAnonymous,  ///< loopback: pays with its own channel, is served free where the host allows it, or gets 402
};

/// A call of a service, as the caller sent it.
struct ServiceCall {
  std::string name;
  std::optional<std::string> commit;  ///< hex prefix after '@'
  std::string method;
  std::string path;  ///< below the service's root, begins with '/'
  std::string query;
  std::string content_type;
  std::string body;
  CallerKind caller = CallerKind::kAnonymous;
  std::optional<Amount> max_price;
  std::optional<std::string> idempotency_key;
  std::optional<std::string> payment;  ///< PAYMENT-SIGNATURE
  std::optional<std::string> account;  ///< whose session key shall pay
};

struct FrontHandlers {
  std::function<void(ServiceCall&&, HttpResponder)> call;
  std::function<void(const HttpRequest&, HttpResponder)> rpc;
  std::function<void(const HttpRequest&, HttpResponder)> follow_logs;
  std::function<bool()> ready;
};

/// Routes requests:
///   /healthz /readyz · POST /rpc and GET /svc/logs (Unix socket only) · /api/{service}[@commit]/{path…}
///   any path on {service}.localhost
class HttpFront {
 public:
  /// `token`: bearer token that makes a loopback caller the owner.
  HttpFront(FrontHandlers handlers, std::string token) : handlers_(std::move(handlers)), token_(std::move(token)) {}
  void handle(HttpRequest&& request, HttpResponder responder) const;

 private:
  void route_call(HttpRequest&& request, std::string_view service, std::string path, HttpResponder responder) const;
  [[nodiscard]] CallerKind caller_of(const HttpRequest& request) const;
  FrontHandlers handlers_;
  std::string token_;
};

/// RFC 9457 problem as JSON.
HttpReply problem(unsigned status, std::string_view title, std::string_view detail, std::string_view hint = {});

}  // namespace micro
