// A network of whole nodes in virtual time: each has the real Kademlia and the real router of gossip, with links
// between them that take time, break and can be parted. One seed decides everything; whatever happens goes into a
// trace.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "p2p/discovery/kad.hpp"
#include "p2p/gossip/router.hpp"
#include "p2p/peers/backoff.hpp"
#include "tests/sim/p2p/network/event_queue.hpp"

namespace micro::p2p::sim {

inline constexpr std::string_view kTopic = "network/blocks";
inline constexpr std::uint64_t kHeartbeatMs = MeshParams().heartbeat_ms;

struct WorldShape {
  std::size_t dials = 5;  ///< links that a node makes; as many others make to it
  std::uint64_t least_delay_ms = 10;
  std::uint64_t more_delay_ms = 100;  ///< at most so much more, for ever the same between two nodes
  std::uint64_t lost_per_mille = 0;   ///< questions and answers of Kademlia, though they go over streams too
  std::uint64_t silence_ms = 20'000;  ///< until a link to a node that fell silent ends
  std::uint64_t redial_ms = 1'000;    ///< until another one is dialed
  std::uint64_t settled_ms = 3'000;   ///< a node is expected to be found, and reached, once it was there so long
};

/// Fast, and everybody's: a seed decides the whole world.
class WorldRandom final : public Random {
 public:
  explicit WorldRandom(std::uint64_t seed) : state_(seed) {}
  void fill(std::span<std::uint8_t> out) override;
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  std::uint64_t next();

 private:
  std::uint64_t state_;
};

/// Everybody's keys, once for all nodes.
class WorldContacts final : public Contacts {
 public:
  [[nodiscard]] const KadKey& key(ContactId contact) const override { return keys[contact]; }
  [[nodiscard]] const Place& place(ContactId /*contact*/) const override { return nowhere_; }
  std::vector<KadKey> keys;

 private:
  Place nowhere_;
};

/// A message and whom it reached.
struct Wave {
  std::uint64_t published_ms = 0;
  std::vector<bool> expected;  ///< of the nodes: who was there, and settled, when it was published
  std::vector<bool> reached;
  std::vector<std::uint32_t> after_ms;  ///< how many it reached so many milliseconds later
};

/// What a search found.
struct Found {
  ContactId by = 0;
  KadKey target;
  std::vector<ContactId> truth;  ///< the nearest that were there for long enough, when it ended
  std::uint64_t begun_ms = 0;
  std::uint64_t ended_ms = 0;
  KadFound found;
};

class World {
 public:
  World(std::uint64_t seed, WorldShape shape, std::size_t capacity);

  /// A network that has been there for long: so many nodes with full tables, linked, each in the mesh of kTopic.
  void settle(std::size_t nodes);
  /// One more, by what a new node does: three nodes to begin with, a search for itself, links to whom it finds.
  ContactId join();
  /// `silent`: nobody is told, its links end when they have been silent for long.
  void kill(ContactId node, bool silent);
  /// Nothing passes between nodes of different sides any more; their links end once they were silent.
  void part(const std::function<unsigned(ContactId)>& side_of);
  /// All on one side again. Links that broke are tried again when their back-off ends.
  void heal();

  MessageId publish(ContactId from, std::size_t bytes);
  /// Its end is in `found`.
  void search(ContactId by, const Bytes& name);
  void run_ms(std::uint64_t ms);

  [[nodiscard]] std::uint64_t now_ms() const { return queue_.now_ms(); }
  [[nodiscard]] Instant now() const { return Instant{}.plus_ms(now_ms()); }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] std::size_t alive() const { return alive_; }
  [[nodiscard]] bool is_alive(ContactId node) const { return nodes_[node]->alive; }
  [[nodiscard]] unsigned side(ContactId node) const { return nodes_[node]->side; }
  [[nodiscard]] const Kad& kad(ContactId node) const { return nodes_[node]->kad; }
  [[nodiscard]] const GossipRouter& router(ContactId node) const { return nodes_[node]->router; }
  [[nodiscard]] std::size_t links(ContactId node) const { return nodes_[node]->links.size(); }
  [[nodiscard]] const Contacts& contacts() const { return contacts_; }
  [[nodiscard]] Bytes name(ContactId node) const;
  ContactId any_alive();
  WorldRandom& random() { return random_; }
  /// The nearest that are alive and came before that, nearest first.
  [[nodiscard]] std::vector<ContactId> truly_closest(const KadKey& key, std::size_t count,
                                                     std::uint64_t came_before_ms) const;
  /// When the last of the broken links will have been tried again, as it is now.
  [[nodiscard]] std::uint64_t last_retry_ms() const;
  [[nodiscard]] std::uint64_t duplicates() const;
  [[nodiscard]] std::uint64_t gossip_bytes() const { return gossip_bytes_; }
  [[nodiscard]] std::uint64_t kad_questions() const { return kad_questions_; }
  /// Searches whose nodes died before they ended.
  [[nodiscard]] std::size_t abandoned() const;
  [[nodiscard]] std::uint64_t events() const { return events_; }
  [[nodiscard]] std::uint64_t trace() const { return trace_; }

