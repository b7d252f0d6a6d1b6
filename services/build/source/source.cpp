#include "services/build/source/source.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "chain/codec/codec.hpp"
#include "chain/types/transaction.hpp"

namespace micro {
namespace {

constexpr std::string_view kExample = "for example github.com/owner/name, https://host/owner/name/subdir@v1";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::string join(const std::vector<std::string_view>& parts, std::size_t from, std::size_t to) {
  std::string out;
  for (std::size_t i = from; i < to; ++i) {
    if (i > from) out += '/';
    out += parts[i];
  }
  return out;
}

/// Host and optional port, lower case.
struct Authority {
  std::string host;
  std::string port;
  [[nodiscard]] std::string text() const { return port.empty() ? host : host + ":" + port; }
};

Result<Authority> parse_authority(std::string_view text) {
  if (text.find('@') != std::string_view::npos) {
    return fail(Fault::kInvalid, "the address carries a user name or password",
                "only public repositories are fetched; leave out everything before the host");
  }
  Authority out;
  std::size_t colon = std::string_view::npos;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return fail(Fault::kInvalid, "the address lacks a ']'");
    out.host = lower(text.substr(0, close + 1));
    if (close + 1 < text.size()) colon = close + 1;
    if (colon != std::string_view::npos && text[colon] != ':') return fail(Fault::kInvalid, "no ':' before the port");
  } else {
    colon = text.find(':');
    out.host = lower(text.substr(0, colon));
  }
  if (out.host.empty()) return fail(Fault::kInvalid, "the address names no host", std::string(kExample));
  if (colon != std::string_view::npos) {
    out.port = text.substr(colon + 1);
    if (out.port.empty() || out.port.size() > 5 || !std::ranges::all_of(out.port, is_digit) ||
        std::stoi(out.port) == 0 || std::stoi(out.port) > 65'535) {
      return fail(Fault::kInvalid, "'" + out.port + "' is not a port");
    }
  }
  return out;
}

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host == "[::1]") return true;
  const auto parts = split(host, '.');
  return parts.size() == 4 && parts[0] == "127" && std::ranges::all_of(parts, [](std::string_view p) {
           return !p.empty() && p.size() <= 3 && std::ranges::all_of(p, is_digit);
         });
}

/// A name with at least two labels whose last is no number: an address of numbers could point into the builder's
/// network.
Status check_public_host(std::string_view host) {
  const auto labels = split(host, '.');
  const auto good = [](std::string_view label) {
    return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
           std::ranges::all_of(label, [](char c) { return is_alpha(c) || is_digit(c) || c == '-'; });
  };
  if (host.size() > 253 || labels.size() < 2 || !std::ranges::all_of(labels, good) ||
      std::ranges::all_of(labels.back(), is_digit) || labels.back() == "localhost" || labels.back() == "local") {
    return fail(Fault::kInvalid, "'" + std::string(host) + "' is not the name of a public host", std::string(kExample));
  }
  return {};
}

Status check_url_segment(std::string_view segment) {
  if (segment.empty()) return fail(Fault::kInvalid, "the address has an empty part ('//')");
  if (segment == "." || segment == "..") return fail(Fault::kInvalid, "'.' and '..' are not allowed in an address");
  for (const char c : segment) {
    if (is_alpha(c) || is_digit(c) || std::string_view("._-~+,=").find(c) != std::string_view::npos) continue;
    if (c == '?' || c == '#') {
      return fail(Fault::kInvalid, std::string("an address has no '") + c + "' part", "say a branch or tag as @ref");
    }
    if (is_control(c) || static_cast<unsigned char>(c) >= 0x80) {
      return fail(Fault::kInvalid, "the address has a character outside plain ASCII");
    }
    return fail(Fault::kInvalid, std::string("'") + c + "' is not allowed in an address");
  }
  return {};
}

struct Located {
  std::string path;  ///< of the repository on its host
  std::string subdir;
  std::string ref;  ///< only from a browser's /tree/ address
};

/// Which leading segments are the repository: through the first that ends in ".git", else the first two.
Result<Located> split_path(std::string_view host, std::vector<std::string_view> segments) {
  while (!segments.empty() && segments.back().empty()) segments.pop_back();
  for (const auto segment : segments) TRY(check_url_segment(segment));
  const auto dot_git =
      std::ranges::find_if(segments, [](std::string_view s) { return s.size() > 4 && s.ends_with(".git"); });
  std::size_t repo_segments = 2;
  if (dot_git != segments.end()) repo_segments = static_cast<std::size_t>(dot_git - segments.begin()) + 1;
  if (segments.size() < repo_segments) {
    return fail(Fault::kInvalid, "the address names no repository",
                "give host/owner/name, or end the repository's path in .git");
  }
  Located out;
  out.path = join(segments, 0, repo_segments);
  std::size_t rest = repo_segments;
  if (host == "github.com" && segments.size() > rest + 1 && segments[rest] == "tree") {
    out.ref = segments[rest + 1];
    rest += 2;
  }
  out.subdir = join(segments, rest, segments.size());
  return out;
}

