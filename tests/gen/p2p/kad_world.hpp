// A network of Kademlia nodes in virtual time: the real state machines, messages as structs, random delays and losses.
// Same seed, same trace.
#pragma once

#include <queue>

#include "chain/base/check.hpp"
#include "p2p/discovery/kad.hpp"

namespace micro::p2p::test {

/// Contacts by number, without peers and addresses.
class NumberedContacts final : public Contacts {
 public:
  ContactId add(const KadKey& key, const Place& place = {}) {
    keys_.push_back(key);
    places_.push_back(place);
    return static_cast<ContactId>(keys_.size() - 1);
  }
  [[nodiscard]] const KadKey& key(ContactId contact) const override { return keys_.at(contact); }
  [[nodiscard]] const Place& place(ContactId contact) const override { return places_.at(contact); }
  [[nodiscard]] std::size_t size() const { return keys_.size(); }
  void reserve(std::size_t count) {
    keys_.reserve(count);
    places_.reserve(count);
  }

 private:
  std::vector<KadKey> keys_;
  std::vector<Place> places_;
};

struct KadWorldLimits {
  std::uint64_t least_delay_ms = 10;
  std::uint64_t most_delay_ms = 150;
  std::uint64_t lost_per_mille = 0;
  KadLimits kad = {};
};

class KadWorld {
 public:
  enum class Kind : std::uint8_t {
    kHonest,
    kDead,  ///< answers nothing
    kLiar,  ///< names only dead nodes, as near to the key as it can find any
  };

  KadWorld(std::uint64_t seed, KadWorldLimits limits) : random_(seed), limits_(limits) {}

  /// A node that begins with a few that were there already, drawn by chance.
  ContactId join() {
    Bytes name(8);
    for (unsigned n = 0; n < 8; ++n) name[n] = static_cast<std::uint8_t>(nodes_.size() >> (8 * n));
    const ContactId id = contacts_.add(kad_key(name));
    nodes_.push_back({.kad = std::make_unique<Kad>(limits_.kad, name, contacts_, random_)});
    for (int n = 0; id > 0 && n < kSeeds; ++n) {
      const auto seed = static_cast<ContactId>(random_.draw_u64() % id);
      if (nodes_[seed].kind != Kind::kDead) nodes_[id].kad->add_seed(seed);
    }
    nodes_[id].kad->step(now_);
    take(id);
    return id;
  }
  void set_kind(ContactId id, Kind kind) { nodes_.at(id).kind = kind; }
  [[nodiscard]] Kind kind(ContactId id) const { return nodes_.at(id).kind; }
  [[nodiscard]] Kad& kad(ContactId id) { return *nodes_.at(id).kad; }
  /// After every call of a node's Kad.
  void take(ContactId id) {
    for (KadEffect& effect : nodes_[id].kad->take_effects()) {
      if (auto* send = std::get_if<KadSend>(&effect)) {
        ++sent_;
        post({.to = send->to, .from = id, .request = send->request, .what = std::move(send->what)});
      } else {
        auto& found = std::get<KadFound>(effect);
        found_[{id, found.lookup}] = std::move(found);
      }
    }
    wake(id);
  }

