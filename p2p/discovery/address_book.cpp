#include "p2p/discovery/address_book.hpp"

#include <algorithm>
#include <span>

#include "chain/crypto/hash.hpp"

namespace micro::p2p {
namespace {

constexpr std::int64_t kJustTriedS = 60;  // what may be under way still is not judged
constexpr std::size_t kPickTries = 256;
constexpr std::uint64_t kRivalOneIn = 4;  // of picks look first at whom a newcomer waits for

std::int64_t seconds_of(Instant now) {
  return static_cast<std::int64_t>(now.ns / 1'000'000'000);
}

std::array<std::uint8_t, 4> four_bytes(std::uint32_t value) {
  std::array<std::uint8_t, 4> out;
  for (unsigned n = 0; n < 4; ++n) out[n] = static_cast<std::uint8_t>(value >> (8 * n));
  return out;
}

}  // namespace

AddressBook::AddressBook(Random& random, bool local_addresses)
    : random_(random), local_addresses_(local_addresses), secret_(random.draw<Hash>()) {}

// Names cost nothing, so that anybody could have as many groups of them as he likes.
bool AddressBook::is_welcome(const PeerAddress& at) const {
  const auto ip = IpAddress::of(at.address);
  const auto target = at.address.tcp_target();
  if (at.peer.empty() || !ip || !target || target->peer || target->port == 0) return false;
  return ip->reach() == Reach::kPublic || (ip->reach() == Reach::kLocal && local_addresses_);
}

bool AddressBook::is_worthless(const Entry& entry, std::int64_t now_s) const {
  if (entry.failures > 0 && now_s - entry.tried_s < kJustTriedS) return false;
  if (now_s - std::max(entry.heard_s, entry.worked_s.value_or(entry.heard_s)) > kForgottenS) return true;
  if (!entry.worked_s) return entry.failures >= kFailuresOfNew;
  return entry.failures >= kFailuresOfTried && now_s - *entry.worked_s > kNotWorkingS;
}

// --- where things belong ---

std::uint64_t AddressBook::keyed(char purpose, std::initializer_list<ByteView> parts) const {
  Bytes text = to_bytes(secret_.view());
  text.push_back(static_cast<std::uint8_t>(purpose));
  for (const ByteView part : parts) text.insert(text.end(), part.begin(), part.end());
  const Hash hash = sha256(text);
  std::uint64_t out = 0;
  for (unsigned n = 0; n < 8; ++n) out |= std::uint64_t{hash.data[n]} << (8 * n);
  return out;
}

std::uint32_t AddressBook::place(char table, std::uint32_t bucket, const PeerAddress& at) const {
  const auto number = four_bytes(bucket);
  const auto slot = keyed(table, {number, at.peer.view(), at.address.bytes()}) % kBookSlots;
  return bucket * kBookSlots + static_cast<std::uint32_t>(slot);
}

std::uint32_t AddressBook::new_slot(const PeerAddress& at, const Multiaddr& teller) const {
  const AddressGroup group = AddressGroup::of(at.address);
  const AddressGroup from = AddressGroup::of(teller);
  const auto of_teller =
      four_bytes(static_cast<std::uint32_t>(keyed('a', {from.view(), group.view()}) % kNewBucketsOfTeller));
  const auto bucket = static_cast<std::uint32_t>(keyed('b', {from.view(), of_teller}) % kNewBuckets);
  return place('n', bucket, at);
}

std::uint32_t AddressBook::tried_slot(const PeerAddress& at) const {
  const AddressGroup group = AddressGroup::of(at.address);
  const auto of_group =
      four_bytes(static_cast<std::uint32_t>(keyed('c', {at.peer.view(), at.address.bytes()}) % kTriedBucketsOfGroup));
  const auto bucket = static_cast<std::uint32_t>(keyed('d', {group.view(), of_group}) % kTriedBuckets);
  return place('t', bucket, at);
}

// --- entries ---

void AddressBook::Table::put(std::uint32_t slot, Number number) {
  slots[slot] = number;
  ++used;
  if (counts[slot / kBookSlots]++ == 0) in_use.push_back(slot / kBookSlots);
}

void AddressBook::Table::clear(std::uint32_t slot) {
  slots[slot] = kNone;
  --used;
  if (--counts[slot / kBookSlots] > 0) return;
  *std::ranges::find(in_use, slot / kBookSlots) = in_use.back();
  in_use.pop_back();
}

AddressBook::Number AddressBook::put(Entry entry) {
  Number number = 0;
  if (free_.empty()) {
    number = static_cast<Number>(entries_.size());
    entries_.emplace_back();
  } else {
    number = free_.back();
    free_.pop_back();
  }
  entry.is_used = true;
  index_[entry.at] = number;
  table(entry.in_tried).put(entry.slot, number);
  entries_[number] = std::move(entry);
  return number;
}

void AddressBook::erase(Number number) {
  Entry& entry = entries_[number];
  table(entry.in_tried).clear(entry.slot);
  index_.erase(entry.at);
  std::erase_if(rivals_, [&](const Rival& rival) { return rival.newcomer == number || rival.holder == number; });
  entry = {};
  free_.push_back(number);
}

bool AddressBook::add(const PeerAddress& at, const Multiaddr& teller, Instant now) {
  if (!is_welcome(at)) return false;
  const std::int64_t now_s = seconds_of(now);
  const auto known = index_.find(at);
  if (known == index_.end()) return add_new(at, teller, false, now_s);
  entries_[known->second].heard_s = now_s;
  return false;
}

// What has just worked takes the place of what never did.
bool AddressBook::add_new(const PeerAddress& at, const Multiaddr& teller, bool works, std::int64_t now_s) {
  const std::uint32_t slot = new_slot(at, teller);
  if (const Number holder = new_.slots[slot]; holder != kNone) {
    const Entry& there = entries_[holder];
    if (!is_worthless(there, now_s) && !(works && !there.worked_s)) return false;
    erase(holder);
  }
  put({.at = at, .teller = teller, .heard_s = now_s, .worked_s = {}, .slot = slot});
  return true;
}

void AddressBook::forget(const PeerAddress& at) {
  if (const auto known = index_.find(at); known != index_.end()) erase(known->second);
}

void AddressBook::set_anchors(std::vector<PeerAddress> anchors) {
  std::erase_if(anchors, [&](const PeerAddress& at) { return !is_welcome(at); });
  if (anchors.size() > kMaxAnchors) anchors.resize(kMaxAnchors);
  anchors_ = std::move(anchors);
}

// --- what became of it ---

void AddressBook::tried(const PeerAddress& at, bool worked, Instant now) {
  const std::int64_t now_s = seconds_of(now);
  if (worked && is_welcome(at) && !index_.contains(at)) add_new(at, at.address, true, now_s);
  const auto known = index_.find(at);
  if (known == index_.end()) return;
  const Number number = known->second;
  entries_[number].tried_s = now_s;
  if (!worked) {
    ++entries_[number].failures;
    return settle(number, false, now_s);
  }
  entries_[number].failures = 0;
  entries_[number].worked_s = now_s;
  settle(number, true, now_s);
  if (!entries_[number].in_tried) to_tried(number, now_s);
}

void AddressBook::to_tried(Number number, std::int64_t now_s) {
  const std::uint32_t slot = tried_slot(entries_[number].at);
  const Number holder = tried_.slots[slot];
  if (holder != kNone) {
    // Who works keeps its place: a newcomer waits until the holder was tried and failed.
    if (entries_[holder].failures == 0 && !is_worthless(entries_[holder], now_s)) {
      const bool waits = std::ranges::any_of(rivals_, [&](const Rival& rival) { return rival.newcomer == number; });
      if (!waits && rivals_.size() < kMaxBookRivals) rivals_.push_back({.newcomer = number, .holder = holder});
      return;
    }
  }
  new_.clear(entries_[number].slot);  // first: the holder may belong there
  if (holder != kNone && !to_new(holder, now_s)) erase(holder);
  entries_[number].in_tried = true;
  entries_[number].slot = slot;
  tried_.put(slot, number);
  std::erase_if(rivals_, [&](const Rival& rival) { return rival.newcomer == number; });
}

// From `tried` back, if its place there is free.
bool AddressBook::to_new(Number number, std::int64_t now_s) {
  Entry& entry = entries_[number];
  const std::uint32_t slot = new_slot(entry.at, entry.teller);
  if (const Number holder = new_.slots[slot]; holder != kNone) {
    if (!is_worthless(entries_[holder], now_s)) return false;
    erase(holder);
  }
  tried_.clear(entry.slot);
  entry.in_tried = false;
  entry.slot = slot;
  new_.put(slot, number);
  std::erase_if(rivals_, [&](const Rival& rival) { return rival.holder == number; });
  return true;
}

void AddressBook::settle(Number holder, bool holder_works, std::int64_t now_s) {
  const auto rival = std::ranges::find(rivals_, holder, &Rival::holder);
  if (rival == rivals_.end()) return;
  const Number newcomer = rival->newcomer;
  std::erase_if(rivals_, [&](const Rival& each) { return each.holder == holder; });
  if (!holder_works) to_tried(newcomer, now_s);
}

// --- picks ---

AddressBook::Number AddressBook::draw(const Table& from) const {
  const std::uint32_t bucket = from.in_use[random_.draw_u64() % from.in_use.size()];
  std::array<Number, kBookSlots> there;
  std::size_t count = 0;
  for (std::uint32_t at = 0; at < kBookSlots; ++at) {
    const Number number = from.slots[bucket * kBookSlots + at];
    if (number != kNone) there[count++] = number;
  }
  return there[random_.draw_u64() % count];
}

// Two thirds of the chance for each failure since it last worked.
bool AddressBook::has_luck(const Entry& entry) const {
  constexpr std::uint32_t kMostCounted = 8;
  for (std::uint32_t n = 0; n < std::min(entry.failures, kMostCounted); ++n) {
    if (random_.draw_u64() % 3 == 0) return false;
  }
  return true;
}

std::optional<PeerAddress> AddressBook::pick_rival(const std::function<bool(const PeerAddress&)>& passes) const {
  for (const Rival& rival : rivals_) {
    if (passes(entries_[rival.holder].at)) return entries_[rival.holder].at;
  }
  return std::nullopt;
}

std::optional<PeerAddress> AddressBook::pick(const std::function<bool(const PeerAddress&)>& passes) {
  if (index_.empty()) return std::nullopt;
  if (!rivals_.empty() && random_.draw_u64() % kRivalOneIn == 0) {
    if (auto one = pick_rival(passes)) return one;
  }
  for (std::size_t n = 0; n < kPickTries; ++n) {
    const bool from_tried = new_.used == 0 || (tried_.used > 0 && random_.draw_u64() % 2 == 0);
    const Entry& entry = entries_[draw(table(from_tried))];
    if (has_luck(entry) && passes(entry.at)) return entry.at;
  }
  return std::nullopt;
}

std::vector<PeerAddress> AddressBook::sample(std::size_t least, std::size_t most, unsigned percent, Instant now) const {
  std::vector<PeerAddress> out;
  const std::int64_t now_s = seconds_of(now);
  for (const auto& [at, number] : index_) {
    if (!is_worthless(entries_[number], now_s)) out.push_back(at);
  }
  const std::size_t count = std::min({most, out.size(), std::max(least, out.size() * percent / 100)});
  for (std::size_t n = 0; n < count; ++n) std::swap(out[n], out[n + random_.draw_u64() % (out.size() - n)]);
  out.resize(count);
  return out;
}

std::vector<std::vector<PeerAddress>> AddressBook::buckets(bool of_tried) const {
  std::vector<std::vector<PeerAddress>> out;
  const Table& in = table(of_tried);
  for (std::size_t bucket = 0; bucket < in.counts.size(); ++bucket) {
    if (in.counts[bucket] == 0) continue;
    out.emplace_back();
    for (std::size_t at = 0; at < kBookSlots; ++at) {
      const Number number = in.slots[bucket * kBookSlots + at];
      if (number != kNone) out.back().push_back(entries_[number].at);
    }
  }
  return out;
}

}  // namespace micro::p2p