  std::map<MessageId, Wave> waves;
  std::vector<Found> found;

 private:
  struct Link {
    ContactId other : 31 = 0;
    std::uint32_t dialed : 1 = 0;
  };
  struct Node {
    Node(const KadLimits& limits, ByteView name, const PeerId& peer, const Contacts& contacts,
         std::shared_ptr<const GossipConfig> config, Random& random)
        : kad(limits, name, contacts, random), router(std::move(config), peer, random) {}
    Kad kad;
    GossipRouter router;
    std::vector<Link> links;
    std::uint64_t kad_at_ms = 0;
    std::uint64_t came_ms = 0;
    std::uint8_t side = 0;
    bool alive = true;
  };
  struct Question {
    RequestId request = 0;
    std::optional<KadRequest> what;  // nothing: the answer
    KadReply reply;
  };
  enum class Kind : std::uint8_t { kBeat, kKad, kFrame, kQuestion, kJudge, kLost, kDial, kRetry };
  struct Cargo {
    Bytes frame;  // or a message's id
    std::unique_ptr<Question> question;
  };
  struct Event {
    Kind kind{};
    ContactId to = 0;
    ContactId from = 0;
    std::unique_ptr<Cargo> cargo;
  };

  ContactId add();
  void fill_tables();
  void fill_table(std::size_t at, const std::vector<std::pair<std::size_t, std::size_t>>& siblings);
  void descend(std::size_t begin, std::size_t end, unsigned bit,
               std::vector<std::pair<std::size_t, std::size_t>>& siblings);
  [[nodiscard]] std::size_t split(std::size_t begin, std::size_t end, unsigned bit) const;
  void collect(std::size_t begin, std::size_t end, unsigned bit, const KadKey& target, std::size_t count,
               std::uint64_t came_before_ms, std::vector<ContactId>& out) const;

  static PeerId peer_of(ContactId node);
  static ContactId node_of(const PeerId& peer);
  [[nodiscard]] std::uint64_t delay_ms(ContactId one, ContactId other) const;
  [[nodiscard]] bool is_linked(ContactId one, ContactId other) const;
  bool link(ContactId from, ContactId to);
  void unlink_end(ContactId node, ContactId other);
  void dial_somebody(ContactId node);
  void retry(ContactId node, ContactId other);

  void on_event(Event& event);
  void on_question(const Event& event);
  void after_gossip(ContactId node);
  void after_kad(ContactId node);
  void post(Kind kind, std::uint64_t in_ms, ContactId to, ContactId from = 0, std::unique_ptr<Cargo> cargo = {});
  void note(std::uint64_t word) { trace_ = (trace_ ^ word) * 0x100000001b3ULL; }

  WorldShape shape_;
  WorldRandom random_;
  std::uint64_t delay_seed_;
  std::shared_ptr<const GossipConfig> config_;
  WorldContacts contacts_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<ContactId> by_key_;
  std::map<std::pair<ContactId, LookupId>, std::pair<KadKey, std::uint64_t>> searches_;
  std::map<std::pair<ContactId, ContactId>, Backoff<ContactId>> broken_;  // who dialed, whom
  EventQueue<Event> queue_;
  std::size_t alive_ = 0;
  std::uint64_t messages_ = 0;
  std::uint64_t gossip_bytes_ = 0;
  std::uint64_t kad_questions_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t trace_ = 0xcbf29ce484222325ULL;
};

}  // namespace micro::p2p::sim
