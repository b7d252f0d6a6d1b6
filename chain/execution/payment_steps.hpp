// Steps that the payment handlers share.
#pragma once

#include "chain/execution/channel_view.hpp"
#include "chain/execution/tx_scope.hpp"

namespace micro {

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
