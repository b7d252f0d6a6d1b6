#include "rpc/http/reply_writer.hpp"

#include <array>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/status.hpp>
#include <charconv>

namespace micro {
namespace {

namespace http = boost::beast::http;

bool is_value(std::string_view text) {
  for (const char c : text) {
    const auto b = static_cast<unsigned char>(c);
    if ((b < 0x20 && c != '\t') || b == 0x7f) return false;
  }
  return true;
}

bool is_token(std::string_view text) {
  for (const char c : text) {
    const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!alphanumeric && std::string_view("!#$%&'*+-.^_`|~").find(c) == std::string_view::npos) return false;
  }
  return !text.empty();
}

bool is_ours(std::string_view name) {
  for (const std::string_view ours : {"content-length", "transfer-encoding", "connection", "content-type"}) {
    if (boost::beast::iequals({name.data(), name.size()}, {ours.data(), ours.size()})) return true;
  }
  return false;
}

template <class Number>
void append_number(std::string& out, Number n, int base) {
  std::array<char, 24> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), n, base).ptr;
  out.append(text.data(), end);
}

void append_line(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

bool status_has_body(unsigned status) {
  return status != 204 && status != 304;
}

void append_reply_head(std::string& out, const HttpReply& reply, ReplyFraming framing, bool keep_alive, bool http_1_0) {
  const unsigned status = reply.status >= 200 && reply.status <= 599 ? reply.status : 500;
  const auto reason = http::obsolete_reason(http::int_to_status(status));
  out.append("HTTP/1.1 ");
  append_number(out, status, 10);
  out.append(" ").append(reason.data(), reason.size()).append("\r\n");
  append_line(out, "Content-Type", is_value(reply.content_type) ? reply.content_type : "application/octet-stream");
  for (const auto& [name, value] : reply.headers) {
    if (is_token(name) && is_value(value) && !is_ours(name)) append_line(out, name, value);
  }
  if (framing == ReplyFraming::kChunked) append_line(out, "Transfer-Encoding", "chunked");
  if (framing == ReplyFraming::kLength && status_has_body(status)) {
    out.append("Content-Length: ");
    append_number(out, reply.body.size(), 10);
    out.append("\r\n");
  }
  if (!keep_alive) append_line(out, "Connection", "close");
  if (keep_alive && http_1_0) append_line(out, "Connection", "keep-alive");
  out.append("\r\n");
}

void append_chunk(std::string& out, std::string_view bytes) {
  append_number(out, bytes.size(), 16);
  out.append("\r\n").append(bytes).append("\r\n");
}

}  // namespace micro
