#include "chain/registry/service_rules.hpp"

#include <algorithm>

namespace micro {
namespace {

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_host_char(char c) {
  return is_lower(c) || is_digit(c) || c == '-' || c == '.';
}
/// Printable ASCII that means nothing to a shell, a URL query or a Windows path.
bool is_path_char(char c) {
  constexpr std::string_view kAlso = "/-._~+,=@";
  return is_lower(c) || (c >= 'A' && c <= 'Z') || is_digit(c) || kAlso.find(c) != std::string_view::npos;
}

/// No empty, "." or ".." segment. One slash at the end is fine.
bool is_clean_path(std::string_view path) {
  if (!path.empty() && path.back() == '/') path.remove_suffix(1);
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    if (segment.empty() || segment == "." || segment == ".." || !std::ranges::all_of(segment, is_path_char))
      return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
    if (path.empty()) return false;
  }
  return true;
}

bool is_absolute_path(std::string_view path) {
  return path.size() > 1 && path.front() == '/' && is_clean_path(path.substr(1));
}

/// The host of "host[:port]/path", or nothing when it is not of this form.
std::string_view host_of(std::string_view rest) {
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos || !is_absolute_path(rest.substr(slash))) return {};
  std::string_view host = rest.substr(0, slash);
  if (const std::size_t colon = host.find(':'); colon != std::string_view::npos) {
    const std::string_view port = host.substr(colon + 1);
    if (port.empty() || port.size() > 5 || !std::ranges::all_of(port, is_digit)) return {};
    host = host.substr(0, colon);
  }
  if (host.empty() || host.front() == '.' || host.front() == '-' || !std::ranges::all_of(host, is_host_char)) return {};
  return host;
}

bool is_this_machine(std::string_view host) {
  const bool numbers = std::ranges::all_of(host, [](char c) { return is_digit(c) || c == '.'; });
  return host == "localhost" || (numbers && host.starts_with("127."));
}

}  // namespace

bool is_service_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxServiceNameBytes) return false;
  if (!is_lower(name.front()) || name.back() == '-') return false;
  if (name.size() >= 4 && name.substr(2, 2) == "--") return false;
  return std::ranges::all_of(name, [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

bool is_source_url(std::string_view url, bool allow_local) {
  constexpr std::string_view kHttps = "https://";
  constexpr std::string_view kHttp = "http://";
  constexpr std::string_view kFile = "file://";
  if (url.starts_with(kHttps)) return !host_of(url.substr(kHttps.size())).empty();
  if (!allow_local) return false;
  if (url.starts_with(kHttp)) return is_this_machine(host_of(url.substr(kHttp.size())));
  return is_absolute_path(url.starts_with(kFile) ? url.substr(kFile.size()) : url);
}

bool is_source_subdir(std::string_view subdir) {
  return subdir.empty() || (subdir.front() != '/' && is_clean_path(subdir));
}

ServiceId service_id(const Address& owner, Nonce nonce) {
  return tagged_hash(domain::kServiceId, {owner.view(), encode(nonce)}).as<ServiceId>();
}

Hash build_attest_hash(const ChainId& chain, const AttestBuild& a) {
  return tagged_hash(domain::kBuildAttest, {chain.view(), a.version.view(), a.node.view(), a.plan_hash.view(),
                                            a.toolchain_hash.view(), a.wasm_hash.view(), encode(a.wasm_bytes)});
}

}  // namespace micro
