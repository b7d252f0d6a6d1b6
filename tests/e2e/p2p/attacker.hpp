// A process of hostile connections, each from an address of its own, that begin again whenever they are cut off.
#pragma once

#include <atomic>
#include <cstdint>

#include "p2p/wire/multiaddr.hpp"

namespace micro::p2p::test {

/// In memory that processes share.
struct AttackFigures {
  std::atomic<std::uint64_t> connections;  ///< that TCP let through
  std::atomic<std::uint64_t> handshakes;   ///< that were done
  std::atomic<std::uint64_t> bytes;        ///< written
};

struct AttackPlan {
  std::size_t connections = 0;    ///< at once
  std::uint64_t bytes_per_s = 0;  ///< of garbage, all together
};

/// Attacks until it is killed. `victim` ends in its peer id.
[[noreturn]] void attack(const Multiaddr& victim, AttackPlan plan, AttackFigures& figures);

}  // namespace micro::p2p::test
