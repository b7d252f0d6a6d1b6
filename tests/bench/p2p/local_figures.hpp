// What this machine could do at best, and what our state machines take without sockets.
#pragma once

#include <cstddef>

namespace micro::p2p::bench {

/// Allocations of this process so far.
std::size_t allocations();
/// Prints "figure NAME VALUE" for each: bytes a second of raw TCP over loopback in two processes, of the AEAD, of a
/// pair of connections in memory; allocations a frame there; bytes that an idle connection holds.
void print_local_figures();

}  // namespace micro::p2p::bench
