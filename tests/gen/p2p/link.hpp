// Two connections with a wire between them that cuts bytes into pieces.
#pragma once

#include "p2p/connection/connection.hpp"
#include "tests/gen/p2p/noise_pair.hpp"

namespace micro::p2p::test {

/// Hands over what `from` has to say, at most `piece` bytes at once; false when it had nothing.
inline Result<bool> carry(Connection& from, Connection& to, std::size_t piece) {
  ByteQueue bytes;
  if (!from.take_output(bytes)) return false;
  while (!bytes.empty()) {
    const auto room = to.prepare();
    const std::size_t size = std::min({piece, bytes.size(), room.size()});
    std::memcpy(room.data(), bytes.view().data(), size);
    bytes.consume(size);
    TRY(to.commit(size, {}));
  }
  return true;
}

struct Link {
  ProtocolSet protocols{"/a", "/b"};
  MemoryPool pool;
  Connection dialer;
  Connection listener;

  Link(bool dialer_offers, bool listener_offers)
      : dialer(noise_config(Role::kInitiator, muxers(dialer_offers)), protocols, pool),
        listener(noise_config(Role::kResponder, muxers(listener_offers)), protocols, pool) {
    dialer.start({});
    listener.start({});
  }
  /// Until both are silent.
  Status settle(std::size_t piece) {
    for (bool moved = true; moved;) {
      const bool there = TRY(carry(dialer, listener, piece));
      const bool back = TRY(carry(listener, dialer, piece));
      moved = there || back;
    }
    return {};
  }
  static std::vector<std::string> muxers(bool offered) {
    return offered ? std::vector<std::string>{std::string(kYamuxProtocol)} : std::vector<std::string>{};
  }
};

}  // namespace micro::p2p::test
