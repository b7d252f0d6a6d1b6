// Steps that the payment handlers share.
#pragma once

#include "chain/economy/channel.hpp"
#include "chain/execution/tx_scope.hpp"

namespace micro {

/// Versions of a service that are looked at, newest first, for where it is placed.
inline constexpr std::size_t kMaxVersionsForHosting = 64;

/// Where a service stands on a node: placed by any version now, or gone from an epoch on.
struct Hosting {
  bool in_force = false;
  std::optional<Epoch> end;  ///< the latest, when nothing is in force
};
Result<Hosting> hosting_of(const TxScope& s, const ServiceId& service, const NodeId& node);

/// A channel with its end as the state has it now.
struct OpenedChannel {
  ChannelRecord record;
  Epoch end_eff;
};
Result<std::optional<OpenedChannel>> load_channel(const TxScope& s, const ChannelId& id);

/// Whether the session key that signed, if one did, may act for this service.
bool signer_allows(TxScope& s, const ServiceId& service);

struct PaidOut {
  Amount to_host;
  Amount to_owner;
};
/// Gives proceeds out of `from` to host and owner with a fresh life. What died there, because nobody finalized for too
/// long, is not paid.
Result<PaidOut> pay_out(TxScope& s, const ChannelRecord& channel, Purse& from, Amount to_host, Amount to_owner);
/// The rest of the escrow, in its original lots, to the payer.
Result<Amount> refund_escrow(TxScope& s, ChannelRecord& channel);
/// Lots that outlived the channel in `held` because nobody finalized in time: the host's, to refresh them if it can.
Status clear_held(TxScope& s, ChannelRecord& channel);

}  // namespace micro
