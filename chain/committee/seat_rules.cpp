#include "chain/committee/seat_rules.hpp"

#include <algorithm>

namespace micro {

Hash readiness_hash(const ChainId& chain, const Ed25519Key& key, Epoch epoch, const BlockId& boundary) {
  Encoder e;
  e.put(chain).put(key).put(epoch).put(boundary);
  return tagged_hash(domain::kReadiness, e.bytes());
}

std::uint64_t stake_of(const SeatRecord& seat) {
  if (seat.convicted || seat.left) return 0;
  if (seat.founding > 0) return seat.founding;
  if (!seat.ready) return 0;
  std::uint64_t bonded = 0;
  for (const Lot& lot : seat.bond.lots) bonded += lot.amount.micro;
  return bonded;
}

bool was_seated(const SeatRecord& seat, Epoch epoch) {
  if (!seat.first_seated || epoch < *seat.first_seated) return false;
  return seat.seated || epoch <= seat.last_seated;
}

std::optional<Epoch> release_of(const SeatRecord& seat, const ChainParams& params) {
  if (!seat.left || seat.seated) return std::nullopt;
  const Epoch last = seat.first_seated ? std::max(*seat.left, seat.last_seated) : *seat.left;
  return Epoch(last.value + params.unbonding_epochs + 1);
}

bool is_answerable(Epoch epoch, Epoch now, const ChainParams& params) {
  return now.value <= std::uint64_t{epoch.value} + params.unbonding_epochs;
}

}  // namespace micro
