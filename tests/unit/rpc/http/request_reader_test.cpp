// What the reader makes of bytes: the same however they are cut into pieces.
#include "rpc/http/request_reader.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

namespace micro {
namespace {

struct Outcome {
  std::vector<ReceivedRequest> requests;
  unsigned refused = 0;  ///< status of the refusal that ended it
  int continues = 0;
};

void step(RequestReader& reader, Outcome& out) {
  while (true) {
    ReadStep next = reader.next();
    if (std::holds_alternative<NeedMore>(next)) return;
    if (std::holds_alternative<SendContinue>(next)) ++out.continues;
    if (auto* received = std::get_if<ReceivedRequest>(&next)) out.requests.push_back(std::move(*received));
    if (const auto* refused = std::get_if<Refused>(&next)) {
      out.refused = refused->reply.status;
      return;
    }
  }
}

/// Feeds the bytes in pieces whose sizes `size_of_piece` gives.
template <class Size>
Outcome feed(std::string_view bytes, Size size_of_piece, HttpListener listener = HttpListener::kLoopback) {
  RequestReader reader(listener, 0);
  Outcome out;
  while (!bytes.empty() && out.refused == 0) {
    const auto room = reader.prepare();
    const std::size_t n = std::min({std::max<std::size_t>(size_of_piece(), 1), bytes.size(), room.size()});
    std::memcpy(room.data(), bytes.data(), n);
    reader.commit(n);
    bytes.remove_prefix(n);
    step(reader, out);
  }
  return out;
}

Outcome whole(std::string_view bytes) {
  return feed(bytes, [] { return kHttpReadBytes; });
}
Outcome dripped(std::string_view bytes) {
  return feed(bytes, [] { return 1; });
}

const std::string kGet = "GET / HTTP/1.1\r\nHost: localhost\r\n";
const std::string kPost = "POST / HTTP/1.1\r\nHost: localhost\r\n";
const std::string kChunked = kPost + "Transfer-Encoding: chunked\r\n\r\n";
const std::string kChunk = "4\r\nabcd\r\n0\r\n\r\n";

std::string nul(std::string text) {  // '~' stands for NUL
  std::ranges::replace(text, '~', '\0');
  return text;
}

struct Vector {
  const char* name;
  std::string bytes;
  unsigned status = 400;
};

std::vector<Vector> length_vectors() {
  return {
      {"length, then chunked", kPost + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + kChunk},
      {"chunked, then length", kPost + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + kChunk},
      {"equal lengths", kPost + "Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd"},
      {"equal lengths in other letters", kPost + "Content-Length: 4\r\ncontent-length: 4\r\n\r\nabcd"},
      {"different lengths", kPost + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde"},
      {"zero and a length", kPost + "Content-Length: 0\r\nContent-Length: 4\r\n\r\nabcd"},
      {"list of equal lengths", kPost + "Content-Length: 4, 4\r\n\r\nabcd"},
      {"list of lengths", kPost + "Content-Length: 4,5\r\n\r\nabcde"},
      {"plus", kPost + "Content-Length: +4\r\n\r\nabcd"},
      {"minus", kPost + "Content-Length: -1\r\n\r\n"},
      {"hexadecimal", kPost + "Content-Length: 0x4\r\n\r\nabcd"},
      {"two numbers", kPost + "Content-Length: 4 4\r\n\r\nabcd"},
      {"parameter", kPost + "Content-Length: 4;a=b\r\n\r\nabcd"},
      {"empty", kPost + "Content-Length:\r\n\r\n"},
      {"comma", kPost + "Content-Length: 4,\r\n\r\nabcd"},
      {"fraction", kPost + "Content-Length: 4.0\r\n\r\nabcd"},
      {"exponent", kPost + "Content-Length: 4e0\r\n\r\nabcd"},
      {"vertical tab", kPost + "Content-Length: \v4\r\n\r\nabcd"},
      {"other digits", kPost + "Content-Length: \xd9\xa4\r\n\r\nabcd"},
      {"beyond 64 bits", kPost + "Content-Length: 18446744073709551620\r\n\r\nabcd"},
      {"beyond the limit", kPost + "Content-Length: 1048577\r\n\r\n", 413},
  };
}

std::vector<Vector> encoding_vectors() {
  const auto te = [](const std::string& value) { return kPost + "Transfer-Encoding:" + value + "\r\n\r\n" + kChunk; };
  return {
      {"compressed", te(" gzip, chunked")},
      {"chunked is not last", te(" chunked, gzip")},
      {"identity", te(" identity")},
      {"chunked, identity", te(" chunked, identity")},
      {"identity, chunked", te(" identity, chunked")},
      {"chunked twice in a list", te(" chunked, chunked")},
      {"chunked twice", te(" chunked\r\nTransfer-Encoding: chunked")},
      {"chunked and identity", te(" chunked\r\nTransfer-Encoding: identity")},
      {"identity and chunked", te(" identity\r\nTransfer-Encoding: chunked")},
      {"almost chunked", te(" xchunked")},
      {"chunked with a parameter", te(" chunked;q=1")},
      {"quoted", te(" \"chunked\"")},
      {"empty", te("")},
      {"comma first", te(" , chunked")},
      {"comma last", te(" chunked,")},
      {"vertical tab", te(" \vchunked")},
      {"form feed", te(" chunked\f")},
      {"lone CR behind it", te(" chunked\r")},
      {"folded", te("\r\n chunked")},
      {"identity and a length", kPost + "Transfer-Encoding: identity\r\nContent-Length: 4\r\n\r\nabcd"},
      {"HTTP/1.0", "POST / HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + kChunk},
      {"HTTP/1.0 and a length",
       "POST / HTTP/1.0\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: "
       "chunked\r\n\r\n" +
           kChunk},
      {"space before the colon", kPost + "Transfer-Encoding : chunked\r\n\r\n" + kChunk},
      {"tab before the colon", kPost + "Transfer-Encoding\t: chunked\r\n\r\n" + kChunk},
      {"space before the name", "POST / HTTP/1.1\r\n Transfer-Encoding: chunked\r\nHost: localhost\r\n\r\n" + kChunk},
      {"NUL before the name", nul(kPost + "~Transfer-Encoding: chunked\r\n\r\n" + kChunk)},
      {"behind a lone LF", kPost + "X: a\nTransfer-Encoding: chunked\r\n\r\n" + kChunk},
      {"behind a lone CR", kPost + "X: a\rTransfer-Encoding: chunked\r\n\r\n" + kChunk},
  };
}

std::vector<Vector> line_vectors() {
  return {
      {"lone LFs", "GET / HTTP/1.1\nHost: localhost\n\n"},
      {"lone LF behind the request line", "GET / HTTP/1.1\nHost: localhost\r\n\r\n"},
      {"lone CR behind the request line", "GET / HTTP/1.1\rHost: localhost\r\n\r\n"},
      {"lone LF ends the head", kGet + "\n"},
      {"two LFs end the head", "GET / HTTP/1.1\r\nHost: localhost\n\n"},
      {"CR CR LF", "GET / HTTP/1.1\r\nHost: localhost\r\r\n\r\n"},
      {"CR CR LF ends the head", kGet + "\r\r\n"},
      {"folded with a space", kGet + "X: a\r\n b\r\n\r\n"},
      {"folded with a tab", kGet + "X: a\r\n\tb\r\n\r\n"},
      {"folded and empty", kGet + "X: a\r\n \r\n\r\n"},
      {"space in a name", kGet + "Bad Name: a\r\n\r\n"},
      {"space before the colon", kGet + "X : a\r\n\r\n"},
      {"no name", kGet + ": a\r\n\r\n"},
      {"no colon", kGet + "X\r\n\r\n"},
      {"parenthesis in a name", kGet + "X(: a\r\n\r\n"},
      {"a name that is not ASCII", kGet + "X\xc3\xa4: a\r\n\r\n"},
      {"NUL in a name", nul(kGet + "X~: a\r\n\r\n")},
      {"NUL in a value", nul(kGet + "X: a~b\r\n\r\n")},
      {"control in a value", kGet + "X: a\x01\r\n\r\n"},
      {"DEL in a value", kGet + "X: a\x7f\r\n\r\n"},
      {"two empty lines first", "\r\n\r\n" + kGet + "\r\n"},
      {"LF first", "\n" + kGet + "\r\n"},
      {"CR first", "\r" + kGet + "\r\n"},
      {"TLS", std::string("\x16\x03\x01\x02")},
      {"headers beyond the limit", kGet + "X: " + std::string(kMaxHttpHeaderBytes, 'a') + "\r\n\r\n", 431},
      {"one line beyond the limit", "GET /" + std::string(kMaxHttpHeaderBytes, 'a'), 431},
  };
}

std::vector<Vector> request_line_vectors() {
  const auto line = [](const std::string& text) { return text + "\r\nHost: localhost\r\n\r\n"; };
  return {
      {"two spaces", line("GET  / HTTP/1.1")},
      {"two spaces before the version", line("GET /  HTTP/1.1")},
      {"space last", line("GET / HTTP/1.1 ")},
      {"space first", line(" GET / HTTP/1.1")},
      {"tabs", line("GET\t/\tHTTP/1.1")},
      {"no version", line("GET /")},
      {"small letters", line("GET / http/1.1")},
      {"HTTP/0.9", line("GET / HTTP/0.9")},
      {"HTTP/1.2", line("GET / HTTP/1.2")},
      {"HTTP/1.10", line("GET / HTTP/1.10")},
      {"HTTP/2.0", line("GET / HTTP/2.0")},
      {"preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"something behind the version", line("GET / HTTP/1.1 HTTP/1.1")},
      {"no target", line("GET HTTP/1.1")},
      {"absolute target", line("GET http://localhost/ HTTP/1.1")},
      {"absolute target elsewhere", line("GET http://example.com/ HTTP/1.1")},
      {"authority", line("CONNECT localhost:80 HTTP/1.1")},
      {"asterisk", line("OPTIONS * HTTP/1.1")},
      {"backslash", line("GET \\ HTTP/1.1")},
      {"fragment", line("GET /a#b HTTP/1.1")},
      {"NUL in the target", nul(line("GET /~ HTTP/1.1"))},
      {"control in the target", line("GET /\x01 HTTP/1.1")},
      {"DEL in the target", line("GET /\x7f HTTP/1.1")},
      {"target that is not ASCII", line("GET /\xff HTTP/1.1")},
      {"parenthesis in the method", line("GE(T / HTTP/1.1")},
      {"long method", line("AAAAAAAAAAAAAAAAA / HTTP/1.1"), 501},
  };
}

std::vector<Vector> host_vectors() {
  const auto host = [](const std::string& lines) { return "GET / HTTP/1.1\r\n" + lines + "\r\n"; };
  return {
      {"none", host("")},
      {"none in HTTP/1.0", "GET / HTTP/1.0\r\n\r\n"},
      {"twice", host("Host: localhost\r\nHost: localhost\r\n")},
      {"two", host("Host: localhost\r\nHost: example.com\r\n")},
      {"port that is no number", host("Host: localhost:evil\r\n")},
      {"empty port", host("Host: localhost:\r\n")},
      {"empty", host("Host:\r\n"), 421},
      {"another", host("Host: example.com\r\n"), 421},
      {"another that begins alike", host("Host: localhost.example.com\r\n"), 421},
      {"two ports", host("Host: example.com:80:80\r\n"), 421},
      {"list", host("Host: example.com, localhost\r\n"), 421},
      {"user", host("Host: example.com@localhost\r\n"), 421},
      {"path", host("Host: example.com/.localhost\r\n"), 421},
      {"another address", host("Host: 10.0.0.1\r\n"), 421},
      {"any address", host("Host: 0.0.0.0\r\n"), 421},
      {"not ASCII", host("Host: \xff.localhost\r\n"), 421},
      {"unknown expectation", host("Host: localhost\r\nExpect: money\r\n"), 417},
  };
}

std::vector<Vector> chunk_vectors() {
  const auto size = [](const std::string& text) { return kChunked + text + "\r\nabcd\r\n0\r\n\r\n"; };
  return {
      {"letters", size("zz")},
      {"empty", size("")},
      {"0x", size("0x4")},
      {"plus", size("+4")},
      {"minus", size("-4")},
      {"space first", size(" 4")},
      {"space last", size("4 ")},
      {"tab last", size("4\t")},
      {"underscore", size("0_4")},
      {"NUL", nul(size("4~"))},
      {"extension", size("4;a=b")},
      {"empty extension", size("4;")},
      {"quoted extension", size("4;a=\"\r\n\"")},
      {"extension of the last", kChunked + "0;a\r\n\r\n"},
      {"beyond 64 bits", size("10000000000000004")},
      {"beyond the limit", size("ffffffffffffffff"), 413},
      {"together beyond the limit", kChunked + "4\r\nabcd\r\nfffff\r\n", 413},
      {"endless zeros", kChunked + std::string(kMaxHttpChunkLineBytes + 1, '0')},
      {"lone LF behind the size", kChunked + "4\nabcd\r\n0\r\n\r\n"},
      {"lone CR behind the size", kChunked + "4\rabcd\r\n0\r\n\r\n"},
      {"longer than said", kChunked + "3\r\nabcd\r\n0\r\n\r\n"},
      {"shorter than said", kChunked + "5\r\nabcd\r\n0\r\n\r\n"},
      {"LF behind the data", kChunked + "4\r\nabcd\n0\r\n\r\n"},
      {"nothing behind the data", kChunked + "4\r\nabcd0\r\n\r\n"},
      {"trailer without a colon", kChunked + "0\r\nabc\r\n\r\n"},
      {"trailer with a lone LF", kChunked + "0\r\nX: a\nY: b\r\n\r\n"},
      {"trailer with a length", kChunked + "0\r\nContent-Length: 4\r\n\r\n"},
      {"trailer with an encoding", kChunked + "0\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {"endless trailers", kChunked + "0\r\nX: " + std::string(kMaxHttpChunkLineBytes + 1, 'a')},
  };
}

void expect_refused(const std::vector<Vector>& vectors) {
  for (const Vector& vector : vectors) {
    // What the sender hopes to slip through as a request of its own.
    const std::string bytes = vector.bytes + "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (const Outcome& outcome : {whole(bytes), dripped(bytes)}) {
      EXPECT_EQ(outcome.refused, vector.status) << vector.name;
      EXPECT_EQ(outcome.requests.size(), 0u) << vector.name;
    }
  }
}

TEST(Smuggling, AmbiguousLengthsAreRefused) {
  expect_refused(length_vectors());
}
TEST(Smuggling, AmbiguousEncodingsAreRefused) {
  expect_refused(encoding_vectors());
}
TEST(Smuggling, AmbiguousLinesAreRefused) {
  expect_refused(line_vectors());
}
TEST(Smuggling, AmbiguousRequestLinesAreRefused) {
  expect_refused(request_line_vectors());
}
TEST(Smuggling, OtherHostsAreRefused) {
  expect_refused(host_vectors());
}
TEST(Smuggling, AmbiguousChunksAreRefused) {
  expect_refused(chunk_vectors());
}

TEST(RequestReader, TakesWhatIsUnusualButClear) {
  const std::vector<std::pair<std::string, std::string>> good{
      {"\r\n" + kGet + "\r\n", ""},
      {kGet + "X:\r\n\r\n", ""},
      {kGet + "X:a\r\n\r\n", ""},
      {kGet + "X: \xc3\xa4\r\n\r\n", ""},
      {kPost + "Content-Length: 0004\r\n\r\nabcd", "abcd"},
      {kPost + "Content-Length: \t 4 \t\r\n\r\nabcd", "abcd"},
      {kPost + "CONTENT-LENGTH: 4\r\n\r\n\r\n\r\n", "\r\n\r\n"},
      {kPost + "transfer-encoding:\tCHUNKED \r\n\r\n" + kChunk, "abcd"},
      {kChunked + "0\r\n\r\n", ""},
      {kChunked + "00004\r\nabcd\r\n00000\r\n\r\n", "abcd"},
      {kChunked + "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789"},
      {"GET /?a=/../b\\%23%00 HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", ""},
      {"X-Own / HTTP/1.0\r\nHost: LOCALHOST\r\n\r\n", ""},
  };
  for (const auto& [bytes, body] : good) {
    for (const Outcome& outcome : {whole(bytes), dripped(bytes)}) {
      EXPECT_EQ(outcome.refused, 0u) << bytes;
      ASSERT_EQ(outcome.requests.size(), 1u) << bytes;
      EXPECT_EQ(outcome.requests[0].request.body, body) << bytes;
    }
  }
}

TEST(RequestReader, ATrailerIsNoHeader) {
  const std::string bytes =
      kPost + "Trailer: X-Role\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n" +
      "X-Role: owner\r\nAuthorization: Bearer x\r\nHost: example.com\r\nConnection: close\r\n\r\n" + kGet + "\r\n";
  for (const Outcome& outcome : {whole(bytes), dripped(bytes)}) {
    ASSERT_EQ(outcome.requests.size(), 2u);
    const ReceivedRequest& first = outcome.requests[0];
    EXPECT_EQ(first.request.body, "abcd");
    EXPECT_FALSE(first.request.header("x-role"));
    EXPECT_FALSE(first.request.header("authorization"));
    EXPECT_EQ(first.request.host, "localhost");
    EXPECT_EQ(first.request.headers.size(), 3u);
    EXPECT_TRUE(first.keep_alive);
  }
}

TEST(RequestReader, KeepsWhatFollowsForTheNextRequest) {
  const std::string bytes = "POST /1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nGET" +
                            std::string("GET /2 HTTP/1.1\r\nHost: localhost\r\n\r\n") + "\r\n" + kChunked + kChunk +
                            "GET /4 HTTP/1.1\r\nHost: localhost\r\n\r\n";
  for (const Outcome& outcome : {whole(bytes), dripped(bytes)}) {
    ASSERT_EQ(outcome.requests.size(), 4u);
    EXPECT_EQ(outcome.requests[0].request.body, "GET");
    EXPECT_EQ(outcome.requests[1].request.target, "/2");
    EXPECT_EQ(outcome.requests[2].request.body, "abcd");
    EXPECT_EQ(outcome.requests[3].request.target, "/4");
  }
}

TEST(RequestReader, KnowsWhoKeepsTheConnection) {
  const auto keeps = [](const std::string& version, const std::string& lines) {
    return whole("GET / HTTP/" + version + "\r\nHost: localhost\r\n" + lines + "\r\n").requests.at(0).keep_alive;
  };
  EXPECT_TRUE(keeps("1.1", ""));
  EXPECT_FALSE(keeps("1.1", "Connection: close\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: x, Close\r\n"));
  EXPECT_FALSE(keeps("1.0", ""));
  EXPECT_TRUE(keeps("1.0", "Connection: Keep-Alive\r\n"));
}

TEST(RequestReader, SaysContinueOnceAndOnlyToThoseWhoWait) {
  const std::string expect = "Expect: 100-Continue\r\n";
  const std::string head = kPost + expect + "Content-Length: 4\r\n\r\n";
  EXPECT_EQ(whole(head).continues, 1);
  EXPECT_EQ(whole(head + "abcd").continues, 0);
  EXPECT_EQ(dripped(head + "abcd" + head + "abcd").continues, 2);
  EXPECT_EQ(dripped(kPost + expect + "Transfer-Encoding: chunked\r\n\r\n" + kChunk).continues, 1);
  EXPECT_EQ(whole(kPost + expect + "\r\n").continues, 0);
  EXPECT_EQ(whole("POST / HTTP/1.0\r\nHost: localhost\r\n" + expect + "Content-Length: 4\r\n\r\n").continues, 0);
  EXPECT_EQ(whole("POST / HTTP/1.1\r\nHost: example.com\r\n" + expect + "Content-Length: 4\r\n\r\n").continues, 0);
}

TEST(RequestReader, TheUnixSocketHasNoOtherSites) {
  const auto all = [] { return kHttpReadBytes; };
  const Outcome outcome = feed("GET / HTTP/1.1\r\nHost: anything\r\n\r\n", all, HttpListener::kUnixSocket);
  ASSERT_EQ(outcome.requests.size(), 1u);
  EXPECT_EQ(outcome.requests[0].request.listener, HttpListener::kUnixSocket);
}

bool same(const Outcome& a, const Outcome& b) {
  const auto equal = [](const ReceivedRequest& x, const ReceivedRequest& y) {
    return x.request.method == y.request.method && x.request.target == y.request.target &&
           x.request.headers == y.request.headers && x.request.body == y.request.body && x.keep_alive == y.keep_alive;
  };
  return a.refused == b.refused && std::ranges::equal(a.requests, b.requests, equal);
}

TEST(RequestReader, ReadsMutatedBytesTheSameInAnyPieces) {
  std::vector<std::string> seeds{kGet + "\r\n", kPost + "Content-Length: 4\r\n\r\nabcd", kChunked + kChunk,
                                 kChunked + "1\r\na\r\n0\r\nX: a\r\nY: b\r\n\r\n",
                                 "\r\n" + kGet + "\r\n" + kGet + "\r\n"};
  for (const auto& vectors : {length_vectors(), encoding_vectors(), line_vectors(), chunk_vectors()}) {
    for (const Vector& vector : vectors) {
      if (vector.bytes.size() < 400) seeds.push_back(vector.bytes);
    }
  }
  std::mt19937 random(7);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const std::string alphabet = nul("\r\n\r\n\t :;,~0149aAfzZ/\x7f\xff");
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = seeds[below(seeds.size())] + seeds[below(seeds.size())];
    for (std::size_t edits = below(4); edits > 0; --edits) {
      const std::size_t at = below(bytes.size());
      const std::size_t kind = below(3);
      if (kind == 0) bytes[at] = alphabet[below(alphabet.size())];
      if (kind == 1) bytes.insert(at, 1, alphabet[below(alphabet.size())]);
      if (kind == 2) bytes.erase(at, 1 + below(3));
    }
    const Outcome pieces = feed(bytes, [&] { return below(9); });
    ASSERT_TRUE(same(whole(bytes), pieces)) << testing::PrintToString(bytes);
  }
}

}  // namespace
}  // namespace micro
