// Where a service's source is: SOURCE[@REF] as a person types it, or the fields of a ledger record. Parsing only;
// nothing is opened or resolved here.
#pragma once

#include <string>
#include <string_view>

#include "chain/base/result.hpp"

namespace micro {

inline constexpr std::size_t kMaxSourceBytes = 1'024;
inline constexpr std::size_t kMaxRefBytes = 255;
inline constexpr std::size_t kMaxSubdirDepth = 32;

/// What is accepted beyond public https. A network accepts neither: every builder has another loopback and another
/// disk.
struct SourceRules {
  bool allow_local = false;          ///< paths and file:// (settled for `dev` networks by genesis)
  bool allow_loopback_http = false;  ///< http:// to 127.0.0.0/8, ::1 and localhost
};

enum class SourceKind : unsigned char { kHttps, kLoopbackHttp, kLocal };

struct Source {
  SourceKind kind = SourceKind::kHttps;
  std::string repo;    ///< "https://host/owner/name", or a path: absolute, or relative to the caller's directory
  std::string subdir;  ///< "" is the repository's top; never starts or ends with '/'; for a path the fetch finds it
  std::string ref;     ///< branch, tag, "refs/…" or commit hex; "" is the default branch

  /// repo[/subdir][@ref], for people.
  [[nodiscard]] std::string text() const;
  bool operator==(const Source&) const = default;
};

/// Accepts
///   https://host/owner/name[/subdir][@ref]      host/owner/name[/subdir][@ref]
///   https://host/any/path/name.git[/subdir][@ref]
///   https://github.com/owner/name/tree/ref[/subdir]   (as a browser shows it)
///   http://127.0.0.1:port/…, file:///path[@ref], ./path[@ref]   where the rules allow them
/// Errors: kInvalid (with what to type instead), kDenied (a kind the rules refuse), kLimit.
Result<Source> parse_source(std::string_view text, const SourceRules& rules);

/// The same checks for fields that are already apart, as a ledger record holds them.
Result<Source> make_source(std::string_view repo, std::string_view subdir, std::string_view ref,
                           const SourceRules& rules);

/// True for 7 to 40 hex digits: an object name or its prefix.
bool looks_like_commit(std::string_view ref);

/// git's own rules for the name of a branch or tag (git-check-ref-format), plus commit hex.
Status check_ref(std::string_view ref);

/// Relative, '/'-separated, no empty, "." or ".." segment, at most kMaxSubdirDepth deep. "" is fine.
Status check_subdir(std::string_view subdir);

}  // namespace micro
