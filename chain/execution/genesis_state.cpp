#include "chain/economy/supply.hpp"
#include "chain/execution/execute.hpp"
#include "chain/governance/constitution.hpp"
#include "chain/records/records.hpp"
#include "chain/state/overlay.hpp"

namespace micro {
namespace {

Status check_validators(const ValidatorSet& set) {
  if (set.members.empty()) return fail(Fault::kInvalid, "genesis: there is no validator");
  std::uint64_t weight = 0;
  for (std::size_t i = 0; i < set.members.size(); ++i) {
    const Validator& v = set.members[i];
    if (v.weight == 0) return fail(Fault::kInvalid, "genesis: a validator has no weight");
    if (i > 0 && !(set.members[i - 1].key < v.key))
      return fail(Fault::kInvalid, "genesis: validators are not ascending");
    weight = TRY(checked_add(weight, v.weight));
  }
  if (weight > kMaxSupplyMicro) return fail(Fault::kInvalid, "genesis: the validators weigh too much");
  return {};
}

// The genesis fixes two committees: that of epoch 1 would have been fixed by the boundary before epoch 0.
void seat_validators(const Genesis& genesis, StateDiff& diff) {
  for (const Validator& v : genesis.validators.members) {
    SeatRecord seat;
    seat.key = v.key;
    seat.founding = v.weight;
    seat.seated = true;
    seat.first_seated = Epoch(0);
    diff.insert_or_assign(path::seat(v.key), encode(seat));
  }
  for (const Epoch epoch : {Epoch(0), Epoch(1)}) {
    diff.insert_or_assign(path::validators(epoch), encode(genesis.validators));
  }
}

Status mint_accounts(const Genesis& genesis, SupplyBook& book, StateDiff& diff) {
  const Address* previous = nullptr;
  std::uint64_t minted = 0;
  for (const GenesisAccount& a : genesis.accounts) {
    if (previous != nullptr && !(*previous < a.address)) {
      return fail(Fault::kInvalid, "genesis: accounts are not ascending by address");
    }
    previous = &a.address;
    minted = TRY(checked_add(minted, a.amount.micro));
    if (a.amount.is_zero() || minted > kMaxSupplyMicro) {
      return fail(Fault::kInvalid, "genesis: an account holds nothing, or all together too much");
    }
    Account account{a.address, Nonce(0), {}};
    const Lot lot{fresh_expiry(book.when()), LotClass::kToken, a.amount};
    book.mint(lot);
    add_lot(account.purse, lot);
    book.note(account.purse, SupplyBook::Sign::kPlus);
    diff.insert_or_assign(path::account(a.address), encode(account));
  }
  return book.check();
}

}  // namespace

Result<StateDiff> genesis_state(const Genesis& genesis) {
  if (genesis.version != 1) return fail(Fault::kInvalid, "genesis: unknown version");
  TRY(check_params(genesis.params));
  TRY(check_validators(genesis.validators));
  StateDiff diff;
  const LotTime time = lot_time(Epoch(0), genesis.params);
  SupplyBook book = TRY(SupplyBook::from(Supply{}, time));
  TRY(mint_accounts(genesis, book, diff));
  EpochClock clock;
  clock.started = genesis.time;
  clock.beacon = tagged_hash(domain::kBeacon, chain_id(genesis).view());
  PolicyRecord policy;
  policy.engine = genesis.engine;
  policy.frozen = genesis.policy.empty();
  if (!genesis.policy.empty()) {
    policy.current = policy_hash(genesis.policy);
    diff.insert_or_assign(path::policy_code(policy.current), genesis.policy);
  }
  diff.insert_or_assign(path::policy(), encode(policy));
  diff.insert_or_assign(path::params(), encode(genesis.params));
  diff.insert_or_assign(path::epoch_clock(), encode(clock));
  diff.insert_or_assign(path::supply(), encode(book.record()));
  seat_validators(genesis, diff);
  return diff;
}

}  // namespace micro
