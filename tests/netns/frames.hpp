// Which node is where: its address, and whom a frame on the wire is for.
#pragma once

#include <optional>

#include "chain/base/bytes.hpp"

namespace micro::netns {

inline constexpr std::size_t kMacBytes = 6;
inline constexpr std::size_t kEthernetBytes = 14;     ///< in front of what a frame carries
inline constexpr std::size_t kMaxFrameBytes = 1'514;  ///< with 1,500 of those

/// 11.N.0.1 as a number: public to those who ask, and an address group of its own.
constexpr std::uint32_t address_number(std::size_t node) {
  return 11U << 24 | static_cast<std::uint32_t>(node) << 16 | 1U;
}
inline constexpr std::uint32_t kNetworkMask = 0xff000000;  ///< all of them are neighbours

/// The same for people.
std::string address_of(std::size_t node);
/// Which of so many nodes an IPv4 frame is for; nothing for frames that are none or go elsewhere.
std::optional<std::size_t> node_of(ByteView frame, std::size_t nodes);

}  // namespace micro::netns
