// Network namespaces of this process's own: one for it, one for each node, and a veth pair from each node to it.
// Nothing of the machine is touched: the first step is to leave its network, and everything ends with the last process
// that is in one of them.
#pragma once

#include <array>

#include "tests/netns/frames.hpp"

namespace micro::netns {

using Mac = std::array<std::uint8_t, kMacBytes>;

/// Where a node is.
struct Wire {
  int space = -1;    ///< an open handle of its namespace
  int packets = -1;  ///< a socket on our end of its pair: what it sends can be read, what is written it receives
  Mac mac{};         ///< of its end
};

/// Leaves the network of the machine for a new one. kDenied where namespaces cannot be made, with the reason.
Status leave_network();
/// A namespace with one interface, eth0, of this number. From within the one that leave_network made.
Result<Wire> make_wire(std::size_t node);
/// For a process that is to be a node: into the namespaces of the emulator with this process id.
Status enter(int emulator, int space);

}  // namespace micro::netns
