// A node of the Kademlia cases; kad.py says what to do on its input.
#pragma once

#include "p2p/wire/multiaddr.hpp"

namespace micro::p2p::interop {

/// Prints "ready ADDRESS" and one line for each line of its input, until that ends. What the process returns.
int run_kad(const Multiaddr& address);

}  // namespace micro::p2p::interop
