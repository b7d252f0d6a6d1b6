// A program's reply: what is accepted cannot forge the framing of HTTP.
#include <algorithm>

#include "services/host/cgi/cgi.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace micro::test {

bool fuzz(ByteView input) {
  const auto reply = parse_cgi_response(input);
  if (!reply) return false;
  CHECK(reply->status >= 200 && reply->status <= 599, "a final status");
  CHECK(reply->headers.size() <= kMaxCgiHeaders && reply->body.size() <= kMaxCgiBodyBytes, "limits hold");
  for (const auto& [name, value] : reply->headers) {
    CHECK(!name.empty() && name.find_first_of(" :\r\n") == std::string::npos, "a name is a token");
    CHECK(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos, "a value is one line");
  }
  CHECK(reply->body.empty() || std::ranges::equal(input.last(reply->body.size()), reply->body), "the body is the end");
  return true;
}

std::vector<Bytes> fuzz_seeds() {
  return {to_bytes("Content-Type: text/plain\n\nbody"),
          to_bytes("Status: 404 Not Found\r\nContent-Type: a/b\r\nX-A: b\r\n\r\n"),
          to_bytes("Location: /x\r\nContent-Length: 0\r\n\r\n"), to_bytes("Status: 204\n\n")};
}

}  // namespace micro::test
