// Rules of payment channels as pure functions: what may be claimed until when, who gets which part, and when a receipt
// proves a lie. chain/execution moves the tokens, the provider decides by the same functions what to claim.
//
//   epochs   opened ………… end_eff ……… claim_deadline ……… dispute_deadline
//            calls         (D) claims    (D) held proceeds, disputes    → nothing is left, the record goes
//   end_eff = min(end, offer's end, placement's end); a close request at c makes claim_deadline c + D if that is
//   sooner.
#pragma once

#include <expected>
#include <span>

#include "chain/records/channel_record.hpp"
#include "chain/types/tx_status.hpp"

namespace micro {

template <class T>
using Verdict = std::expected<T, TxStatus>;

/// Bytes of a signed Claim for this many lanes.
std::size_t claim_tx_bytes(std::size_t lanes);
/// Bytes of a signed Finalize.
std::size_t finalize_tx_bytes();
Amount claim_fee(const ChainParams& params, std::size_t lanes);
/// Set aside at Open for whoever finalizes.
Amount finalize_fee(const ChainParams& params);
/// 20 × claim fee ÷ (host_share·(1−φ)) for every lane: below that a host could not afford to claim small totals.
Result<Amount> least_deposit(const ChainParams& params, const ChannelTerms& terms, std::size_t lanes);
/// end ≤ now + 20·Q.
Epoch latest_end(const ChainParams& params, Epoch now);
/// Only lots that end at this epoch or later enter escrow: end + 2D + Q + 1.
Epoch escrow_min_expiry(const ChainParams& params, Epoch end);

/// First epochs in which the host no longer serves, as far as the state knows; nothing while it goes on.
struct ServingEnds {
  std::optional<Epoch> offer;
  std::optional<Epoch> placement;
};
Epoch effective_end(const ChannelRecord& channel, const ServingEnds& ends);
/// Last epoch in which a claim is accepted: min(close request + D, end_eff + D), and never after a proven over-claim.
Epoch claim_deadline(const ChannelRecord& channel, Epoch end_eff, const ChainParams& params);
/// Last epoch in which a dispute is accepted: claim_deadline + D.
Epoch dispute_deadline(const ChannelRecord& channel, Epoch end_eff, const ChainParams& params);
/// Proceeds mature strictly after D epochs.
bool is_mature(const HeldProceeds& proceeds, Epoch now, const ChainParams& params);

/// π + ceil rules summed: cum_base_fee + ceil(φ·(cum_charged − cum_base_fee)). The caller checked cum_base_fee ≤
/// cum_charged.
Result<Amount> burned_of(const ChannelTerms& terms, Amount cum_charged, Amount cum_base_fee);

/// What new totals of some lanes change.
struct Settlement {
  Amount charged;  ///< leaves the escrow: the sum of the three below
  Amount burned;
  Amount to_host;   ///< host_share of the rest, rounded down
  Amount to_owner;  ///< the residual
};
/// New totals, one a lane, ascending by lane, against what was claimed before. Refuses totals that fall (kNotMonotone),
/// are above the price (kOverPrice) or together above the deposit (kOverDeposit). Changes nothing.
Verdict<Settlement> settle(const ChannelRecord& channel, std::span<const LaneTotal> totals);
/// Writes the totals of a settlement into the channel's lanes.
void record_totals(ChannelRecord& channel, std::span<const LaneTotal> totals);
/// Sum of what is claimed on all lanes. Bounded by the deposit.
Amount claimed_total(const ChannelRecord& channel);

/// Adds proceeds of a claim made now; more than kMaxHeldProceeds share the newest entry.
void hold_proceeds(ChannelRecord& channel, Epoch now, Amount to_host, Amount to_owner);
/// Takes the mature (or all) proceeds out of the list and returns their sums.
HeldProceeds release_proceeds(ChannelRecord& channel, Epoch now, const ChainParams& params, bool all);

/// Takes up to `amount` out of what is held, the newest claims and the host's part first; returns what was taken.
Amount withdraw_proceeds(ChannelRecord& channel, Amount amount);

/// What a receipt of the host proves against what it claimed on that lane.
struct Contradiction {
  Amount overcharged;  ///< claimed above a receipt of the same or a later call: the payer's
  Amount
      unburned_base_fee;  ///< claimed less base fee than a receipt of the same or an earlier call states: to be burned
};
/// kNoContradiction when the claim and the receipt can both be true.
Verdict<Contradiction> contradiction(const ChannelRecord& channel, const CallReceipt& receipt);

}  // namespace micro
