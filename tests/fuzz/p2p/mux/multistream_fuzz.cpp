// A stranger's side of a negotiation. The first byte: which side we are, and how the bytes are cut, which must not
// matter. Accepted: agreement.
#include "p2p/mux/multistream.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace micro::test {
namespace {

using namespace p2p;

const ProtocolSet kSpoken{"/a", "/b"};

struct Outcome {
  bool failed = false;
  Multistream::State state{};
  std::string protocol;
  Bytes said;
  bool operator==(const Outcome&) const = default;
};

Outcome run(bool dialer, ByteView input, std::size_t piece) {
  Multistream side = dialer ? Multistream::dialer({"/x", "/a", "/b"}) : Multistream::listener(kSpoken);
  ByteQueue out;
  side.start(out);
  Outcome outcome;
  while (!input.empty() && side.state() == Multistream::State::kRunning && !outcome.failed) {
    const ByteView here = input.first(std::min(piece, input.size()));
    const auto taken = side.feed(here, out);
    outcome.failed = !taken;
    if (!taken) break;
    CHECK(*taken == here.size() || side.state() != Multistream::State::kRunning, "all is taken while it runs");
    input = input.subspan(*taken);
  }
  CHECK(out.size() <= 1'024, "few answers");
  outcome.state = side.state();
  outcome.protocol = side.protocol();
  outcome.said = to_bytes(out.view());
  return outcome;
}

Bytes said_by(bool dialer, const std::vector<std::string>& proposals) {
  Bytes out;
  ByteQueue queue;
  auto side = Multistream::dialer(proposals);
  side.start(queue);
  if (!dialer) out = {0x13};
  if (!dialer) {
    for (const char c : std::string("/multistream/1.0.0\n")) out.push_back(static_cast<std::uint8_t>(c));
    for (const std::string& text : {std::string("\x03na\n"), std::string("\x03/a\n")}) {
      out.insert(out.end(), text.begin(), text.end());
    }
    return out;
  }
  return to_bytes(queue.view());
}

}  // namespace

bool fuzz(ByteView input) {
  if (input.empty()) return false;
  const bool dialer = input[0] % 2 == 0;
  const Outcome whole = run(dialer, input.subspan(1), SIZE_MAX);
  CHECK(whole == run(dialer, input.subspan(1), 1U + input[0] / 2U), "pieces do not matter");
  return whole.state == Multistream::State::kAgreed;
}

std::vector<Bytes> fuzz_seeds() {
  std::vector<Bytes> seeds;
  for (const std::uint8_t first : std::initializer_list<std::uint8_t>{0, 1, 10, 11}) {
    Bytes seed{first};
    const Bytes said = said_by(first % 2 == 1, {"/b"});
    seed.insert(seed.end(), said.begin(), said.end());
    seeds.push_back(std::move(seed));
  }
  return seeds;
}

}  // namespace micro::test
