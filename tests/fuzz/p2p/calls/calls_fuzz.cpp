// What a peer may say on a stream of calls, against ends whose application works meanwhile. Input: a byte that picks
// the end or a frame to decode, then steps: a byte that says what the application does (low bits) and how many bytes of
// the peer come next. Accepted: the stream stood to the end; a frame that was decoded has one encoding.
#include <set>

#include "p2p/calls/streaming.hpp"
#include "p2p/calls/unary.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace micro::test {
namespace {

using namespace p2p;

// What the application of the end under test does, and what comes next from the peer.
struct Steps {
  ByteView input;
  Instant now{1};
  unsigned what = 0;
  ByteView bytes;
  bool next() {
    if (input.empty()) return false;
    what = input[0] & 7U;
    now = now.plus_ms(what == 7 ? 5'000 : 1);
    input = input.subspan(1);
    const std::size_t size = std::min<std::size_t>(7U + (what == 6 ? 4'000U : 24U), input.size());
    bytes = input.first(size);
    input = input.subspan(size);
    return true;
  }
};

bool answers(Steps steps) {
  UnaryServer server;
  std::set<CallId> at_work;
  CallId last = 0;
  while (steps.next()) {
    ByteView rest = steps.bytes;
    while (!rest.empty()) {
      const auto taken = server.feed(rest, steps.now);
      if (!taken) return false;
      rest = rest.subspan(*taken);
      for (const IncomingRequest& request : std::exchange(server.requests(), {})) {
        CHECK(request.id > last && at_work.insert(request.id).second, "numbers ascend");
        CHECK(request.body.size() <= kMaxCallBytes && request.method.size() <= kMaxMethodBytes, "within the limits");
        last = request.id;
      }
      for (const CallId id : std::exchange(server.cancelled(), {})) CHECK(at_work.erase(id) == 1, "it was at work");
      CHECK(server.held_bytes() <= 2 * kHeldCallBytes, "bounded memory");
      CHECK(server.running() == at_work.size(), "all that was taken in is at work");
      if (*taken == 0 && !server.has_room()) break;
    }
    if (!at_work.empty() && steps.what < 3) {
      const CallId id = *at_work.begin();
      at_work.erase(id);
      server.reply(id, steps.what == 0 ? Result<Bytes>(fail(Fault::kBusy, "no")) : Bytes(steps.what));
    }
    if (steps.what == 4) server.output().clear();
    server.expire(steps.now);
    for (const CallId id : std::exchange(server.cancelled(), {})) CHECK(at_work.erase(id) == 1, "it was at work");
  }
  return true;
}

bool asks(Steps steps) {
  UnaryClient client;
  std::set<CallId> asked;
  for (int n = 0; n < 4; ++n) asked.insert(client.call("/m", Bytes(10), steps.now.plus_ms(60'000), steps.now).value());
  while (steps.next()) {
    if (steps.what == 1 && client.may_call()) {
      asked.insert(client.call("/m", {}, steps.now.plus_ms(3'000), steps.now).value());
    }
    if (steps.what == 2 && !asked.empty()) {
      client.cancel(*asked.begin());
      asked.erase(asked.begin());
    }
    if (steps.what == 4) client.output().clear();
    const bool stands = client.feed(steps.bytes).has_value();
    client.expire(steps.now);
    for (const CallResult& one : std::exchange(client.results(), {})) CHECK(asked.erase(one.id) == 1, "asked, once");
    CHECK(client.pending() == asked.size(), "each call has its end to come");
    if (!stands) return false;
  }
  return true;
}

bool streams(Steps steps, CallStream end) {
  while (steps.next()) {
    if (steps.what == 0) (void)end.send(Bytes(100));
    if (steps.what == 1) end.finish();
    if (steps.what == 2) {
      while (end.take()) {
      }
    }
    if (steps.what == 4) end.output().clear();
    if (steps.what == 5 && steps.bytes.empty()) end.abort({.fault = Fault::kLimit, .message = "enough"});
    if (!end.feed(steps.bytes, steps.now)) return false;
    (void)end.take_opening();
    end.expire(steps.now);
    CHECK(end.held_bytes() <= 3 * kStreamCreditBytes + kMaxFrameBytes, "bounded memory");
    CHECK(!end.is_over() || !end.take(), "nothing to take behind the end");
  }
  return true;
}

}  // namespace

bool fuzz(ByteView input) {
  if (input.empty()) return false;
  const ByteView rest = input.subspan(1);
  const Instant now{1};
  switch (input[0] % 7) {
    case 0:
      return answers({.input = rest, .bytes = {}});
    case 1:
      return asks({.input = rest, .bytes = {}});
    case 2:
      return streams({.input = rest, .bytes = {}}, CallStream::answerer(now));
    case 3:
      return streams({.input = rest, .bytes = {}}, CallStream::asker("/m", now.plus_ms(60'000), now));
    case 4:
      return fuzz_decode<CallFrame>(rest);
    case 5:
      return fuzz_decode<StreamFrame>(rest);
    default:
      return fuzz_decode<OpeningFrame>(rest);
  }
}

std::vector<Bytes> fuzz_seeds() {
  const auto frame_of = [](const auto& frame) {
    ByteQueue out;
    put_frame(out, frame);
    return Bytes(out.view().begin(), out.view().end());
  };
  const auto request = [&](CallId id) {
    return frame_of(CallFrame(RequestFrame{
        .id = id, .timeout_ms = 900, .method = Text<kMaxMethodBytes>("/m"), .body = CallBody(Bytes(20, 1))}));
  };
  const Blob<kMaxCallErrorBytes> why(to_bytes("why"));
  const Bytes item = frame_of(StreamFrame(ItemFrame{.body = Blob<kMaxItemBytes>(Bytes(40, 2))}));
  const Bytes end = frame_of(StreamFrame(EndFrame{}));
  const Bytes failed = frame_of(StreamFrame(EndFrame{.failed = true, .fault = 3, .message = why}));
  const Bytes opening = frame_of(OpeningFrame{.timeout_ms = 5'000, .method = Text<kMaxMethodBytes>("/m")});
  const std::vector<std::vector<Bytes>> said = {
      {request(1), request(5), frame_of(CallFrame(CancelFrame{.id = 5})), request(6)},
      {frame_of(CallFrame(ReplyFrame{.id = 2, .body = CallBody(Bytes(30, 3))})),
       frame_of(CallFrame(FailFrame{.id = 1, .fault = 2, .message = why}))},
      {opening, item, item, end, failed},
      {item, item, end},
  };
  std::vector<Bytes> seeds;
  for (std::uint8_t kind = 0; kind < said.size(); ++kind) {
    for (std::uint8_t actions = 0; actions < 8; ++actions) {
      Bytes all;
      for (const Bytes& one : said[kind]) all.insert(all.end(), one.begin(), one.end());
      Bytes seed{kind};
      for (std::size_t at = 0; at < all.size(); at += 31) {
        seed.push_back(static_cast<std::uint8_t>((actions + at) % 6));
        const std::size_t size = std::min<std::size_t>(31, all.size() - at);
        seed.insert(seed.end(), all.begin() + static_cast<std::ptrdiff_t>(at),
                    all.begin() + static_cast<std::ptrdiff_t>(at + size));
      }
      seeds.push_back(std::move(seed));
    }
  }
  const auto body_of = [](std::uint8_t kind, const Bytes& frame) {
    Bytes seed{kind};
    seed.insert(seed.end(), frame.begin() + kFrameLengthBytes, frame.end());
    return seed;
  };
  seeds.push_back(body_of(4, request(7)));
  seeds.push_back(body_of(5, failed));
  seeds.push_back(body_of(6, opening));
  return seeds;
}

}  // namespace micro::test
