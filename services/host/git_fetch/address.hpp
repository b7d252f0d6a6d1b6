// Which addresses of the network a fetch may talk to. A name that anyone can publish may point anywhere, into the
// builder's own network too, so the address that is connected to is what is judged, and not the name.
#pragma once

#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <string>

namespace micro::git {

enum class AddressRule : std::uint8_t {
  kAny,
  kPublicOnly,   ///< reachable by everyone: the registries of special-purpose addresses (RFC 6890) are left out
  kLoopbackOnly  ///< this machine itself
};

/// IPv4 in network order, as people write it.
using Ipv4 = std::array<std::uint8_t, 4>;
using Ipv6 = std::array<std::uint8_t, 16>;

/// False for private, shared, loopback, link-local, documentation, benchmarking, multicast and reserved addresses.
bool is_public(const Ipv4& address);
/// The same, and false for tunnels; an IPv4 address inside (mapped, or translated by 64:ff9b::/96) counts as itself.
bool is_public(const Ipv6& address);

bool is_allowed(AddressRule rule, const sockaddr& address);

/// "10.0.0.1" or "[fe80::1]".
std::string address_text(const sockaddr& address);

}  // namespace micro::git
