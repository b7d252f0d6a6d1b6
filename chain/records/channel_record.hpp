// A payment channel: a payer's escrow for calls of one service on one host. Rules: chain/economy/channel.hpp.
#pragma once

#include "chain/codec/fields.hpp"
#include "chain/types/params.hpp"
#include "chain/types/payment.hpp"
#include "chain/types/purse.hpp"

namespace micro {

enum class ChannelState : std::uint8_t {
  kOpen = 0,
  kClosing = 1,  ///< RequestClose, or a proven over-claim: the deadline for claims runs
  kClosed = 2,   ///< the payer has its rest back; kept while proceeds are held and disputes may come
};
inline bool is_known(ChannelState s) {
  return s <= ChannelState::kClosed;
}

/// What OpenChannel froze for the channel's life.
struct ChannelTerms {
  Amount price;                      ///< π, µT a completed call
  std::uint32_t host_share_ppm = 0;  ///< of π after the burned part
  std::uint32_t burn_share_ppm = 0;  ///< φ
  Ed25519Key host_key;               ///< signs receipts, claims and closes
  static constexpr auto kFields = fields<&ChannelTerms::price, &ChannelTerms::host_share_ppm,
                                         &ChannelTerms::burn_share_ppm, &ChannelTerms::host_key>;
  bool operator==(const ChannelTerms&) const = default;
};

/// Proceeds of claims made in one epoch, held for D epochs more.
struct HeldProceeds {
  Epoch claimed;
  Amount to_host;
  Amount to_owner;
  static constexpr auto kFields = fields<&HeldProceeds::claimed, &HeldProceeds::to_host, &HeldProceeds::to_owner>;
  bool operator==(const HeldProceeds&) const = default;
};

/// Claims of more epochs than this share the last entry, which then matures with the newest of them.
inline constexpr std::size_t kMaxHeldProceeds = 4;

struct ChannelRecord {
  ChannelId channel;
  Address payer;
  ServiceId service;
  NodeId host;
  Address host_owner;  ///< who earns the host's part
  Address owner;       ///< of the service: earns the rest
  OfferId offer;       ///< whose bond answers for the host
  XOnlyKey vkey;       ///< signs vouchers
  ChannelTerms terms;
  Height opened_at;
  Epoch opened;
  Epoch end;  ///< first epoch in which no call is accepted
  ChannelState state = ChannelState::kOpen;
  Epoch close_requested;          ///< when closing
  std::optional<Epoch> disputed;  ///< when a receipt first contradicted a claim: no claims after that
  Amount deposit;                 ///< all that was ever deposited for calls
  Amount prepaid;                 ///< part of `escrow` for the fee of Finalize
  Purse escrow;                   ///< original lots: what is not claimed yet, and `prepaid`
  List<LaneState, kMaxLanesPerChannel> lanes;
  Purse held;  ///< original lots of claimed proceeds: the sum of `proceeds`
  List<HeldProceeds, kMaxHeldProceeds> proceeds;
  static constexpr auto kFields =
      fields<&ChannelRecord::channel, &ChannelRecord::payer, &ChannelRecord::service, &ChannelRecord::host,
             &ChannelRecord::host_owner, &ChannelRecord::owner, &ChannelRecord::offer, &ChannelRecord::vkey,
             &ChannelRecord::terms, &ChannelRecord::opened_at, &ChannelRecord::opened, &ChannelRecord::end,
             &ChannelRecord::state, &ChannelRecord::close_requested, &ChannelRecord::disputed, &ChannelRecord::deposit,
             &ChannelRecord::prepaid, &ChannelRecord::escrow, &ChannelRecord::lanes, &ChannelRecord::held,
             &ChannelRecord::proceeds>;
  bool operator==(const ChannelRecord&) const = default;
};

}  // namespace micro
