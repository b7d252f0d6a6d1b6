// Gossipsub 1.1 and 1.2 (libp2p specs, pubsub/gossipsub): spreads messages of topics over a mesh of a few peers each,
// tells some others what it has, and keeps a score of everybody. A state machine: frames in, frames out when asked for,
// time is an argument. Whether a message is good is the application's word, and may come later.
#pragma once

#include <array>
#include <functional>
#include <set>

#include "chain/base/random.hpp"
#include "p2p/gossip/cache.hpp"
#include "p2p/gossip/frame_protocol.hpp"
#include "p2p/gossip/outbox.hpp"
#include "p2p/gossip/peer_set.hpp"
#include "p2p/gossip/score.hpp"
#include "p2p/wire/identify.hpp"

namespace micro::p2p {

struct GossipConfig {
  MeshParams mesh = {};
  ScoreParams score = {};
  SigningPolicy signing = SigningPolicy::kStrictNoSign;
  std::optional<HostKey> key = {};  ///< needed where messages are signed
  MessageIdOf id_of = content_id;
  std::set<PeerId> direct = {};                           ///< always handed everything, never judged
  std::set<std::string, std::less<>> urgent_topics = {};  ///< votes: written before what is handed on otherwise
  /// Topics that may ever be of interest here; who subscribes to others is not noted, so that made-up ones cannot take
  /// the place of real ones.
  std::function<bool(std::string_view)> notes_topic = [](std::string_view) { return true; };
};

enum class Validation : std::uint8_t {
  kAccept,
  kIgnore,  ///< not handed on, nobody's fault; also what an overloaded application says
  kReject,  ///< no honest peer hands this on
};

/// A message for the application to judge. It owes one `validated` for it.
struct Delivery {
  SharedMessage message;
  PeerId from;
};

/// A peer that another one names; to be dialed if peers are wanted.
struct SuggestedPeer {
  PeerId peer;
  std::vector<Multiaddr> addresses;
};

/// Counters since the start.
struct GossipStats {
  std::uint64_t accepted = 0;
  std::uint64_t ignored = 0;
  std::uint64_t rejected = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t overloaded = 0;   ///< passed over: too many are at the application
  std::uint64_t not_read = 0;     ///< frames of peers on the graylist
  std::uint64_t over_budget = 0;  ///< ids that a peer may not ask for or tell of before the next heartbeat
  std::uint64_t broken_promises = 0;
  bool operator==(const GossipStats&) const = default;
};

class GossipRouter final : public FrameProtocol {
 public:
  /// The random source outlives it. With signing, `config.key` is there.
  GossipRouter(GossipConfig config, PeerId self, Random& random)
      : GossipRouter(std::make_shared<const GossipConfig>(std::move(config)), self, random) {}
  /// Many routers may share one.
  GossipRouter(std::shared_ptr<const GossipConfig> config, PeerId self, Random& random);
  GossipRouter(const GossipRouter&) = delete;
  GossipRouter& operator=(const GossipRouter&) = delete;

  // --- the application's side ---
  /// kLimit.
  Status join(std::string_view topic, Instant now);
  void leave(std::string_view topic, Instant now);
  /// It is not judged here and not delivered here. kInvalid for one that is known already, kLimit.
  Result<MessageId> publish(std::string_view topic, ByteView data, Instant now);
  std::vector<Delivery> take_deliveries();
  /// Nothing happens where the answer comes too late or twice.
  void validated(const MessageId& id, Validation validation, Instant now);
  std::vector<SuggestedPeer> take_suggestions();
  /// P5, and offences in other protocols.
  PeerScores& scores() { return scores_; }

  [[nodiscard]] double score(const PeerId& peer, Instant now) const { return scores_.score(peer, now); }
  [[nodiscard]] std::set<PeerId> mesh(std::string_view topic) const;
  [[nodiscard]] std::set<PeerId> subscribers(std::string_view topic) const;
  [[nodiscard]] bool knows(const MessageId& id) const { return seen_.find(id).has_value() || pending_.contains(id); }
  [[nodiscard]] std::size_t pending() const { return pending_.size(); }
  [[nodiscard]] std::size_t topics() const { return topics_.size(); }
  [[nodiscard]] const GossipStats& stats() const { return stats_; }

  // --- the peers' side ---
  Status connected(const PeerId& peer, PeerFacts facts, Instant now) override;
  void disconnected(const PeerId& peer, Instant now) override;
  Status on_frame(const PeerId& from, ByteView frame, Instant now) override;
  Bytes next_frame(const PeerId& to, Instant now) override;
  std::vector<PeerId> take_ready() override;
  [[nodiscard]] Instant next_deadline() const override { return heartbeat_at_; }
  void expire(Instant now) override;
  bool take_news_of(const PeerId& peer) override;
  [[nodiscard]] std::optional<double> opinion_of(const PeerId& peer, Instant now) const override {
    return score(peer, now);
  }

