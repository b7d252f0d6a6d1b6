#include "rpc/client/node_client.hpp"

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "rpc/api/methods.hpp"

namespace micro {

namespace {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using Local = asio::local::stream_protocol;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

constexpr const char* kStartIt = "start it with `micro server` or `micro dev`";
}  // namespace

class NodeClient::Impl {
 public:
  explicit Impl(std::filesystem::path path) : path_(std::move(path)) {}

  using Parser = http::response_parser<http::string_body>;

  /// Sends the request and reads the reply's header; a kept connection that the node closed meanwhile is made again.
  Status exchange(const ClientRequest& request, Parser& parser, bool whole) {
    if (socket_.is_open() && node_hung_up()) drop();
    if (!socket_.is_open()) TRY(connect());
    http::request<http::string_body> message(http::string_to_verb(request.method), request.target, 11);
    message.method_string(request.method);
    message.set(http::field::host, "localhost");
    for (const auto& [name, value] : request.headers) message.insert(name, value);
    message.body() = request.body;
    message.prepare_payload();
    error_code error;
    http::async_write(socket_, message, [&](error_code e, std::size_t) { error = e; });
    if (!finish(request.timeout_ms) || error) return lost(request, "while it was being asked");
    parser.body_limit(whole ? kMaxClientReplyBytes : std::numeric_limits<std::uint64_t>::max());
    if (whole) {
      http::async_read(socket_, buffer_, parser, [&](error_code e, std::size_t) { error = e; });
    } else {
      http::async_read_header(socket_, buffer_, parser, [&](error_code e, std::size_t) { error = e; });
    }
    if (!finish(request.timeout_ms))
      return lost(request, "within " + std::to_string(request.timeout_ms / 1'000) + " s");
    if (error) return lost(request, "to the end (" + error.message() + ")");
    if (whole && !parser.keep_alive()) drop();
    return {};
  }

  Status next_chunk(Parser& parser, std::uint64_t idle_ms) {
    error_code error;
    http::async_read_some(socket_, buffer_, parser, [&](error_code e, std::size_t) { error = e; });
    if (!finish(idle_ms)) {
      drop();
      return fail(Fault::kUnreachable, "nothing came for " + std::to_string(idle_ms / 1'000) + " s");
    }
    if (error) {
      drop();
      return fail(Fault::kUnreachable, "the node closed the stream (" + error.message() + ")");
    }
    return {};
  }

  void drop() {
    error_code ignored;
    socket_.close(ignored);
    buffer_.clear();
  }

 private:
  Status connect() {
    if (path_.string().size() >= sizeof(sockaddr_un::sun_path)) {
      return fail(Fault::kInvalid, "the socket's path is too long: " + path_.string(),
                  "choose a shorter --data folder");
    }
    error_code error;
    socket_.async_connect(Local::endpoint(path_.string()), [&](error_code e) { error = e; });
    if (!finish(kClientConnectMs)) error = asio::error::timed_out;
    if (!error) return {};
    drop();
    if (error == asio::error::access_denied) {
      return fail(Fault::kDenied, "no access to " + path_.string(), "only the user who runs the node may command it");
    }
    const bool absent = error == boost::system::errc::no_such_file_or_directory ||
                        error == asio::error::connection_refused || error == boost::system::errc::not_a_directory;
    return fail(Fault::kUnreachable,
                "the node is not running (" + std::string(absent ? "nobody listens on " : error.message() + ": ") +
                    path_.string() + ")",
                kStartIt);
  }

  /// Runs what was started; false when it did not end in time (it is cancelled then).
  bool finish(std::uint64_t timeout_ms) {
    io_.restart();
    io_.run_for(std::chrono::milliseconds(timeout_ms));
    if (io_.stopped()) return true;
    error_code ignored;
    socket_.close(ignored);
    io_.run();
    buffer_.clear();
    return false;
  }

  bool node_hung_up() {
    socket_.non_blocking(true);
    std::array<char, 1> one{};
    error_code error;
    socket_.receive(asio::buffer(one), asio::socket_base::message_peek, error);
    return error != asio::error::would_block;
  }

  std::unexpected<Error> lost(const ClientRequest& request, const std::string& how) {
    drop();
    if (request.effect == CallEffect::kChange) {
      return fail(Fault::kUnknownOutcome, "the node did not answer " + how + ": the change may have happened");
    }
    return fail(Fault::kUnreachable, "the node did not answer " + how, "see its log, or `micro node status`");
  }

  std::filesystem::path path_;
  asio::io_context io_;
  Local::socket socket_{io_};
  beast::flat_buffer buffer_;
};

NodeClient::NodeClient(std::filesystem::path socket) : impl_(std::make_unique<Impl>(std::move(socket))) {}
NodeClient::NodeClient(NodeClient&&) noexcept = default;
NodeClient& NodeClient::operator=(NodeClient&&) noexcept = default;
NodeClient::~NodeClient() = default;

Result<ClientReply> NodeClient::request(const ClientRequest& request) {
  Impl::Parser parser;
  TRY(impl_->exchange(request, parser, true));
  auto& message = parser.get();
  ClientReply out;
  out.status = message.result_int();
  for (const auto& field : message) out.headers.emplace_back(lower(field.name_string()), std::string(field.value()));
  out.body = std::move(message.body());
  return out;
}

Result<Json> NodeClient::call(std::string_view method, Json params, CallEffect effect, std::uint64_t timeout_ms) {
  ClientRequest http_request;
  http_request.method = "POST";
  http_request.target = "/rpc";
  http_request.headers.emplace_back("content-type", "application/json");
  http_request.effect = effect;
  http_request.timeout_ms = timeout_ms;
  http_request.body = json_text(Json{{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", std::move(params)}});
  const ClientReply reply = TRY(request(http_request));
  if (reply.status != 200) {
    return fail(Fault::kInternal,
                "the node answered " + std::string(method) + " with HTTP status " + std::to_string(reply.status));
  }
  Json json = TRY(parse_json(reply.body));
  if (!json.is_object()) return fail(Fault::kInternal, "the node's answer is not JSON-RPC");
  if (const auto error = json.find("error"); error != json.end()) return std::unexpected(error_from_json(*error));
  const auto result = json.find("result");
  if (result == json.end()) return fail(Fault::kInternal, "the node's answer has no result");
  return std::move(*result);
}

Status NodeClient::follow(const std::string& target, const std::function<bool(std::string_view line)>& on_line,
                          std::uint64_t idle_ms) {
  ClientRequest http_request;
  http_request.target = target;
  http_request.timeout_ms = idle_ms;
  Impl::Parser parser;
  TRY(impl_->exchange(http_request, parser, false));
  std::string& body = parser.get().body();
  while (true) {
    if (parser.get().result_int() == 200) {
      std::size_t end = 0;
      std::size_t start = 0;
      for (; (end = body.find('\n', start)) != std::string::npos; start = end + 1) {
        if (on_line(std::string_view(body).substr(start, end - start))) continue;
        impl_->drop();
        return {};
      }
      body.erase(0, start);
    }
    if (body.size() > kMaxClientLineBytes) {
      impl_->drop();
      return fail(Fault::kLimit, "a line of the stream is too long");
    }
    if (parser.is_done()) break;
    TRY(impl_->next_chunk(parser, idle_ms));
  }
  if (parser.get().result_int() == 200) return {};
  return fail(Fault::kInternal, "HTTP status " + std::to_string(parser.get().result_int()) + ": " +
                                    body.substr(0, std::min<std::size_t>(body.find('\n'), 400)));
}

}  // namespace micro
