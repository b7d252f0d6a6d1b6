// Spreads items (transactions) without flooding a mesh: the body to a few peers if it is short, its id to the others,
// who ask one announcer after the other for what they have not got. A state machine over frames; the application owns
// the items and says which are good.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>

#include "chain/base/random.hpp"
#include "p2p/gossip/frame_protocol.hpp"
#include "p2p/relay/frames.hpp"
#include "p2p/relay/known_ids.hpp"
#include "p2p/relay/siphash.hpp"

namespace micro::p2p {

inline constexpr std::uint64_t kPullDelayMs = 500;  ///< from an announcement on: the body may be on its way
inline constexpr std::uint64_t kPullTimeoutMs = 5'000;
inline constexpr std::uint64_t kHeldUpMs = 100;  ///< until it is looked again whether the application has room
inline constexpr std::size_t kMaxPulledBytes = 128 * 1'024;    ///< asked for at once, as announced
inline constexpr std::size_t kMaxPushedItemBytes = 4 * 1'024;  ///< longer ones are never sent without being asked for
inline constexpr std::size_t kMaxAnnouncedOfPeer = 4'096;      ///< not yet fetched; further ones are passed over
inline constexpr std::size_t kMaxAnnouncers = 8;               ///< of one item; further ones are not noted
inline constexpr std::size_t kMaxTrackedItems = 32'768;        ///< announced and not here; further ones are passed over
inline constexpr std::size_t kMaxJudgedItems = 1'024;          ///< at the application; further ones are passed over
inline constexpr std::size_t kMaxJudgedBytes = 8 << 20;
inline constexpr std::size_t kMaxJudgedOfPeer = 256;
inline constexpr std::size_t kMaxKnownOfPeer = 8'192;            ///< ids that a peer has; then the oldest are forgotten
inline constexpr std::size_t kMaxQueuedAnnouncements = 4'096;    ///< for one peer; the oldest are dropped
inline constexpr std::size_t kMaxQueuedPushBytes = 256 * 1'024;  ///< for one peer; then it is told the id only
inline constexpr std::size_t kMaxRelayPeers = 1'024;
inline constexpr std::size_t kMaxQueuedRefusals = 512;  ///< for one peer; further ones hear nothing

/// The application's pool. Looked at from within calls to the relay.
class ItemPool {
 public:
  virtual ~ItemPool() = default;
  /// kInvalid for what can be no item.
  [[nodiscard]] virtual Result<ItemId> id_of(ByteView item) const = 0;
  /// It is here, or was lately found worthless: not to be asked for.
  [[nodiscard]] virtual bool knows(const ItemId& id) const = 0;
  /// Null where it is not here.
  [[nodiscard]] virtual SharedItem find(const ItemId& id) const = 0;
};

enum class ItemVerdict : std::uint8_t {
  kAccept,
  kIgnore,  ///< not handed on, nobody's fault
  kReject,  ///< no honest peer hands this on
};

struct ReceivedItem {
  ItemId id;
  SharedItem item;
  PeerId from;
};

struct ItemRelayStats {
  std::uint64_t pushed = 0;      ///< bodies sent without being asked for
  std::uint64_t received = 0;    ///< new ones
  std::uint64_t duplicates = 0;  ///< bodies that were here already
  std::uint64_t timeouts = 0;
  std::uint64_t passed_over = 0;  ///< at a bound
};

class ItemRelay final : public FrameProtocol {
 public:
  static constexpr Instant kNever{~std::uint64_t{0}};

  /// Both outlive it. `relays` false: it takes in nothing and hands on only what is its own.
  ItemRelay(ItemPool& pool, Random& random, bool relays = true);

  // --- the application's side ---
  /// Tells peers of an item that is in the pool: an own one, or one that was accepted.
  void publish(const ItemId& id, Instant now);
  /// New ones to judge; each owes one `judged`.
  std::vector<ReceivedItem> take_received();
  /// An accepted one is in the pool by now, and is published.
  void judged(const ItemId& id, ItemVerdict verdict, Instant now);
  /// Offences since the last call, for the score.
  std::map<PeerId, double> take_offences();
  [[nodiscard]] const ItemRelayStats& stats() const { return stats_; }
  [[nodiscard]] std::size_t tracked() const { return tracked_.size(); }

