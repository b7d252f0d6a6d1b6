#include "chain/execution/full_sum.hpp"

#include "chain/economy/supply.hpp"
#include "chain/execution/holders.hpp"

namespace micro {
namespace {

struct Times {
  LotTime lots;
  Supply supply;
};

Result<Times> read_times(const StateView& view) {
  const auto params = TRY(read_record<ChainParams>(view, path::params()));
  const auto clock = TRY(read_record<EpochClock>(view, path::epoch_clock()));
  auto supply = TRY(read_record<Supply>(view, path::supply()));
  if (!params || !clock || !supply) return fail(Fault::kCorrupt, "the state lacks parameters, clock or supply");
  return Times{lot_time(clock->epoch, *params), std::move(*supply)};
}

class Summing {
 public:
  explicit Summing(const LotTime& time) : time_(time) {}

  Status add_record(Module module, ByteView bytes) {
    Status canonical;
    TRY(for_each_purse(module, bytes, [&](const Purse& purse, bool paused) {
      if (!is_canonical(purse, time_.bucket)) canonical = fail(Fault::kCorrupt, "a purse is not in its canonical form");
      for (const Lot& lot : purse.lots) add_lot_to(module, lot, paused);
    }));
    return canonical;
  }
  FullSum take() { return std::move(sum_); }

 private:
  void add_lot_to(Module module, const Lot& lot, bool paused) {
    if (paused) {
      sum_.in_bonds.micro += lot.amount.micro;
      return;
    }
    const LotPhase phase = phase_of(lot.expiry, time_);
    if (phase == LotPhase::kGone) {
      sum_.gone.micro += lot.amount.micro;
      return;
    }
    (phase == LotPhase::kLive ? sum_.live : sum_.grace)[lot.expiry].micro += lot.amount.micro;
    Amount& holder = module == Module::kAccounts   ? sum_.in_accounts
                     : module == Module::kChannels ? sum_.in_channels
                                                   : sum_.in_funds;
    holder.micro += lot.amount.micro;
  }

  LotTime time_;
  FullSum sum_;
};

Status compare(const std::map<Epoch, Amount>& summed, std::span<const BucketTotal> counted, const char* phase) {
  std::map<Epoch, Amount> buckets;
  for (const BucketTotal& b : counted) buckets[b.expiry] = b.amount;
  if (summed == buckets) return {};
  for (const auto& [expiry, amount] : summed) {
    if (buckets[expiry] == amount) continue;
    return fail(Fault::kCorrupt, std::string("supply: the purses hold ") + amount_text(amount) + " " + phase +
                                     " that end at epoch " + expiry.text() + ", the counters say " +
                                     amount_text(buckets[expiry]));
  }
  return fail(Fault::kCorrupt, std::string("supply: the counters name ") + phase + " tokens that no purse holds");
}

}  // namespace

Result<FullSum> full_sum(const StateView& view) {
  Summing summing(TRY(read_times(view)).lots);
  Status status;
  for (const Module module : purse_modules()) {
    view.scan(module, [&](const StatePath&, ByteView bytes) {
      status = summing.add_record(module, bytes);
      return status.has_value();
    });
    TRY(std::move(status));
    status = {};
  }
  return summing.take();
}

Result<FullSum> check_full_sum(const StateView& view) {
  const Times times = TRY(read_times(view));
  static_cast<void>(TRY(SupplyBook::from(times.supply, times.lots)));
  FullSum sum = TRY(full_sum(view));
  TRY(compare(sum.live, times.supply.live, "live"));
  TRY(compare(sum.grace, times.supply.grace, "in grace"));
  if (sum.in_bonds != times.supply.paused) return fail(Fault::kCorrupt, "supply: bonds and the paused counter differ");
  return sum;
}

}  // namespace micro