Result<Source> parse_url(SourceKind kind, std::string_view rest) {
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos) {
    return fail(Fault::kInvalid, "the address names no repository", std::string(kExample));
  }
  Authority authority = TRY(parse_authority(rest.substr(0, slash)));
  if (kind == SourceKind::kHttps) {
    TRY(check_public_host(authority.host));
    if (authority.port == "443") authority.port.clear();
  } else if (!is_loopback(authority.host)) {
    return fail(Fault::kDenied, "plain http is only for this machine itself",
                "use https://" + authority.text() + std::string(rest.substr(slash)));
  }
  std::string_view path = rest.substr(slash + 1);
  Source out{.kind = kind, .repo = {}, .subdir = {}, .ref = {}};
  const std::size_t at = path.find('@');
  const bool has_ref = at != std::string_view::npos;
  if (has_ref) {
    out.ref = path.substr(at + 1);
    path = path.substr(0, at);
  }
  Located located = TRY(split_path(authority.host, split(path, '/')));
  if (!located.ref.empty()) {
    if (has_ref) return fail(Fault::kInvalid, "the address names two refs: /tree/" + located.ref + " and @" + out.ref);
    out.ref = located.ref;
  } else if (has_ref && out.ref.empty()) {
    return fail(Fault::kInvalid, "nothing follows '@'", "name a branch, a tag or a commit, or leave out the '@'");
  }
  const std::string scheme = kind == SourceKind::kHttps ? "https://" : "http://";
  out.repo = scheme + authority.text() + "/" + located.path;
  out.subdir = std::move(located.subdir);
  return out;
}

Result<Source> parse_local(std::string_view path) {
  Source out{.kind = SourceKind::kLocal, .repo = {}, .subdir = {}, .ref = {}};
  const std::size_t at = path.rfind('@');
  if (at != std::string_view::npos) {
    out.ref = path.substr(at + 1);
    path = path.substr(0, at);
    if (out.ref.empty()) return fail(Fault::kInvalid, "nothing follows '@'", "name a branch, a tag or a commit");
  }
  if (path.empty()) return fail(Fault::kInvalid, "no path before '@'");
  out.repo = path;
  return out;
}

std::optional<std::string_view> scheme_of(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == 0 || colon == std::string_view::npos) return std::nullopt;
  const std::string_view scheme = text.substr(0, colon);
  const bool named = std::ranges::all_of(
      scheme, [](char c) { return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; });
  const bool is_url = text.substr(colon).starts_with("://");
  const bool is_helper = text.substr(colon).starts_with("::");  // git's transport helpers run programs: ext::sh -c …
  if (!named || (!is_url && !is_helper)) return std::nullopt;
  return scheme;
}

Result<Source> parse_with_scheme(std::string_view scheme, std::string_view text, const SourceRules& rules) {
  const std::string name = lower(scheme);
  const std::string_view rest = text.substr(std::min(text.size(), scheme.size() + 3));
  if (name == "https" && text.substr(scheme.size()).starts_with("://")) return parse_url(SourceKind::kHttps, rest);
  if (name == "http" && text.substr(scheme.size()).starts_with("://")) {
    Source source = TRY(parse_url(SourceKind::kLoopbackHttp, rest));
    if (!rules.allow_loopback_http) {
      return fail(Fault::kDenied, "a network takes no source from one machine's own http server",
                  "publish the repository under https, or try it with `micro dev`");
    }
    return source;
  }
  if (name == "file") {
    if (!rules.allow_local) {
      return fail(Fault::kDenied, "a network takes no source from one machine's disk",
                  "push the repository to a public https address, or try it with `micro dev`");
    }
    if (!rest.starts_with('/'))
      return fail(Fault::kInvalid, "file:// needs an absolute path", "file:///home/me/service");
    return parse_local(rest);
  }
  return fail(Fault::kDenied, "'" + std::string(scheme) + "' is not a way sources are fetched",
              "use the repository's https:// address");
}

/// "git@host:owner/name", the form of ssh.
bool is_scp_form(std::string_view text) {
  const std::size_t at = text.find('@');
  const std::size_t colon = text.find(':');
  const std::size_t slash = text.find('/');
  return at != std::string_view::npos && colon != std::string_view::npos && at < colon && colon < slash;
}

bool is_path(std::string_view text) {
  if (text.starts_with('/') || text.starts_with('.') || text.starts_with('~')) return true;
  const std::string_view first = text.substr(0, text.find('/'));
  return first.find('.') == std::string_view::npos && first.find(':') == std::string_view::npos;
}

