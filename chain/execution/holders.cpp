#include "chain/execution/holders.hpp"

namespace micro {
namespace {

template <class Record>
Result<Record> stored(ByteView bytes) {
  auto record = decode<Record>(bytes);
  if (!record) return fail(Fault::kCorrupt, "state record: " + record.error().message);
  return record;
}

}  // namespace

Status for_each_purse(Module module, ByteView record, const PurseVisitor& visit) {
  switch (module) {
    case Module::kAccounts:
      visit(TRY(stored<Account>(record)).purse, false);
      return {};
    case Module::kOffers:
      visit(TRY(stored<OfferRecord>(record)).bond, true);
      return {};
    case Module::kSeats:
      visit(TRY(stored<SeatRecord>(record)).bond, true);
      return {};
    case Module::kFunds:
      visit(TRY(stored<FundRecord>(record)).purse, false);
      return {};
    case Module::kChannels: {
      const auto channel = TRY(stored<ChannelRecord>(record));
      visit(channel.escrow, false);
      visit(channel.held, false);
      return {};
    }
    default:
      return {};
  }
}

std::span<const Module> purse_modules() {
  static constexpr std::array kModules{Module::kAccounts, Module::kOffers, Module::kFunds, Module::kChannels,
                                       Module::kSeats};
  return kModules;
}

}  // namespace micro
