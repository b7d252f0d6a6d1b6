#include "rpc/front/http_front.hpp"

#include <algorithm>

#include "chain/base/bytes.hpp"
#include "chain/types/payment.hpp"
#include "genesis/json/strict_json.hpp"
#include "wallet/payer/entry.hpp"

namespace micro {
namespace {

constexpr std::string_view kApiPrefix = "/api/";
constexpr std::string_view kLocalSuffix = ".localhost";

HttpReply text_reply(unsigned status, std::string text) {
  return {status, "text/plain; charset=utf-8", {}, std::move(text)};
}

/// Below /api/ a service's content shares its origin with the node's own pages: no browser may run it there.
class Sandboxed final : public HttpResponder::Channel {
 public:
  explicit Sandboxed(HttpResponder inner) : inner_(std::move(inner)) {}
  void send(HttpReply reply) override {
    fence(reply);
    std::move(inner_).send(std::move(reply));
  }
  std::shared_ptr<HttpStream> stream(HttpReply head) override {
    fence(head);
    return std::move(inner_).stream(std::move(head));
  }
  void when_gone(std::function<void()> tell) override { inner_.when_gone(std::move(tell)); }

 private:
  static void fence(HttpReply& reply) {
    if (reply.content_type == "application/json") return;  // no browser renders it
    reply.headers.emplace_back("Content-Security-Policy", "sandbox");
    reply.headers.emplace_back("X-Content-Type-Options", "nosniff");
  }
  HttpResponder inner_;
};

/// What a call keeps as text, on this node's disk and on others'.
bool is_text(const std::optional<std::string>& text, std::size_t max_bytes) {
  return !text ||
         (text->size() <= max_bytes && std::ranges::all_of(*text, [](char c) { return c >= ' ' && c < '\x7f'; }));
}
static_assert(kMaxHttpMethodBytes <= kMaxMethodBytes);

}  // namespace

HttpReply problem(unsigned status, std::string_view title, std::string_view detail, std::string_view hint) {
  Json body{{"type", "about:blank"}, {"title", title}, {"status", status}, {"detail", detail}};
  if (!hint.empty()) body["hint"] = hint;
  return {status, "application/problem+json", {}, json_text(body) + "\n"};
}

CallerKind HttpFront::caller_of(const HttpRequest& request) const {
  // A page in a browser can reach loopback too, and a proxy the socket: what it sends for another site never spends.
  if (is_cross_site(request)) return CallerKind::kAnonymous;
  if (request.listener == HttpListener::kUnixSocket) return CallerKind::kOwner;
  const auto authorization = request.header("authorization");
  if (!authorization || token_.empty()) return CallerKind::kAnonymous;
  const std::string expected = "Bearer " + token_;
  const bool same =
      equal_in_constant_time(micro::as_bytes(*authorization), micro::as_bytes(std::string_view(expected)));
  return same ? CallerKind::kOwner : CallerKind::kAnonymous;
}

void HttpFront::route_call(HttpRequest&& request, std::string_view service, std::string path,
                           HttpResponder responder) const {
  ServiceCall call;
  const std::size_t at = service.find('@');
  if (service.substr(0, at).empty()) {
    return std::move(responder).send(problem(404, "no service is named", "a call needs the name of a service",
                                             "call one at /api/NAME/PATH; `micro services` lists them"));
  }
  call.name = std::string(service.substr(0, at));
  if (at != std::string_view::npos) call.commit = std::string(service.substr(at + 1));
  call.method = request.method;
  call.path = std::move(path);
  call.query = std::string(request.query());
  call.content_type = std::string(request.header("content-type").value_or(""));
  call.caller = caller_of(request);
  if (const auto price = request.header("micro-max-price")) {
    const auto parsed = parse_amount(*price);
    if (!parsed) {
      return std::move(responder).send(
          problem(400, "bad Micro-Max-Price", parsed.error().message, parsed.error().hint));
    }
    call.max_price = *parsed;
  }
  const auto copy = [&](const char* name) {
    const auto value = request.header(name);
    return value ? std::optional<std::string>(*value) : std::nullopt;
  };
  call.idempotency_key = copy("idempotency-key");
  call.payment = copy("payment-signature");
  call.account = copy("micro-account");
  if (!is_text(call.content_type, kMaxContentTypeBytes) || !is_text(call.idempotency_key, kMaxIdempotencyKeyBytes)) {
    return std::move(responder).send(problem(400, "bad header",
                                             "Content-Type and Idempotency-Key are ASCII, of at most " +
                                                 std::to_string(kMaxContentTypeBytes) + " and " +
                                                 std::to_string(kMaxIdempotencyKeyBytes) + " characters"));
  }
  call.body = std::move(request.body);
  handlers_.call(std::move(call), std::move(responder));
}

void HttpFront::handle(HttpRequest&& request, HttpResponder responder) const {
  const std::string_view path = request.path();
  if (request.host.ends_with(kLocalSuffix)) {
    const std::string service = request.host.substr(0, request.host.size() - kLocalSuffix.size());
    return route_call(std::move(request), service, std::string(path), std::move(responder));
  }
  if (path.starts_with(kApiPrefix)) {
    const std::string rest(path.substr(kApiPrefix.size()));
    const std::size_t slash = rest.find('/');
    std::string below = slash == std::string::npos ? "/" : rest.substr(slash);
    HttpResponder sandboxed(std::make_shared<Sandboxed>(std::move(responder)));
    return route_call(std::move(request), rest.substr(0, slash), std::move(below), std::move(sandboxed));
  }
  const bool from_owner = request.listener == HttpListener::kUnixSocket && !is_cross_site(request);
  if (path == "/healthz") return std::move(responder).send(text_reply(200, "ok\n"));
  if (path == "/readyz") {
    const bool ready = handlers_.ready();
    return std::move(responder).send(text_reply(ready ? 200 : 503, ready ? "ready\n" : "starting\n"));
  }
  if (path == "/rpc" && from_owner) {
    if (request.method != "POST") return std::move(responder).send(problem(405, "use POST", "JSON-RPC 2.0 over POST"));
    return handlers_.rpc(request, std::move(responder));
  }
  if (path == "/svc/logs" && from_owner) return handlers_.follow_logs(request, std::move(responder));
  if (path == "/") {
    return std::move(responder).send(
        text_reply(200, "a micro node. Call a service at /api/NAME/PATH or at http://NAME.localhost\n"));
  }
  std::move(responder).send(problem(404, "no such page", "nothing answers at " + std::string(path),
                                    "services answer below /api/NAME/ and at NAME.localhost"));
}

}  // namespace micro
