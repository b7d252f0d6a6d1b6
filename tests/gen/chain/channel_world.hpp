// A small chain with one host that serves one service, and people who open channels to it.
#pragma once

#include "chain/economy/channel.hpp"
#include "chain/economy/voucher.hpp"
#include "tests/gen/ledger_world.hpp"

namespace micro::test {

/// Which person plays which part; any two may be the same.
struct Roles {
  std::uint64_t payer = 0;
  std::uint64_t host = 1;
  std::uint64_t owner = 2;
};

struct ChannelWorld : World {
  static constexpr Amount kPrice{100'000};

  Roles roles;
  Ed25519Secret node_key = machine_key(50);
  NodeId node = sha256(encode(std::uint64_t{51})).as<NodeId>();
  ServiceId service = sha256(encode(std::uint64_t{52})).as<ServiceId>();
  VersionId version;
  OfferId offer;
  SecretKey vkey = person_key(900);

  explicit ChannelWorld(Roles r = {}, std::size_t people = 4) : World(people), roles(r) {
    genesis.params.upkeep_per_mib = Amount(0);
    genesis.params.build_quorum = 1;
    genesis.params.min_committee = 1;
    genesis.params.min_seat_bond = Amount(1'000'000);
    start();
    put_records();
    const TxReceipt offered = World::apply(roles.host, OfferResources{node, {1'000, 512, 1'000}, Amount(50'000'000)});
    EXPECT_EQ(offered.status, TxStatus::kOk);
    offer = std::get<event::ResourcesOffered>(offered.events.at(0)).offer;
    place(Epoch(0));
  }

  void put(const StatePath& path, Bytes value) { state.apply({{path, std::move(value)}}); }
  /// Node, service and version as their transactions would have left them.
  void put_records() {
    const CommitId commit{};
    version = version_id(service, commit);
    const NodeRecord n{node, person(roles.host), node_key.public_key(), machine_key(53).public_key(), Epoch(0), {}};
    put(path::node(node), encode(n));
    ServiceRecord s;
    s.service = service;
    s.owner = person(roles.owner);
    s.name = Text<kMaxServiceNameBytes>("adder");
    s.price = kPrice;
    s.host_share_ppm = 700'000;
    s.versions = 1;
    s.newest = version;
    put(path::service(service), encode(s));
    VersionRecord v;
    v.version = version;
    v.service = service;
    v.memory_mib = 16;
    v.ordinal = 1;
    put(path::version(version), encode(v));
  }
  /// Placed on the host by a decision of the past; `end` 0: in force.
  void place(Epoch end) {
    PlacementRecord p;
    p.version = version;
    p.service = service;
    p.hosts.push_back({node, offer, Epoch(0), end, 1});
    put(path::placement(version), encode(p));
  }

  [[nodiscard]] OpenChannel terms(Amount deposit = Amount(10'000'000), Epoch end = Epoch(20),
                                  std::uint8_t lanes = 1) const {
    return {service, node, vkey.x_only_key(), deposit, end, lanes};
  }
  ChannelId open(const OpenChannel& t) {
    const TxReceipt receipt = World::apply(roles.payer, t);
    EXPECT_EQ(receipt.status, TxStatus::kOk) << tx_status_text(receipt.status);
    if (receipt.status != TxStatus::kOk) return {};
    return std::get<event::ChannelOpened>(receipt.events.at(0)).channel;
  }
  ChannelId open() { return open(terms()); }
  [[nodiscard]] std::optional<ChannelRecord> channel(const ChannelId& id) const {
    return read<ChannelRecord>(path::channel(id));
  }

  [[nodiscard]] LaneClaim lane_claim(const ChannelId& id, LaneTotal total, Amount promised) const {
    const Voucher v{id, total.lane, total.seq, promised, {}, {}};
    return {v, sign_voucher(vkey, v), total.cum_charged, total.cum_base_fee};
  }
  [[nodiscard]] Claim sign(Claim claim) const {
    claim.host_signature = node_key.sign(claim_hash(chain, claim.channel, claim.lanes));
    return claim;
  }
  /// A claim of one lane whose voucher promises exactly what is claimed.
  [[nodiscard]] Claim claim(const ChannelId& id, LaneTotal total) const {
    Claim c;
    c.channel = id;
    c.lanes.push_back(lane_claim(id, total, total.cum_charged));
    return sign(std::move(c));
  }
  [[nodiscard]] CoopClose close(const ChannelId& id, std::vector<LaneTotal> totals, Epoch valid_until) const {
    CoopClose c;
    c.channel = id;
    c.totals.assign(totals.begin(), totals.end());
    c.valid_until = valid_until;
    c.host_signature = node_key.sign(close_hash(chain, id, c.totals, valid_until));
    return c;
  }
  [[nodiscard]] Dispute dispute(const ChannelId& id, LaneTotal truth) const {
    CallReceipt r;
    r.channel = id;
    r.lane = truth.lane;
    r.seq = truth.seq;
    r.cum_charged = truth.cum_charged;
    r.cum_base_fee = truth.cum_base_fee;
    return {r, sign_receipt(node_key, r)};
  }
  [[nodiscard]] Amount bond() const { return total(read<OfferRecord>(path::offer(offer))->bond, {Epoch(0), false}); }
  void to_epoch(std::uint32_t target) {
    while (epoch().value < target) ASSERT_TRUE(end_epoch());
  }
};

}  // namespace micro::test