  /// Everything that happens in that time.
  void run_ms(std::uint64_t ms) {
    const Instant end = now_.plus_ms(ms);
    while (!events_.empty() && events_.top().at <= end) step();
    now_ = end;
  }
  /// Until a search of a node has ended.
  KadFound wait_for(ContactId id, LookupId lookup) {
    take(id);
    while (!found_.contains({id, lookup})) {
      CHECK(!events_.empty(), "a search ends");
      step();
    }
    return found_.extract({id, lookup}).mapped();
  }

  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] const NumberedContacts& contacts() const { return contacts_; }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] std::uint64_t sent() const { return sent_; }
  /// Of everything that was delivered, in order.
  [[nodiscard]] std::uint64_t trace() const { return trace_; }
  SeededRandom& random() { return random_; }
  void reserve(std::size_t count) {
    nodes_.reserve(count);
    contacts_.reserve(count);
  }
  /// The honest nodes nearest to a key, whether anybody knows them or not.
  [[nodiscard]] std::vector<ContactId> truly_closest(const KadKey& key, std::size_t count) const {
    std::vector<ContactId> all;
    for (ContactId id = 0; id < nodes_.size(); ++id) {
      if (nodes_[id].kind == Kind::kHonest) all.push_back(id);
    }
    const std::size_t most = std::min(count, all.size());
    std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(most), all.end(),
                      [&](ContactId a, ContactId b) { return is_nearer(key, contacts_.key(a), contacts_.key(b)); });
    all.resize(most);
    return all;
  }

 private:
  static constexpr int kSeeds = 3;
  struct Node {
    std::unique_ptr<Kad> kad;
    Kind kind = Kind::kHonest;
    std::optional<Instant> wake = {};
  };
  struct Event {
    ContactId to = 0;
    ContactId from = 0;
    RequestId request = 0;  // 0: only time has passed
    std::optional<KadRequest> what = {};
    KadReply reply = {};
    Instant at = {};
    std::uint64_t order = 0;
    bool operator<(const Event& other) const {  // the queue gives the greatest first
      return std::pair(other.at, other.order) < std::pair(at, order);
    }
  };

  void post(Event event) {
    if (random_.draw_u64() % 1'000 < limits_.lost_per_mille) return;
    const std::uint64_t spread = limits_.most_delay_ms - limits_.least_delay_ms + 1;
    event.at = now_.plus_ms(limits_.least_delay_ms + random_.draw_u64() % spread);
    event.order = ++order_;
    events_.push(std::move(event));
  }
  void wake(ContactId id) {
    Node& node = nodes_[id];
    const Instant at = std::max(node.kad->next_wake(), now_.plus_ms(1));
    if (node.wake && *node.wake <= at) return;
    node.wake = at;
    events_.push({.to = id, .at = at, .order = ++order_});
  }
  void step() {
    Event event = events_.top();
    events_.pop();
    now_ = std::max(now_, event.at);
    Node& node = nodes_[event.to];
    if (event.request == 0) node.wake.reset();
    if (node.kind == Kind::kDead) return;
    trace_ = (trace_ ^ (now_.ns + event.to)) * 0x100000001b3ULL;
    trace_ = (trace_ ^ event.request) * 0x100000001b3ULL;
    if (event.request == 0) {
      node.kad->step(now_);
    } else if (event.what) {
      answer(event, node);
    } else {
      node.kad->on_reply(event.request, event.reply, now_);
    }
    take(event.to);
  }
  void answer(const Event& event, Node& node) {
    node.kad->on_server(event.from, now_);  // its connection proved who it is, and it said what it answers
    KadReply reply;
    if (node.kind == Kind::kLiar) {
      for (int n = 0; n < 20 && !dead_.empty(); ++n) reply.closer.push_back(dead_[random_.draw_u64() % dead_.size()]);
      const KadKey key = kad_key(event.what->name);
      std::ranges::sort(reply.closer,
                        [&](ContactId a, ContactId b) { return is_nearer(key, contacts_.key(a), contacts_.key(b)); });
    } else {
      reply = node.kad->answer(event.from, *event.what, now_);
    }
    post({.to = event.from, .from = event.to, .request = event.request, .reply = std::move(reply)});
  }

 public:
  /// Whom liars name.
  void list_dead() {
    dead_.clear();
    for (ContactId id = 0; id < nodes_.size(); ++id) {
      if (nodes_[id].kind == Kind::kDead) dead_.push_back(id);
    }
  }

 private:
  SeededRandom random_;
  KadWorldLimits limits_;
  NumberedContacts contacts_;
  std::vector<Node> nodes_;
  std::vector<ContactId> dead_;
  std::priority_queue<Event> events_;
  std::map<std::pair<ContactId, LookupId>, KadFound> found_;
  std::uint64_t order_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t trace_ = 0xcbf29ce484222325ULL;
  Instant now_;
};

}  // namespace micro::p2p::test
