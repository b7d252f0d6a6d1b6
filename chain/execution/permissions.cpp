#include "chain/execution/permissions.hpp"

#include <array>

namespace micro {
namespace {

using enum Module;

template <class Kind, class Variant>
struct index_in;
template <class Kind, class... Kinds>
struct index_in<Kind, std::variant<Kinds...>> {
  static constexpr std::size_t value = [] {
    std::size_t at = 0;
    static_cast<void>(((std::is_same_v<Kind, Kinds> ? false : (++at, true)) && ...));
    return at;
  }();
};
template <class Kind>
inline constexpr std::size_t kIndex = index_in<Kind, Payload>::value;

constexpr auto kWritable = [] {
  std::array<ModuleSet, kTxKinds> table{};
  table[kIndex<Transfer>] = 0;
  table[kIndex<RefreshLot>] = 0;
  table[kIndex<RegisterNode>] = modules({kNodes, kNodeKeys});
  table[kIndex<RotateNodeKey>] = modules({kNodes, kNodeKeys});
  table[kIndex<GrantSessionKey>] = modules({kSessions});
  table[kIndex<RevokeSessionKey>] = modules({kSessions});
  table[kIndex<OfferResources>] = modules({kOffers, kNodes});
  table[kIndex<WithdrawOffer>] = modules({kOffers, kDue});
  table[kIndex<PublishService>] = modules({kServices, kNames});
  table[kIndex<AnnounceVersion>] = modules({kServices, kVersions});
  table[kIndex<AttestBuild>] = modules({kBuilds});
  table[kIndex<FundService>] = modules({kFunds});
  table[kIndex<UnfundService>] = modules({kFunds});
  table[kIndex<SetPrice>] = modules({kServices});
  table[kIndex<OpenChannel>] = modules({kChannels});
  table[kIndex<TopUpChannel>] = modules({kChannels});
  table[kIndex<Claim>] = modules({kChannels});
  table[kIndex<CoopClose>] = modules({kChannels});
  table[kIndex<RequestClose>] = modules({kChannels});
  table[kIndex<Finalize>] = modules({kChannels});
  table[kIndex<Dispute>] = modules({kChannels, kOffers, kDue});
  table[kIndex<JoinCommittee>] = modules({kSeats});
  table[kIndex<LeaveCommittee>] = modules({kSeats});
  table[kIndex<ConfirmReadiness>] = modules({kSeats});
  table[kIndex<SubmitEvidence>] = modules({kSeats});
  return table;
}();

constexpr bool touches_nothing_reserved() {
  for (const ModuleSet set : kWritable) {
    if ((set & (kTransitionOnly | modules({kAccounts}))) != 0) return false;
  }
  return true;
}
static_assert(touches_nothing_reserved(), "a transaction kind may not place, stop or decide");

}  // namespace

ModuleSet writable_modules(std::size_t kind) {
  return kWritable.at(kind);
}

bool session_may_sign(std::size_t kind) {
  return kind == kIndex<OpenChannel> || kind == kIndex<TopUpChannel> || kind == kIndex<CoopClose> ||
         kind == kIndex<RequestClose>;
}

bool fee_is_settled_by_handler(std::size_t kind) {
  return kind == kIndex<RefreshLot> || kind == kIndex<AttestBuild> || kind == kIndex<Claim> ||
         kind == kIndex<Finalize> || kind == kIndex<ConfirmReadiness> || kind == kIndex<SubmitEvidence>;
}

}  // namespace micro
