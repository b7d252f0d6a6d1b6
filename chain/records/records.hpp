// The records that make up the state, and where each lives. A record holds its own key, since paths are hashes.
#pragma once

#include "chain/codec/fields.hpp"
#include "chain/records/channel_record.hpp"
#include "chain/state/state_view.hpp"
#include "chain/types/params.hpp"
#include "chain/types/transaction.hpp"

namespace micro {

// --- chain ---
struct EpochClock {
  Epoch epoch;
  TimeMs started;           ///< time of the block that ended the epoch before
  Hash beacon;              ///< H(previous beacon, id of the boundary block's parent): a leader can bias it
  BlockId parent_at_start;  ///< parent of the block that ended the epoch before
  std::uint64_t next_decision = 1;
  static constexpr auto kFields = fields<&EpochClock::epoch, &EpochClock::started, &EpochClock::beacon,
                                         &EpochClock::parent_at_start, &EpochClock::next_decision>;
  bool operator==(const EpochClock&) const = default;
};

// --- accounts ---
struct Account {
  Address address;
  Nonce nonce;  ///< next to be used
  Purse purse;
  static constexpr auto kFields = fields<&Account::address, &Account::nonce, &Account::purse>;
  bool operator==(const Account&) const = default;
};

struct SessionRecord {
  Address key;
  Address owner;  ///< whose tokens it spends
  Nonce nonce;    ///< a session has its own
  Epoch expires;
  Amount per_call_cap;
  Amount window_cap;
  std::uint32_t window_epochs = 0;
  Epoch window_start;
  Amount window_spent;
  bool revoked = false;
  List<ServiceId, kMaxSessionServices> services;
  static constexpr auto kFields =
      fields<&SessionRecord::key, &SessionRecord::owner, &SessionRecord::nonce, &SessionRecord::expires,
             &SessionRecord::per_call_cap, &SessionRecord::window_cap, &SessionRecord::window_epochs,
             &SessionRecord::window_start, &SessionRecord::window_spent, &SessionRecord::revoked,
             &SessionRecord::services>;
  bool operator==(const SessionRecord&) const = default;
};

struct NodeRecord {
  NodeId node;
  Address owner;
  Ed25519Key node_key;
  Ed25519Key consensus_key;
  Epoch registered;
  std::optional<OfferId> offer;  ///< the offer in force or in drain
  static constexpr auto kFields = fields<&NodeRecord::node, &NodeRecord::owner, &NodeRecord::node_key,
                                         &NodeRecord::consensus_key, &NodeRecord::registered, &NodeRecord::offer>;
  bool operator==(const NodeRecord&) const = default;
};

// --- stake ---
enum class OfferState : std::uint8_t {
  kActive = 0,
  kWithdrawn = 1,  ///< drains until `end`, the bond stays slashable until `release`
  kReleased = 2,   ///< the bond went back; kept as a tombstone while channels may refer to it
};
inline bool is_known(OfferState s) {
  return s <= OfferState::kReleased;
}

struct OfferRecord {
  OfferId offer;
  NodeId node;
  Address owner;
  Capacity capacity;
  OfferState state = OfferState::kActive;
  Purse bond;  ///< original lots: their clock is paused
  Epoch bonded_at;
  Epoch end;                        ///< first epoch without service; 0 while active
  Epoch release;                    ///< first epoch in which the bond is back; 0 while active
  std::optional<OfferId> next_due;  ///< the next offer whose bond goes back at the same boundary
  static constexpr auto kFields =
      fields<&OfferRecord::offer, &OfferRecord::node, &OfferRecord::owner, &OfferRecord::capacity, &OfferRecord::state,
             &OfferRecord::bond, &OfferRecord::bonded_at, &OfferRecord::end, &OfferRecord::release,
             &OfferRecord::next_due>;
  bool operator==(const OfferRecord&) const = default;
};

/// What a boundary has to do: a chain through OfferRecord::next_due, so that no list grows without bound.
struct DueRecord {
  Epoch epoch;  ///< the first epoch after that boundary
  std::optional<OfferId> first_bond;
  std::optional<OfferId> last_bond;  ///< the chain's end, so that another can follow it
  static constexpr auto kFields = fields<&DueRecord::epoch, &DueRecord::first_bond, &DueRecord::last_bond>;
  bool operator==(const DueRecord&) const = default;
};

// --- committee ---
/// What statements of an epoch are bound to; made by the epoch's first block, kept while bonds answer for the epoch.
struct EpochAnchor {
  Epoch epoch;
  BlockId last_of_previous;
  Hash epoch_id;
  static constexpr auto kFields = fields<&EpochAnchor::epoch, &EpochAnchor::last_of_previous, &EpochAnchor::epoch_id>;
  bool operator==(const EpochAnchor&) const = default;
};

/// A consensus key and what it has at stake. A convicted one stays for ever: its key never sits again.
struct SeatRecord {
  Ed25519Key key;
  std::optional<NodeId> node;  ///< none: only the genesis names the key
  Address owner;               ///< zero where there is no node
  std::uint64_t founding = 0;  ///< µT of stake that the genesis credits and nobody bonded; zero once bonded
  Purse bond;                  ///< original lots: their clock is paused
  Epoch bonded_at;
  std::optional<Epoch> ready;         ///< when readiness was confirmed
  std::optional<Epoch> left;          ///< when it was left
  std::optional<Epoch> convicted;     ///< the epoch of the offence
  bool seated = false;                ///< in the newest committee that is fixed
  std::optional<Epoch> first_seated;  ///< first and, when not seated, last epoch in a committee
  Epoch last_seated;
  static constexpr auto kFields =
      fields<&SeatRecord::key, &SeatRecord::node, &SeatRecord::owner, &SeatRecord::founding, &SeatRecord::bond,
             &SeatRecord::bonded_at, &SeatRecord::ready, &SeatRecord::left, &SeatRecord::convicted, &SeatRecord::seated,
             &SeatRecord::first_seated, &SeatRecord::last_seated>;
  bool operator==(const SeatRecord&) const = default;
};

// --- services ---
struct ServiceRecord {
  ServiceId service;
  Address owner;
  Text<kMaxServiceNameBytes> name;
  Text<kMaxUrlBytes> repo_url;
  Text<kMaxSubdirBytes> subdir;
  Amount price;
  std::uint32_t host_share_ppm = 0;
  Text<kMaxDescriptionBytes> description;
  Epoch published;
  std::uint32_t versions = 0;
  std::optional<VersionId> newest;  ///< last announced; walk VersionRecord::previous for the others
  static constexpr auto kFields =
      fields<&ServiceRecord::service, &ServiceRecord::owner, &ServiceRecord::name, &ServiceRecord::repo_url,
             &ServiceRecord::subdir, &ServiceRecord::price, &ServiceRecord::host_share_ppm, &ServiceRecord::description,
             &ServiceRecord::published, &ServiceRecord::versions, &ServiceRecord::newest>;
  bool operator==(const ServiceRecord&) const = default;
};

struct VersionRecord {
  VersionId version;
  ServiceId service;
  CommitId commit;
  std::uint64_t commit_time_s = 0;
  std::uint32_t memory_mib = 0;
  std::uint32_t ordinal = 0;  ///< 1 for the first
  Epoch announced;
  std::optional<VersionId> previous;
  static constexpr auto kFields =
      fields<&VersionRecord::version, &VersionRecord::service, &VersionRecord::commit, &VersionRecord::commit_time_s,
             &VersionRecord::memory_mib, &VersionRecord::ordinal, &VersionRecord::announced, &VersionRecord::previous>;
  bool operator==(const VersionRecord&) const = default;
};

inline constexpr std::size_t kMaxAttestations = 16;

struct Attestation {
  NodeId node;
  Hash plan_hash;
  Hash toolchain_hash;
  CodeHash wasm_hash;
  std::uint32_t wasm_bytes = 0;
  static constexpr auto kFields = fields<&Attestation::node, &Attestation::plan_hash, &Attestation::toolchain_hash,
                                         &Attestation::wasm_hash, &Attestation::wasm_bytes>;
  bool operator==(const Attestation&) const = default;
};

struct BuildRecord {
  VersionId version;
  List<Attestation, kMaxAttestations> attestations;
  static constexpr auto kFields = fields<&BuildRecord::version, &BuildRecord::attestations>;
  bool operator==(const BuildRecord&) const = default;
};

struct FundRecord {
  ServiceId service;
  Purse purse;
  static constexpr auto kFields = fields<&FundRecord::service, &FundRecord::purse>;
  bool operator==(const FundRecord&) const = default;
};

/// Derived at the boundary, never by a transaction.
enum class VersionState : std::uint8_t {
  kAnnounced = 0,       ///< waits for builds
  kActive = 1,          ///< built by a quorum and funded: the policy places it
  kPaused = 2,          ///< the fund does not cover it; funding resumes it
  kIrreproducible = 3,  ///< builders disagree
};
inline bool is_known(VersionState s) {
  return s <= VersionState::kIrreproducible;
}

struct StatusRecord {
  VersionId version;
  ServiceId service;
  VersionState state = VersionState::kAnnounced;
  CodeHash wasm_hash;
  std::uint32_t wasm_bytes = 0;
  std::uint8_t attested = 0;  ///< equal attestations, of…
  std::uint8_t builders = 0;  ///< …builders asked
  Epoch since;
  static constexpr auto kFields =
      fields<&StatusRecord::version, &StatusRecord::service, &StatusRecord::state, &StatusRecord::wasm_hash,
             &StatusRecord::wasm_bytes, &StatusRecord::attested, &StatusRecord::builders, &StatusRecord::since>;
  bool operator==(const StatusRecord&) const = default;
};

struct Placement {
  NodeId node;
  OfferId offer;
  Epoch since;
  Epoch end;                   ///< first epoch in which it is gone; 0 while in force. Kept while channels may ask
  std::uint64_t decision = 0;  ///< that placed it
  static constexpr auto kFields =
      fields<&Placement::node, &Placement::offer, &Placement::since, &Placement::end, &Placement::decision>;
  bool operator==(const Placement&) const = default;
};

inline constexpr std::size_t kMaxPlacementsPerVersion = 64;  ///< in force, draining and lately ended

struct PlacementRecord {
  VersionId version;
  ServiceId service;
  Hash salt;     ///< of its rendezvous: drawn from a beacon, drawn again every 30·Q epochs
  Epoch salted;  ///< nodes registered before this epoch take part: keys cannot be ground for a known salt
  List<Placement, kMaxPlacementsPerVersion> hosts;
  static constexpr auto kFields = fields<&PlacementRecord::version, &PlacementRecord::service, &PlacementRecord::salt,
                                         &PlacementRecord::salted, &PlacementRecord::hosts>;
  bool operator==(const PlacementRecord&) const = default;
};

struct PolicyRecord {
  PolicyHash current;
  std::optional<PolicyHash> parent;
  std::uint32_t failures_in_a_row = 0;
  bool frozen = false;  ///< failed twice without a parent: placements stay as they are
  Hash engine;          ///< engine version and configuration
  static constexpr auto kFields =
      fields<&PolicyRecord::current, &PolicyRecord::parent, &PolicyRecord::failures_in_a_row, &PolicyRecord::frozen,
             &PolicyRecord::engine>;
  bool operator==(const PolicyRecord&) const = default;
};

// --- paths ---
namespace path {
inline StatePath epoch_clock() {
  return state_path(Module::kChain, as_bytes("epoch"));
}
inline StatePath supply() {
  return state_path(Module::kChain, as_bytes("supply"));
}
inline StatePath params() {
  return state_path(Module::kChain, as_bytes("params"));
}
inline StatePath validators(Epoch epoch) {
  Encoder e;
  e.raw(as_bytes("validators")).put(epoch);
  return state_path(Module::kChain, e.bytes());
}
inline StatePath epoch_anchor(Epoch epoch) {
  Encoder e;
  e.raw(as_bytes("anchor")).put(epoch);
  return state_path(Module::kChain, e.bytes());
}
inline StatePath seat(const Ed25519Key& k) {
  return state_path(Module::kSeats, k);
}
inline StatePath account(const Address& a) {
  return state_path(Module::kAccounts, a);
}
inline StatePath session(const Address& key) {
  return state_path(Module::kSessions, key);
}
inline StatePath node(const NodeId& n) {
  return state_path(Module::kNodes, n);
}
inline StatePath node_key(const Ed25519Key& k) {
  return state_path(Module::kNodeKeys, k);
}
inline StatePath offer(const OfferId& o) {
  return state_path(Module::kOffers, o);
}
inline StatePath service(const ServiceId& s) {
  return state_path(Module::kServices, s);
}
inline StatePath name(std::string_view n) {
  return state_path(Module::kNames, as_bytes(n));
}
inline StatePath version(const VersionId& v) {
  return state_path(Module::kVersions, v);
}
inline StatePath build(const VersionId& v) {
  return state_path(Module::kBuilds, v);
}
inline StatePath fund(const ServiceId& s) {
  return state_path(Module::kFunds, s);
}
inline StatePath status(const VersionId& v) {
  return state_path(Module::kStatus, v);
}
inline StatePath placement(const VersionId& v) {
  return state_path(Module::kPlacements, v);
}
inline StatePath channel(const ChannelId& c) {
  return state_path(Module::kChannels, c);
}
inline StatePath due(Epoch epoch) {
  return state_path(Module::kDue, encode(epoch));
}
inline StatePath policy_code(const PolicyHash& h) {
  return state_path(Module::kPolicy, h);
}
inline StatePath policy() {
  return state_path(Module::kPolicy, as_bytes("current"));
}
}  // namespace path

inline VersionId version_id(const ServiceId& service, const CommitId& commit) {
  return tagged_hash(domain::kVersionId, {service.view(), commit.view()}).as<VersionId>();
}

}  // namespace micro
