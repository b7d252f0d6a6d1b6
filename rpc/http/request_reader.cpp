#include "rpc/http/request_reader.hpp"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

namespace micro {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;
using Chars = boost::beast::string_view;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower(Chars text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// Path and query hold visible ASCII only (RFC 3986 §2): what is behind the node stores and prints them as text.
bool is_target(std::string_view text) {
  return text.starts_with('/') && std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f' && c != '#'; });
}

/// "name[:port]" in lower case without its port; nothing when the port is not a number.
std::optional<std::string> host_without_port(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  const bool has_port = colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos;
  if (has_port && !all_digits(host.substr(colon + 1))) return std::nullopt;
  return lower(Chars(has_port ? host.substr(0, colon) : host));
}

}  // namespace

HttpReply plain_reply(unsigned status, std::string text) {
  return {status, "text/plain; charset=utf-8", {}, std::move(text) + "\n"};
}

/// Takes what Beast finds straight into a request, and refuses what it lets pass.
class RequestReader::Parser final : public http::basic_parser<true> {
 public:
  Parser() {
    header_limit(kMaxHttpHeaderBytes + 4);  // the reader measured the head before
    body_limit(kMaxHttpBodyBytes);
  }

  ReceivedRequest received;
  bool expects_continue = false;
  unsigned status = 400;
  const char* why = nullptr;  ///< says more than Beast's own code

 private:
  void refuse(const char* text, error_code& error) {
    why = text;
    error = http::error::bad_value;
  }

  void on_request_impl(http::verb, Chars method, Chars target, int version, error_code& error) override {
    HttpRequest& request = received.request;
    request.method = std::string(method);
    request.target = std::string(target);
    received.http_1_0 = version == 10;
    if (method.size() > kMaxHttpMethodBytes) {
      status = 501;
      return refuse("a method has at most 16 letters", error);
    }
    if (!is_target(request.target)) return refuse("the target must be a path, in ASCII", error);
    request.headers.reserve(16);
  }

  void on_field_impl(http::field field, Chars name, Chars value, error_code& error) override {
    if (headers_done_) {  // a trailer: no header, ever (RFC 9110 §6.5.1)
      trailer_bytes_ += name.size() + value.size();
      if (trailer_bytes_ > kMaxHttpChunkLineBytes) refuse("the trailers are too long", error);
      return;
    }
    HttpRequest& request = received.request;
    switch (field) {
      case http::field::host: {
        auto host = host_without_port(value);
        if (std::exchange(has_host_, true) || !host) return refuse("exactly one valid Host header is needed", error);
        request.host = std::move(*host);
        break;
      }
      case http::field::content_length:
        if (std::exchange(has_length_, true)) return refuse("more than one Content-Length", error);
        if (!all_digits(value)) return refuse("Content-Length is not a number", error);
        break;
      case http::field::transfer_encoding:
        if (received.http_1_0) return refuse("Transfer-Encoding is not part of HTTP/1.0", error);
        if (lower(value) != "chunked") return refuse("the only transfer encoding here is chunked", error);
        break;
      case http::field::expect:
        if (lower(value) != "100-continue") {
          status = 417;
          return refuse("the only expectation here is 100-continue", error);
        }
        expects_continue = !received.http_1_0;
        break;
      default:
        break;
    }
    request.headers.emplace_back(lower(name), std::string(value));
  }

