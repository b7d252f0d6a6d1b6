// The two databases with one damaged value each: the start refuses them with a reason, or the chain goes on exactly as
// it was. Input: u8 what is behind (bit 0: the state lacks the last block), u16 which entry, then its value.
#include "tests/fuzz/fuzz.hpp"
#include "tests/gen/chain/small_net.hpp"

namespace micro::test {
namespace {

struct Chain {
  SmallNet net;
  std::vector<Header> headers;
  MemoryKv::Image state_before;  ///< of the last block
  Block next;

  Chain() {
    headers.push_back(net.ledger().head().value().header);
    for (std::uint64_t i = 0; i < 4; ++i) {
      state_before = net.disks().state;
      CHECK(net.ledger().submit(net.transfer(1, i, 2, 5)).waits(), "a transfer waits");
      headers.push_back(net.seal(i % 2 == 0 ? 400 : 700).value().header);
    }
    SmallNet later(net.genesis(), net.disks());
    CHECK(later.ledger().submit(net.transfer(3, 0, 2, 5)).waits(), "a transfer waits");
    next = later.seal().value();
  }
};
Chain& chain() {
  static Chain made;
  return made;
}

Disks disks_of(bool behind) {
  Disks out = chain().net.disks();
  if (behind) out.state = chain().state_before;
  return out;
}

Bytes& entry_of(Disks& disks, std::size_t at) {
  at %= disks.ledger.size() + disks.state.size();
  const bool in_ledger = at < disks.ledger.size();
  auto& image = in_ledger ? disks.ledger : disks.state;
  return std::next(image.begin(), static_cast<std::ptrdiff_t>(in_ledger ? at : at - disks.ledger.size()))->second;
}

}  // namespace

bool fuzz(ByteView input) {
  if (input.size() < 3) return false;
  Disks disks = disks_of((input[0] & 1) != 0);
  entry_of(disks, input[1] + std::size_t{256} * input[2]) = to_bytes(input.subspan(3));
  SmallNet net(chain().net.genesis(), std::move(disks));
  if (!net.opened()) {
    CHECK(!net.opened().error().message.empty(), "a reason");
    return false;
  }
  const auto head = net.ledger().head();
  if (!head) return false;  // what it reads for its head was the damaged entry
  CHECK(head->header == chain().headers.back(), "the chain stands where it stood");
  const Block& next = chain().next;
  CHECK(net.ledger().execute(next).has_value(), "and takes the next block");
  const BlockId id = block_id(next.header);
  CHECK(net.ledger().finalize(id, SmallNet::certificate_of(id, 5)).has_value(), "to the end");
  return true;
}

// Every entry as it is: nothing is damaged then.
std::vector<Bytes> fuzz_seeds() {
  std::vector<Bytes> seeds;
  for (const bool behind : {false, true}) {
    Disks disks = disks_of(behind);
    const std::size_t entries = disks.ledger.size() + disks.state.size();
    for (std::size_t at = 0; at < entries; ++at) {
      Bytes seed{static_cast<std::uint8_t>(behind), static_cast<std::uint8_t>(at), static_cast<std::uint8_t>(at >> 8)};
      const Bytes& value = entry_of(disks, at);
      seed.insert(seed.end(), value.begin(), value.end());
      seeds.push_back(std::move(seed));
    }
  }
  return seeds;
}

}  // namespace micro::test
