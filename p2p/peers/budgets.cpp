#include "p2p/peers/budgets.hpp"

namespace micro::p2p {
namespace {

// An entry at rest says nothing. Where none is at rest the one that has least debt makes room.
template <class Map>
void make_room(Map& map, std::size_t most, Instant now) {
  if (map.size() < most) return;
  std::erase_if(map, [&](const auto& entry) { return entry.second.is_full(now); });
  if (map.size() < most) return;
  map.erase(std::ranges::min_element(map, {}, [](const auto& entry) { return entry.second.ready_at(); }));
}

BudgetRates light_share(const BudgetRates& process) {
  const auto share = [](Rate rate) {
    return Rate{std::max<std::uint64_t>(rate.per_s / kLightShare, 1),
                std::max<std::uint64_t>(rate.stock / kLightShare, 1)};
  };
  return {.bytes = share(process.bytes), .cpu_ns = share(process.cpu_ns)};
}

}  // namespace

void Budgets::Pair::spend(Spending spent, Instant now) {
  bytes.spend(spent.bytes, now);
  cpu_ns.spend(spent.cpu_ns, now);
}

Instant Budgets::Pair::reserve_at() const {
  return std::max(bytes.ready_at(bytes.stock_ns() / kReservedShare),
                  cpu_ns.ready_at(cpu_ns.stock_ns() / kReservedShare));
}

void Budgets::charge(const PeerId& peer, Spending spent, Instant now) {
  process_.spend(spent, now);
  auto found = peers_.find(peer);
  if (found == peers_.end()) {
    make_room(peers_, kMaxBudgetedPeers, now);
    found = peers_.emplace(peer, Peer{Pair(limits_.peer), Pair(light_share(limits_.process))}).first;
  }
  found->second.own.spend(spent, now);
  found->second.light.bytes.spend_briefly(spent.bytes, now);
  found->second.light.cpu_ns.spend_briefly(spent.cpu_ns, now);
}

void Budgets::charge_protocol(std::string_view protocol, Spending spent, Instant now) {
  auto of = protocols_.find(protocol);
  if (of == protocols_.end()) {
    make_room(protocols_, kMaxBudgetedProtocols, now);
    of = protocols_.emplace(std::string(protocol), Pair(limits_.protocol)).first;
  }
  of->second.spend(spent, now);
}

Instant Budgets::peer_ready_at(const PeerId& peer, bool is_protected, Instant now) const {
  const auto found = peers_.find(peer);
  const Instant process = is_light(peer, is_protected, now) ? process_.ready_at() : process_.reserve_at();
  return found == peers_.end() ? process : std::max(process, found->second.own.ready_at());
}

bool Budgets::is_light(const PeerId& peer, bool is_protected, Instant now) const {
  const auto found = peers_.find(peer);
  return is_protected || found == peers_.end() || found->second.light.ready_at() <= now;
}

Instant Budgets::protocol_ready_at(std::string_view protocol, const PeerId& peer, bool is_protected,
                                   Instant now) const {
  if (is_light(peer, is_protected, now)) return {};
  const auto found = protocols_.find(protocol);
  return found == protocols_.end() ? Instant() : found->second.ready_at();
}

}  // namespace micro::p2p
