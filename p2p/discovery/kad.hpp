// A node of Kademlia (Maymounkov and Mazieres, 2002; specs/kad-dht of libp2p) as a state machine over contacts'
// numbers: searches, answers, keeps its table fresh and its own records alive. Messages as bytes are KadNode's
// business; a simulator passes these structs.
#pragma once

#include <variant>

#include "chain/base/random.hpp"
#include "p2p/discovery/kad_message.hpp"
#include "p2p/discovery/lookup.hpp"
#include "p2p/discovery/provider_store.hpp"
#include "p2p/discovery/routing_table.hpp"

namespace micro::p2p {

struct KadLimits {
  TableLimits table = {};
  LookupLimits lookup = {};
};

inline constexpr std::size_t kMaxLookups = 32;      ///< at once
inline constexpr std::size_t kMaxProvided = 4'096;  ///< names that this node provides
inline constexpr std::size_t kMaxKadSeeds = 64;
inline constexpr std::uint64_t kKadSlowMs = 2'000;         ///< then others take its place
inline constexpr std::uint64_t kKadRequestMs = 10'000;     ///< then it has failed
inline constexpr std::uint64_t kLookupMs = 60'000;         ///< then it ends with what it has
inline constexpr std::uint64_t kRefreshMs = 600'000;       ///< between searches for this node's own key
inline constexpr std::uint64_t kLonelyRefreshMs = 30'000;  ///< the same while it knows fewer than are nearest
inline constexpr std::uint64_t kRepublishMs = 22 * 3'600'000ULL;
inline constexpr std::uint64_t kNobodyTookMs = 30'000;  ///< the same where no node took the record
inline constexpr unsigned kRefreshedBuckets = 12;       ///< a random key in a deeper one takes long to find

using RequestId = std::uint64_t;
using LookupId = std::uint64_t;

struct KadRequest {
  KadType type = KadType::kPing;
  Bytes name;
};
struct KadReply {
  std::vector<ContactId> closer;
  std::vector<ContactId> providers;
};

/// Ask this contact: ended by `on_reply` or `on_failed`.
struct KadSend {
  RequestId request = 0;
  ContactId to = 0;
  KadRequest what;
  bool is_answered = true;  ///< false: by nothing of its own; `on_reply` with nothing once the contact has taken it
};
/// A search has ended.
struct KadFound {
  LookupId lookup = 0;
  std::vector<ContactId> closest;
  std::vector<ContactId> providers;
  std::size_t asked = 0;
  unsigned hops = 0;
};
using KadEffect = std::variant<KadSend, KadFound>;

class Kad {
 public:
  /// `self` is the name of this node: its peer id. The others outlive it.
  Kad(KadLimits limits, ByteView self, const Contacts& contacts, Random& random);

  /// The nodes nearest to a name. kBusy, kLimit; ends with KadFound.
  Result<LookupId> find_node(Bytes name, Instant now);
  /// At least so many others who provide it, or all that are found.
  Result<LookupId> find_providers(Bytes name, std::size_t enough, Instant now);
  /// Tells the nearest nodes, now and then again, that this node provides it. Ends when they have taken it, but for
  /// slow ones: whoever searches after that finds it. Those are its `closest`; where there is none it is tried again
  /// soon.
  Result<LookupId> provide(Bytes name, Instant now);
  void withdraw(const Bytes& name) { provided_.erase(name); }
  [[nodiscard]] bool provides(const Bytes& name) const { return provided_.contains(name); }

  /// Somewhere to begin while the table has few. The oldest make room.
  void add_seed(ContactId contact);
  /// Not to be asked any more, as one of another network; whoever searches may still hear of it from others.
  void forget(ContactId contact);
  /// A peer that proved who it is and answers such requests.
  void on_server(ContactId contact, Instant now) { table_.saw(contact, now); }
  /// It does not any more.
  void on_client(ContactId contact) { table_.remove(contact); }

  /// What a server says. The asker itself is never part of it.
  KadReply answer(ContactId from, const KadRequest& request, Instant now);
  /// Of a request that is over it is passed over.
  void on_reply(RequestId request, const KadReply& reply, Instant now);
  void on_failed(RequestId request, Instant now);
  /// What time asks for. At `next_wake` and after it; more often does no harm.
  void step(Instant now);
  [[nodiscard]] Instant next_wake() const;

  /// What is to be done since the last time, in order.
  std::vector<KadEffect> take_effects() { return std::exchange(effects_, {}); }
  [[nodiscard]] const RoutingTable& table() const { return table_; }
  [[nodiscard]] const ProviderStore& providers() const { return store_; }
  [[nodiscard]] std::size_t lookups() const { return running_.size(); }
  [[nodiscard]] std::size_t requests() const { return pending_.size(); }
  /// Every number that is in use.
  [[nodiscard]] std::vector<ContactId> held() const;

 private:
  enum class Purpose : std::uint8_t { kNode, kProviders, kProvide, kRefresh };
  struct Running {
    Lookup search;
    Purpose purpose{};
    Bytes name;
    std::size_t enough = 0;
    std::vector<ContactId> providers = {};
    Instant deadline;
    bool is_telling = false;             // the search is over, and those it found are told what this node provides
    std::vector<ContactId> takers = {};  // who has taken it, of those
  };
  struct Pending {
    LookupId lookup = 0;  // 0: only whether it is there
    ContactId contact = 0;
    Instant sent;
    bool is_slow = false;
  };
  Result<LookupId> begin(Purpose purpose, Bytes name, std::size_t enough, Instant now);
  void send(LookupId lookup, ContactId to, KadRequest what, Instant now);
  void tell(LookupId lookup, Running& running, Instant now);
  [[nodiscard]] bool waits_for_answers(LookupId lookup) const;
  void advance(LookupId lookup, Instant now);
  void end(LookupId lookup, Instant now);
  void expire_requests(Instant now);
  void refresh(Instant now);
  void republish(Instant now);
  [[nodiscard]] Bytes name_in_bucket(unsigned bucket);

  KadLimits limits_;
  KadKey self_;
  Bytes self_name_;
  const Contacts& contacts_;
  Random& random_;
  RoutingTable table_;
  ProviderStore store_;
  std::vector<ContactId> seeds_;
  std::map<LookupId, Running> running_;
  std::map<RequestId, Pending> pending_;
  std::map<Bytes, Instant> provided_;  // when to say so again
  Instant refresh_at_;
  Instant check_at_;
  unsigned next_bucket_ = 0;
  std::uint64_t last_id_ = 0;
  std::vector<KadEffect> effects_;
};

}  // namespace micro::p2p
