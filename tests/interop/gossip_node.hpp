// A node of the gossip cases: it joins one topic, does what lines of its input say, and prints what it hears.
#pragma once

#include "p2p/wire/multiaddr.hpp"

namespace micro::p2p::interop {

/// Runs until the input ends; the exit code. Commands are described in README.md.
int run_gossip(const Multiaddr& address, bool sign);

}  // namespace micro::p2p::interop
