// Transactions of every kind that a small chain could see: mostly ones that make sense now, some wrong in one way, so
// that each outcome is reached. What they name (nodes, offers, services, channels) is learned from the receipts.
#pragma once

#include "chain/execution/holders.hpp"
#include "chain/identity/node_identity.hpp"
#include "chain/registry/service_rules.hpp"
#include "tests/gen/any_value.hpp"
#include "tests/gen/chain/channel_world.hpp"
#include "tests/gen/chain/committee_world.hpp"

namespace micro::test {

class AnyTx {
 public:
  AnyTx(const ChannelWorld& world, Random& random) : w_(world), r_(random) {
    nodes_.push_back({w_.node, w_.roles.host});
    offers_.push_back(w_.offer);
    services_.push_back({w_.service, w_.roles.owner});
    versions_.push_back(w_.version);
  }
  /// Payments are as likely as everything else together: they take several steps to get anywhere.
  SignedTx next() {
    const bool pays = draw_below(r_, 2) == 0;
    if (!pays && rarely(4)) return next(kFirstCommittee + draw_below(r_, kTxKinds - kFirstCommittee));
    return next(pays ? kFirstPayment + draw_below(r_, kFirstCommittee - kFirstPayment) : draw_below(r_, kFirstPayment));
  }
  SignedTx next(std::size_t kind) {
    sender_ = draw_below(r_, kPeople);
    Payload payload = make(kind);
    if (rarely(100)) sender_ = kPoor;
    if (rarely(100)) sender_ = any_session();
    SignedTx tx = w_.make(sender_, std::move(payload), rarely(40) ? 1 : 0);
    if (rarely(30)) spoil(tx.body);
    return tx;
  }
  void learn(const TxReceipt& receipt) {
    for (const Event& event : receipt.events) {
      if (const auto* e = std::get_if<event::NodeRegistered>(&event)) nodes_.push_back({e->node, number_of(e->owner)});
      if (const auto* e = std::get_if<event::ResourcesOffered>(&event)) {
        offers_.push_back(e->offer);
        offering_.push_back(e->node);
      }
      if (const auto* e = std::get_if<event::OfferWithdrawn>(&event)) {
        withdrawn_.push_back({e->offer, number_of(e->owner)});
      }
      if (const auto* e = std::get_if<event::SessionGranted>(&event)) {
        for (std::uint64_t n = kFirstSession; n < kFirstSession + kSessions; ++n) {
          if (person(n) == e->key) granted_.push_back(n);
        }
      }
      if (const auto* e = std::get_if<event::CommitteeJoined>(&event)) seats_.push_back({e->key, number_of(e->owner)});
      if (const auto* e = std::get_if<event::BuildAttested>(&event)) attested_.push_back(e->version);
      if (const auto* e = std::get_if<event::ServicePublished>(&event)) {
        services_.push_back({e->service, number_of(e->owner)});
      }
      if (const auto* e = std::get_if<event::VersionAnnounced>(&event)) versions_.push_back(e->version);
      if (const auto* e = std::get_if<event::ChannelOpened>(&event)) channels_.push_back(e->channel);
    }
  }

 private:
  static constexpr std::size_t kPeople = 4;
  static constexpr std::size_t kFirstPayment = 14;     ///< OpenChannel and what follows it
  static constexpr std::size_t kFirstCommittee = 21;   ///< JoinCommittee and what follows it
  static constexpr std::uint64_t kFirstSession = 100;  // persons from here on are session keys
  static constexpr std::size_t kSessions = 3;
  static constexpr std::uint64_t kPoor = kPeople;  // has no account

  struct Owned {
    Hash id;
    std::uint64_t owner = 0;
    Owned(ByteView i, std::uint64_t o) : id(Hash::from(i).value()), owner(o) {}
  };

