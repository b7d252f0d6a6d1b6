// What an address book is as bytes: a mark, the SHA-256 of the rest, and one struct of the one codec. A file that was
// torn or rotted is seen as a whole, so that half a book never looks like an attacker's.
#include <algorithm>

#include "chain/codec/codec.hpp"
#include "chain/crypto/hash.hpp"
#include "p2p/discovery/address_book.hpp"

namespace micro::p2p {
namespace {

constexpr std::string_view kBookMark = "MICROAB1";

struct StoredEntry {
  Blob<kMaxPeerIdBytes> peer;
  Blob<kMaxMultiaddrBytes> address;
  Blob<kMaxMultiaddrBytes> teller;
  std::uint64_t heard_ago_s = 0;
  std::optional<std::uint64_t> worked_ago_s;
  std::uint32_t failures = 0;
  bool in_tried = false;
  static constexpr auto kFields =
      fields<&StoredEntry::peer, &StoredEntry::address, &StoredEntry::teller, &StoredEntry::heard_ago_s,
             &StoredEntry::worked_ago_s, &StoredEntry::failures, &StoredEntry::in_tried>;
};

struct StoredAnchor {
  Blob<kMaxPeerIdBytes> peer;
  Blob<kMaxMultiaddrBytes> address;
  static constexpr auto kFields = fields<&StoredAnchor::peer, &StoredAnchor::address>;
};

struct StoredBook {
  Hash network;
  Hash secret;
  std::uint64_t wall_ms = 0;
  List<StoredEntry, kMaxBookEntries> entries;
  List<StoredAnchor, kMaxAnchors> anchors;
  static constexpr auto kFields = fields<&StoredBook::network, &StoredBook::secret, &StoredBook::wall_ms,
                                         &StoredBook::entries, &StoredBook::anchors>;
};

constexpr std::int64_t kMostAgeS = 10LL * 365 * 86'400;  // a clock that was set wrong does not overflow

std::uint64_t age(std::int64_t then_s, std::int64_t now_s) {
  return static_cast<std::uint64_t>(std::clamp<std::int64_t>(now_s - then_s, 0, kMostAgeS));
}

std::int64_t before(std::int64_t now_s, std::uint64_t age_s, std::uint64_t away_s) {
  const auto most = static_cast<std::uint64_t>(kMostAgeS);
  return now_s - static_cast<std::int64_t>(std::min(age_s, most)) - static_cast<std::int64_t>(std::min(away_s, most));
}

Result<ByteView> checked_body(ByteView file) {
  if (file.size() > kMaxBookFileBytes) return fail(Fault::kCorrupt, "the address book is too large to be one");
  if (file.size() < kBookMark.size() + Hash::kSize || as_text(file.first(kBookMark.size())) != kBookMark) {
    return fail(Fault::kCorrupt, "this is no address book");
  }
  const ByteView sum = file.subspan(kBookMark.size(), Hash::kSize);
  const ByteView body = file.subspan(kBookMark.size() + Hash::kSize);
  if (!std::ranges::equal(sha256(body).view(), sum)) return fail(Fault::kCorrupt, "the address book is damaged");
  return body;
}

Result<StoredBook> decode_book(ByteView body) {
  auto stored = decode<StoredBook>(body);
  if (!stored) return fail(Fault::kCorrupt, "the address book is no such thing: " + stored.error().message);
  return stored;
}

}  // namespace

Bytes AddressBook::save(const Hash& network, Instant now, TimeMs wall) const {
  const auto now_s = static_cast<std::int64_t>(now.ns / 1'000'000'000);
  StoredBook stored{.network = network, .secret = secret_, .wall_ms = wall.value, .entries = {}, .anchors = {}};
  for (const auto& [at, number] : index_) {
    const Entry& entry = entries_[number];
    StoredEntry one{.peer = Blob<kMaxPeerIdBytes>(at.peer.view()),
                    .address = Blob<kMaxMultiaddrBytes>(at.address.bytes()),
                    .teller = Blob<kMaxMultiaddrBytes>(entry.teller.bytes()),
                    .heard_ago_s = age(entry.heard_s, now_s),
                    .worked_ago_s = {},
                    .failures = entry.failures,
                    .in_tried = entry.in_tried};
    if (entry.worked_s) one.worked_ago_s = age(*entry.worked_s, now_s);
    stored.entries.push_back(std::move(one));
  }
  for (const PeerAddress& at : anchors_) {
    stored.anchors.push_back({.peer = Blob<kMaxPeerIdBytes>(at.peer.view()),
                              .address = Blob<kMaxMultiaddrBytes>(ByteView(at.address.bytes()))});
  }
  const Bytes body = encode(stored);
  Bytes out = to_bytes(as_bytes(kBookMark));
  const Hash sum = sha256(body);
  out.insert(out.end(), sum.view().begin(), sum.view().end());
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

Status AddressBook::load(ByteView file, const Hash& network, Instant now, TimeMs wall) {
  const StoredBook stored = TRY(decode_book(TRY(checked_body(file))));
  if (stored.network != network) return fail(Fault::kMismatch, "the address book is of another network");
  const auto now_s = static_cast<std::int64_t>(now.ns / 1'000'000'000);
  const std::uint64_t away_s = wall.value > stored.wall_ms ? (wall.value - stored.wall_ms) / 1'000 : 0;
  AddressBook fresh(random_, local_addresses_);
  fresh.secret_ = stored.secret;
  for (const StoredEntry& one : stored.entries) {
    const auto peer = PeerId::from(one.peer);
    auto address = Multiaddr::from(one.address);
    auto teller = Multiaddr::from(one.teller);
    if (!peer || !address || !teller) return fail(Fault::kCorrupt, "an entry of the address book is none");
    const PeerAddress at{*peer, std::move(*address)};
    if (!fresh.is_welcome(at) || fresh.index_.contains(at)) continue;  // rules may have changed since
    const std::uint32_t slot = one.in_tried ? fresh.tried_slot(at) : fresh.new_slot(at, *teller);
    if (fresh.table(one.in_tried).slots[slot] != kNone) continue;
    Entry entry{.at = at,
                .teller = std::move(*teller),
                .heard_s = before(now_s, one.heard_ago_s, away_s),
                .tried_s = now_s - kForgottenS,  // nothing is under way
                .worked_s = {},
                .failures = one.failures,
                .in_tried = one.in_tried,
                .slot = slot};
    if (one.worked_ago_s) entry.worked_s = before(now_s, *one.worked_ago_s, away_s);
    fresh.put(std::move(entry));
  }
  std::vector<PeerAddress> anchors;
  for (const StoredAnchor& one : stored.anchors) {
    const auto peer = PeerId::from(one.peer);
    auto address = Multiaddr::from(one.address);
    if (!peer || !address) return fail(Fault::kCorrupt, "an anchor of the address book is none");
    anchors.push_back({*peer, std::move(*address)});
  }
  set_anchors(std::move(anchors));
  secret_ = fresh.secret_;
  entries_ = std::move(fresh.entries_);
  free_ = std::move(fresh.free_);
  index_ = std::move(fresh.index_);
  new_ = std::move(fresh.new_);
  tried_ = std::move(fresh.tried_);
  rivals_.clear();
  return {};
}

}  // namespace micro::p2p
