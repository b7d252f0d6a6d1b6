#include "chain/economy/lot.hpp"
#include "rpc/api/json_names.hpp"
#include "rpc/views/views.hpp"

namespace micro::views {
namespace {

template <class T, class Visit>
Status each(const StateView& state, Module module, Visit visit) {
  Status status;
  state.scan(module, [&](const StatePath&, ByteView bytes) {
    const auto record = decode<T>(bytes);
    if (!record) {
      status = fail(Fault::kCorrupt, "state record: " + record.error().message);
      return false;
    }
    visit(*record);
    return true;
  });
  return status;
}

std::string_view offer_state(OfferState state) {
  switch (state) {
    case OfferState::kActive:
      return "active";
    case OfferState::kWithdrawn:
      return "withdrawn";
    case OfferState::kReleased:
      return "released";
  }
  return "";
}

std::string_view channel_state(ChannelState state) {
  switch (state) {
    case ChannelState::kOpen:
      return "open";
    case ChannelState::kClosing:
      return "closing";
    case ChannelState::kClosed:
      return "closed";
  }
  return "";
}

Amount all_lots(const Purse& purse) {
  Amount sum;
  for (const Lot& lot : purse.lots) sum.micro += lot.amount.micro;
  return sum;
}

Result<std::map<NodeId, std::uint32_t>> placements_by_node(const Moment& m) {
  std::map<NodeId, std::uint32_t> out;
  TRY(each<PlacementRecord>(m.state, Module::kPlacements, [&](const PlacementRecord& record) {
    for (const Placement& host : record.hosts) {
      if (host.end.value == 0) ++out[host.node];
    }
  }));
  return out;
}

}  // namespace

Result<Json> offers(const Moment& m) {
  auto placed = TRY(placements_by_node(m));
  Json out = Json::array();
  TRY(each<OfferRecord>(m.state, Module::kOffers, [&](const OfferRecord& offer) {
    Json entry{{"offer", offer.offer.hex()},
               {"node", offer.node.hex()},
               {"owner", address_text(m.json.kind, offer.owner)},
               {"capacity", to_json(m.json, offer.capacity)},
               {"bond", amount_text(all_lots(offer.bond))},
               {"state", offer_state(offer.state)},
               {"placements", placed[offer.node]}};
    if (offer.end.value != 0) entry["end"] = offer.end.value;
    if (offer.release.value != 0) entry["release"] = offer.release.value;
    out.push_back(std::move(entry));
  }));
  return out;
}

Result<Json> nodes(const Moment& m) {
  Json out = Json::array();
  TRY(each<NodeRecord>(m.state, Module::kNodes, [&](const NodeRecord& node) {
    Json entry{{"node_id", node.node.hex()},
               {"node_key", node.node_key.hex()},
               {"owner", address_text(m.json.kind, node.owner)},
               {"registered", node.registered.value},
               {"state", "registered"}};
    if (node.offer) {
      const auto offer = read_record<OfferRecord>(m.state, path::offer(*node.offer));
      if (offer && *offer) {
        entry["state"] = offer_state((*offer)->state);
        entry["stake"] = amount_text(all_lots((*offer)->bond));
        entry["capacity"] = to_json(m.json, (*offer)->capacity);
      }
    }
    out.push_back(std::move(entry));
  }));
  return out;
}

Result<Json> channels(const Moment& m, std::optional<Address> payer) {
  Json out = Json::array();
  TRY(each<ChannelRecord>(m.state, Module::kChannels, [&](const ChannelRecord& c) {
    if (payer && c.payer != *payer) return;
    Amount claimed;
    for (const LaneState& lane : c.lanes) claimed.micro += lane.cum_charged.micro;
    out.push_back({{"channel", c.channel.hex()},
                   {"service", c.service.hex()},
                   {"host", c.host.hex()},
                   {"payer", address_text(m.json.kind, c.payer)},
                   {"deposit", amount_text(c.deposit)},
                   {"claimed", amount_text(claimed)},
                   {"held", amount_text(all_lots(c.held))},
                   {"end", c.end.value},
                   {"state", channel_state(c.state)}});
  }));
  return out;
}

}  // namespace micro::views