  static std::uint64_t number_of(const Address& address) {
    for (std::uint64_t n = 0; n < kPeople; ++n) {
      if (person(n) == address) return n;
    }
    return kPeople;
  }
  bool rarely(std::size_t one_in) { return draw_below(r_, one_in) == 0; }
  /// Wrong before any rule of its kind is asked.
  void spoil(TxBody& body) {
    switch (draw_below(r_, 6)) {
      case 0:
        body.version = 2;
        break;
      case 1:
        body.chain.data[0] ^= 1;
        break;
      case 2:
        body.valid_until = Height(draw_below(r_, w_.height.value + 1));
        break;
      case 3:
        body.nonce = Nonce(body.nonce.value - (body.nonce.value > 0 ? 1 : 0));
        break;
      case 4:
        body.max_fee = Amount(draw_below(r_, 100));
        break;
      default:
        body.payload = Transfer{person(0), Amount(kMaxSupplyMicro + 1), {}};
    }
  }
  template <class T>
  T any_of(const std::vector<T>& from) {
    if (from.empty() || draw_below(r_, 20) == 0) return T{};
    const std::size_t latest = std::min<std::size_t>(from.size(), 3);
    return from[from.size() - 1 - draw_below(r_, draw_below(r_, 3) == 0 ? from.size() : latest)];
  }
  // Its owner is the sender then, mostly.
  template <class Id>
  Id any_owned(const std::vector<Owned>& from) {
    if (draw_below(r_, 20) == 0) return {};
    const Owned& one = from[draw_below(r_, from.size())];
    if (draw_below(r_, 6) != 0) sender_ = one.owner;
    return one.id.template as<Id>();
  }
  Amount amount() {
    static constexpr std::uint64_t kAmounts[] = {0,          1,           999,         100'000,       5'000'000,
                                                 50'000'000, 300'000'000, 999'000'000, 2'000'000'000, UINT64_MAX};
    if (draw_below(r_, 4) == 0) return Amount(draw_below(r_, 20'000'000));
    return Amount(kAmounts[draw_below(r_, std::size(kAmounts) - (draw_below(r_, 8) == 0 ? 0 : 3))]);
  }
  Epoch soon(std::uint32_t range) {
    return Epoch(w_.epoch().value + static_cast<std::uint32_t>(draw_below(r_, range)));
  }
  std::uint32_t share() { return static_cast<std::uint32_t>(draw_below(r_, 11) * 100'000); }
  void maybe_as_session() {
    if (draw_below(r_, 4) == 0) sender_ = any_session();
  }
  /// Mostly one that was granted.
  std::uint64_t any_session() {
    if (granted_.empty() || rarely(6)) return kFirstSession + draw_below(r_, kSessions);
    return granted_[draw_below(r_, granted_.size())];
  }
  LaneTotal lane_total() {
    const auto steps = draw_below(r_, 12);
    LaneTotal t;
    t.lane = static_cast<std::uint8_t>(draw_below(r_, 4) == 0 ? 1 : 0);
    t.seq = steps;
    t.cum_charged = Amount(steps * 100'000);
    t.cum_base_fee = Amount(steps * draw_below(r_, 3) * 10'000);
    return t;
  }

  Payload make(std::size_t kind) {
    switch (kind) {
      case 0:
        return transfer();
      case 1:
        return refresh();
      case 2:
        return register_node();
      case 3:
        return rotate_key();
      case 4:
        return grant();
      case 5:
        return revoke();
      case 6:
        return offer();
      case 7:
        return withdraw();
      case 8:
        return publish();
      case 9:
        return announce();
      case 10:
        return attest();
      case 11:
        return FundService{any_owned<ServiceId>(services_), amount()};
      case 12:
        if (rarely(5)) return UnfundService{any_owned<ServiceId>(services_), {}};
        return UnfundService{any_owned<ServiceId>(services_), rarely(2) ? Amount(1 + draw_below(r_, 900)) : amount()};
      case 13:
        return SetPrice{any_owned<ServiceId>(services_), amount(), share()};
      default:
        return kind < kFirstCommittee ? make_payment(kind) : make_committee(kind);
    }
  }
  Payload make_committee(std::size_t kind) {
    switch (kind) {
      case 21: {
        const NodeId node = any_owned<NodeId>(nodes_);
        return JoinCommittee{node, rarely(4) ? amount() : Amount(1'000'000 + draw_below(r_, 9'000'000))};
      }
      case 22:
        return LeaveCommittee{any_seat()};
      case 23: {
        const Ed25519Key key = any_seat();
        const EpochAnchor anchor = any_anchor(rarely(3) ? 5 : 2);
        const Hash message = readiness_hash(w_.chain, key, anchor.epoch, anchor.last_of_previous);
        const Ed25519Secret secret = rarely(4) ? machine_key(299) : secret_of(key);
        return ConfirmReadiness{key, anchor.epoch, anchor.last_of_previous, secret.sign(message)};
      }
      default:
        return evidence();
    }
  }
  Ed25519Key any_seat() {
    if (rarely(20)) return machine_key(299).public_key();
    if (seats_.empty() || rarely(20)) return machine_key(0).public_key();
    const Owned& seat = seats_[seats_.size() - 1 - draw_below(r_, std::min<std::size_t>(seats_.size(), 4))];
    if (!rarely(6)) sender_ = seat.owner;
    return seat.id.as<Ed25519Key>();
  }
  static Ed25519Secret secret_of(const Ed25519Key& key) {
    for (const std::uint64_t n : {0u, 53u, 300u, 301u, 302u, 303u, 304u, 305u, 306u, 307u}) {
      if (machine_key(n).public_key() == key) return machine_key(n);
    }
    return machine_key(299);
  }
  /// Of one of the last epochs, when it is known already.
  EpochAnchor any_anchor(std::uint32_t epochs) {
    const std::uint32_t now = w_.epoch().value;
    const auto back = static_cast<std::uint32_t>(draw_below(r_, epochs));
    const auto stored = w_.read<EpochAnchor>(path::epoch_anchor(Epoch(now - std::min(now, back))));
    return stored.value_or(EpochAnchor{});
  }
  SubmitEvidence evidence() {
    const Ed25519Key key = any_seat();
    const EpochAnchor anchor = any_anchor(rarely(5) ? 14 : 2);
    auto told = lie(anchor.epoch_id, 1 + draw_below(r_, 9));
    const auto wrong = draw_below(r_, 12);
    if (wrong == 0 || wrong == 1) told.second = told.first;
    if (wrong == 4) told.second.kind = StatementKind::kFinalize;  // still a lie
    const Ed25519Secret secret = secret_of(key);
    SubmitEvidence out{key, anchor.epoch, told.first, secret.sign(statement_hash(told.first)), told.second, {}, {}};
    out.second_signature = secret.sign(statement_hash(told.second));
    if (wrong == 2 || wrong == 3) out.second_signature.data[1] ^= 1;
    if (wrong == 5) out.epoch = out.epoch.next();
    out.reward_to = rarely(10) ? person(any_session()) : person(draw_below(r_, kPeople));
    return out;
  }
  Payload make_payment(std::size_t kind) {
    if (channels_.empty()) kind = kFirstPayment;
    switch (kind) {
      case 14:
        return open();
      case 15:
        return top_up();
      case 16:
        return claim();
      case 17:
        return close();
      case 18:
        if (!rarely(6)) sender_ = w_.roles.payer;
        maybe_as_session();
        return RequestClose{any_of(channels_)};
      case 19:
        return Finalize{any_of(channels_)};
      default:
        return dispute();
    }
  }
  Transfer transfer() {
    if (rarely(4)) return {person(any_session()), Amount(1'000), {}};
    if (rarely(6)) {  // more than the tokens of whoever has an allowance besides
      sender_ = 3;
      return {person(1), Amount(1'500'000'000), {}};
    }
    return {person(draw_below(r_, kPeople + 2)), amount(), {}};
  }
  TopUpChannel top_up() {
    if (!rarely(4)) sender_ = w_.roles.payer;
    maybe_as_session();
    const ChannelId channel = any_of(channels_);
    return {channel, rarely(4) ? Amount(kMaxSupplyMicro) : amount()};
  }
  OfferResources offer() {
    const NodeId node = nodes_.size() > 1 && !rarely(3) ? any_owned<NodeId>({nodes_.begin() + 1, nodes_.end()})
                                                        : any_owned<NodeId>(nodes_);
    const Amount bond = rarely(2) ? Amount(10'000'000 + draw_below(r_, 5'000'000)) : amount();
    return {node, {1'000, rarely(10) ? 0u : 512u, 1'000}, bond};
  }
  WithdrawOffer withdraw() {
    if (!withdrawn_.empty() && rarely(3)) return {any_owned<OfferId>(withdrawn_)};
    // Without the world's own offer there is no placement and soon no channel.
    if (offers_.size() > 1 && draw_below(r_, 20) != 0) return {offers_[1 + draw_below(r_, offers_.size() - 1)]};
    if (draw_below(r_, 10) != 0) return {};
    sender_ = w_.roles.host;
    return {w_.offer};
  }
  Claim claim() {
    const auto wrong = draw_below(r_, 24);
    if (wrong != 7) {  // else the last one again
      claimed_ = any_of(channels_);
      claim_ = lane_total();
    }
    if (wrong == 0) claim_.cum_charged.micro += claim_.cum_charged.micro / 2;       // above the price
    if (wrong == 1) claim_ = {claim_.lane, 1'000, Amount(100'000'000), Amount(0)};  // above the deposit
    if (wrong == 2 || wrong == 3) claim_ = {claim_.lane, claim_.seq + 1, Amount(500 + claim_.seq), Amount(0)};
    Claim claim = w_.claim(claimed_, claim_);
    LaneClaim& lane = claim.lanes[0];
    if (wrong == 4) lane.voucher_signature.data[5] ^= 1;
    if (wrong == 5 || wrong == 6) lane = w_.lane_claim(claimed_, claim_, Amount(claim_.cum_charged.micro / 2));
    if (wrong >= 4 && wrong <= 6) claim = w_.sign(std::move(claim));
    if (wrong >= 20) claim.host_signature.data[3] ^= 1;
    return claim;
  }
  // Draws are made one statement at a time: compilers evaluate arguments in different orders, and a seed must mean the
  // same history with each of them.
  CoopClose close() {
    sender_ = w_.roles.payer;
    const ChannelId channel = any_of(channels_);
    const LaneTotal total = lane_total();
    return w_.close(channel, {total}, soon(4));
  }
  Dispute dispute() {
    if (draw_below(r_, 2) == 0) {
      const ChannelId channel = any_of(channels_);
      return w_.dispute(channel, lane_total());
    }
    LaneTotal truth = claim_;  // of the last claim, but for one thing
    if (draw_below(r_, 2) == 0) {
      truth.cum_base_fee = Amount(truth.cum_base_fee.micro + 10'000);
    } else {
      truth.cum_charged = Amount(truth.cum_charged.micro / 2);
      truth.cum_base_fee = Amount(truth.cum_base_fee.micro / 2);
    }
    return w_.dispute(claimed_, truth);
  }
  RefreshLot refresh() {
    const auto lots = w_.account(sender_).purse.lots;
    Lot lot = lots.empty() ? Lot{} : lots[draw_below(r_, lots.size())];
    const auto other = draw_below(r_, 8);
    if (other == 0) lot.expiry = Epoch(0);
    if (other == 1) lot.expiry = soon(200);
    return {lot.expiry, lot.cls, draw_below(r_, 2) == 0 ? lot.amount : amount()};
  }
  RegisterNode register_node() {
    const auto node_key = machine_key(200 + draw_below(r_, 8));
    const auto consensus_key = machine_key(300 + draw_below(r_, 8));
    const Address& owner = rarely(8) ? w_.genesis.accounts[0].address : person(sender_);
    const Hash proof = node_proof_hash(w_.chain, owner, node_key.public_key(), consensus_key.public_key());
    return {node_key.public_key(), consensus_key.public_key(), node_key.sign(proof), consensus_key.sign(proof)};
  }
  RotateNodeKey rotate_key() {
    // The world's own node keeps its key: it signs the claims.
    const NodeId node = nodes_.size() > 1 ? nodes_[1 + draw_below(r_, nodes_.size() - 1)].id.as<NodeId>() : NodeId{};
    for (const Owned& owned : nodes_) {
      if (owned.id.as<NodeId>() == node) sender_ = owned.owner;
    }
    const RegisterNode fresh = register_node();
    return {node, fresh.node_key, fresh.consensus_key, fresh.node_proof, fresh.consensus_proof};
  }
  GrantSessionKey grant() {
    GrantSessionKey g;
    g.key = person_key(kFirstSession + draw_below(r_, kSessions)).public_key();
    g.expires = soon(30);
    g.per_call_cap = amount();
    g.window_cap = rarely(4) ? Amount(1 + draw_below(r_, 300)) : amount();
    g.window_epochs = static_cast<std::uint32_t>(draw_below(r_, 5));
    const auto which = draw_below(r_, 4);
    if (which == 1) g.services.push_back(w_.service);
    if (which > 1) g.services.push_back(ServiceId{});
    return g;
  }
  RevokeSessionKey revoke() {
    const std::uint64_t session = any_session();
    const auto record = w_.read<SessionRecord>(path::session(person(session)));
    if (record && draw_below(r_, 4) != 0) sender_ = number_of(record->owner);
    return {person(session)};
  }
  PublishService publish() {
    PublishService p;
    p.name = Text<kMaxServiceNameBytes>("service-" + std::to_string(draw_below(r_, 8)));
    p.repo_url = Text<kMaxUrlBytes>("https://example.org/o/r");
    const auto wrong = draw_below(r_, 12);
    if (wrong == 0) p.name = Text<kMaxServiceNameBytes>("-service");
    if (wrong == 1) p.repo_url = Text<kMaxUrlBytes>("ftp://example.org/o/r");
    p.price = amount();
    p.host_share_ppm = share();
    return p;
  }
  AnnounceVersion announce() {
    AnnounceVersion a;
    a.service = any_owned<ServiceId>(services_);
    a.commit.data[0] = static_cast<std::uint8_t>(draw_below(r_, rarely(2) ? 3 : 200));
    a.memory_mib = rarely(10) ? 0 : static_cast<std::uint32_t>(1 + draw_below(r_, 128));
    return a;
  }
  AttestBuild attest() {
    AttestBuild a;
    a.version = rarely(8) ? VersionId{} : any_of(versions_);
    a.node = w_.node;
    if (!attested_.empty() && !offering_.empty() && rarely(2)) {
      a.version = any_of(attested_);
      a.node = any_of(offering_);
    }
    if (rarely(3)) a.node = rarely(8) ? NodeId{} : nodes_[draw_below(r_, nodes_.size())].id.as<NodeId>();
    a.wasm_hash.data[0] = 1;
    a.wasm_bytes = 1'000;
    a.signature = w_.node_key.sign(build_attest_hash(w_.chain, a));
    if (draw_below(r_, 4) == 0) a.signature.data[0] ^= 1;
    return a;
  }
  OpenChannel open() {
    sender_ = draw_below(r_, 4) == 0 ? sender_ : w_.roles.payer;
    maybe_as_session();
    const Amount deposit = draw_below(r_, 4) == 0 ? amount() : Amount(10'000'000 + draw_below(r_, 20'000'000));
    const Epoch end = draw_below(r_, 8) == 0 ? soon(200) : Epoch(soon(30).value + 8);
    OpenChannel terms = w_.terms(deposit, end, static_cast<std::uint8_t>(1 + draw_below(r_, 2)));
    if (draw_below(r_, 10) == 0) terms.service = any_owned<ServiceId>(services_);
    return terms;
  }

  const ChannelWorld& w_;
  Random& r_;
  std::uint64_t sender_ = 0;
  std::vector<Owned> nodes_, services_, withdrawn_, seats_;
  std::vector<NodeId> offering_;
  std::vector<std::uint64_t> granted_;
  std::vector<OfferId> offers_;
  std::vector<VersionId> versions_, attested_;
  std::vector<ChannelId> channels_;
  ChannelId claimed_;
  LaneTotal claim_;
};

/// The full sum (I1 and I3): what all purses of a state hold, bucket by bucket, is what the supply record says. Empty,
/// or what differs.
inline std::string supply_difference(const World& w) {
  std::map<std::uint32_t, std::uint64_t> live, grace;
  std::uint64_t paused_sum = 0;
  const LotTime time = w.lots();
  for (const Module module : purse_modules()) {
    w.state.scan(module, [&](const StatePath&, ByteView record) {
      const auto status = for_each_purse(module, record, [&](const Purse& purse, bool paused) {
        for (const Lot& lot : purse.lots) {
          if (paused) {
            paused_sum += lot.amount.micro;
          } else if (const LotPhase phase = phase_of(lot.expiry, time); phase != LotPhase::kGone) {
            (phase == LotPhase::kLive ? live : grace)[lot.expiry.value] += lot.amount.micro;
          }
        }
      });
      if (!status) paused_sum = UINT64_MAX;
      return true;
    });
  }
  const Supply supply = w.supply();
  u128 sum = supply.burned.value() + supply.purged.value() + supply.paused.micro;
  const auto same = [&](const auto& record, std::map<std::uint32_t, std::uint64_t>& purses) {
    for (const BucketTotal& bucket : record) {
      sum += bucket.amount.micro;
      if (purses[bucket.expiry.value] != bucket.amount.micro) return false;
      purses.erase(bucket.expiry.value);
    }
    return std::ranges::all_of(purses, [](const auto& rest) { return rest.second == 0; });
  };
  if (!same(supply.live, live)) return "live tokens";
  if (!same(supply.grace, grace)) return "tokens in grace";
  if (supply.paused.micro != paused_sum) return "bonds";
  if (sum != supply.minted.value()) return "minted is not live + grace + burned + purged";
  return "";
}

}  // namespace micro::test
