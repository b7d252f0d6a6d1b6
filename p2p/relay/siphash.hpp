// SipHash-2-4 (Aumasson and Bernstein) with a key of 16 bytes.
#pragma once

#include <array>

#include "chain/base/bytes.hpp"

namespace micro::p2p {

using SipKey = std::array<std::uint8_t, 16>;

/// As a little-endian number.
std::uint64_t siphash(const SipKey& key, ByteView bytes);

}  // namespace micro::p2p
