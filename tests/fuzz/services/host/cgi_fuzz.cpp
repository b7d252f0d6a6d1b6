// What a guest writes to stdout, and what a caller puts into a request: neither may forge HTTP framing or variables.
#include "services/host/cgi/cgi.hpp"

#include <set>

#include "tests/fuzz/fuzz.hpp"

namespace micro::test {
namespace {

bool is_safe(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

bool fuzz_response(ByteView input) {
  const auto response = parse_cgi_response(input);
  if (!response) return false;
  CHECK(response->status >= 100 && response->status <= 999, "a status has three digits");
  CHECK(response->body.size() <= kMaxCgiBodyBytes && response->headers.size() <= kMaxCgiHeaders, "within the limits");
  for (const auto& [name, value] : response->headers) {
    CHECK(!name.empty() && is_safe(name) && is_safe(value) && name.find(':') == std::string::npos, "one header a line");
  }
  return true;
}

// The input as lines: method, path, query, then headers "Name: value".
bool fuzz_request(ByteView input) {
  CgiRequest request;
  request.service = "s";
  request.version = "v";
  std::size_t line = 0;
  std::string_view rest = as_text(input);
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    const auto text = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (line == 0) request.method = text;
    if (line == 1) request.path = text;
    if (line == 2) request.query = text;
    if (line++ <= 2) continue;
    const auto colon = text.find(':');
    request.headers.emplace_back(text.substr(0, colon), colon == std::string_view::npos ? "" : text.substr(colon + 1));
  }
  const auto variables = cgi_variables(request);
  if (!variables) return false;
  std::set<std::string_view> names;
  for (const std::string_view text : variables->list()) {
    const std::size_t equals = text.find('=');
    CHECK(equals != std::string_view::npos && equals > 0, "a variable has a name");
    const std::string_view name = text.substr(0, equals);
    CHECK(names.insert(name).second, "a variable is set once");
    CHECK(name != "HTTP_PROXY" && name != "HTTP_AUTHORIZATION", "never passed on");
  }
  return true;
}

}  // namespace

bool fuzz(ByteView input) {
  if (input.empty()) return false;
  return input[0] == 'R' ? fuzz_request(input.subspan(1)) : fuzz_response(input);
}

std::vector<Bytes> fuzz_seeds() {
  std::vector<Bytes> seeds;
  for (const char* text : {"Content-Type: text/plain\r\n\r\nhello", "Status: 404 Not Found\nContent-Type: a/b\n\n",
                           "Location: /elsewhere\n\n", "Content-Type: text/html\nX-A: 1\nContent-Length: 2\n\nok",
                           "RGET\n/\n", "RPOST\n/a%20b/c\nx=1&y=%2F\nAccept: text/html\nCookie: a=1\ncookie: b=2",
                           "RGET\n/x\n\nProxy: evil\nAuthorization: Bearer x\nX_A: 1\nX-A: 2\nConnection: close"}) {
    seeds.push_back(to_bytes(std::string_view(text)));
  }
  return seeds;
}

}  // namespace micro::test
