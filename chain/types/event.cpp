#include "chain/types/event.hpp"

namespace micro {

std::string_view event_name(std::size_t index) {
  static constexpr std::array<std::string_view, std::variant_size_v<Event>> kNames{
      "Transferred",     "LotRefreshed",     "NodeRegistered", "NodeKeyRotated",   "SessionGranted",
      "SessionRevoked",  "ResourcesOffered", "OfferWithdrawn", "BondReleased",     "BondSlashed",
      "ServicePublished", "VersionAnnounced", "BuildAttested", "ServiceFunded",    "ServiceUnfunded",
      "PriceSet",        "ChannelOpened",    "ChannelToppedUp", "Claimed",         "CloseRequested",
      "ChannelClosed",   "ChannelDisputed",  "EpochEnded",     "VersionStatusChanged", "PolicyRan",
      "PolicyFailed",    "Placed",           "Drained",         "ProceedsReleased",
      "CommitteeJoined", "ReadinessConfirmed", "CommitteeLeft", "SeatReleased",    "ValidatorConvicted",
      "CommitteeFixed"};
  return index < kNames.size() ? kNames[index] : "unknown";
}

}  // namespace micro
