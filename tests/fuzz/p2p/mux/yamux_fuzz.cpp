// Hostile frames against a side whose application reads, writes, ends and gives up streams meanwhile. Input: a byte for
// the side, then steps: a byte that says what the application does (low bits) and how many bytes of the peer come next.
// Accepted: the connection stood to the end.
#include "p2p/mux/yamux.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace micro::test {
namespace {

using namespace p2p;

constexpr std::size_t kMostHeldBytes =
    2 * (kYamuxMaxInboundStreams * kYamuxWindowBytes + kYamuxGrowthBytes + kYamuxQueuedBytes) + 1'024 * 1'024;

void application_step(Yamux& mux, StreamId id, unsigned what, Instant now) {
  switch (what) {
    case 0:
      (void)mux.open(id % 4 < 2 ? StreamClass::kBulk : StreamClass::kInteractive);
      mux.set_class(id, StreamClass::kBulk);
      break;
    case 1:
      mux.write(id, Bytes(100));
      break;
    case 2:
      mux.consume(id, mux.readable(id).size() / 2, now);
      break;
    case 3:
      mux.consume(id, mux.readable(id).size(), now);
      break;
    case 4:
      mux.finish(id);
      break;
    case 5:
      mux.reset(id);
      break;
    case 6:
      mux.release(id);
      break;
    default:
      while (!mux.next_output(kYamuxFrameBytes).empty()) mux.sent(mux.next_output(kYamuxFrameBytes).size());
      mux.release_memory();
  }
}

}  // namespace

bool fuzz(ByteView input) {
  if (input.empty()) return false;
  Yamux mux(input[0] % 2 == 0);
  mux.set_rtt_ns(input[0] * 1'000ULL);
  input = input.subspan(1);
  Instant now;
  StreamId last = 1;
  while (!input.empty()) {
    const std::uint8_t step = input[0];
    input = input.subspan(1);
    now.ns += 100;
    application_step(mux, last, step & 7, now);
    const ByteView here = input.first(std::min<std::size_t>(step >> 3, input.size()));
    input = input.subspan(here.size());
    if (!mux.receive(here, now)) return false;
    for (const MuxEvent& event : mux.events()) {
      if (event.stream != 0) last = event.stream;
      if (event.kind == MuxEvent::Kind::kOpened) CHECK(event.stream != 0, "a stream has an id");
    }
    mux.events().clear();
    CHECK(mux.streams() <= kYamuxMaxInboundStreams + kYamuxMaxOutboundStreams, "few streams");
    CHECK(mux.held_bytes() <= kMostHeldBytes, "bounded memory");
    CHECK(!mux.at_end(last) || mux.readable(last).empty(), "the end is behind everything");
  }
  return true;
}

std::vector<Bytes> fuzz_seeds() {
  const char* const kFrames[] = {"000000010000000100000003616263", "000100000000000100000100",
                                 "000200010000000000000009",       "000000040000000100000000",
                                 "000100080000000100000007",       "000300000000000000000000",
                                 "000100010000000300000000",       "000100020000000100000000"};
  std::vector<Bytes> seeds;
  for (std::uint8_t order = 0; order < 8; ++order) {
    Bytes seed{1};
    for (std::uint8_t n = 0; n < 8; ++n) {
      const Bytes frame = from_hex(kFrames[(n * (order | 1U) + order) % 8]).value();
      if (n == 0) {
        const Bytes open = from_hex(kFrames[0]).value();
        seed.push_back(static_cast<std::uint8_t>(open.size() << 3 | 7));
        seed.insert(seed.end(), open.begin(), open.end());
      }
      if (frame == from_hex(kFrames[0]).value()) continue;  // open already
      seed.push_back(static_cast<std::uint8_t>(frame.size() << 3 | ((order + n) & 7)));
      seed.insert(seed.end(), frame.begin(), frame.end());
    }
    seeds.push_back(std::move(seed));
  }
  return seeds;
}

}  // namespace micro::test