 private:
  // Most peers are idle at most times: what is only for busy ones is made when needed and goes when empty.
  struct Busy {
    Outbox outbox;
    std::map<MessageId, std::uint64_t> dont_wants;  // until which heartbeat
    struct Spent {                                  // since the last heartbeat
      std::size_t ihave_messages = 0;
      std::size_t asked_ids = 0;
      std::size_t iwant_ids = 0;
      std::size_t iwant_bytes = 0;
      std::size_t dont_wants = 0;
      bool operator==(const Spent&) const = default;
    } spent;
  };
  struct Peer {
    bool outbound = false;
    bool takes_dont_want = false;
    bool is_ready = false;  // and in ready_
    bool brought_news = false;
    std::uint16_t topics = 0;  // that it subscribes to and that were noted
    Bytes record;              // of its addresses
    std::unique_ptr<Busy> busy;
    Busy& make_busy();
    Outbox& outbox() { return make_busy().outbox; }
    Busy::Spent& spent() { return make_busy().spent; }
    [[nodiscard]] bool has_frames() const { return busy && !busy->outbox.empty(); }
    [[nodiscard]] bool is_unwanted(const MessageId& id) const { return busy && busy->dont_wants.contains(id); }
    void tidy();
  };
  struct Topic {
    explicit Topic(const PeerNumbers& numbers) : peers(numbers), mesh(numbers), fanout(numbers) {}
    bool joined = false;
    PeerSet peers;   // that subscribe to it
    PeerSet mesh;    // of these, where joined
    PeerSet fanout;  // of these, where not joined but published to
    Instant fanout_until;
    std::map<PeerId, Instant> backoff;
    [[nodiscard]] bool is_idle() const { return !joined && peers.empty() && fanout.empty() && backoff.empty(); }
  };
  struct Pending {
    SharedMessage message;
    PeerId from;
    std::set<PeerId> senders;
    Instant until;
  };
  static constexpr std::size_t kAskedPeers = 3;  // for one message, before the first of them is given up
  struct Asked {
    Asked() { peers.fill(kNobody); }
    std::array<PeerNumber, kAskedPeers> peers;
    std::uint64_t until = 0;  // heartbeat
  };
  using Passes = std::function<bool(const PeerId&)>;

  // router.cpp
  Peer* find(const PeerId& peer);
  Topic* find_topic(std::string_view topic);
  Topic* find_joined(std::string_view topic);
  Topic* note_topic(std::string_view topic);  // of a peer; null where it is not to be noted
  void forget_if_idle(std::string_view topic);
  void ready(const PeerId& peer);
  [[nodiscard]] bool is_direct(const PeerId& peer) const { return config_->direct.contains(peer); }
  [[nodiscard]] Lane lane_of(std::string_view topic, bool own) const;
  std::vector<PeerId> targets_of_own(Topic& topic, Instant now);
  void send(const SharedMessage& message, const std::vector<PeerId>& to, Lane lane);
  std::vector<PeerId> draw(const PeerSet& from, std::size_t most, const Passes& passes);

  // router_messages.cpp
  [[nodiscard]] bool is_graylisted(const PeerId& peer, Instant now) const;
  void on_subscription(const PeerId& from, Peer& peer, const SubscriptionView& one, Instant now);
  void on_message(const PeerId& from, const MessageView& message, Instant now);
  bool note_duplicate(const PeerId& from, const MessageId& id, std::string_view topic);
  void take_in(const PeerId& from, const MessageView& message, const MessageId& id, Instant now);
  void hand_on(const SharedMessage& message, const std::set<PeerId>& senders);
  void expire_pending(Instant now);

  // router_control.cpp
  void on_ihaves(const PeerId& from, Peer& peer, const std::vector<IhaveView>& ihaves, Instant now);
  bool may_ask(PeerNumber peer, const MessageId& id);
  void on_iwants(const PeerId& from, Peer& peer, const std::vector<ByteView>& ids, Instant now);
  void on_graft(const PeerId& from, Peer& peer, std::string_view name, Instant now);
  bool refuses_graft(const PeerId& from, Topic& topic, Instant now);
  void on_prune(const PeerId& from, const PruneView& prune, Instant now);
  void on_dont_wants(Peer& peer, const std::vector<ByteView>& ids);
  void take_suggested(const PruneView& prune);
  void back_off(Topic& topic, const PeerId& peer, std::uint64_t ms, Instant now);
  void send_graft(std::string_view name, Topic& topic, const PeerId& peer, Instant now);
  void send_prune(std::string_view name, Topic& topic, const PeerId& peer, std::uint64_t backoff_ms, bool exchange,
                  Instant now);

  // router_mesh.cpp
  void heartbeat(Instant now);
  void reset_budgets();
  void keep_mesh(const std::string& name, Topic& topic, Instant now);
  void drop_bad(const std::string& name, Topic& topic, Instant now);
  void tell_missed(Instant now);
  void tell_recent(Peer& peer, std::string_view name);
  void fill(const std::string& name, Topic& topic, std::size_t wanted, const Passes& passes, Instant now);
  void trim(const std::string& name, Topic& topic, Instant now);
  void graft_better(const std::string& name, Topic& topic, Instant now);
  void keep_fanout(Topic& topic, Instant now);
  void tell(const std::string& name, const Topic& topic, Instant now);
  [[nodiscard]] std::size_t outbound_in(const PeerSet& peers) const;

  std::shared_ptr<const GossipConfig> config_;  // shared by all routers of a process
  PeerId self_;
  Random& random_;
  PeerScores scores_;
  SeenMessages seen_;
  MessageCache cache_;
  Promises promises_;
  std::map<MessageId, Asked> asked_;
  PeerNumbers numbers_;
  std::vector<Peer> peers_;  // by number
  std::map<std::string, Topic, std::less<>> topics_;
  std::size_t joined_ = 0;
  std::map<MessageId, Pending> pending_;
  std::size_t pending_bytes_ = 0;
  struct Brought {
    std::size_t messages = 0;
    std::size_t bytes = 0;
  };
  std::map<PeerId, Brought> pending_of_;  // who brought them first
  std::vector<Delivery> deliveries_;
  std::vector<SuggestedPeer> suggestions_;
  std::vector<PeerNumber> ready_;  // each once
  std::uint64_t sequence_;
  std::uint64_t heartbeats_ = 0;
  Instant heartbeat_at_;
  bool started_ = false;
  GossipStats stats_;
};

}  // namespace micro::p2p
