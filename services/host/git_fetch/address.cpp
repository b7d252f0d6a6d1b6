#include "services/host/git_fetch/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace micro::git {
namespace {

struct Ipv4Block {
  Ipv4 start;
  unsigned bits;
};

/// IANA's registry of special-purpose IPv4 addresses, multicast and the reserved rest.
constexpr auto kNotPublic = std::to_array<Ipv4Block>({
    {{0, 0, 0, 0}, 8},
    {{10, 0, 0, 0}, 8},
    {{100, 64, 0, 0}, 10},
    {{127, 0, 0, 0}, 8},
    {{169, 254, 0, 0}, 16},
    {{172, 16, 0, 0}, 12},
    {{192, 0, 0, 0}, 24},
    {{192, 0, 2, 0}, 24},
    {{192, 88, 99, 0}, 24},
    {{192, 168, 0, 0}, 16},
    {{198, 18, 0, 0}, 15},
    {{198, 51, 100, 0}, 24},
    {{203, 0, 113, 0}, 24},
    {{224, 0, 0, 0}, 4},
    {{240, 0, 0, 0}, 4},
});

constexpr std::uint32_t number(const Ipv4& a) {
  return std::uint32_t{a[0]} << 24 | std::uint32_t{a[1]} << 16 | std::uint32_t{a[2]} << 8 | a[3];
}

template <std::size_t N>
bool starts_with(const Ipv6& address, const std::array<std::uint8_t, N>& prefix) {
  return std::equal(prefix.begin(), prefix.end(), address.begin());
}

/// The IPv4 address that an IPv6 address stands for.
std::optional<Ipv4> embedded(const Ipv6& a) {
  constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  constexpr std::array<std::uint8_t, 12> kTranslated = {0, 0x64, 0xff, 0x9b};
  if (starts_with(a, kMapped) || starts_with(a, kTranslated)) return Ipv4{a[12], a[13], a[14], a[15]};
  return std::nullopt;
}

Ipv4 ipv4_of(const sockaddr_in& address) {
  Ipv4 out;
  std::memcpy(out.data(), &address.sin_addr, out.size());
  return out;
}
Ipv6 ipv6_of(const sockaddr_in6& address) {
  Ipv6 out;
  std::memcpy(out.data(), &address.sin6_addr, out.size());
  return out;
}

bool is_loopback(const Ipv6& address) {
  Ipv6 loopback{};
  loopback[15] = 1;
  const auto inner = embedded(address);
  return address == loopback || (inner && (*inner)[0] == 127);
}

}  // namespace

bool is_public(const Ipv4& address) {
  return std::ranges::none_of(kNotPublic, [&](const Ipv4Block& block) {
    return (number(address) ^ number(block.start)) >> (32 - block.bits) == 0;
  });
}

bool is_public(const Ipv6& address) {
  if (const auto inner = embedded(address)) return is_public(*inner);
  if ((address[0] & 0xe0) != 0x20) return false;  // outside 2000::/3 nothing is routed for everyone
  constexpr std::array<std::uint8_t, 4> kDocumentation = {0x20, 0x01, 0x0d, 0xb8};
  constexpr std::array<std::uint8_t, 2> kLaterDocumentation = {0x3f, 0xff};
  constexpr std::array<std::uint8_t, 2> kSixToFour = {0x20, 0x02};
  // 2001::/23 is for protocols: Teredo and benchmarking are in there.
  const bool for_protocols = address[0] == 0x20 && address[1] == 0x01 && address[2] <= 0x01;
  return !for_protocols && !starts_with(address, kDocumentation) && !starts_with(address, kLaterDocumentation) &&
         !starts_with(address, kSixToFour);
}

bool is_allowed(AddressRule rule, const sockaddr& address) {
  if (rule == AddressRule::kAny) return true;
  const bool wants_public = rule == AddressRule::kPublicOnly;
  if (address.sa_family == AF_INET) {
    const Ipv4 ip = ipv4_of(reinterpret_cast<const sockaddr_in&>(address));
    return wants_public ? is_public(ip) : ip[0] == 127;
  }
  if (address.sa_family == AF_INET6) {
    const Ipv6 ip = ipv6_of(reinterpret_cast<const sockaddr_in6&>(address));
    return wants_public ? is_public(ip) : is_loopback(ip);
  }
  return false;
}

std::string address_text(const sockaddr& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.sa_family == AF_INET) {
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, text.data(), text.size());
    return text.data();
  }
  ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, text.data(), text.size());
  return "[" + std::string(text.data()) + "]";
}

}  // namespace micro::git
