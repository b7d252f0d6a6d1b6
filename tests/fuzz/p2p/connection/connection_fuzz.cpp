// A peer that finished the handshake and then says anything, and a stranger who says anything from the start. First
// byte: which of the two, and how what follows is cut. Accepted: the connection stood to the end.
#include "tests/fuzz/fuzz.hpp"
#include "tests/gen/p2p/link.hpp"

namespace micro::test {
namespace {

using namespace p2p;

// Its share, and what is on its way through: a message of the channel in each direction.
constexpr std::size_t kMostHeldBytes = kConnectionHeldBytes + 1'024 * 1'024;

bool feed(Connection& to, ByteView bytes) {
  while (!bytes.empty()) {
    const auto room = to.prepare();
    const std::size_t size = std::min(room.size(), bytes.size());
    std::memcpy(room.data(), bytes.data(), size);
    bytes = bytes.subspan(size);
    if (!to.commit(size, {})) return false;
    ByteQueue said;
    to.take_output(said);
    for (const ConnectionEvent& event : std::exchange(to.events(), {})) {
      if (event.kind == ConnectionEvent::Kind::kInbound) CHECK(!to.take_protocol(event.stream).empty(), "agreed");
      if (event.kind == ConnectionEvent::Kind::kReadable) {
        to.mux().consume(event.stream, to.mux().readable(event.stream).size(), {});
      }
    }
    CHECK(to.held_bytes() <= kMostHeldBytes, "bounded memory");
  }
  return true;
}

// The insider's bytes are plain text: sealed by its own channel, as a real peer would.
bool insider(ByteView input, std::size_t piece) {
  ProtocolSet protocols{"/a"};
  MemoryPool pool;
  Connection victim(p2p::test::noise_config(Role::kResponder), protocols, pool);
  NoiseChannel attacker(p2p::test::noise_config(Role::kInitiator));
  victim.start({});
  ByteQueue to_victim;
  ByteQueue from_victim;
  to_victim.append(from_hex("132f6d756c746973747265616d2f312e302e300a072f6e6f6973650a").value());
  CHECK(attacker.start(to_victim).has_value(), "handshake");
  for (bool shaken = false; !attacker.established() || !shaken;) {
    shaken = attacker.established();
    CHECK(feed(victim, ByteView()), "nothing");
    const auto room = victim.prepare();
    std::memcpy(room.data(), to_victim.view().data(), to_victim.size());
    CHECK(victim.commit(to_victim.size(), {}).has_value(), "handshake");
    to_victim.clear();
    ByteQueue said;
    victim.take_output(said);
    from_victim.append(said.view());
    if (from_victim.size() >= 28 && from_victim.view()[0] == 0x13) from_victim.consume(28);
    if (!attacker.established()) CHECK(p2p::test::feed_all(attacker, from_victim, to_victim).has_value(), "handshake");
  }
  CHECK(victim.secured(), "it was shaken");
  while (!input.empty()) {
    const ByteView here = input.first(std::min(piece, input.size()));
    input = input.subspan(here.size());
    ByteQueue sealed;
    attacker.seal(here, sealed);
    if (!feed(victim, sealed.view())) return false;
  }
  return true;
}

}  // namespace

bool fuzz(ByteView input) {
  if (input.empty()) return false;
  const std::size_t piece = 1U + input[0] / 2U;
  if (input[0] % 2 == 0) return insider(input.subspan(1), piece);
  ProtocolSet protocols{"/a"};
  MemoryPool pool;
  Connection victim(p2p::test::noise_config(Role::kResponder), protocols, pool);
  victim.start({});
  return feed(victim, input.subspan(1));
}

std::vector<Bytes> fuzz_seeds() {
  const std::string header = "132f6d756c746973747265616d2f312e302e300a";
  std::vector<Bytes> seeds;
  for (const char* first : {"00", "10", "fe"}) {
    // A stream with its agreement and data; a refused one; a ping; ends.
    seeds.push_back(from_hex(std::string(first) + "000100010000000100000000" + "000000000000000100000018" + header +
                             "032f610a" + "000000000000000100000003616263" + "000100040000000100000000")
                        .value());
    seeds.push_back(from_hex(std::string(first) + "000000010000000300000018" + header + "032f7a0a" +
                             "000200010000000000000007" + "000100080000000300000000")
                        .value());
  }
  seeds.push_back(from_hex("01" + header + "072f6e6f6973650a").value());
  return seeds;
}

}  // namespace micro::test
