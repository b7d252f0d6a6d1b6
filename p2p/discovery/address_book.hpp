// The addresses that this node may dial, in the two tables of Bitcoin's address manager (Heilman et al., Eclipse
// Attacks on Bitcoin's Peer-to-Peer Network, 2015): `new` for what others say, `tried` for what worked. A secret of
// this node decides which bucket an address belongs to, out of few for each address group and each teller's group: who
// owns many addresses in few networks reaches few buckets, and buckets are picked before addresses.
#pragma once

#include <array>
#include <map>

#include "chain/base/random.hpp"
#include "p2p/peers/manager.hpp"

namespace micro::p2p {

inline constexpr std::uint32_t kNewBuckets = 1'024;
inline constexpr std::uint32_t kTriedBuckets = 256;
inline constexpr std::uint32_t kBookSlots = 16;           ///< of a bucket
inline constexpr std::uint32_t kNewBucketsOfTeller = 64;  ///< that one address group can tell addresses into
inline constexpr std::uint32_t kTriedBucketsOfGroup = 8;
inline constexpr std::size_t kMaxBookEntries = std::size_t{kNewBuckets + kTriedBuckets} * kBookSlots;
inline constexpr std::size_t kMaxBookFileBytes = 32 * 1'024 * 1'024;
inline constexpr std::int64_t kForgottenS = 30 * 86'400;  ///< without a word of it
inline constexpr std::uint32_t kFailuresOfNew = 3;        ///< until one that never worked is worthless
inline constexpr std::uint32_t kFailuresOfTried = 10;     ///< and one that did not within kNotWorkingS
inline constexpr std::int64_t kNotWorkingS = 7 * 86'400;
inline constexpr std::size_t kMaxBookRivals = 16;
inline constexpr std::size_t kMaxAnchors = 8;

class AddressBook final : public AddressSource {
 public:
  /// `random` outlives it. Local addresses only where the network is one of this machine or site.
  AddressBook(Random& random, bool local_addresses);

  /// Somebody at `teller` says so; a peer that speaks of itself is its own teller. Whether it was taken.
  bool add(const PeerAddress& at, const Multiaddr& teller, Instant now);
  std::optional<PeerAddress> pick(const std::function<bool(const PeerAddress&)>& passes) override;
  void tried(const PeerAddress& at, bool worked, Instant now) override;
  /// Of another network, say.
  void forget(const PeerAddress& at);
  /// Drawn by chance: a share of all, of a small book `least`. No asker learns a whole large one.
  [[nodiscard]] std::vector<PeerAddress> sample(std::size_t least, std::size_t most, unsigned percent,
                                                Instant now) const;

  /// Peers to begin with after a restart, kept in the same file: whoever makes a node restart changes nothing for it.
  void set_anchors(std::vector<PeerAddress> anchors);
  [[nodiscard]] const std::vector<PeerAddress>& anchors() const { return anchors_; }

  [[nodiscard]] std::size_t size() const { return index_.size(); }
  [[nodiscard]] std::size_t tried_size() const { return tried_.used; }
  /// Of each bucket that holds something, for tests of what an attacker reaches.
  [[nodiscard]] std::vector<std::vector<PeerAddress>> buckets(bool of_tried) const;

  /// For a file. Times are kept as ages with the wall clock beside them.
  [[nodiscard]] Bytes save(const Hash& network, Instant now, TimeMs wall) const;
  /// Replaces everything. kCorrupt for bytes that are torn or changed, kMismatch for the book of another network:
  /// nothing has changed then.
  Status load(ByteView file, const Hash& network, Instant now, TimeMs wall);

 private:
  using Number = std::uint32_t;
  struct Entry {
    PeerAddress at;
    Multiaddr teller;
    std::int64_t heard_s = 0;
    std::int64_t tried_s = 0;
    std::optional<std::int64_t> worked_s;
    std::uint32_t failures = 0;  // since it last worked
    bool in_tried = false;
    std::uint32_t slot = 0;
    bool is_used = false;
  };
  struct Table {
    explicit Table(std::uint32_t buckets) : slots(std::size_t{buckets} * kBookSlots, kNone), counts(buckets, 0) {}
    void put(std::uint32_t slot, Number number);
    void clear(std::uint32_t slot);
    std::vector<Number> slots;
    std::vector<std::uint8_t> counts;   // of each bucket
    std::vector<std::uint32_t> in_use;  // buckets that hold something, in any order
    std::size_t used = 0;
  };
  struct Rival {  // both belong into one place of `tried`
    Number newcomer = 0;
    Number holder = 0;
  };
  static constexpr Number kNone = ~Number{0};

  [[nodiscard]] bool is_welcome(const PeerAddress& at) const;
  [[nodiscard]] bool is_worthless(const Entry& entry, std::int64_t now_s) const;
  [[nodiscard]] std::uint64_t keyed(char purpose, std::initializer_list<ByteView> parts) const;
  [[nodiscard]] std::uint32_t place(char table, std::uint32_t bucket, const PeerAddress& at) const;
  [[nodiscard]] std::uint32_t new_slot(const PeerAddress& at, const Multiaddr& teller) const;
  [[nodiscard]] std::uint32_t tried_slot(const PeerAddress& at) const;
  [[nodiscard]] const Table& table(bool of_tried) const { return of_tried ? tried_ : new_; }
  Table& table(bool of_tried) { return of_tried ? tried_ : new_; }
  Number put(Entry entry);
  void erase(Number number);
  bool add_new(const PeerAddress& at, const Multiaddr& teller, bool works, std::int64_t now_s);
  bool to_new(Number number, std::int64_t now_s);
  void to_tried(Number number, std::int64_t now_s);
  void settle(Number holder, bool holder_works, std::int64_t now_s);
  [[nodiscard]] std::optional<PeerAddress> pick_rival(const std::function<bool(const PeerAddress&)>& passes) const;
  [[nodiscard]] Number draw(const Table& from) const;
  [[nodiscard]] bool has_luck(const Entry& entry) const;

  Random& random_;
  bool local_addresses_;
  Hash secret_;
  std::vector<Entry> entries_;
  std::vector<Number> free_;
  std::map<PeerAddress, Number> index_;
  Table new_{kNewBuckets};
  Table tried_{kTriedBuckets};
  std::vector<Rival> rivals_;
  std::vector<PeerAddress> anchors_;
};

}  // namespace micro::p2p
