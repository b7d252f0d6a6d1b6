// Whatever the pieces in which bytes travel, both ends see the same streams; changed bytes never reach an application;
// and whatever peers do, what connections hold stays within their pool.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <memory>

#include "tests/gen/p2p/link.hpp"

namespace micro::p2p {
namespace {

using Kind = ConnectionEvent::Kind;

// What is on its way through a connection beside what its share counts: a message of the channel and its buffer.
constexpr std::size_t kPassingBytes = 512 * 1'024;

Bytes pattern(StreamId id, std::size_t from, std::size_t bytes) {
  Bytes out(bytes);
  for (std::size_t n = 0; n < bytes; ++n) out[n] = static_cast<std::uint8_t>((from + n) * 131 + id * 7);
  return out;
}

/// Reads everything that came; the bytes are the stream's pattern or the property fails.
class Reader {
 public:
  void read(Connection& connection) {
    for (const ConnectionEvent& event : std::exchange(connection.events(), {})) {
      if (event.kind == Kind::kInbound) RC_ASSERT(connection.take_protocol(event.stream) == "/a");
      if (event.kind == Kind::kReset) over_.insert(event.stream);
      if (event.kind != Kind::kReadable) continue;
      const ByteView there = connection.mux().readable(event.stream);
      std::size_t& at = read_[event.stream];
      RC_ASSERT(std::ranges::equal(there, pattern(event.stream, at, there.size())));
      at += there.size();
      connection.mux().consume(event.stream, there.size(), {});
    }
  }
  [[nodiscard]] std::size_t bytes(StreamId id) const {
    const auto found = read_.find(id);
    return found == read_.end() ? 0 : found->second;
  }

