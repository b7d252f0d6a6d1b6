#include "rpc/http/message.hpp"

#include <algorithm>

namespace micro {

std::optional<std::string_view> find_header(const HttpHeaders& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::string_view HttpRequest::query() const {
  const std::size_t mark = target.find('?');
  return mark == std::string::npos ? std::string_view{} : std::string_view(target).substr(mark + 1);
}

HttpResponder::~HttpResponder() {
  if (channel_) channel_->send({500, "text/plain; charset=utf-8", {}, "the node failed to answer; see its log\n"});
}

bool is_loopback_host(std::string_view host) {
  if (host == "localhost" || host == "[::1]") return true;
  if (host.ends_with(".localhost")) {
    return host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") == std::string_view::npos;
  }
  if (!host.starts_with("127.") || host.size() > 15) return false;
  int dots = 0;
  for (const char c : host) {
    dots += c == '.' ? 1 : 0;
    if (c != '.' && (c < '0' || c > '9')) return false;
  }
  return dots == 3;
}

bool is_cross_site(const HttpRequest& request) {
  const std::string_view asked = request.header("host").value_or("");
  const auto same = [](char a, char b) { return a == b || (a >= 'A' && a <= 'Z' && a - 'A' + 'a' == b); };
  for (const auto& [name, value] : request.headers) {
    if (name == "sec-fetch-site" && value != "same-origin" && value != "none") return true;
    if (name != "origin") continue;
    // Another port is another origin: what listens there is another program.
    constexpr std::string_view kScheme = "http://";
    if (!value.starts_with(kScheme)) return true;
    if (!std::ranges::equal(asked, std::string_view(value).substr(kScheme.size()), same)) return true;
  }
  return false;
}

}  // namespace micro
