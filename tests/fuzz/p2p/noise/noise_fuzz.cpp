// A stranger's bytes against both ends of the channel; the first byte says which, and how the rest is cut. Accepted: a
// handshake that came to its end.
#include "tests/fuzz/fuzz.hpp"
#include "tests/gen/p2p/noise_pair.hpp"

namespace micro::test {
namespace {

using namespace p2p;

void append_to(Bytes& out, ByteView bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

bool run(Role role, ByteView input, std::size_t piece) {
  NoiseChannel channel(p2p::test::noise_config(role));
  ByteQueue in;
  ByteQueue out;
  CHECK(channel.start(out).has_value(), "the first message always goes");
  while (!input.empty()) {
    const ByteView here = input.first(std::min(piece, input.size()));
    input = input.subspan(here.size());
    in.append(here);
    if (!p2p::test::feed_all(channel, in, out)) return false;
    CHECK(in.size() <= kNoiseLengthBytes + kMaxNoiseFrameBytes, "a bounded rest");
    CHECK(out.size() <= 2 * kMaxHandshakeFrameBytes, "bounded answers");
  }
  return channel.established();
}

// What the other end says to this one.
Bytes transcript(Role role) {
  NoiseChannel dialer(p2p::test::noise_config(Role::kInitiator));
  NoiseChannel listener(p2p::test::noise_config(Role::kResponder));
  ByteQueue to_dialer;
  ByteQueue to_listener;
  Bytes said[2];
  CHECK(dialer.start(to_listener).has_value(), "handshake");
  append_to(said[0], to_listener.view());
  CHECK(p2p::test::feed_all(listener, to_listener, to_dialer).has_value(), "handshake");
  append_to(said[1], to_dialer.view());
  CHECK(p2p::test::feed_all(dialer, to_dialer, to_listener).has_value(), "handshake");
  dialer.seal(as_bytes("hello"), to_listener);
  append_to(said[0], to_listener.view());
  return role == Role::kResponder ? said[0] : said[1];
}

}  // namespace

bool fuzz(ByteView input) {
  if (input.empty()) return false;
  return run(input[0] % 2 == 0 ? Role::kInitiator : Role::kResponder, input.subspan(1), 1U + input[0] / 2U);
}

std::vector<Bytes> fuzz_seeds() {
  std::vector<Bytes> seeds;
  for (const std::uint8_t first : std::initializer_list<std::uint8_t>{0, 1, 250, 251}) {
    Bytes seed{first};
    append_to(seed, transcript(first % 2 == 0 ? Role::kInitiator : Role::kResponder));
    seeds.push_back(std::move(seed));
  }
  return seeds;
}

}  // namespace micro::test
