// HTTP to a program and back by the Common Gateway Interface, RFC 3875: a request becomes variables and stdin, what the
// program writes to stdout becomes a response. Both sides are strict: a program cannot forge the framing of HTTP, and a
// caller cannot forge variables that only the node sets.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "chain/base/bytes.hpp"
#include "services/wasm/texts/texts.hpp"

namespace micro {

inline constexpr std::size_t kMaxCgiTargetBytes = 8 * 1024;  ///< of path and of query, each
inline constexpr std::size_t kMaxCgiHeaders = 100;
inline constexpr std::size_t kMaxCgiHeaderBytes = 32 * 1024;  ///< of all names and values together
inline constexpr std::size_t kMaxCgiBodyBytes = 1024 * 1024;  ///< of a request and of a reply, each

using HeaderFields = std::vector<std::pair<std::string, std::string>>;

struct CgiRequest {
  std::string method = "GET";
  std::string path = "/";  ///< percent-encoded, begins with a slash, below the service's own root
  std::string query;       ///< percent-encoded, without the question mark
  HeaderFields headers;
  std::string content_type;  ///< empty: none
  ByteView body;
  std::string service;  ///< name
  std::string version;  ///< commit or version id, as people write it
  std::string caller;   ///< the payer's address; empty: nobody
};

/// RFC 3875 §4.1. The client's network address is not told: REMOTE_ADDR is the node, REMOTE_USER the paying account.
/// Never passed on: credentials, hop-by-hop fields, Proxy, and names with an underscore (X_A and X-A would be one).
/// Order and contents depend on the request only. kInvalid or kLimit for what HTTP would not let through either.
Result<wasm::Texts> cgi_variables(const CgiRequest& request);

struct CgiResponse {
  std::uint16_t status = 200;
  HeaderFields headers;  ///< as written, without Status, Content-Length and hop-by-hop fields
  Bytes body;
  bool operator==(const CgiResponse&) const = default;
};

/// RFC 3875 §6. A Location without a Status is answered 302, also a local one: the node does not call the program
/// again. kInvalid or kLimit, with a text for the service's owner.
Result<CgiResponse> parse_cgi_response(ByteView out);

}  // namespace micro
