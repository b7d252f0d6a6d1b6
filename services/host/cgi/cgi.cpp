#include "services/host/cgi/cgi.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>

namespace micro {
namespace {

constexpr std::size_t kMaxMethodBytes = 16;

// RFC 9110 §7.6.1 and RFC 3875 §4.1.18; Proxy is not a field at all, but HTTP_PROXY configures some HTTP libraries.
constexpr auto kNotPassed = std::to_array<std::string_view>(
    {"authorization", "connection", "content-length", "content-type", "keep-alive", "proxy", "proxy-authenticate",
     "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"});
constexpr auto kNotReturned =
    std::to_array<std::string_view>({"connection", "content-length", "keep-alive", "proxy-authenticate",
                                     "proxy-connection", "status", "te", "trailer", "transfer-encoding", "upgrade"});

bool is_token_char(char c) {  // RFC 9110 §5.6.2
  constexpr std::string_view kOther = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || kOther.contains(c);
}
bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_token_char);
}
bool is_field_value(std::string_view text) {
  return std::ranges::all_of(text,
                             [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f); });
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}
std::string lowered(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), lower);
  return out;
}
std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (lower(c) >= 'a' && lower(c) <= 'f') return lower(c) - 'a' + 10;
  return std::nullopt;
}

Result<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return fail(Fault::kInvalid, "the path ends inside a %-escape");
    const auto high = hex_digit(text[i + 1]);
    const auto low = hex_digit(text[i + 2]);
    if (!high || !low) return fail(Fault::kInvalid, "the path has a % that two hex digits do not follow");
    out += static_cast<char>(*high * 16 + *low);
    if (out.back() == '\0') return fail(Fault::kInvalid, "the path has an escaped NUL");
    i += 2;
  }
  return out;
}

Status check_target(std::string_view text, const char* what) {
  if (text.size() > kMaxCgiTargetBytes) {
    return fail(Fault::kLimit, std::string(what) + " has " + std::to_string(text.size()) + " bytes, the limit is " +
                                   std::to_string(kMaxCgiTargetBytes));
  }
  const bool clean = std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
  if (!clean) return fail(Fault::kInvalid, std::string(what) + " holds a character that must be percent-encoded");
  return {};
}

Status check_request(const CgiRequest& r) {
  const bool is_method = !r.method.empty() && r.method.size() <= kMaxMethodBytes &&
                         std::ranges::all_of(r.method, [](char c) { return c >= 'A' && c <= 'Z'; });
  if (!is_method) return fail(Fault::kInvalid, "the method is not an upper-case word");
  if (!r.path.starts_with('/')) return fail(Fault::kInvalid, "the path does not begin with a slash");
  TRY(check_target(r.path, "the path"));
  if (r.path.contains('?')) return fail(Fault::kInvalid, "the path holds a question mark");
  TRY(check_target(r.query, "the query"));
  if (r.body.size() > kMaxCgiBodyBytes) {
    return fail(Fault::kLimit, "the body has " + std::to_string(r.body.size()) + " bytes, the limit is " +
                                   std::to_string(kMaxCgiBodyBytes));
  }
  if (r.headers.size() > kMaxCgiHeaders) return fail(Fault::kLimit, "the request has too many header fields");
  std::size_t bytes = r.content_type.size();
  for (const auto& [name, value] : r.headers) {
    bytes += name.size() + value.size();
    if (!is_token(name) || !is_field_value(value)) return fail(Fault::kInvalid, "a header field is malformed");
  }
  if (bytes > kMaxCgiHeaderBytes) return fail(Fault::kLimit, "the request's header fields are too long");
  for (const std::string* text : {&r.content_type, &r.service, &r.version, &r.caller}) {
    if (!is_field_value(*text)) return fail(Fault::kInvalid, "a value holds a control character");
  }
  return {};
}

/// HTTP_* by name; fields of one name are joined as RFC 9110 §5.3 allows, cookies as RFC 9113 §8.2.3 does.
std::map<std::string, std::string> header_variables(const HeaderFields& headers) {
  std::map<std::string, std::string> out;
  for (const auto& [name, value] : headers) {
    const std::string key = lowered(name);
    if (key.contains('_') || std::ranges::binary_search(kNotPassed, key)) continue;
    std::string variable = "HTTP_";
    for (const char c : key) variable += c == '-' ? '_' : upper(c);
    const auto [at, is_new] = out.try_emplace(variable, trimmed(value));
    if (!is_new) at->second += std::string(key == "cookie" ? "; " : ", ") + std::string(trimmed(value));
  }
  return out;
}

}  // namespace

