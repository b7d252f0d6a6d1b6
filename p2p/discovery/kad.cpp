#include "p2p/discovery/kad.hpp"

#include <algorithm>

namespace micro::p2p {
namespace {

constexpr std::uint64_t kCheckMs = 10'000;  // between questions whether somebody is still there

}  // namespace

Kad::Kad(KadLimits limits, ByteView self, const Contacts& contacts, Random& random)
    : limits_(limits),
      self_(kad_key(self)),
      self_name_(to_bytes(self)),
      contacts_(contacts),
      random_(random),
      table_(self_, contacts, limits.table),
      store_(self_, contacts) {}

// --- searches ---

Result<LookupId> Kad::find_node(Bytes name, Instant now) {
  return begin(Purpose::kNode, std::move(name), 0, now);
}

Result<LookupId> Kad::find_providers(Bytes name, std::size_t enough, Instant now) {
  return begin(Purpose::kProviders, std::move(name), enough, now);
}

Result<LookupId> Kad::provide(Bytes name, Instant now) {
  if (provided_.size() >= kMaxProvided && !provided_.contains(name)) {
    return fail(Fault::kLimit, "this node provides too much");
  }
  // First: a search among nobody ends within the call that begins it, and says when to try again.
  const auto [at, is_new] = provided_.try_emplace(name, now);
  const Instant before = std::exchange(at->second, now.plus_ms(kRepublishMs));
  auto lookup = begin(Purpose::kProvide, std::move(name), 0, now);
  if (!lookup) at->second = before;
  if (!lookup && is_new) provided_.erase(at);
  return lookup;
}

Result<LookupId> Kad::begin(Purpose purpose, Bytes name, std::size_t enough, Instant now) {
  if (name.empty() || name.size() > kMaxKadNameBytes) return fail(Fault::kLimit, "nothing, or too long, to look for");
  if (running_.size() >= kMaxLookups) return fail(Fault::kBusy, "too many searches at once");
  const LookupId id = ++last_id_;
  Running running{.search = Lookup(contacts_, kad_key(name), limits_.lookup),
                  .purpose = purpose,
                  .name = std::move(name),
                  .enough = enough,
                  .deadline = now.plus_ms(kLookupMs)};
  const auto nearest = table_.closest(running.search.target(), limits_.lookup.nearest);
  running.search.add(nearest);
  if (nearest.size() < limits_.lookup.nearest) running.search.add(seeds_);
  if (purpose == Purpose::kProviders) running.providers = store_.of(running.search.target(), now);
  running_.emplace(id, std::move(running));
  advance(id, now);
  return id;
}

void Kad::advance(LookupId lookup, Instant now) {
  const auto found = running_.find(lookup);
  if (found == running_.end()) return;
  Running& running = found->second;
  const bool has_enough = running.purpose == Purpose::kProviders && running.providers.size() >= running.enough;
  if (has_enough || now >= running.deadline || running.is_telling || running.search.is_done()) {
    if (running.purpose == Purpose::kProvide && !running.is_telling) tell(lookup, running, now);
    if (now >= running.deadline || !running.is_telling || !waits_for_answers(lookup)) end(lookup, now);
    return;
  }
  const KadType type = running.purpose == Purpose::kProviders ? KadType::kGetProviders : KadType::kFindNode;
  for (const ContactId to : running.search.next()) send(lookup, to, {.type = type, .name = running.name}, now);
}

void Kad::tell(LookupId lookup, Running& running, Instant now) {
  std::erase_if(pending_, [&](const auto& entry) { return entry.second.lookup == lookup; });
  running.is_telling = true;
  running.deadline = now.plus_ms(kKadRequestMs);
  for (const ContactId to : running.search.closest()) {
    send(lookup, to, {.type = KadType::kAddProvider, .name = running.name}, now);
  }
}

bool Kad::waits_for_answers(LookupId lookup) const {
  return std::ranges::any_of(pending_,
                             [&](const auto& entry) { return entry.second.lookup == lookup && !entry.second.is_slow; });
}

void Kad::end(LookupId lookup, Instant now) {
  auto node = running_.extract(lookup);
  Running& running = node.mapped();
  std::erase_if(pending_, [&](const auto& entry) { return entry.second.lookup == lookup; });
  if (running.purpose == Purpose::kRefresh) return;
  auto closest = running.search.closest();
  if (running.purpose == Purpose::kProvide) {
    std::erase_if(closest,
                  [&](ContactId one) { return std::ranges::find(running.takers, one) == running.takers.end(); });
    const auto provided = provided_.find(running.name);
    if (closest.empty() && provided != provided_.end()) provided->second = now.plus_ms(kNobodyTookMs);
  }
  effects_.emplace_back(KadFound{.lookup = lookup,
                                 .closest = std::move(closest),
                                 .providers = std::move(running.providers),
                                 .asked = running.search.asked(),
                                 .hops = running.search.hops()});
}

void Kad::send(LookupId lookup, ContactId to, KadRequest what, Instant now) {
  const RequestId id = ++last_id_;
  pending_[id] = {.lookup = lookup, .contact = to, .sent = now};
  const bool is_answered = what.type != KadType::kAddProvider;
  effects_.emplace_back(KadSend{.request = id, .to = to, .what = std::move(what), .is_answered = is_answered});
}

// --- answers ---

void Kad::add_seed(ContactId contact) {
  if (std::ranges::find(seeds_, contact) != seeds_.end()) return;
  if (seeds_.size() >= kMaxKadSeeds) seeds_.erase(seeds_.begin());
  seeds_.push_back(contact);
}

void Kad::forget(ContactId contact) {
  std::erase(seeds_, contact);
  table_.remove(contact);
}

KadReply Kad::answer(ContactId from, const KadRequest& request, Instant now) {
  KadReply out;
  if (request.name.empty()) return out;
  const KadKey key = kad_key(request.name);
  if (request.type == KadType::kAddProvider) {
    store_.add(key, from, now);
    return out;
  }
  if (request.type == KadType::kPing) return out;
  if (request.type == KadType::kGetProviders) out.providers = store_.of(key, now);
  out.closer = table_.closest(key, limits_.lookup.nearest + 1);
  std::erase(out.closer, from);
  if (out.closer.size() > limits_.lookup.nearest) out.closer.pop_back();
  return out;
}

void Kad::on_reply(RequestId request, const KadReply& reply, Instant now) {
  const auto node = pending_.extract(request);
  if (node.empty()) return;
  const Pending& pending = node.mapped();
  table_.saw(pending.contact, now);
  const auto found = running_.find(pending.lookup);
  if (found == running_.end()) return;
  Running& running = found->second;
  if (running.is_telling) running.takers.push_back(pending.contact);
  std::vector<ContactId> closer = reply.closer;
  std::erase_if(closer, [&](ContactId contact) { return contacts_.key(contact) == self_; });
  running.search.answered(pending.contact, closer);
  for (const ContactId provider : reply.providers) {
    if (running.purpose != Purpose::kProviders || running.providers.size() >= kMaxProvidersOfKey) break;
    if (std::ranges::find(running.providers, provider) == running.providers.end()) {
      running.providers.push_back(provider);
    }
  }
  advance(pending.lookup, now);
}

void Kad::on_failed(RequestId request, Instant now) {
  const auto node = pending_.extract(request);
  if (node.empty()) return;
  const Pending& pending = node.mapped();
  table_.failed(pending.contact);
  const auto found = running_.find(pending.lookup);
  if (found == running_.end()) return;
  found->second.search.failed(pending.contact);
  advance(pending.lookup, now);
}

// --- time ---

void Kad::step(Instant now) {
  expire_requests(now);
  std::vector<LookupId> late;
  for (const auto& [id, running] : running_) {
    if (now >= running.deadline) late.push_back(id);
  }
  for (const LookupId id : late) advance(id, now);
  if (now >= refresh_at_) refresh(now);
  republish(now);
  if (now < check_at_) return;
  check_at_ = now.plus_ms(kCheckMs);
  const auto doubtful = table_.doubtful(now);
  if (!doubtful) return;
  const auto is_asked =
      std::ranges::any_of(pending_, [&](const auto& entry) { return entry.second.contact == *doubtful; });
  // A question that every peer answers: not all of them know the one that only asks whether they are there.
  if (!is_asked) send(0, *doubtful, {.type = KadType::kFindNode, .name = self_name_}, now);
}

void Kad::expire_requests(Instant now) {
  std::vector<RequestId> dead;
  std::vector<LookupId> held_up;
  for (auto& [id, pending] : pending_) {
    if (now >= pending.sent.plus_ms(kKadRequestMs)) {
      dead.push_back(id);
    } else if (!pending.is_slow && now >= pending.sent.plus_ms(kKadSlowMs)) {
      pending.is_slow = true;
      const auto found = running_.find(pending.lookup);
      if (found == running_.end()) continue;
      found->second.search.slow(pending.contact);
      held_up.push_back(pending.lookup);
    }
  }
  for (const RequestId id : dead) on_failed(id, now);
  for (const LookupId id : held_up) advance(id, now);
}

// Its own surroundings each time, which fills the deep buckets, and the shallow ones in turn.
void Kad::refresh(Instant now) {
  refresh_at_ = now.plus_ms(table_.size() < limits_.lookup.nearest ? kLonelyRefreshMs : kRefreshMs);
  store_.expire(now);
  (void)begin(Purpose::kRefresh, self_name_, 0, now);
  const unsigned depth = std::min(table_.depth(), kRefreshedBuckets);
  if (depth == 0) return;
  next_bucket_ = (next_bucket_ + 1) % depth;
  (void)begin(Purpose::kRefresh, name_in_bucket(next_bucket_), 0, now);
}

// The multihash of a random digest, which every peer takes for a peer's name, with its key in that bucket.
Bytes Kad::name_in_bucket(unsigned bucket) {
  constexpr std::uint8_t kSha256Code = 0x12;
  Bytes name{kSha256Code, Hash::kSize};
  const Hash digest = random_.draw<Hash>();
  name.insert(name.end(), digest.view().begin(), digest.view().end());
  const std::uint64_t tries = 16ULL << bucket;
  for (std::uint64_t n = 0; n < tries && common_bits(self_, kad_key(name)) != bucket; ++n) {
    for (std::size_t at = 0; at < sizeof n; ++at) name[2 + at] = static_cast<std::uint8_t>(n >> (8 * at));
  }
  return name;
}

void Kad::republish(Instant now) {
  for (auto& [name, at] : provided_) {
    if (now < at) continue;
    const Instant before = std::exchange(at, now.plus_ms(kRepublishMs));
    if (begin(Purpose::kProvide, name, 0, now)) continue;
    at = before;
    return;
  }
}

Instant Kad::next_wake() const {
  Instant next = std::min(refresh_at_, check_at_);
  for (const auto& [name, at] : provided_) next = std::min(next, at);
  for (const auto& [id, running] : running_) next = std::min(next, running.deadline);
  for (const auto& [id, pending] : pending_) {
    next = std::min(next, pending.sent.plus_ms(pending.is_slow ? kKadRequestMs : kKadSlowMs));
  }
  return next;
}

std::vector<ContactId> Kad::held() const {
  std::vector<ContactId> out = seeds_;
  table_.list_held(out);
  store_.list_held(out);
  for (const auto& [id, running] : running_) {
    running.search.list_held(out);
    out.insert(out.end(), running.providers.begin(), running.providers.end());
  }
  for (const auto& [id, pending] : pending_) out.push_back(pending.contact);
  for (const KadEffect& effect : effects_) {
    if (const auto* send = std::get_if<KadSend>(&effect)) out.push_back(send->to);
    if (const auto* found = std::get_if<KadFound>(&effect)) {
      out.insert(out.end(), found->closest.begin(), found->closest.end());
      out.insert(out.end(), found->providers.begin(), found->providers.end());
    }
  }
  return out;
}

}  // namespace micro::p2p
