// Who may connect at all: bans, and how many handshakes an address, its subnet and everybody may cause. Decided before
// the first cryptographic step, since that is what an attacker wants us to pay for.
#pragma once

#include <map>

#include "p2p/peers/address_group.hpp"
#include "p2p/peers/token_bucket.hpp"

namespace micro::p2p {

struct GaterLimits {
  Rate handshakes_per_host_5s{1, 4};  ///< per five seconds
  Rate handshakes_per_subnet{64, 64};
  std::size_t concurrent_handshakes = 512;
  std::size_t connections_per_host = 8;
  bool local_addresses = false;  ///< a network of this machine or site: local addresses count as no host of anybody
};

inline constexpr std::size_t kMaxGatedHosts = 8'192;  ///< whose handshakes are remembered
inline constexpr std::size_t kMaxGatedBans = 4'096;   ///< of peers, and of hosts
inline constexpr std::uint64_t kBanMs = 3'600'000;

class Gater {
 public:
  explicit Gater(GaterLimits limits) : limits_(limits) {}

  /// A connection that came. kDenied for banned hosts and addresses that cannot be, kBusy over a limit. Each that was
  /// let in is ended by `secured` or `closed`, and then `closed`.
  Status accept(const IpAddress& ip, Instant now);
  /// Its handshake is done.
  void secured(const IpAddress& ip);
  /// It is gone; `was_secured` as told before.
  void closed(const IpAddress& ip, bool was_secured);
  /// Whether to dial there. kDenied.
  [[nodiscard]] Status may_dial(const Multiaddr& address, Instant now) const;
  /// Whether to talk to whom the handshake proved. kDenied.
  [[nodiscard]] Status may_talk(const PeerId& peer, Instant now) const;

  /// For kBanMs. A host is banned only for what it did before its peer was known: others may share its address.
  void ban(const PeerId& peer, Instant now);
  void ban(const IpAddress& ip, Instant now);

  [[nodiscard]] std::size_t handshakes() const { return handshakes_; }
  /// Entries of all tables, for memory budgets.
  [[nodiscard]] std::size_t entries() const;

 private:
  struct Host {
    TokenBucket handshakes;
    std::size_t connections = 0;
  };
  [[nodiscard]] bool exempt(const IpAddress& ip) const;
  bool make_room(Instant now);
  Status take_tokens(const IpAddress& ip, Instant now);

  GaterLimits limits_;
  std::map<IpAddress, Host> hosts_;
  std::map<IpAddress, TokenBucket> subnets_;
  std::map<PeerId, Instant> banned_peers_;
  std::map<IpAddress, Instant> banned_hosts_;
  std::optional<Instant> swept_;
  std::size_t handshakes_ = 0;
};

}  // namespace micro::p2p
