#include "rpc/demo/loopback_http.hpp"

#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <charconv>

namespace micro {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

struct LoopbackHttp::Impl {
  asio::io_context io;
  asio::ip::tcp::socket socket{io};
  boost::beast::flat_buffer buffer;
  std::string host;
  asio::ip::tcp::endpoint endpoint;

  /// The server closes a connection that was idle for long: that is seen before a request is sent into it.
  bool is_closed() {
    if (!socket.is_open()) return true;
    std::array<char, 1> one{};
    error_code error;
    socket.non_blocking(true, error);
    socket.receive(asio::buffer(one), asio::socket_base::message_peek, error);
    const bool open = error == asio::error::would_block;
    socket.non_blocking(false, error);
    return !open;
  }
  error_code connect_again() {
    error_code error;
    socket.close(error);
    socket = asio::ip::tcp::socket(io);
    buffer.clear();
    socket.connect(endpoint, error);
    return error;
  }
};

LoopbackHttp::LoopbackHttp(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LoopbackHttp::LoopbackHttp(LoopbackHttp&&) noexcept = default;
LoopbackHttp::~LoopbackHttp() = default;

Result<LoopbackHttp> LoopbackHttp::connect(const std::string& url) {
  constexpr std::string_view kScheme = "http://";
  const std::size_t colon = url.rfind(':');
  std::uint16_t port = 0;
  const char* end = url.data() + url.size();
  if (!url.starts_with(kScheme) || std::from_chars(url.data() + colon + 1, end, port).ptr != end) {
    return fail(Fault::kInvalid, url + " is not an address");
  }
  auto impl = std::make_unique<Impl>();
  impl->host = url.substr(kScheme.size());
  error_code error;
  const auto address = asio::ip::make_address(url.substr(kScheme.size(), colon - kScheme.size()), error);
  impl->endpoint = {address, port};
  if (!error) error = impl->connect_again();
  if (error) return fail(Fault::kUnreachable, "cannot reach " + url + ": " + error.message());
  return LoopbackHttp(std::move(impl));
}

Result<HttpReply> LoopbackHttp::send(const std::string& method, const std::string& target, const HttpHeaders& headers,
                                     const std::string& body) {
  http::request<http::string_body> request;
  request.method_string(method);
  request.target(target);
  request.set(http::field::host, impl_->host);
  for (const auto& [name, value] : headers) request.set(name, value);
  request.body() = body;
  request.prepare_payload();
  error_code error;
  if (impl_->is_closed()) error = impl_->connect_again();
  if (error) return fail(Fault::kUnreachable, "cannot reach " + impl_->host + ": " + error.message());
  http::write(impl_->socket, request, error);
  http::response<http::string_body> response;
  if (!error) http::read(impl_->socket, impl_->buffer, response, error);
  if (error) return fail(Fault::kUnknownOutcome, "the connection broke: " + error.message());
  HttpReply out;
  out.status = response.result_int();
  out.body = std::move(response.body());
  for (const auto& field : response) {
    std::string name(field.name_string());
    for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    out.headers.emplace_back(std::move(name), std::string(field.value()));
  }
  return out;
}

}  // namespace micro
