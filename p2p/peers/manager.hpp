// Which connections this node has: what to dial, which to take in, which to end. One outbound connection an address
// group, so that who owns many addresses in few networks never has them all; protected peers stay; inbound ones make
// room for each other. Decisions only: the shell reports what happened and does what the effects say.
#pragma once

#include <functional>
#include <set>

#include "p2p/peers/backoff.hpp"
#include "p2p/peers/eviction.hpp"
#include "p2p/peers/peer_view.hpp"

namespace micro::p2p {

struct ManagerLimits {
  std::size_t full_outbound = 8;
  std::size_t block_only_outbound = 2;  ///< carry nothing that tells where a transaction came from
  std::size_t inbound = 128;
  std::size_t connections_per_peer = 2;
};

inline constexpr std::size_t kMaxDialsAtOnce = 8;
inline constexpr std::uint64_t kFeelerMs = 120'000;    ///< between short connections that only try an address
inline constexpr std::uint64_t kDialLostMs = 120'000;  ///< a dial that nobody reported on is forgotten
inline constexpr std::uint64_t kFlappingMs = 60'000;   ///< a connection that ends earlier counts as a failed dial
inline constexpr std::size_t kMaxStaticPeers = 64;
inline constexpr std::size_t kMaxRememberedPeers = 2'048;  ///< connected ones and the last that were

struct PeerAddress {
  PeerId peer;
  Multiaddr address;
  auto operator<=>(const PeerAddress&) const = default;
};

/// Where addresses come from: an address book.
class AddressSource {
 public:
  virtual ~AddressSource() = default;
  /// One that passes; nothing where a bounded search found none.
  virtual std::optional<PeerAddress> pick(const std::function<bool(const PeerAddress&)>& passes) = 0;
  /// What became of it.
  virtual void tried(const PeerAddress& address, bool worked, Instant now) = 0;
};

struct ManagerEffect {
  enum class Kind : std::uint8_t {
    kDial,   ///< `peer` at one of `addresses`; answered by `connected` or `dial_failed`
    kClose,  ///< `connection`, which the manager has forgotten already
  };
  Kind kind = Kind::kDial;
  PeerId peer;
  std::vector<Multiaddr> addresses;
  ConnectionId connection = 0;
  std::string reason;
};

class Manager {
 public:
  /// The random source outlives it.
  Manager(ManagerLimits limits, PeerId self, Random& random);

  /// Dialed until connected, never evicted. kLimit.
  Status add_static(const PeerId& peer, std::vector<Multiaddr> addresses);
  /// Kept while at least one tag is on it: inbound connections of it are not evicted.
  void protect(const PeerId& peer, std::string tag);
  void unprotect(const PeerId& peer, std::string_view tag);
  [[nodiscard]] bool is_protected(const PeerId& peer) const;
  /// Peers to begin with, from the last run's `anchors`: they take the block-only slots first.
  void set_anchors(std::vector<PeerAddress> anchors) { anchors_ = std::move(anchors); }
  [[nodiscard]] std::vector<PeerAddress> anchors() const;

  /// What to dial now. About once a second and after each change. `may_dial` is the gater's word.
  std::vector<ManagerEffect> step(AddressSource& source, const std::function<bool(const Multiaddr&)>& may_dial,
                                  Instant now);
  void dial_failed(const PeerId& peer, AddressSource& source, Instant now);
  /// Another part of this node got there first, maybe at another address: nothing is held against those of this dial.
  void dial_joined(const PeerId& peer) { dials_.erase(peer); }
  /// The handshake is done. kBusy and kMismatch: close it, nothing is remembered. Otherwise what else to close.
  Result<std::vector<ManagerEffect>> connected(ConnectionId id, const PeerAddress& at, Direction direction,
                                               AddressSource& source, Instant now);
  /// What ends with it.
  std::vector<ManagerEffect> disconnected(ConnectionId id, const Error& why, Instant now);

  void on_round_trip(ConnectionId id, std::uint64_t ns);
  /// It brought something new.
  void on_useful(ConnectionId id, Instant now);
  void on_identified(const PeerId& peer, std::string agent);
  /// What a connection that ends has carried.
  void add_bytes(const PeerId& peer, std::uint64_t read, std::uint64_t written);
  void set_score(const PeerId& peer, std::int64_t score);

  [[nodiscard]] std::vector<ConnectionView> connections(Instant now) const;
  /// Connected peers and the last that were.
  [[nodiscard]] std::vector<PeerView> peers() const;
  [[nodiscard]] std::size_t count(Slot slot) const;

 private:
  struct Dial {
    Slot slot{};
    std::vector<Multiaddr> addresses;
    Instant since;
  };
  struct Live {
    PeerAddress at;
    Slot slot{};
    Direction direction{};  // of a second one the slot does not say
    Instant since;
    std::uint64_t round_trip_ns = 0;  // the last
    std::uint64_t best_round_trip_ns = 0;
    std::optional<Instant> useful;
  };
  void dial_static(std::vector<ManagerEffect>& out, Instant now);
  void dial(Slot slot, const PeerId& peer, std::vector<Multiaddr> addresses, std::vector<ManagerEffect>& out,
            Instant now);
  [[nodiscard]] bool group_is_free(const AddressGroup& group, std::optional<ConnectionId> except = {}) const;
  [[nodiscard]] std::optional<ConnectionId> asked_at(const PeerAddress& at) const;
  [[nodiscard]] bool is_known_here(const PeerId& peer) const;
  [[nodiscard]] std::size_t connections_of(const PeerId& peer) const;
  Slot take_slot(const PeerAddress& at);
  std::optional<ConnectionId> evict();
  std::vector<ManagerEffect> end(ConnectionId id, const Error& why, Instant now);
  PeerView& remember(const PeerId& peer);

  ManagerLimits limits_;
  PeerId self_;
  Random& random_;
  Hash secret_;
  std::map<PeerId, std::vector<Multiaddr>> static_;
  std::map<PeerId, std::set<std::string, std::less<>>> protected_;
  std::vector<PeerAddress> anchors_;
  std::map<PeerId, Dial> dials_;
  std::map<ConnectionId, Live> live_;
  Backoff<Multiaddr> backoff_;
  std::map<PeerId, PeerView> remembered_;
  std::optional<Instant> feeler_;
};

}  // namespace micro::p2p