  // --- the peers' side ---
  Status connected(const PeerId& peer, PeerFacts facts, Instant now) override;
  void disconnected(const PeerId& peer, Instant now) override;
  Status on_frame(const PeerId& from, ByteView frame, Instant now) override;
  Bytes next_frame(const PeerId& to, Instant now) override;
  std::vector<PeerId> take_ready() override;
  [[nodiscard]] Instant next_deadline() const override;
  void expire(Instant now) override;
  bool take_news_of(const PeerId& peer) override;

 private:
  struct Peer {
    Peer() : known(kMaxKnownOfPeer) {}
    KnownIds known;
    std::deque<ItemId> announcements;  // to be told
    std::deque<ItemId> pushes;         // bodies to be sent, if they are still there
    std::size_t push_bytes = 0;
    std::vector<ItemId> asks;     // waiting for the line
    std::vector<ItemId> answers;  // asked for by it
    std::vector<ItemId> refusals;
    std::set<std::pair<Instant, ItemId>> offers;  // announced by it and not here, by when to ask
    std::set<ItemId> asked;                       // of it, not yet answered
    Instant asked_until;
    std::set<ItemId> late;   // asked of it, and it let the time pass: until it answers it is asked for nothing
    std::size_t judged = 0;  // items of it at the application
    bool brought_news = false;
  };
  struct Announcer {
    PeerId peer;
    std::uint32_t bytes = 0;  // as it says: what another says changes nothing for what it is asked
  };
  struct Tracked {
    std::vector<Announcer> announcers;
    Instant pull_at;
    bool asked = false;  // one of them
    // Where it stands among a peer's offers: behind all others while somebody is asked for it.
    [[nodiscard]] Instant place() const { return asked ? kNever : pull_at; }
  };
  Peer* find(const PeerId& peer);
  [[nodiscard]] std::uint64_t mark(const ItemId& id) const { return siphash(secret_, id); }
  void offend(const PeerId& peer, double count);
  void ready(const PeerId& peer) { ready_.insert(peer); }

  void on(const PeerId& from, Peer& peer, const AnnounceItems& frame, Instant now);
  void on(const PeerId& from, Peer& peer, const WantItems& frame, Instant now);
  void on(const PeerId& from, Peer& peer, const HandItems& frame, Instant now);
  void on(const PeerId& from, Peer& peer, const NoItems& frame, Instant now);
  void take(const PeerId& from, Peer& peer, const ItemId& id, ByteView item, Instant now);
  static bool answers(Peer& peer, const ItemId& id);
  void forget(const ItemId& id);
  void offer(const PeerId& from, Peer& peer, const ItemId& id, std::uint32_t bytes, Instant now);
  void postpone(const PeerId& from, Peer& peer, const ItemId& id, std::size_t bytes, Instant now);
  void set_asked(const ItemId& id, Tracked& tracked, bool asked) { place(id, tracked, asked, tracked.pull_at); }
  void place(const ItemId& id, Tracked& tracked, bool asked, Instant pull_at);
  void lose_offer(const PeerId& peer, Peer& one, const ItemId& id);
  void lose_offers(const PeerId& peer, Peer& one);
  void pull(Instant now);
  bool ask(const PeerId& peer, Peer& one, Instant now);
  Bytes answer(Peer& peer);
  Bytes push(Peer& peer);
  Bytes announce(Peer& peer);

  ItemPool& pool_;
  Random& random_;
  bool relays_;
  SipKey secret_{};
  std::map<PeerId, Peer> peers_;
  std::map<ItemId, Tracked> tracked_;
  Instant pull_at_ = kNever;  // when something can be asked for that could not before
  std::map<ItemId, std::pair<PeerId, std::size_t>> judging_;
  std::size_t judging_bytes_ = 0;
  std::vector<ReceivedItem> received_;
  std::map<PeerId, double> offences_;
  std::set<PeerId> ready_;
  ItemRelayStats stats_;
};

}  // namespace micro::p2p
