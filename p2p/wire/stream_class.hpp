// What a stream carries: the one thing that the layers below need to know of it.
#pragma once

#include <cstdint>

namespace micro::p2p {

enum class StreamClass : std::uint8_t {
  kInteractive,  ///< small and urgent: votes, calls, pings
  kBulk,         ///< much, and nobody waits for its single bytes
};

}  // namespace micro::p2p