  void on_header_impl(error_code& error) override {
    headers_done_ = true;
    received.keep_alive = keep_alive();  // before a trailer can say otherwise
    if (!has_host_) refuse("exactly one valid Host header is needed", error);
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override {
    if (length) received.request.body.reserve(static_cast<std::size_t>(*length));
  }
  std::size_t on_body_impl(Chars bytes, error_code&) override {
    received.request.body.append(bytes);
    return bytes.size();
  }
  void on_chunk_header_impl(std::uint64_t, Chars extensions, error_code& error) override {
    if (!extensions.empty()) refuse("chunk extensions are not accepted", error);
  }
  std::size_t on_chunk_body_impl(std::uint64_t, Chars bytes, error_code&) override {
    received.request.body.append(bytes);
    return bytes.size();
  }
  void on_response_impl(int, Chars, int, error_code&) override {}
  void on_finish_impl(error_code&) override {}

  bool headers_done_ = false;
  std::size_t trailer_bytes_ = 0;
  bool has_host_ = false;
  bool has_length_ = false;
};

RequestReader::RequestReader(HttpListener listener, uid_t peer_uid) : listener_(listener), peer_uid_(peer_uid) {}
RequestReader::~RequestReader() = default;

void RequestReader::commit(std::size_t bytes) {
  buffer_.commit(bytes);
}

/// Looks for the empty line that ends the head, once over every byte. Beast would join folded lines, which servers read
/// differently (RFC 9112 §5.2), and would wait for more after a lone CR or LF.
RequestReader::Head RequestReader::scan_head() {
  const auto* bytes = static_cast<const char*>(buffer_.cdata().data());
  const std::size_t size = std::min(buffer_.size(), kMaxHttpHeaderBytes);
  for (; scanned_ < size; ++scanned_) {
    const char c = bytes[scanned_];
    const char before = scanned_ == 0 ? '\0' : bytes[scanned_ - 1];
    const bool ended = c == '\n';
    if (ended != (before == '\r') || c == '\0') {
      why_ = "a lone CR, LF or NUL";
      return Head::kBad;
    }
    if (before == '\n' && (c == ' ' || c == '\t')) {
      why_ = "folded header lines are not accepted";
      return Head::kBad;
    }
    if (ended && scanned_ >= 3 && bytes[scanned_ - 2] == '\n') {
      head_bytes_ = ++scanned_;
      return Head::kWhole;
    }
  }
  return Head::kPartial;
}

Refused RequestReader::refusal(const error_code& error) const {
  if (parser_->why != nullptr) return {plain_reply(parser_->status, parser_->why)};
  if (error == http::error::body_limit) {
    return {plain_reply(413, "the body is larger than " + std::to_string(kMaxHttpBodyBytes) + " bytes")};
  }
  return {plain_reply(400, "not a valid HTTP/1.1 request: " + error.message())};
}

/// Nothing when the head is whole and accepted: the body follows.
std::optional<ReadStep> RequestReader::read_head() {
  switch (scan_head()) {
    case Head::kBad:
      return Refused{plain_reply(400, std::string("not a valid HTTP/1.1 request: ") + why_)};
    case Head::kPartial:
      if (buffer_.size() < kMaxHttpHeaderBytes) return NeedMore{};
      return Refused{plain_reply(431, "the headers are larger than " + std::to_string(kMaxHttpHeaderBytes) + " bytes")};
    case Head::kWhole:
      break;
  }
  parser_ = std::make_unique<Parser>();
  error_code error;
  const std::size_t used = parser_->put({buffer_.data().data(), head_bytes_}, error);
  if (error && error != http::error::need_more) {
    return refusal(error);
  }
  if (used != head_bytes_ || !parser_->is_header_done()) {
    return Refused{plain_reply(400, "not a valid HTTP/1.1 request")};
  }
  buffer_.consume(used);
  if (listener_ == HttpListener::kLoopback && !is_loopback_host(parser_->received.request.host)) {
    // A page of another site that resolves its name to this machine (DNS rebinding) ends here.
    return Refused{plain_reply(421, "this node answers to localhost only")};
  }
  return std::nullopt;
}

ReadStep RequestReader::read_body() {
  error_code error;
  // Beast asserts that the end of a chunked body does not come in smaller pieces; more than this always follows.
  const std::size_t least = parser_->chunked() ? std::string_view("0\r\n\r\n").size() : 1;
  while (!parser_->is_done() && buffer_.size() >= least) {
    buffer_.consume(parser_->put(buffer_.cdata(), error));
    if (error == http::error::need_more) {
      if (buffer_.size() <= kMaxHttpChunkLineBytes) return NeedMore{};
      return Refused{plain_reply(400, "a chunk's size line or the trailers are too long")};
    }
    if (error) return refusal(error);
  }
  if (parser_->is_done()) return finish();
  if (parser_->expects_continue && parser_->received.request.body.empty() && !std::exchange(continue_said_, true)) {
    return SendContinue{};
  }
  return NeedMore{};
}

ReadStep RequestReader::finish() {
  ReceivedRequest out = std::move(parser_->received);
  out.request.listener = listener_;
  out.request.peer_uid = peer_uid_;
  parser_.reset();
  scanned_ = head_bytes_ = 0;
  started_ = skipped_empty_line_ = continue_said_ = false;
  return out;
}

ReadStep RequestReader::next() {
  if (!parser_) {
    if (buffer_.size() == 0) return NeedMore{};
    started_ = true;
    const auto first = *static_cast<const char*>(buffer_.cdata().data());
    if (first == '\r' && buffer_.size() == 1) return NeedMore{};
    if (first != '\r' && (first < 'A' || first > 'z')) {  // TLS, usually: no need to wait for a line's end
      return Refused{plain_reply(400, "not an HTTP request")};
    }
    if (first == '\r' && !std::exchange(skipped_empty_line_, true) &&
        static_cast<const char*>(buffer_.cdata().data())[1] == '\n') {
      buffer_.consume(2);  // some clients end a body with an empty line that they do not count (RFC 9112 §2.2)
      return next();
    }
    if (auto step = read_head()) return std::move(*step);
  }
  return read_body();
}

}  // namespace micro
