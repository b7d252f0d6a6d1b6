#include "tests/netns/frames.hpp"

namespace micro::netns {

std::string address_of(std::size_t node) {
  const std::uint32_t number = address_number(node);
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += std::to_string(number >> shift & 0xff) + (shift > 0 ? "." : "");
  return out;
}

std::optional<std::size_t> node_of(ByteView frame, std::size_t nodes) {
  constexpr std::size_t kTypeAt = 2 * kMacBytes;
  constexpr std::size_t kDestinationAt = kEthernetBytes + 16;
  if (frame.size() < kDestinationAt + 4) return std::nullopt;
  if (frame[kTypeAt] != 0x08 || frame[kTypeAt + 1] != 0x00 || frame[kEthernetBytes] >> 4 != 4) return std::nullopt;
  std::uint32_t to = 0;
  for (std::size_t n = 0; n < 4; ++n) to = to << 8 | frame[kDestinationAt + n];
  const std::size_t node = to >> 16 & 0xff;
  if (node >= nodes || to != address_number(node)) return std::nullopt;
  return node;
}

}  // namespace micro::netns
