// Where an address is: its IP, whether strangers can be there, and the group that one operator can fill cheaply.
#pragma once

#include <array>
#include <optional>

#include "p2p/wire/multiaddr.hpp"

namespace micro::p2p {

enum class Reach : std::uint8_t {
  kPublic,
  kLocal,  ///< this machine or a private network
  kNever,  ///< nobody can be there: multicast, unspecified, reserved, for documentation
};

/// An IPv6 address, or an IPv4 one in its mapped form (RFC 4291, 2.5.5.2).
class IpAddress {
 public:
  /// Of an address that begins with /ip4 or /ip6.
  static std::optional<IpAddress> of(const Multiaddr& address);
  static IpAddress v4(std::uint32_t address);

  [[nodiscard]] bool is_v4() const;
  [[nodiscard]] Reach reach() const;
  /// The network a customer gets: a single IPv4 address, an IPv6 /64.
  [[nodiscard]] IpAddress host() const;
  /// The network of one site: an IPv4 /24, an IPv6 /48.
  [[nodiscard]] IpAddress subnet() const;
  [[nodiscard]] ByteView view() const { return bytes_; }
  auto operator<=>(const IpAddress&) const = default;

 private:
  friend class AddressGroup;
  [[nodiscard]] IpAddress cut(std::size_t bytes) const;
  std::array<std::uint8_t, 16> bytes_{};
};

/// What costs an attacker something to have many of: an IPv4 /16, an IPv6 /32. IPv6 that only carries IPv4 (6to4, RFC
/// 3056; NAT64, RFC 6052) counts as that. A local address is a group of its own with its port, a name with its text.
class AddressGroup {
 public:
  static AddressGroup of(const Multiaddr& address);
  static AddressGroup of(const IpAddress& ip);
  auto operator<=>(const AddressGroup&) const = default;
  [[nodiscard]] ByteView view() const { return bytes_; }

 private:
  static constexpr std::size_t kBytes = 19;  // kind, at most an address, a port
  std::array<std::uint8_t, kBytes> bytes_{};
};

}  // namespace micro::p2p