 private:
  std::map<StreamId, std::size_t> read_;
  std::set<StreamId> over_;
};

// Pieces of random sizes, in turns of random length.
void travel(Connection& from, Connection& to, Reader& reader) {
  ByteQueue bytes;
  while (from.take_output(bytes)) {
    while (!bytes.empty()) {
      const auto piece = *rc::gen::element<std::size_t>(1, 2, 11, 12, 17, 1'000, 100'000, 100'000, 100'000);
      const auto room = to.prepare();
      const std::size_t size = std::min({piece, bytes.size(), room.size()});
      std::memcpy(room.data(), bytes.view().data(), size);
      bytes.consume(size);
      RC_ASSERT(to.commit(size, {}).has_value());
      reader.read(to);
      RC_ASSERT(to.held_bytes() <= kConnectionHeldBytes + kPassingBytes);
    }
  }
}

RC_GTEST_PROP(Connection, BytesCutAnywhereArriveInOrder, ()) {
  test::Link link(*rc::gen::arbitrary<bool>(), *rc::gen::arbitrary<bool>());
  Reader readers[2];
  std::map<StreamId, std::size_t> written;
  const auto both = [&] {
    for (int n = 0; n < 3; ++n) {
      travel(link.dialer, link.listener, readers[1]);
      travel(link.listener, link.dialer, readers[0]);
    }
  };
  both();
  RC_ASSERT(link.dialer.secured() && link.listener.secured());
  const int steps = *rc::gen::inRange(1, 12);
  for (int n = 0; n < steps; ++n) {
    const bool fresh = written.empty() || *rc::gen::inRange(0, 3) == 0;
    const StreamId id = fresh ? link.dialer.open({"/a"}, {}).value() : written.rbegin()->first;
    const auto size = *rc::gen::element<std::size_t>(0, 1, 300, 70'000);
    written[id] += link.dialer.mux().write(id, pattern(id, written[id], size));
    if (*rc::gen::arbitrary<bool>()) both();
  }
  both();
  for (const auto& [id, bytes] : written) RC_ASSERT(readers[1].bytes(id) == bytes);
}

// What an honest dialer with fixed keys says is the same each time, so its flight can be changed and said again.
struct Flight {
  Bytes bytes;
  std::size_t handshake_bytes = 0;
  std::map<StreamId, std::size_t> written;
};

Flight record() {
  Flight flight;
  test::Link link(true, true);
  const auto carry_and_keep = [&] {
    for (bool moved = true; moved;) {
      ByteQueue said;
      moved = link.dialer.take_output(said);
      flight.bytes.insert(flight.bytes.end(), said.view().begin(), said.view().end());
      test::Link* const to = &link;
      while (!said.empty()) {
        const auto room = to->listener.prepare();
        const std::size_t size = std::min(room.size(), said.size());
        std::memcpy(room.data(), said.view().data(), size);
        said.consume(size);
        RC_ASSERT(to->listener.commit(size, {}).has_value());
      }
      moved = test::carry(link.listener, link.dialer, 1'000'000).value() || moved;
    }
  };
  carry_and_keep();
  flight.handshake_bytes = flight.bytes.size();
  for (const std::size_t size : {std::size_t{5}, std::size_t{1'000}, std::size_t{70'000}}) {
    const StreamId id = link.dialer.open({"/a"}, {}).value();
    flight.written[id] = link.dialer.mux().write(id, pattern(id, 0, size));
    carry_and_keep();
  }
  return flight;
}

void change(Bytes& bytes) {
  const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
  const auto place = bytes.begin() + static_cast<std::ptrdiff_t>(at);
  switch (*rc::gen::inRange(0, 4)) {
    case 0:
      bytes[at] ^= static_cast<std::uint8_t>(*rc::gen::inRange(1, 256));
      break;
    case 1:
      bytes.insert(place, *rc::gen::arbitrary<std::uint8_t>());
      break;
    case 2:
      bytes.erase(place);
      break;
    default:
      bytes.resize(at + 1);
  }
}

RC_GTEST_PROP(Connection, ChangedBytesEndItAndNeverReachAnApplication, ()) {
  static const Flight honest = record();
  Bytes bytes = honest.bytes;
  const int changes = *rc::gen::inRange(0, 3);
  for (int n = 0; n < changes && !bytes.empty(); ++n) change(bytes);
  const ProtocolSet protocols{"/a"};
  MemoryPool pool;
  Connection victim(test::noise_config(Role::kResponder), protocols, pool);
  victim.start({});
  Reader reader;
  Status status;
  for (std::size_t at = 0; at < bytes.size() && status;) {
    const auto room = victim.prepare();
    const auto piece = *rc::gen::element<std::size_t>(1, 40, 5'000, 200'000);
    const std::size_t size = std::min({piece, room.size(), bytes.size() - at});
    std::memcpy(room.data(), bytes.data() + at, size);
    at += size;
    status = victim.commit(size, {});
    reader.read(victim);
    ByteQueue said;
    victim.take_output(said);
    RC_ASSERT(victim.held_bytes() <= kConnectionHeldBytes + kPassingBytes);
  }
  if (bytes == honest.bytes) RC_ASSERT(status.has_value());
  for (const auto& [id, count] : honest.written) {
    RC_ASSERT(reader.bytes(id) <= count);
    if (bytes == honest.bytes) RC_ASSERT(reader.bytes(id) == count);
  }
  RC_ASSERT(pool.held_bytes() == victim.held_bytes());
}

// Peers that keep to every rule and fill what the protocol lets them, while nobody reads.
RC_GTEST_PROP(Connection, ManyGreedyPeersShareOnePool, ()) {
  const auto peers = *rc::gen::inRange<std::size_t>(1, 24);
  const std::size_t limit = 8 * 1'024 * 1'024;
  const ProtocolSet protocols{"/a"};
  MemoryPool ours(limit);
  MemoryPool theirs(1'024 * 1'024 * 1'024);
  struct Pair {
    Connection dialer;
    Connection listener;
  };
  std::vector<std::unique_ptr<Pair>> pairs;
  const auto settle = [&](Pair& pair) {
    for (bool moved = true; moved;) {
      const auto there = test::carry(pair.dialer, pair.listener, 1'000'000);
      const auto back = test::carry(pair.listener, pair.dialer, 1'000'000);
      RC_ASSERT(there.has_value() && back.has_value());
      moved = *there || *back;
      RC_ASSERT(ours.held_bytes() <= limit + pairs.size() * kPassingBytes);
    }
    pair.listener.events().clear();
    pair.dialer.events().clear();
  };
  for (std::size_t n = 0; n < peers; ++n) {
    pairs.push_back(std::unique_ptr<Pair>(new Pair{{test::noise_config(Role::kInitiator), protocols, theirs},
                                                   {test::noise_config(Role::kResponder), protocols, ours}}));
    pairs.back()->dialer.start({});
    pairs.back()->listener.start({});
    settle(*pairs.back());
  }
  const int turns = *rc::gen::inRange(1, 60);
  for (int turn = 0; turn < turns; ++turn) {
    Pair& pair = *pairs[*rc::gen::inRange<std::size_t>(0, peers)];
    const auto id = pair.dialer.open({"/a"}, {});
    if (!id) continue;
    pair.dialer.mux().write(*id, Bytes(*rc::gen::inRange<std::size_t>(0, 250'000), 7));
    settle(pair);
  }
  std::size_t held = 0;
  for (const auto& pair : pairs) held += pair->listener.held_bytes();
  RC_ASSERT(held == ours.held_bytes());
  // Whoever did nothing may still use a part: no one took it all.
  RC_ASSERT(ours.allowance() > 0U || peers * kPassingBytes > limit);
  pairs.clear();
  RC_ASSERT(ours.held_bytes() == 0U);
}

}  // namespace
}  // namespace micro::p2p
