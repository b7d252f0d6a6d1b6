// A node with everything that finds peers and spreads messages, as one process; p2p_node runs it.
#pragma once

#include "p2p/wire/multiaddr.hpp"

namespace micro::p2p::netns {

/// `words` are NAME=VALUE: network (a text; its hash is the network's id), key (a text; its hash is the node's seed),
/// book (a file), seed (an address with a peer, any number of them). Prints an event a line as JSON and takes
/// commands from its input until that ends; the exit code.
int run_network_node(const Multiaddr& address, const std::vector<std::string>& words);

}  // namespace micro::p2p::netns
