#include "p2p/peers/address_group.hpp"

#include <algorithm>
#include <span>

#include "chain/crypto/hash.hpp"

namespace micro::p2p {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::array<std::uint8_t, 12> kNat64{0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0};
constexpr std::size_t kV4At = 12;  // in the mapped form

enum Kind : std::uint8_t { kV4Group = 1, kV6Group, kLocalGroup, kNameGroup };

struct Network {
  std::uint32_t address;
  unsigned bits;
  Reach reach;
};
// IANA's registry of special purpose addresses (RFC 6890), as far as it matters here.
constexpr Network kSpecialV4[] = {
    {0x0a000000, 8, Reach::kLocal},  {0x64400000, 10, Reach::kLocal}, {0x7f000000, 8, Reach::kLocal},
    {0xa9fe0000, 16, Reach::kLocal}, {0xac100000, 12, Reach::kLocal}, {0xc0a80000, 16, Reach::kLocal},
    {0x00000000, 8, Reach::kNever},  {0xc0000000, 24, Reach::kNever}, {0xc0000200, 24, Reach::kNever},
    {0xc6120000, 15, Reach::kNever}, {0xc6336400, 24, Reach::kNever}, {0xcb007100, 24, Reach::kNever},
    {0xe0000000, 3, Reach::kNever},
};

std::uint32_t big_endian(std::span<const std::uint8_t> at) {
  return static_cast<std::uint32_t>(at[0]) << 24 | static_cast<std::uint32_t>(at[1]) << 16 |
         static_cast<std::uint32_t>(at[2]) << 8 | at[3];
}

Reach reach_v4(std::uint32_t address) {
  for (const Network& network : kSpecialV4) {
    if (((address ^ network.address) >> (32 - network.bits)) == 0) return network.reach;
  }
  return Reach::kPublic;
}

Reach reach_v6(std::span<const std::uint8_t> at) {
  const bool loopback = at[15] == 1 && std::ranges::all_of(at.first(15), [](auto byte) { return byte == 0; });
  const bool unique_local = (at[0] & 0xfe) == 0xfc;
  const bool link_local = at[0] == 0xfe && (at[1] & 0xc0) == 0x80;
  if (loopback || unique_local || link_local) return Reach::kLocal;
  const bool documentation = big_endian(at) == 0x20010db8;
  const bool global_unicast = (at[0] & 0xe0) == 0x20 || std::ranges::equal(at.first(12), kNat64);
  return global_unicast && !documentation ? Reach::kPublic : Reach::kNever;
}

}  // namespace

std::optional<IpAddress> IpAddress::of(const Multiaddr& address) {
  const auto parts = address.parts();
  if (parts.empty()) return std::nullopt;
  IpAddress out;
  if (parts[0].code == AddrCode::kIp4) return v4(big_endian(parts[0].value));
  if (parts[0].code != AddrCode::kIp6) return std::nullopt;
  std::ranges::copy(parts[0].value, out.bytes_.begin());
  return out;
}

IpAddress IpAddress::v4(std::uint32_t address) {
  IpAddress out;
  std::ranges::copy(kMapped, out.bytes_.begin());
  for (unsigned n = 0; n < 4; ++n) out.bytes_[kV4At + n] = static_cast<std::uint8_t>(address >> (24 - 8 * n));
  return out;
}

bool IpAddress::is_v4() const {
  return std::ranges::equal(std::span(bytes_).first(kV4At), kMapped);
}

Reach IpAddress::reach() const {
  return is_v4() ? reach_v4(big_endian(std::span(bytes_).subspan(kV4At))) : reach_v6(bytes_);
}

IpAddress IpAddress::cut(std::size_t bytes) const {
  IpAddress out = *this;
  std::ranges::fill(std::span(out.bytes_).subspan(bytes), std::uint8_t{0});
  return out;
}

IpAddress IpAddress::host() const {
  return is_v4() ? *this : cut(8);
}

IpAddress IpAddress::subnet() const {
  return cut(is_v4() ? kV4At + 3 : 6);
}

AddressGroup AddressGroup::of(const IpAddress& ip) {
  AddressGroup out;
  const std::span bytes(ip.bytes_);
  const bool nat64 = std::ranges::equal(bytes.first(kV4At), kNat64);
  const bool six_to_four = bytes[0] == 0x20 && bytes[1] == 0x02;
  if (ip.reach() != Reach::kPublic) {
    out.bytes_[0] = kLocalGroup;
    std::ranges::copy(bytes, out.bytes_.begin() + 1);
  } else if (ip.is_v4() || nat64 || six_to_four) {
    out.bytes_[0] = kV4Group;
    std::ranges::copy(bytes.subspan(six_to_four ? 2 : kV4At, 2), out.bytes_.begin() + 1);
  } else {
    out.bytes_[0] = kV6Group;
    std::ranges::copy(bytes.first(4), out.bytes_.begin() + 1);
  }
  return out;
}

AddressGroup AddressGroup::of(const Multiaddr& address) {
  const auto parts = address.parts();
  if (const auto ip = IpAddress::of(address)) {
    AddressGroup out = of(*ip);
    if (out.bytes_[0] == kLocalGroup && parts.size() > 1 && parts[1].code == AddrCode::kTcp) {
      std::ranges::copy(parts[1].value, out.bytes_.end() - 2);
    }
    return out;
  }
  AddressGroup out;
  out.bytes_[0] = kNameGroup;
  if (parts.empty()) return out;
  const Hash hash = sha256(parts[0].value);
  std::ranges::copy(hash.view().first(16), out.bytes_.begin() + 1);
  return out;
}

}  // namespace micro::p2p
