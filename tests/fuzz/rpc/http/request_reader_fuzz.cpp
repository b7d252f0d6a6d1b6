// Bytes of an HTTP client. The first byte says how they are cut into pieces: that must not matter. A request that was
// read, written in the plainest way, is read again as the same request.
#include <algorithm>
#include <cstring>

#include "rpc/http/reply_writer.hpp"
#include "rpc/http/request_reader.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace micro::test {
namespace {

struct Reading {
  std::vector<ReceivedRequest> requests;
  unsigned refused = 0;
  int continues = 0;
};

/// False once the reader has refused.
bool take(RequestReader& reader, Reading& out) {
  while (true) {
    ReadStep step = reader.next();
    if (std::holds_alternative<NeedMore>(step)) return true;
    if (std::holds_alternative<SendContinue>(step)) ++out.continues;
    if (auto* received = std::get_if<ReceivedRequest>(&step)) out.requests.push_back(std::move(*received));
    if (const auto* refused = std::get_if<Refused>(&step)) {
      out.refused = refused->reply.status;
      return false;
    }
  }
}

Reading read_in_pieces(std::string_view bytes, std::size_t piece_bytes) {
  RequestReader reader(HttpListener::kLoopback, 0);
  Reading out;
  while (!bytes.empty()) {
    const auto room = reader.prepare();
    const std::size_t n = std::min({piece_bytes, bytes.size(), room.size()});
    std::memcpy(room.data(), bytes.data(), n);
    reader.commit(n);
    bytes.remove_prefix(n);
    if (!take(reader, out)) break;
  }
  return out;
}

bool same(const HttpRequest& a, const HttpRequest& b) {
  return a.method == b.method && a.target == b.target && a.host == b.host && a.headers == b.headers && a.body == b.body;
}

void check_written_again(const ReceivedRequest& received) {
  const HttpRequest& request = received.request;
  CHECK(is_loopback_host(request.host), "others are refused");
  CHECK(request.body.size() <= kMaxHttpBodyBytes, "a bounded body");
  std::string bytes = request.method + " " + request.target + (received.http_1_0 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
  for (const auto& [name, value] : request.headers) bytes += name + ": " + value + "\r\n";
  bytes += "\r\n";
  if (request.header("transfer-encoding")) {
    if (!request.body.empty()) append_chunk(bytes, request.body);
    bytes += kLastChunk;
  } else {
    bytes += request.body;
  }
  const Reading again = read_in_pieces(bytes, kHttpReadBytes);
  CHECK(again.refused == 0 && again.requests.size() == 1, "read again, with nothing behind it");
  CHECK(same(again.requests[0].request, request), "as the same request");
  CHECK(again.requests[0].keep_alive == received.keep_alive, "with the same end");
}

}  // namespace

bool fuzz(ByteView input) {
  // Longer lines of chunks are refused when they come in pieces only.
  if (input.size() < 2 || input.size() > kMaxHttpChunkLineBytes) return false;
  const std::string_view bytes = as_text(input.subspan(1));
  const Reading whole = read_in_pieces(bytes, kHttpReadBytes);
  const Reading pieces = read_in_pieces(bytes, 1 + input[0] % 16);
  CHECK(whole.refused == pieces.refused, "pieces end alike");
  CHECK(whole.requests.size() == pieces.requests.size(), "as many requests in pieces");
  for (std::size_t i = 0; i < whole.requests.size(); ++i) {
    CHECK(same(whole.requests[i].request, pieces.requests[i].request), "the same request in pieces");
    check_written_again(whole.requests[i]);
  }
  return whole.refused == 0 && !whole.requests.empty();
}

std::vector<Bytes> fuzz_seeds() {
  const std::string get = "GET /a?b=1 HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const std::string post = "POST /api/hello/x HTTP/1.1\r\nHost: hello.localhost:8080\r\nExpect: 100-continue\r\n";
  const std::string chunked = post + "Transfer-Encoding: chunked\r\n\r\n";
  std::vector<Bytes> out;
  for (const std::string& text : {
           get,
           "\r\n" + get + get,
           "HEAD / HTTP/1.0\r\nhost: [::1]\r\nConnection: keep-alive\r\nX:\t a b \r\n\r\n" + get,
           post + "Content-Length: 4\r\n\r\nabcd" + get,
           chunked + "0\r\n\r\n" + get,
           chunked + "4\r\nabcd\r\n0A\r\n0123456789\r\n0\r\n\r\n",
           chunked + "1\r\na\r\n00\r\nX-Trailer: a\r\nConnection: close\r\n\r\n" + get,
       }) {
    for (const char piece : {'\0', '\4', '\17'}) out.push_back(to_bytes(piece + text));
  }
  return out;
}

}  // namespace micro::test
