#include "rpc/http/message.hpp"

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
  if (host == "localhost" || host == "[::1]" || host.ends_with(".localhost")) return true;
  if (!host.starts_with("127.") || host.size() > 15) return false;
  int dots = 0;
  for (const char c : host) {
    dots += c == '.' ? 1 : 0;
    if (c != '.' && (c < '0' || c > '9')) return false;
  }
  return dots == 3;
}

bool is_cross_site(const HttpRequest& request) {
  const auto site = request.header("sec-fetch-site");
  if (site && *site != "same-origin" && *site != "none") return true;
  const auto origin = request.header("origin");
  if (!origin) return false;
  // scheme://host[:port] must name the host that was asked.
  const std::size_t start = origin->find("://");
  if (start == std::string_view::npos) return true;
  std::string_view rest = origin->substr(start + 3);
  const std::size_t colon = rest.rfind(':');
  const bool has_port = colon != std::string_view::npos && rest.find(']', colon) == std::string_view::npos;
  return (has_port ? rest.substr(0, colon) : rest) != request.host;
}

}  // namespace micro
