#include "tests/sim/p2p/network/world.hpp"

#include <algorithm>
#include <cstring>

#include "chain/base/check.hpp"
#include "p2p/gossip/shuffle.hpp"

namespace micro::p2p::sim {
namespace {

constexpr std::uint64_t kStartMs = 10'000;  // an instant of zero means "never" in places
constexpr std::size_t kSeeds = 3;
constexpr std::size_t kNearest = LookupLimits().nearest;
constexpr std::size_t kMostLinks = 30;    // then a node is not dialed any more
constexpr std::uint64_t kJudgeMs = 5;     // what the application needs for a message
constexpr std::uint64_t kRoundMs = 20;    // between rounds of first links
constexpr std::uint64_t kLookMs = 3'000;  // until a new node has found others to dial

std::uint64_t mix(std::uint64_t word) {
  word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9ULL;
  word = (word ^ word >> 27) * 0x94d049bb133111ebULL;
  return word ^ word >> 31;
}

std::string address_of(ContactId node) {
  std::string out = "20";
  for (const unsigned shift : {16U, 8U, 0U}) out += "." + std::to_string(node >> shift & 0xff);
  return out;
}

}  // namespace

std::uint64_t WorldRandom::next() {
  state_ += 0x9e3779b97f4a7c15ULL;
  return mix(state_);
}

void WorldRandom::fill(std::span<std::uint8_t> out) {
  for (std::size_t at = 0; at < out.size(); at += 8) {
    const std::uint64_t word = next();
    std::memcpy(out.data() + at, &word, std::min<std::size_t>(8, out.size() - at));
  }
}

World::World(std::uint64_t seed, WorldShape shape, std::size_t capacity)
    : shape_(shape),
      random_(seed),
      delay_seed_(random_.next()),
      config_(std::make_shared<const GossipConfig>()),
      queue_(kStartMs) {
  nodes_.reserve(capacity);
  by_key_.reserve(capacity);
  contacts_.keys.reserve(capacity);
}

// --- nodes ---

// The multihash of a key, as peer ids are; its last bytes are the number.
PeerId World::peer_of(ContactId node) {
  std::array<std::uint8_t, 34> multihash{0x12, 32};
  for (std::uint64_t n = 0; n < 4; ++n) {
    const std::uint64_t word = n < 3 ? mix(node + (n << 40) + 1) : node;
    for (unsigned byte = 0; byte < 8; ++byte) {
      multihash[2 + 8 * n + byte] = static_cast<std::uint8_t>(word >> (56 - 8 * byte));
    }
  }
  return PeerId::from(multihash).value();
}

ContactId World::node_of(const PeerId& peer) {
  ContactId out = 0;
  for (const std::uint8_t byte : peer.view().last(4)) out = out << 8 | byte;
  return out;
}

Bytes World::name(ContactId node) const {
  return to_bytes(peer_of(node).view());
}

ContactId World::add() {
  const auto node = static_cast<ContactId>(nodes_.size());
  const PeerId peer = peer_of(node);
  contacts_.keys.push_back(kad_key(peer.view()));
  nodes_.push_back(std::make_unique<Node>(KadLimits(), peer.view(), peer, contacts_, config_, random_));
  by_key_.push_back(node);
  ++alive_;
  Node& one = *nodes_.back();
  one.came_ms = now_ms();
  CHECK(one.router.join(kTopic, now()).has_value(), "one topic");
  one.router.expire(now());
  post(Kind::kBeat, (one.router.next_deadline().ns - now().ns) / 1'000'000, node);
  return node;
}

void World::settle(std::size_t nodes) {
  CHECK(nodes_.empty() && nodes > 2 * shape_.dials, "a new world, large enough");
  for (std::size_t n = 0; n < nodes; ++n) nodes_[add()]->came_ms = 0;
  const auto nearer_zero = [this](ContactId a, ContactId b) { return contacts_.keys[a] < contacts_.keys[b]; };
  std::ranges::sort(by_key_, nearer_zero);
  fill_tables();
  // A node has been there for any time: its next refresh is somewhere in a whole period.
  for (ContactId node = 0; node < nodes; ++node) {
    nodes_[node]->kad_at_ms = now_ms() + 1 + random_.below(kRefreshMs);
    post(Kind::kKad, nodes_[node]->kad_at_ms - now_ms(), node);
  }
  for (std::size_t round = 0; round < shape_.dials; ++round) {  // each dials one and is dialed once
    std::vector<ContactId> to(nodes);
    for (ContactId n = 0; n < nodes; ++n) to[n] = n;
    for (std::size_t n = nodes; n > 1; --n) std::swap(to[n - 1], to[random_.below(n)]);
    for (ContactId from = 0; from < nodes; ++from) link(from, to[from]);
    run_ms(kRoundMs);
  }
}

ContactId World::join() {
  const ContactId node = add();
  by_key_.pop_back();
  const auto nearer_zero = [this](ContactId a, ContactId b) { return contacts_.keys[a] < contacts_.keys[b]; };
  by_key_.insert(std::ranges::upper_bound(by_key_, node, nearer_zero), node);
  for (std::size_t n = 0; n < kSeeds; ++n) {
    const ContactId seed = any_alive();
    if (seed == node) continue;
    nodes_[node]->kad.add_seed(seed);
    link(node, seed);
  }
  post(Kind::kKad, 0, node);
  for (std::size_t n = kSeeds; n < shape_.dials; ++n)
    post(Kind::kDial, kLookMs + random_.below(shape_.redial_ms), node);
  return node;
}

void World::kill(ContactId node, bool silent) {
  Node& gone = *nodes_[node];
  if (!gone.alive) return;
  gone.alive = false;
  --alive_;
  for (const Link& link : gone.links) {
    post(Kind::kLost, silent ? shape_.silence_ms : delay_ms(node, link.other), link.other, node);
  }
  gone.links = {};
}

ContactId World::any_alive() {
  CHECK(alive_ > 0, "somebody is there");
  for (;;) {
    const auto node = static_cast<ContactId>(random_.below(nodes_.size()));
    if (nodes_[node]->alive) return node;
  }
}

// --- tables as they are after a long time: of each bucket's nodes as many as there is room for, by chance ---

std::size_t World::split(std::size_t begin, std::size_t end, unsigned bit) const {
  const auto first = by_key_.begin();
  const auto has_not = [&](ContactId node) { return (contacts_.keys[node].data[bit / 8] >> (7 - bit % 8) & 1) == 0; };
  return static_cast<std::size_t>(std::partition_point(first + static_cast<std::ptrdiff_t>(begin),
                                                       first + static_cast<std::ptrdiff_t>(end), has_not) -
                                  first);
}

void World::fill_tables() {
  std::vector<std::pair<std::size_t, std::size_t>> siblings;
  descend(0, by_key_.size(), 0, siblings);
}

void World::descend(std::size_t begin, std::size_t end, unsigned bit,
                    std::vector<std::pair<std::size_t, std::size_t>>& siblings) {
  if (begin == end) return;
  if (end - begin == 1) return fill_table(begin, siblings);
  const std::size_t middle = split(begin, end, bit);
  siblings.emplace_back(middle, end);
  descend(begin, middle, bit + 1, siblings);
  siblings.back() = {begin, middle};
  descend(middle, end, bit + 1, siblings);
  siblings.pop_back();
}

void World::fill_table(std::size_t at, const std::vector<std::pair<std::size_t, std::size_t>>& siblings) {
  const TableLimits limits;
  const std::size_t wanted = std::size_t{limits.bucket} + limits.waiting;
  Kad& kad = nodes_[by_key_[at]]->kad;
  for (const auto& [begin, end] : siblings) {
    if (end - begin <= wanted) {
      for (std::size_t n = begin; n < end; ++n) kad.on_server(by_key_[n], now());
      continue;
    }
    if (end - begin <= 4 * wanted) {  // each once
      std::vector<ContactId> all(by_key_.begin() + static_cast<std::ptrdiff_t>(begin),
                                 by_key_.begin() + static_cast<std::ptrdiff_t>(end));
      draw_some(all, wanted, random_);
      for (const ContactId one : all) kad.on_server(one, now());
      continue;
    }
    for (std::size_t n = 0; n < wanted; ++n) kad.on_server(by_key_[begin + random_.below(end - begin)], now());
  }
}

void World::collect(std::size_t begin, std::size_t end, unsigned bit, const KadKey& target, std::size_t count,
                    std::uint64_t came_before_ms, std::vector<ContactId>& out) const {
  constexpr std::size_t kFew = 8;
  if (out.size() >= count || begin == end) return;
  if (end - begin <= kFew) {
    std::vector<ContactId> here;
    for (std::size_t n = begin; n < end; ++n) {
      const Node& node = *nodes_[by_key_[n]];
      if (node.alive && node.came_ms <= came_before_ms) here.push_back(by_key_[n]);
    }
    std::ranges::sort(
        here, [&](ContactId a, ContactId b) { return is_nearer(target, contacts_.keys[a], contacts_.keys[b]); });
    for (const ContactId node : here) {
      if (out.size() < count) out.push_back(node);
    }
    return;
  }
  const std::size_t middle = split(begin, end, bit);
  const bool upper = (target.data[bit / 8] >> (7 - bit % 8) & 1) != 0;
  collect(upper ? middle : begin, upper ? end : middle, bit + 1, target, count, came_before_ms, out);
  collect(upper ? begin : middle, upper ? middle : end, bit + 1, target, count, came_before_ms, out);
}

std::vector<ContactId> World::truly_closest(const KadKey& key, std::size_t count, std::uint64_t came_before_ms) const {
  std::vector<ContactId> out;
  collect(0, by_key_.size(), 0, key, count, came_before_ms, out);
  return out;
}

// --- links ---

std::uint64_t World::delay_ms(ContactId one, ContactId other) const {
  const std::uint64_t pair = std::uint64_t{std::min(one, other)} << 32 | std::max(one, other);
  return shape_.least_delay_ms + mix(pair ^ delay_seed_) % shape_.more_delay_ms;
}

bool World::is_linked(ContactId one, ContactId other) const {
  return std::ranges::any_of(nodes_[one]->links, [other](const Link& link) { return link.other == other; });
}

bool World::link(ContactId from, ContactId to) {
  const Node& there = *nodes_[to];
  if (from == to || !there.alive || there.side != nodes_[from]->side || is_linked(from, to) ||
      there.links.size() >= kMostLinks) {
    return false;
  }
  for (const auto& [self, other, dialed] : {std::tuple{from, to, true}, std::tuple{to, from, false}}) {
    Node& node = *nodes_[self];
    insert_tight(node.links, node.links.cend(), Link{.other = other, .dialed = dialed ? 1U : 0U});
    PeerFacts facts{
        .protocol = std::string(kMeshsub12), .outbound = dialed, .address = address_of(other), .record = {}};
    CHECK(node.router.connected(peer_of(other), std::move(facts), now()).has_value(), "there is room");
  }
  note(std::uint64_t{from} << 32 | to);
  after_gossip(from);
  after_gossip(to);
  return true;
}

// One end learns that the link is gone, and dials somebody else if it was the one that had dialed.
void World::unlink_end(ContactId node, ContactId other) {
  Node& one = *nodes_[node];
  const auto at = std::ranges::find_if(one.links, [other](const Link& link) { return link.other == other; });
  if (!one.alive || at == one.links.end()) return;
  const bool dialed = at->dialed != 0;
  one.links.erase(at);
  one.router.disconnected(peer_of(other), now());
  after_gossip(node);
  if (!dialed) return;
  post(Kind::kDial, 1 + random_.below(shape_.redial_ms), node);
  broken_[{node, other}].failed(other, now(), random_);
  post(Kind::kRetry, kFirstBackoffMs, node, other);
}

// Somebody of its own table.
void World::dial_somebody(ContactId node) {
  Node& one = *nodes_[node];
  const auto dialed = std::ranges::count_if(one.links, [](const Link& link) { return link.dialed != 0; });
  if (!one.alive || static_cast<std::size_t>(dialed) >= shape_.dials) return;
  const auto nearest = one.kad.table().closest(random_.draw<KadKey>(), 1);
  if (!nearest.empty() && link(node, nearest[0])) return;
  post(Kind::kDial, shape_.redial_ms, node);
}

// A link that broke is tried again as the manager of connections does with peers that it is told to keep.
void World::retry(ContactId node, ContactId other) {
  const auto at = broken_.find({node, other});
  if (at == broken_.end()) return;
  if (!nodes_[node]->alive || !nodes_[other]->alive || is_linked(node, other)) {
    broken_.erase(at);
    return;
  }
  if (at->second.may_try(other, now())) {
    if (link(node, other)) {
      broken_.erase(at);
      return;
    }
    at->second.failed(other, now(), random_);
  }
  post(Kind::kRetry, kHeartbeatMs / 4, node, other);
}

std::uint64_t World::last_retry_ms() const {
  std::uint64_t last = now_ms();
  for (const auto& [ends, backoff] : broken_) {
    if (!nodes_[ends.first]->alive || !nodes_[ends.second]->alive) continue;
    while (!backoff.may_try(ends.second, Instant{}.plus_ms(last))) ++last;
  }
  return last;
}

void World::part(const std::function<unsigned(ContactId)>& side_of) {
  for (ContactId node = 0; node < nodes_.size(); ++node) nodes_[node]->side = static_cast<std::uint8_t>(side_of(node));
  for (ContactId node = 0; node < nodes_.size(); ++node) {
    for (const Link& link : nodes_[node]->links) {
      if (nodes_[link.other]->side == nodes_[node]->side) continue;
      post(Kind::kLost, shape_.silence_ms, node, link.other);
    }
  }
}

void World::heal() {
  for (const auto& node : nodes_) node->side = 0;
}

// --- what happens ---

void World::post(Kind kind, std::uint64_t in_ms, ContactId to, ContactId from, std::unique_ptr<Cargo> cargo) {
  queue_.push(now_ms() + in_ms, {.kind = kind, .to = to, .from = from, .cargo = std::move(cargo)});
}

void World::run_ms(std::uint64_t ms) {
  queue_.run_until(now_ms() + ms, [this](Event& event) { on_event(event); });
}

void World::on_event(Event& event) {
  Node& node = *nodes_[event.to];
  if (!node.alive) return;
  ++events_;
  note(now_ms() << 8 ^ static_cast<std::uint64_t>(event.kind));
  note(std::uint64_t{event.to} << 32 | event.from);
  switch (event.kind) {
    case Kind::kBeat:
      node.router.expire(now());
      post(Kind::kBeat, (node.router.next_deadline().ns - now().ns) / 1'000'000, event.to);
      after_gossip(event.to);
      break;
    case Kind::kKad:
      if (node.kad_at_ms > now_ms()) return;  // another one was asked for meanwhile
      node.kad_at_ms = 0;
      node.kad.step(now());
      after_kad(event.to);
      break;
    case Kind::kFrame:
      if (node.side != nodes_[event.from]->side) return;
      note(event.cargo->frame.size());
      CHECK(node.router.on_frame(peer_of(event.from), event.cargo->frame, now()).has_value(), "routers speak well");
      after_gossip(event.to);
      break;
    case Kind::kQuestion:
      if (node.side == nodes_[event.from]->side) on_question(event);
      break;
    case Kind::kJudge:
      node.router.validated(MessageId::from(event.cargo->frame).value(), Validation::kAccept, now());
      after_gossip(event.to);
      break;
    case Kind::kLost:
      unlink_end(event.to, event.from);
      break;
    case Kind::kDial:
      dial_somebody(event.to);
      break;
    case Kind::kRetry:
      retry(event.to, event.from);
      break;
  }
}

void World::on_question(const Event& event) {
  Node& node = *nodes_[event.to];
  const Question& question = *event.cargo->question;
  if (question.what) {
    node.kad.on_server(event.from, now());  // its connection proved who it is, and it said what it answers
    auto cargo = std::make_unique<Cargo>();
    cargo->question = std::make_unique<Question>(
        Question{.request = question.request, .what = {}, .reply = node.kad.answer(event.from, *question.what, now())});
    if (random_.below(1'000) >= shape_.lost_per_mille) {
      post(Kind::kQuestion, delay_ms(event.to, event.from), event.from, event.to, std::move(cargo));
    }
  } else {
    node.kad.on_reply(question.request, question.reply, now());
    after_kad(event.to);
  }
}

void World::after_gossip(ContactId id) {
  Node& node = *nodes_[id];
  for (const Delivery& delivery : node.router.take_deliveries()) {
    const MessageId& message = delivery.message->id();
    Wave& wave = waves.at(message);
    CHECK(id >= wave.reached.size() || !wave.reached[id], "a message is delivered once");
    const std::uint64_t after_ms = now_ms() - wave.published_ms;
    if (wave.after_ms.size() <= after_ms) wave.after_ms.resize(after_ms + 1);
    if (id < wave.reached.size() && wave.expected[id]) {
      wave.reached[id] = true;
      ++wave.after_ms[after_ms];
    }
    auto cargo = std::make_unique<Cargo>();
    cargo->frame = to_bytes(message.view());
    post(Kind::kJudge, kJudgeMs, id, id, std::move(cargo));
  }
  for (const PeerId& peer : node.router.take_ready()) {
    const ContactId to = node_of(peer);
    for (Bytes frame = node.router.next_frame(peer, now()); !frame.empty();
         frame = node.router.next_frame(peer, now())) {
      gossip_bytes_ += frame.size();
      auto cargo = std::make_unique<Cargo>();
      cargo->frame = std::move(frame);
      post(Kind::kFrame, delay_ms(id, to), to, id, std::move(cargo));
    }
  }
}

void World::after_kad(ContactId id) {
  Node& node = *nodes_[id];
  for (KadEffect& effect : node.kad.take_effects()) {
    if (auto* send = std::get_if<KadSend>(&effect)) {
      ++kad_questions_;
      if (random_.below(1'000) < shape_.lost_per_mille) continue;
      auto cargo = std::make_unique<Cargo>();
      cargo->question =
          std::make_unique<Question>(Question{.request = send->request, .what = std::move(send->what), .reply = {}});
      post(Kind::kQuestion, delay_ms(id, send->to), send->to, id, std::move(cargo));
      continue;
    }
    auto& one = std::get<KadFound>(effect);
    const auto begun = searches_.extract({id, one.lookup});
    CHECK(!begun.empty(), "only searches that were begun end");
    const auto& [target, begun_ms] = begun.mapped();
    auto truth = truly_closest(target, kNearest + 1, begun_ms - std::min(begun_ms, shape_.settled_ms));
    std::erase(truth, id);  // who asks is no answer
    truth.resize(std::min(truth.size(), kNearest));
    found.push_back({.by = id,
                     .target = target,
                     .truth = std::move(truth),
                     .begun_ms = begun_ms,
                     .ended_ms = now_ms(),
                     .found = std::move(one)});
  }
  const std::uint64_t next_ms = std::max(node.kad.next_wake().ns / 1'000'000, now_ms() + 1);
  if (node.kad_at_ms > now_ms() && node.kad_at_ms <= next_ms) return;
  node.kad_at_ms = next_ms;
  post(Kind::kKad, next_ms - now_ms(), id);
}

MessageId World::publish(ContactId from, std::size_t bytes) {
  std::string text = "message " + std::to_string(++messages_) + " ";
  text.resize(std::max(bytes, text.size()), 'x');
  const MessageId id = nodes_[from]->router.publish(kTopic, as_bytes(text), now()).value();
  Wave& wave = waves[id];
  wave.published_ms = now_ms();
  wave.expected.resize(nodes_.size());
  wave.reached.resize(nodes_.size());
  for (ContactId node = 0; node < nodes_.size(); ++node) {
    wave.expected[node] = nodes_[node]->alive && node != from && nodes_[node]->came_ms + shape_.settled_ms <= now_ms();
  }
  after_gossip(from);
  return id;
}

void World::search(ContactId by, const Bytes& name) {
  Node& node = *nodes_[by];
  const LookupId lookup = node.kad.find_node(name, now()).value();
  searches_[{by, lookup}] = {kad_key(name), now_ms()};
  after_kad(by);
}

std::size_t World::abandoned() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(searches_, [this](const auto& one) { return !nodes_[one.first.first]->alive; }));
}

std::uint64_t World::duplicates() const {
  std::uint64_t out = 0;
  for (const auto& node : nodes_) out += node->router.stats().duplicates;
  return out;
}

}  // namespace micro::p2p::sim
