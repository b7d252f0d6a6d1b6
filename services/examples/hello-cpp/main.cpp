// A service in C++: statistics of a text.
//
//   POST /count?top=5   body: any text   → {"bytes":…,"lines":…,"words":…,"distinct":…,"top":[{"word":…,"count":…},…]}
//
// A service is a CGI program (RFC 3875): the request is in environment variables and on stdin, the reply goes to
// stdout. Exceptions are off in wasm builds, so errors are values; here a std::expected with an HTTP status.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <expected>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t kMaxTextBytes = 1 << 20;
constexpr std::size_t kDefaultTop = 10;
constexpr std::size_t kMaxTop = 100;

struct Problem {
  const char* status;
  const char* what;
};

struct Statistics {
  std::size_t bytes = 0;
  std::size_t lines = 0;
  std::size_t words = 0;
  std::vector<std::pair<std::string, std::size_t>> by_count;  // most frequent first, then by the alphabet
};

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

std::expected<std::string, Problem> read_text() {
  std::string text;
  char chunk[16 * 1024];
  while (const std::size_t n = std::fread(chunk, 1, sizeof chunk, stdin)) {
    text.append(chunk, n);
    if (text.size() > kMaxTextBytes) return std::unexpected(Problem{"413 Content Too Large", "at most 1 MiB of text"});
  }
  return text;
}

// "top=5" among the parts of the query.
std::expected<std::size_t, Problem> wanted_top(std::string_view query) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    std::string_view part = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (!part.starts_with("top=")) continue;
    part.remove_prefix(4);
    std::size_t top = 0;
    const auto [rest, error] = std::from_chars(part.data(), part.data() + part.size(), top);
    if (error != std::errc() || rest != part.data() + part.size() || top > kMaxTop) {
      return std::unexpected(Problem{"400 Bad Request", "top must be a number from 0 to 100"});
    }
    return top;
  }
  return kDefaultTop;
}

// Letters of ASCII in either case, digits, and every byte of a longer UTF-8 character.
bool is_word_byte(char c) {
  const auto b = static_cast<unsigned char>(c);
  return (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9') || b >= 0x80;
}

Statistics count(std::string_view text) {
  Statistics out;
  out.bytes = text.size();
  out.lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + (!text.empty() && text.back() != '\n' ? 1 : 0);
  std::unordered_map<std::string, std::size_t> counts;
  std::string word;
  const auto finish_word = [&] {
    if (word.empty()) return;
    ++out.words;
    ++counts[word];
    word.clear();
  };
  for (const char c : text) {
    if (is_word_byte(c)) {
      word += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    } else {
      finish_word();
    }
  }
  finish_word();
  out.by_count.assign(counts.begin(), counts.end());
  std::ranges::sort(out.by_count, [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  return out;
}

// Words hold no quote, backslash or control character, so they need no escaping.
std::string to_json(const Statistics& s, std::size_t top) {
  std::string out = "{\"bytes\":" + std::to_string(s.bytes) + ",\"lines\":" + std::to_string(s.lines) +
                    ",\"words\":" + std::to_string(s.words) + ",\"distinct\":" + std::to_string(s.by_count.size()) +
                    ",\"top\":[";
  for (std::size_t i = 0; i < std::min(top, s.by_count.size()); ++i) {
    const auto& [word, n] = s.by_count[i];
    out += std::string(i == 0 ? "" : ",") + "{\"word\":\"" + word + "\",\"count\":" + std::to_string(n) + "}";
  }
  return out + "]}\n";
}

std::expected<std::string, Problem> answer() {
  if (variable("PATH_INFO") != "/count") return std::unexpected(Problem{"404 Not Found", "there is only /count"});
  if (variable("REQUEST_METHOD") != "POST")
    return std::unexpected(Problem{"405 Method Not Allowed", "send the text with POST"});
  const auto top = wanted_top(variable("QUERY_STRING"));
  if (!top) return std::unexpected(top.error());
  const auto text = read_text();
  if (!text) return std::unexpected(text.error());
  return to_json(count(*text), *top);
}

}  // namespace

int main() {
  const auto body = answer();
  if (body) {
    std::printf("Content-Type: application/json\r\n\r\n%s", body->c_str());
  } else {
    std::printf("Status: %s\r\nContent-Type: application/json\r\n\r\n{\"error\":\"%s\"}\n", body.error().status,
                body.error().what);
  }
  return EXIT_SUCCESS;
}
