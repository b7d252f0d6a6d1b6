// Addresses and peers with numbers, and the simplest address book there can be: a list in which one is drawn by chance.
#pragma once

#include "chain/crypto/hash.hpp"
#include "p2p/peers/manager.hpp"

namespace micro::p2p::test {

inline PeerId peer(std::uint64_t number) {
  Bytes multihash{0x12, 32};
  Bytes text(8);
  for (unsigned n = 0; n < 8; ++n) text[n] = static_cast<std::uint8_t>(number >> (8 * n));
  const Hash hash = sha256(text);
  multihash.insert(multihash.end(), hash.view().begin(), hash.view().end());
  return PeerId::from(multihash).value();
}

inline Multiaddr address(std::uint32_t ip, std::uint16_t port = 4001) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) {
    text += std::to_string(ip >> shift & 0xff) + (shift > 0 ? "." : "");
  }
  return Multiaddr::tcp(text, port).value();
}

/// Somewhere in a public /16, by number.
inline Multiaddr address_in_group(std::uint32_t group, std::uint32_t host) {
  return address((20U << 24) + (group << 16) + host);
}

class ListedAddresses final : public AddressSource {
 public:
  ListedAddresses(std::vector<PeerAddress> list, Random& random) : list_(std::move(list)), random_(random) {}
  std::optional<PeerAddress> pick(const std::function<bool(const PeerAddress&)>& passes) override {
    for (std::size_t n = 0; n < kTries && !list_.empty(); ++n) {
      const PeerAddress& one = list_[random_.draw_u64() % list_.size()];
      if (passes(one)) return one;
    }
    return std::nullopt;
  }
  void tried(const PeerAddress& address, bool worked, Instant /*now*/) override { outcomes[address] = worked; }
  std::map<PeerAddress, bool> outcomes;

 private:
  static constexpr std::size_t kTries = 100;
  std::vector<PeerAddress> list_;
  Random& random_;
};

}  // namespace micro::p2p::test
