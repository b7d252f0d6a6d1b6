// Messages of any length, cut anywhere on their way, arrive as they were sent.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "tests/gen/p2p/noise_pair.hpp"

namespace micro::p2p {
namespace {

// Hands `from` over in pieces of at most `piece` bytes.
Result<Bytes> feed_pieces(NoiseChannel& channel, ByteQueue& from, ByteQueue& out, std::size_t piece) {
  ByteQueue in;
  Bytes plain;
  while (!from.empty()) {
    const std::size_t size = std::min(piece, from.size());
    in.append(from.view().first(size));
    from.consume(size);
    const Bytes opened = TRY(test::feed_all(channel, in, out));
    plain.insert(plain.end(), opened.begin(), opened.end());
  }
  return plain;
}

RC_GTEST_PROP(NoiseChannel, ArrivesWhateverThePieces, ()) {
  const std::size_t piece = *rc::gen::inRange<std::size_t>(1, 300);
  NoiseChannel dialer(test::noise_config(Role::kInitiator));
  NoiseChannel listener(test::noise_config(Role::kResponder));
  ByteQueue to_dialer;
  ByteQueue to_listener;
  RC_ASSERT(dialer.start(to_listener).has_value());
  RC_ASSERT(feed_pieces(listener, to_listener, to_dialer, piece).has_value());
  RC_ASSERT(feed_pieces(dialer, to_dialer, to_listener, piece).has_value());
  RC_ASSERT(feed_pieces(listener, to_listener, to_dialer, piece).has_value());
  RC_ASSERT(dialer.established() && listener.established());
  Bytes sent;
  const int messages = *rc::gen::inRange(0, 6);
  for (int n = 0; n < messages; ++n) {
    const auto size = *rc::gen::element<std::size_t>(0, 1, 15, 16, 17, 300, kMaxNoisePlainBytes);
    const Bytes message(size, static_cast<std::uint8_t>(n));
    dialer.seal(message, to_listener);
    sent.insert(sent.end(), message.begin(), message.end());
  }
  RC_ASSERT(feed_pieces(listener, to_listener, to_dialer, piece * 50).value() == sent);
}

}  // namespace
}  // namespace micro::p2p
