// Channels as the state has them: for the handlers, and for whoever serves or shows them.
#pragma once

#include "chain/economy/channel.hpp"
#include "chain/records/records.hpp"

namespace micro {

/// Versions of a service that are looked at, newest first, for where it is placed.
inline constexpr std::size_t kMaxVersionsForHosting = 64;

/// Where a service stands on a node: placed by any version now, and until when it serves without a break what it served
/// in epoch `since`. A break is final: a placement made anew later opens no deadline again. Placements that the state
/// forgot limit nothing: the payer can still request the close.
struct Hosting {
  bool in_force = false;
  std::optional<Epoch> end;  ///< first epoch without service; none while it goes on
};
Result<Hosting> hosting_of(const StateView& view, const ServiceId& service, const NodeId& node, Epoch since);

/// A channel with its end as the state has it now.
struct OpenedChannel {
  ChannelRecord record;
  Epoch end_eff;
};
Result<std::optional<OpenedChannel>> read_channel(const StateView& view, const ChannelId& id);
/// All channels of one host: what its provider has to know when it starts. Reads every channel of the state.
Result<std::vector<OpenedChannel>> channels_of_host(const StateView& view, const NodeId& host);

}  // namespace micro
