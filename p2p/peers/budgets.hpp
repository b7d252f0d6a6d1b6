// Bytes and processor time that peers, protocols and the process may spend. Nobody is cut off for spending: who is over
// waits, unread, until the bucket is out of debt. The last quarter of what the process has is for protected peers and
// for those that stay within a small share of it, so that a few that ask for everything cannot hold up the rest.
#pragma once

#include <map>
#include <string>

#include "p2p/peers/token_bucket.hpp"
#include "p2p/wire/peer_id.hpp"

namespace micro::p2p {

struct Spending {
  std::uint64_t bytes = 0;
  std::uint64_t cpu_ns = 0;
};

struct BudgetRates {
  Rate bytes;
  Rate cpu_ns;
};

struct BudgetLimits {
  BudgetRates peer{.bytes = {128 << 20, 256 << 20}, .cpu_ns = {400'000'000, 1'000'000'000}};
  BudgetRates protocol{.bytes = {256 << 20, 512 << 20}, .cpu_ns = {600'000'000, 2'000'000'000}};
  BudgetRates process{.bytes = {512 << 20, 1 << 30}, .cpu_ns = {800'000'000, 2'000'000'000}};
};

inline constexpr std::size_t kMaxBudgetedPeers = 1'024;  ///< those at rest make room
inline constexpr std::size_t kMaxBudgetedProtocols = 256;
inline constexpr std::uint64_t kLightShare = 256;   ///< of the process's rate: as many light peers never exhaust it
inline constexpr std::uint64_t kReservedShare = 4;  ///< of the process's stock, for light and protected peers

class Budgets {
 public:
  explicit Budgets(BudgetLimits limits) : limits_(limits), process_(limits.process) {}

  /// What was spent for a peer; an empty one stands for all whose handshake is not done. It is spent even where there
  /// was nothing left.
  void charge(const PeerId& peer, Spending spent, Instant now);
  /// What was spent on a protocol, a part of the same: counted for it alone.
  void charge_protocol(std::string_view protocol, Spending spent, Instant now);
  /// When to read from this peer again: `now` or before where at once.
  [[nodiscard]] Instant peer_ready_at(const PeerId& peer, bool is_protected, Instant now) const;
  /// When to serve this protocol to this peer again: whoever asks for little is not held up by those who ask for much.
  [[nodiscard]] Instant protocol_ready_at(std::string_view protocol, const PeerId& peer, bool is_protected,
                                          Instant now) const;
  [[nodiscard]] std::size_t peers() const { return peers_.size(); }

 private:
  struct Pair {
    explicit Pair(const BudgetRates& rates) : bytes(rates.bytes), cpu_ns(rates.cpu_ns) {}
    void spend(Spending spent, Instant now);
    [[nodiscard]] Instant ready_at() const { return std::max(bytes.ready_at(), cpu_ns.ready_at()); }
    [[nodiscard]] bool is_full(Instant now) const { return bytes.is_full(now) && cpu_ns.is_full(now); }
    /// When so much is there that the reserve is whole.
    [[nodiscard]] Instant reserve_at() const;
    TokenBucket bytes;
    TokenBucket cpu_ns;
  };
  struct Peer {
    Pair own;
    Pair light;  // a small share of the process's
    [[nodiscard]] bool is_full(Instant now) const { return own.is_full(now) && light.is_full(now); }
    [[nodiscard]] Instant ready_at() const { return own.ready_at(); }
  };
  [[nodiscard]] bool is_light(const PeerId& peer, bool is_protected, Instant now) const;

  BudgetLimits limits_;
  Pair process_;
  std::map<PeerId, Peer> peers_;
  std::map<std::string, Pair, std::less<>> protocols_;
};

}  // namespace micro::p2p
