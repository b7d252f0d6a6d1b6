#include "chain/execution/handlers.hpp"

namespace micro {
namespace {

// A node has one offer at a time; a withdrawn one makes room once its service has ended.
Result<bool> has_offer_in_force(const TxScope& s, const NodeRecord& node) {
  if (!node.offer) return false;
  const auto offer = TRY(s.load<OfferRecord>(path::offer(*node.offer)));
  if (!offer) return fail(Fault::kCorrupt, "a node names an offer that is not stored");
  return offer->state == OfferState::kActive || (offer->state == OfferState::kWithdrawn && s.now() < offer->end);
}

}  // namespace

Result<TxStatus> apply(TxScope& s, const OfferResources& t) {
  auto node = TRY(s.load<NodeRecord>(path::node(t.node)));
  if (!node) return TxStatus::kNoSuchNode;
  if (node->owner != s.sender()) return TxStatus::kNotOwner;
  if (t.capacity.cpu_milli == 0 || t.capacity.memory_mib == 0 || t.capacity.disk_mib == 0) return TxStatus::kNoCapacity;
  if (t.bond < s.params().min_bond) return TxStatus::kBondTooSmall;
  if (TRY(has_offer_in_force(s, *node))) return TxStatus::kOfferExists;
  OfferRecord offer;
  offer.offer = tagged_hash(domain::kOfferId, s.id().view()).as<OfferId>();
  offer.node = t.node;
  offer.owner = s.sender();
  offer.capacity = t.capacity;
  offer.bonded_at = s.now();
  if (!s.pause(s.payer().purse, offer.bond, t.bond, live_tokens(s.when()))) return TxStatus::kInsufficientFunds;
  node->offer = offer.offer;
  s.store(path::offer(offer.offer), offer);
  s.store(path::node(t.node), *node);
  s.emit(event::ResourcesOffered{s.sender(), t.node, offer.offer, t.capacity, t.bond});
  return TxStatus::kOk;
}

Result<Epoch> withdraw_offer(TxScope& s, OfferRecord& offer) {
  const std::uint64_t release = std::uint64_t{s.now().value} + s.params().unbonding_epochs;
  offer.state = OfferState::kWithdrawn;
  offer.end = Epoch(s.now().value + s.params().drain_epochs);
  offer.release = Epoch(static_cast<std::uint32_t>(release));
  DueRecord due{offer.release, {}, offer.offer};
  if (auto stored = TRY(s.load<DueRecord>(path::due(offer.release)))) due = *stored;
  offer.next_due = due.first_bond;
  due.first_bond = offer.offer;
  s.store(path::due(offer.release), due);
  s.store(path::offer(offer.offer), offer);
  return offer.end;
}

Result<TxStatus> apply(TxScope& s, const WithdrawOffer& t) {
  auto offer = TRY(s.load<OfferRecord>(path::offer(t.offer)));
  if (!offer) return TxStatus::kNoSuchOffer;
  if (offer->owner != s.sender()) return TxStatus::kNotOwner;
  if (offer->state != OfferState::kActive) return TxStatus::kOfferWithdrawn;
  static_cast<void>(TRY(withdraw_offer(s, *offer)));
  s.emit(event::OfferWithdrawn{s.sender(), t.offer, offer->end, offer->release});
  return TxStatus::kOk;
}

}  // namespace micro
