// What happened, typed: receipts carry the events of a transaction, a boundary block those of its transition. A
// decision of the policy is an event, so the header commits to it for ever.
#pragma once

#include <variant>

#include "chain/codec/codec.hpp"
#include "chain/types/amount.hpp"
#include "chain/types/ids.hpp"
#include "chain/types/transaction.hpp"

namespace micro {

namespace event {

#define F(...) static constexpr auto kFields = fields<__VA_ARGS__>
struct Transferred {
  Address from;
  Address to;
  Amount amount;
  F(&Transferred::from, &Transferred::to, &Transferred::amount);
};
struct LotRefreshed {
  Address account;
  Epoch from;
  Epoch to;
  Amount amount;
  Amount fee;
  F(&LotRefreshed::account, &LotRefreshed::from, &LotRefreshed::to, &LotRefreshed::amount, &LotRefreshed::fee);
};
struct NodeRegistered {
  Address owner;
  NodeId node;
  Ed25519Key key;
  F(&NodeRegistered::owner, &NodeRegistered::node, &NodeRegistered::key);
};
struct NodeKeyRotated {
  NodeId node;
  Ed25519Key key;
  F(&NodeKeyRotated::node, &NodeKeyRotated::key);
};
struct SessionGranted {
  Address owner;
  Address key;
  Epoch expires;
  F(&SessionGranted::owner, &SessionGranted::key, &SessionGranted::expires);
};
struct SessionRevoked {
  Address owner;
  Address key;
  F(&SessionRevoked::owner, &SessionRevoked::key);
};
struct ResourcesOffered {
  Address owner;
  NodeId node;
  OfferId offer;
  Capacity capacity;
  Amount bond;
  F(&ResourcesOffered::owner, &ResourcesOffered::node, &ResourcesOffered::offer, &ResourcesOffered::capacity,
    &ResourcesOffered::bond);
};
struct OfferWithdrawn {
  Address owner;
  OfferId offer;
  Epoch end;
  Epoch release;
  F(&OfferWithdrawn::owner, &OfferWithdrawn::offer, &OfferWithdrawn::end, &OfferWithdrawn::release);
};
struct BondReleased {
  Address owner;
  OfferId offer;
  Amount amount;
  F(&BondReleased::owner, &BondReleased::offer, &BondReleased::amount);
};
struct BondSlashed {
  Address owner;
  OfferId offer;
  Amount refunded;
  Amount burned;
  F(&BondSlashed::owner, &BondSlashed::offer, &BondSlashed::refunded, &BondSlashed::burned);
};
struct ServicePublished {
  Address owner;
  ServiceId service;
  Text<kMaxServiceNameBytes> name;
  F(&ServicePublished::owner, &ServicePublished::service, &ServicePublished::name);
};
struct VersionAnnounced {
  ServiceId service;
  VersionId version;
  CommitId commit;
  F(&VersionAnnounced::service, &VersionAnnounced::version, &VersionAnnounced::commit);
};
struct BuildAttested {
  VersionId version;
  NodeId node;
  CodeHash wasm_hash;
  F(&BuildAttested::version, &BuildAttested::node, &BuildAttested::wasm_hash);
};
struct ServiceFunded {
  ServiceId service;
  Address from;
  Amount amount;
  F(&ServiceFunded::service, &ServiceFunded::from, &ServiceFunded::amount);
};
struct ServiceUnfunded {
  ServiceId service;
  Address to;
  Amount amount;
  F(&ServiceUnfunded::service, &ServiceUnfunded::to, &ServiceUnfunded::amount);
};
struct PriceSet {
  ServiceId service;
  Amount price;
  std::uint32_t host_share_ppm = 0;
  F(&PriceSet::service, &PriceSet::price, &PriceSet::host_share_ppm);
};
struct ChannelOpened {
  ChannelId channel;
  Address payer;
  ServiceId service;
  NodeId host;
  Amount deposit;
  Epoch end;
  F(&ChannelOpened::channel, &ChannelOpened::payer, &ChannelOpened::service, &ChannelOpened::host,
    &ChannelOpened::deposit, &ChannelOpened::end);
};
struct ChannelToppedUp {
  ChannelId channel;
  Address payer;
  Amount amount;
  F(&ChannelToppedUp::channel, &ChannelToppedUp::payer, &ChannelToppedUp::amount);
};
struct Claimed {
  ChannelId channel;
  Address host_owner;  ///< gets to_host
  Address owner;       ///< of the service, gets to_owner
  Amount charged;
  Amount burned;
  Amount to_host;
  Amount to_owner;
  Amount fee;
  bool held = false;  ///< paid out by a later ProceedsReleased or ChannelClosed
  F(&Claimed::channel, &Claimed::host_owner, &Claimed::owner, &Claimed::charged, &Claimed::burned, &Claimed::to_host,
    &Claimed::to_owner, &Claimed::fee, &Claimed::held);
};
struct CloseRequested {
  ChannelId channel;
  Epoch finalizable;
  F(&CloseRequested::channel, &CloseRequested::finalizable);
};
struct ChannelClosed {
  ChannelId channel;
  Address payer;       ///< gets the refund
  Address host_owner;  ///< gets to_host
  Address owner;       ///< of the service, gets to_owner
  Amount refund;
  Amount to_host;
  Amount to_owner;
  F(&ChannelClosed::channel, &ChannelClosed::payer, &ChannelClosed::host_owner, &ChannelClosed::owner,
    &ChannelClosed::refund, &ChannelClosed::to_host, &ChannelClosed::to_owner);
};
struct ChannelDisputed {
  ChannelId channel;
  Address payer;  ///< gets what is refunded
  std::uint8_t lane = 0;
  Amount refunded;
  Amount burned;
  F(&ChannelDisputed::channel, &ChannelDisputed::payer, &ChannelDisputed::lane, &ChannelDisputed::refunded,
    &ChannelDisputed::burned);
};
// --- boundary ---
struct EpochEnded {
  Epoch epoch;
  Amount expired;
  Amount purged;
  Amount upkeep;
  F(&EpochEnded::epoch, &EpochEnded::expired, &EpochEnded::purged, &EpochEnded::upkeep);
};
struct VersionStatusChanged {
  ServiceId service;
  VersionId version;
  std::uint8_t from = 0;
  std::uint8_t to = 0;
  F(&VersionStatusChanged::service, &VersionStatusChanged::version, &VersionStatusChanged::from,
    &VersionStatusChanged::to);
};
struct PolicyRan {
  Epoch epoch;
  PolicyHash policy;
  Hash input;
  Hash output;
  Hash engine;
  std::uint64_t first_decision = 0;
  std::uint32_t decisions = 0;
  F(&PolicyRan::epoch, &PolicyRan::policy, &PolicyRan::input, &PolicyRan::output, &PolicyRan::engine,
    &PolicyRan::first_decision, &PolicyRan::decisions);
};
struct PolicyFailed {
  Epoch epoch;
  PolicyHash policy;
  Hash input;
  std::uint16_t reason = 0;
  F(&PolicyFailed::epoch, &PolicyFailed::policy, &PolicyFailed::input, &PolicyFailed::reason);
};
struct Placed {
  std::uint64_t decision = 0;
  VersionId version;
  ServiceId service;
  NodeId node;
  std::uint16_t reason = 0;
  F(&Placed::decision, &Placed::version, &Placed::service, &Placed::node, &Placed::reason);
};
struct Drained {
  std::uint64_t decision = 0;
  VersionId version;
  ServiceId service;
  NodeId node;
  std::uint16_t reason = 0;
  Epoch end;
  F(&Drained::decision, &Drained::version, &Drained::service, &Drained::node, &Drained::reason, &Drained::end);
};
// --- payment, later additions ---
struct ProceedsReleased {
  ChannelId channel;
  Address host_owner;
  Address owner;
  Amount to_host;
  Amount to_owner;
  F(&ProceedsReleased::channel, &ProceedsReleased::host_owner, &ProceedsReleased::owner, &ProceedsReleased::to_host,
    &ProceedsReleased::to_owner);
};
// --- committee ---
struct CommitteeJoined {
  Address owner;
  NodeId node;
  Ed25519Key key;
  Amount bond;
  F(&CommitteeJoined::owner, &CommitteeJoined::node, &CommitteeJoined::key, &CommitteeJoined::bond);
};
struct ReadinessConfirmed {
  Address owner;
  Ed25519Key key;
  Epoch epoch;  ///< whose first state the key's node holds
  F(&ReadinessConfirmed::owner, &ReadinessConfirmed::key, &ReadinessConfirmed::epoch);
};
struct CommitteeLeft {
  Address owner;
  Ed25519Key key;
  F(&CommitteeLeft::owner, &CommitteeLeft::key);
};
struct SeatReleased {
  Address owner;
  Ed25519Key key;
  Amount amount;
  F(&SeatReleased::owner, &SeatReleased::key, &SeatReleased::amount);
};
struct ValidatorConvicted {
  Address owner;
  Ed25519Key key;
  Epoch epoch;  ///< of the offence
  Address reporter;
  Amount rewarded;
  Amount burned;
  F(&ValidatorConvicted::owner, &ValidatorConvicted::key, &ValidatorConvicted::epoch, &ValidatorConvicted::reporter,
    &ValidatorConvicted::rewarded, &ValidatorConvicted::burned);
};
/// The committee of an epoch ahead, when it is another than that of the epoch before.
struct CommitteeFixed {
  Epoch epoch;
  Hash set;
  std::uint32_t members = 0;
  F(&CommitteeFixed::epoch, &CommitteeFixed::set, &CommitteeFixed::members);
};
#undef F

}  // namespace event

/// The order is frozen: the index is the wire tag.
using Event = std::variant<event::Transferred, event::LotRefreshed, event::NodeRegistered, event::NodeKeyRotated,
                           event::SessionGranted, event::SessionRevoked, event::ResourcesOffered, event::OfferWithdrawn,
                           event::BondReleased, event::BondSlashed, event::ServicePublished, event::VersionAnnounced,
                           event::BuildAttested, event::ServiceFunded, event::ServiceUnfunded, event::PriceSet,
                           event::ChannelOpened, event::ChannelToppedUp, event::Claimed, event::CloseRequested,
                           event::ChannelClosed, event::ChannelDisputed, event::EpochEnded, event::VersionStatusChanged,
                           event::PolicyRan, event::PolicyFailed, event::Placed, event::Drained,
                           event::ProceedsReleased, event::CommitteeJoined, event::ReadinessConfirmed,
                           event::CommitteeLeft, event::SeatReleased, event::ValidatorConvicted, event::CommitteeFixed>;

/// "Transferred", … by wire tag.
std::string_view event_name(std::size_t index);

}  // namespace micro