Status check_limits(const Source& source) {
  TRY(check_subdir(source.subdir));
  if (source.repo.size() > kMaxUrlBytes) {
    return fail(Fault::kLimit, "the repository's address has " + std::to_string(source.repo.size()) +
                                   " bytes, the limit is " + std::to_string(kMaxUrlBytes));
  }
  if (!source.ref.empty()) TRY(check_ref(source.ref));
  return {};
}

}  // namespace

std::string Source::text() const {
  std::string out = repo;
  if (!subdir.empty()) out += "/" + subdir;
  if (!ref.empty()) out += "@" + ref;
  return out;
}

bool looks_like_commit(std::string_view ref) {
  return ref.size() >= 7 && ref.size() <= 40 && std::ranges::all_of(ref, is_hex);
}

Status check_ref(std::string_view ref) {
  const auto bad = [&](const std::string& why) {
    return fail(Fault::kInvalid, "'" + std::string(ref) + "' is not a branch, tag or commit: " + why);
  };
  if (ref.empty()) return fail(Fault::kInvalid, "the ref is empty");
  if (ref.size() > kMaxRefBytes) {
    return fail(Fault::kLimit, "the ref is longer than " + std::to_string(kMaxRefBytes) + " bytes");
  }
  for (const char c : ref) {
    if (is_control(c)) return fail(Fault::kInvalid, "the ref has a control character");
    if (std::string_view(" ~^:?*[\\@").find(c) != std::string_view::npos)
      return bad(std::string("it has a '") + c + "'");
  }
  if (!is_valid_utf8(ref)) return fail(Fault::kInvalid, "the ref is not UTF-8");
  if (ref.find("..") != std::string_view::npos) return bad("it has '..'");
  for (const auto part : split(ref, '/')) {
    if (part.empty()) return bad("it has an empty part");
    if (part.starts_with('.') || part.starts_with('-')) return bad("a part starts with '.' or '-'");
    if (part.ends_with('.') || part.ends_with(".lock")) return bad("a part ends in '.' or '.lock'");
  }
  return {};
}

Status check_subdir(std::string_view subdir) {
  if (subdir.empty()) return {};
  if (subdir.size() > kMaxSubdirBytes) {
    return fail(Fault::kLimit, "the folder's path is longer than " + std::to_string(kMaxSubdirBytes) + " bytes");
  }
  if (!is_valid_utf8(subdir)) return fail(Fault::kInvalid, "the folder's path is not UTF-8");
  const auto parts = split(subdir, '/');
  if (parts.size() > kMaxSubdirDepth) {
    return fail(Fault::kLimit, "the folder is deeper than " + std::to_string(kMaxSubdirDepth) + " levels");
  }
  for (const auto part : parts) {
    if (part.empty() || part == "." || part == "..") {
      return fail(Fault::kInvalid, "the folder '" + std::string(subdir) + "' has an empty, '.' or '..' part");
    }
    if (std::ranges::any_of(part, [](char c) { return is_control(c) || c == '\\'; })) {
      return fail(Fault::kInvalid, "the folder's path has a control character or a backslash");
    }
  }
  return {};
}

Result<Source> parse_source(std::string_view text, const SourceRules& rules) {
  if (text.empty()) return fail(Fault::kInvalid, "no source given", std::string(kExample));
  if (text.size() > kMaxSourceBytes) {
    return fail(Fault::kLimit, "the source is longer than " + std::to_string(kMaxSourceBytes) + " bytes");
  }
  if (std::ranges::any_of(text, is_control)) return fail(Fault::kInvalid, "the source has a control character");
  if (text.front() == '-')
    return fail(Fault::kInvalid, "'" + std::string(text) + "' looks like an option, not a source");
  Source source;
  if (const auto scheme = scheme_of(text)) {
    source = TRY(parse_with_scheme(*scheme, text, rules));
  } else if (is_scp_form(text)) {
    return fail(Fault::kDenied, "ssh needs a key, and only public repositories are fetched",
                "use the https:// address of the same repository");
  } else if (is_path(text)) {
    if (!rules.allow_local) {
      return fail(Fault::kDenied, "'" + std::string(text) + "' is a path on this machine, which a network cannot fetch",
                  "push it to a public https address, or try it with `micro dev`");
    }
    source = TRY(parse_local(text));
  } else {
    source = TRY(parse_url(SourceKind::kHttps, text));
  }
  TRY(check_limits(source));
  return source;
}

Result<Source> make_source(std::string_view repo, std::string_view subdir, std::string_view ref,
                           const SourceRules& rules) {
  Source source = TRY(parse_source(repo, rules));
  if (!source.ref.empty() || !source.subdir.empty()) {
    return fail(Fault::kInvalid, "'" + std::string(repo) + "' is not the plain address of a repository");
  }
  source.subdir = subdir;
  source.ref = ref;
  TRY(check_limits(source));
  return source;
}

}  // namespace micro