Result<wasm::Texts> cgi_variables(const CgiRequest& r) {
  constexpr std::size_t kUsualBytes = 512;
  TRY(check_request(r));
  wasm::Texts out;
  out.reserve(kUsualBytes + 2 * r.path.size() + 2 * r.query.size());
  out.add("GATEWAY_INTERFACE=CGI/1.1");
  out.add("SERVER_SOFTWARE=micro");
  out.add("SERVER_PROTOCOL=HTTP/1.1");
  out.add_variable("SERVER_NAME", r.service.empty() ? "localhost" : r.service);
  out.add("SERVER_PORT=80");
  out.add_variable("REQUEST_METHOD", r.method);
  out.add("SCRIPT_NAME=");
  out.add_variable("PATH_INFO", TRY(percent_decoded(r.path)));
  out.add_variable("QUERY_STRING", r.query);
  out.add_variable("REQUEST_URI", r.query.empty() ? r.path : r.path + "?" + r.query);
  out.add("REMOTE_ADDR=127.0.0.1");
  out.add_variable("MICRO_SERVICE", r.service);
  out.add_variable("MICRO_VERSION", r.version);
  if (!r.caller.empty()) {
    out.add("AUTH_TYPE=micro");
    out.add_variable("REMOTE_USER", r.caller);
  }
  if (!r.body.empty()) out.add_variable("CONTENT_LENGTH", std::to_string(r.body.size()));
  if (!r.content_type.empty()) out.add_variable("CONTENT_TYPE", r.content_type);
  for (const auto& [name, value] : header_variables(r.headers)) out.add_variable(name, value);
  return out;
}

namespace {

std::string shown(std::string_view line) {  // for an error: what a person can read
  std::string out(line.substr(0, 60));
  std::ranges::replace_if(out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return "\"" + out + (line.size() > 60 ? "…\"" : "\"");
}

class ResponseParser {
 public:
  explicit ResponseParser(std::string_view out) : rest_(out) {}

  Result<CgiResponse> run() {
    if (rest_.starts_with("HTTP/")) {
      return fail(Fault::kInvalid, "the reply begins with an HTTP status line",
                  "Write header fields like \"Status: 200 OK\", RFC 3875 section 6.");
    }
    while (true) {
      const std::string_view line = TRY(next_line());
      if (line.empty()) break;
      TRY(field(line));
    }
    TRY(finish());
    return std::move(response_);
  }

 private:
  Result<std::string_view> next_line() {
    const std::size_t room = kMaxCgiHeaderBytes - std::min(kMaxCgiHeaderBytes, header_bytes_);
    const std::size_t end = rest_.substr(0, room).find('\n');
    if (end == std::string_view::npos) {
      if (rest_.size() > room) return fail(Fault::kLimit, "the reply's header is longer than 32 KiB");
      return fail(Fault::kInvalid,
                  rest_.empty() && header_bytes_ == 0 ? "the program wrote no reply" : "the reply's header has no end",
                  "Write header fields, an empty line, then the body.");
    }
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    header_bytes_ += end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

  Status field(std::string_view line) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
      return fail(Fault::kInvalid, "the reply's header has the line " + shown(line) + ", which is no \"Name: value\"");
    }
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (!is_field_value(value))
      return fail(Fault::kInvalid, "a control character in the reply's header: " + shown(line));
    if (++fields_ > kMaxCgiHeaders) return fail(Fault::kLimit, "the reply has over 100 header fields");
    const std::string key = lowered(line.substr(0, colon));
    if (key == "status") return status(value);
    if (key == "content-length") return length(value);
    if (key == "content-type") has_type_ = true;
    if (key == "location") has_location_ = true;
    if (!std::ranges::binary_search(kNotReturned, key)) response_.headers.emplace_back(line.substr(0, colon), value);
    return {};
  }

  Status status(std::string_view value) {
    const bool is_code = value.size() >= 3 && (value.size() == 3 || value[3] == ' ') && value[0] >= '2' &&
                         value[0] <= '5' && value[1] >= '0' && value[1] <= '9' && value[2] >= '0' && value[2] <= '9';
    if (!is_code || has_status_)
      return fail(Fault::kInvalid, "the reply's Status is not one code from 200 to 599: " + shown(value));
    has_status_ = true;
    response_.status = static_cast<std::uint16_t>((value[0] - '0') * 100 + (value[1] - '0') * 10 + (value[2] - '0'));
    return {};
  }

  Status length(std::string_view value) {
    std::size_t bytes = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), bytes);
    if (value.empty() || error != std::errc() || end != value.data() + value.size() || length_) {
      return fail(Fault::kInvalid, "the reply's Content-Length is not one number: " + shown(value));
    }
    length_ = bytes;
    return {};
  }

  Status finish() {
    if (rest_.size() > kMaxCgiBodyBytes) return fail(Fault::kLimit, "the reply's body is longer than 1 MiB");
    if (length_ && *length_ != rest_.size()) {
      return fail(Fault::kInvalid, "the reply says Content-Length " + std::to_string(*length_) + " and has " +
                                       std::to_string(rest_.size()) + " bytes");
    }
    if (has_location_ && !has_status_) response_.status = 302;
    const bool bodiless = response_.status == 204 || response_.status == 304;
    if (bodiless && !rest_.empty()) return fail(Fault::kInvalid, "a reply of this status has no body");
    if (!rest_.empty() && !has_type_) {
      return fail(Fault::kInvalid, "the reply has a body and no Content-Type",
                  "Write \"Content-Type: text/plain\" or another.");
    }
    if (fields_ == 0)
      return fail(Fault::kInvalid, "the reply has no header fields", "Write Content-Type, Location or Status.");
    response_.body = to_bytes(rest_);
    return {};
  }

  std::string_view rest_;
  std::size_t header_bytes_ = 0;
  std::size_t fields_ = 0;
  bool has_status_ = false;
  bool has_type_ = false;
  bool has_location_ = false;
  std::optional<std::size_t> length_;
  CgiResponse response_;
};

}  // namespace

Result<CgiResponse> parse_cgi_response(ByteView out) {
  return ResponseParser(as_text(out)).run();
}

}  // namespace micro
