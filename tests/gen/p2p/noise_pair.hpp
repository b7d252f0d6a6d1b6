// Two ends of a Noise channel with fixed keys.
#pragma once

#include "p2p/noise/channel.hpp"

namespace micro::p2p::test {

inline Hash filled(std::uint8_t byte) {
  return Hash::from(Bytes(32, byte)).value();
}
inline HostKey host_key(std::uint8_t byte) {
  return HostKey::from_seed(filled(byte));
}

inline NoiseConfig noise_config(Role role, std::vector<std::string> muxers = {"/yamux/1.0.0"}) {
  const std::uint8_t base = role == Role::kInitiator ? 1 : 101;
  return {.role = role,
          .identity = host_key(base),
          .static_keys = DhKeys::from_secret(filled(static_cast<std::uint8_t>(base + 1))),
          .ephemeral = DhKeys::from_secret(filled(static_cast<std::uint8_t>(base + 2))),
          .expected_peer = {},
          .muxers = std::move(muxers)};
}

/// Feeds everything queued for a channel; returns what it opened.
inline Result<Bytes> feed_all(NoiseChannel& channel, ByteQueue& in, ByteQueue& out) {
  Bytes plain;
  while (const auto frame = TRY(channel.next(in.readable(), out))) {
    plain.insert(plain.end(), frame->plain.begin(), frame->plain.end());
    in.consume(frame->taken);
  }
  return plain;
}

}  // namespace micro::p2p::test
