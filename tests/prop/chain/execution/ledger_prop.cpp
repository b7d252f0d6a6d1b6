// Random histories of a handful of people who play every part at once, against the ledger on paper. After every
// transaction: status, fee, nonces and every purse agree, the supply balances in full, and a failure changed nothing
// else.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "chain/execution/full_sum.hpp"
#include "tests/gen/naive_ledger.hpp"

namespace micro {
namespace {

using test::NaiveLedger;
using test::NaivePurse;
using test::person;
using test::ServiceWorld;

constexpr std::uint64_t kPeople = 3;

/// From the whole range in every case, the first ones included.
template <class T>
T draw(T min, T max) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<T>(min, max));
}

/// Two nodes, one placed service: made once, copied for every history.
struct Village : ServiceWorld {
  std::vector<NodeId> nodes;
  std::vector<OfferId> offers;
  std::vector<ServiceId> services;
  NaiveLedger paper;

  Village() : ServiceWorld(kPeople, 60'000'000, 2) {
    genesis.params.min_bond = Amount(5'000'000);
    genesis.params.min_seat_bond = Amount(4'000'000);
    genesis.params.name_fee = Amount(2'000'000);
    genesis.params.upkeep_per_mib = Amount(100);
    start();
    nodes = {add_node(0, 0), add_node(1, 1)};
    offers = {add_offer(0, nodes[0])};
    EXPECT_TRUE(end_epoch().has_value());
    services = {publish(1, "hello")};
    const VersionId version = announce(1, services[0], 1);
    attest(0, version, nodes[0], 0);
    fund(1, services[0], 100'000);
    write_down();
  }
  Village(const Village& other) : ServiceWorld(other) {
    nodes = other.nodes;
    offers = other.offers;
    services = other.services;
    paper = other.paper;
    follow(test::greedy);
  }
  Village& operator=(const Village&) = delete;

  void write_down() {
    paper.params = genesis.params;
    paper.time = {epoch().value, genesis.params.bucket_epochs};
    for (std::uint64_t n = 0; n < kPeople; ++n) {
      paper.people[n] = NaivePurse::of(account(n).purse);
      paper.nonces[n] = account(n).nonce.value;
    }
    const auto offer = read<OfferRecord>(path::offer(offers[0]));
    paper.bonds[offers[0]] = {0, NaivePurse::of(offer->bond), offer->bonded_at.value, false, 0, 0};
    paper.nodes[nodes[0]] = {0, offers[0]};
    paper.nodes[nodes[1]] = {1, {}};
    paper.funds[services[0]] = {1, NaivePurse::of(read<FundRecord>(path::fund(services[0]))->purse)};
    paper.chain = chain;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const auto node = read<NodeRecord>(path::node(nodes[i]));
      paper.node_keys[nodes[i]] = {node->node_key, node->consensus_key};
    }
    const auto service = read<ServiceRecord>(path::service(services[0]));
    paper.prices[services[0]] = {service->price.micro, service->host_share_ppm};
    paper.versions = {{services[0], commit(1)}};
    paper.names = {"hello"};
    paper.burned = static_cast<std::uint64_t>(supply().burned.value());
  }

  /// µT that the placed and active versions cost, by service.
  [[nodiscard]] std::map<ServiceId, std::uint64_t> upkeep() const {
    std::map<ServiceId, std::uint64_t> out;
    for (const ServiceId& s : services) {
      const auto record = read<ServiceRecord>(path::service(s));
      const auto versions = versions_of(state, *record).value();
      for (const VersionRecord& v : versions) {
        if (status_of(v.version) != VersionState::kActive) continue;
        out[s] += genesis.params.upkeep_per_mib.micro * v.memory_mib * hosts_of(v.version).size();
      }
    }
    return out;
  }

  void compare() const {
    for (const auto& [n, purse] : paper.people) {
      RC_ASSERT(NaivePurse::of(account(n).purse).masked(paper.time) == purse.masked(paper.time));
      RC_ASSERT(next_nonce(state, person(n)).value == (paper.nonces.contains(n) ? paper.nonces.at(n) : 0));
    }
    for (const auto& [offer, bond] : paper.bonds) {
      RC_ASSERT(NaivePurse::of(read<OfferRecord>(path::offer(offer))->bond) == bond.purse);
    }
    for (const auto& [key, seat] : paper.seats) {
      RC_ASSERT(NaivePurse::of(read<SeatRecord>(path::seat(key))->bond) == seat.purse);
    }
    std::size_t seats = 0;
    state.scan(Module::kSeats, [&](const StatePath&, ByteView) { return ++seats, true; });
    RC_ASSERT(seats == paper.seats.size() + genesis.validators.members.size());
    for (const auto& [service, fund] : paper.funds) {
      const auto record = read<FundRecord>(path::fund(service));
      const NaivePurse held = record ? NaivePurse::of(record->purse) : NaivePurse{};
      RC_ASSERT(held.masked(paper.time) == fund.second.masked(paper.time));
    }
    for (const auto& [node, keys] : paper.node_keys) {
      const auto record = read<NodeRecord>(path::node(node));
      RC_ASSERT(record->node_key == keys.first && record->consensus_key == keys.second);
      RC_ASSERT(read<NodeId>(path::node_key(keys.first)) == node && read<NodeId>(path::node_key(keys.second)) == node);
    }
    for (const auto& [key, session] : paper.sessions) {
      const auto record = read<SessionRecord>(path::session(person(key)));
      RC_ASSERT(record->owner == person(session.owner) && record->revoked == session.revoked);
    }
    for (const auto& [service, price] : paper.prices) {
      const auto record = read<ServiceRecord>(path::service(service));
      RC_ASSERT(record->price.micro == price.first && record->host_share_ppm == price.second);
    }
    std::size_t versions = 0;
    state.scan(Module::kVersions, [&](const StatePath&, ByteView) { return ++versions, true; });
    RC_ASSERT(versions == paper.versions.size());
    RC_ASSERT(supply().burned.value() == paper.burned);
    const auto sum = check_full_sum(state);
    if (!sum) RC_FAIL(sum.error().message);
  }
};

const Village& village() {
  static const Village made;
  return made;
}

/// Amounts around what matters: nothing, little, about all of it, more than there is.
Amount any_amount(std::uint64_t around) {
  const auto pick = draw<int>(0, 6);
  const std::uint64_t small = draw<std::uint64_t>(1, 2'000);
  if (pick == 0) return Amount(draw<std::uint64_t>(0, 2));
  if (pick == 1) return Amount(small);
  if (pick == 2) return Amount(around);
  if (pick == 3) return Amount(around + small);
  return Amount(around > 0 ? draw<std::uint64_t>(0, around) : 0);
}

RegisterNode any_keys(const Village& v, std::uint64_t who) {
  RegisterNode keys = v.registration(draw<int>(0, 6) == 0 ? (who + 1) % kPeople : who, draw<std::uint64_t>(0, 7));
  if (draw<int>(0, 8) == 0) keys.consensus_key = keys.node_key;
  return keys;
}

/// The number of a session key: any, or one that `who` granted.
std::uint64_t some_session(const Village& v, std::uint64_t who) {
  std::vector<std::uint64_t> own;
  for (const auto& [key, session] : v.paper.sessions) {
    if (session.owner == who) own.push_back(key);
  }
  return own.empty() || draw<int>(0, 2) == 0 ? draw<std::uint64_t>(50, 54) : *rc::gen::elementOf(own);
}

/// One of `who`, if there is any, or any.
NodeId some_node(const Village& v, std::uint64_t who) {
  std::vector<NodeId> own;
  for (const auto& [id, node] : v.paper.nodes) {
    if (node.first == who) own.push_back(id);
  }
  return own.empty() || draw<int>(0, 2) == 0 ? *rc::gen::elementOf(v.nodes) : *rc::gen::elementOf(own);
}

/// The key of one that `who` sits with, left or not, as long as there is one; now and then that of any node.
Ed25519Key some_seat(const Village& v, std::uint64_t who) {
  std::vector<Ed25519Key> own;
  for (const auto& [key, seat] : v.paper.seats) {
    if (seat.owner == who) own.push_back(key);
  }
  if (!own.empty() && draw<int>(0, 4) != 0) return *rc::gen::elementOf(own);
  const bool any_seat = !v.paper.seats.empty() && draw<int>(0, 2) != 0;
  return any_seat ? v.paper.seats.begin()->first : v.paper.node_keys.at(*rc::gen::elementOf(v.nodes)).second;
}

/// What moves no tokens but its fee.
Payload any_other_payload(const Village& v, std::uint64_t who) {
  const auto some_service = draw<int>(0, 8) == 0 ? ServiceId{} : *rc::gen::elementOf(v.services);
  switch (draw<int>(0, 8)) {
    case 0:
      return any_keys(v, who);
    case 1: {
      const RegisterNode keys = any_keys(v, who);
      const NodeId node = draw<int>(0, 8) == 0 ? NodeId{} : *rc::gen::elementOf(v.nodes);
      return RotateNodeKey{node, keys.node_key, keys.consensus_key, keys.node_proof, keys.consensus_proof};
    }
    case 2:
    case 6:
      return GrantSessionKey{test::person_key(draw<std::uint64_t>(50, 54)).public_key(),
                             Epoch(static_cast<std::uint32_t>(v.paper.time.now) + draw<std::uint32_t>(0, 6)),
                             Amount(draw<std::uint64_t>(0, 5)),
                             Amount(1'000),
                             draw<std::uint32_t>(0, 4),
                             {}};
    case 3:
    case 7:
      return RevokeSessionKey{person(some_session(v, who))};
    case 4:
      return AnnounceVersion{some_service, ServiceWorld::commit(draw<std::uint64_t>(1, 5)), 0,
                             draw<std::uint32_t>(0, 8)};
    default:
      return SetPrice{some_service, Amount(draw<std::uint64_t>(0, 100)), draw<std::uint32_t>(0, 12) * 100'000};
  }
}

Payload any_payload(const Village& v, std::uint64_t who) {
  if (draw<int>(0, 3) == 0) return any_other_payload(v, who);
  const std::uint64_t live = v.paper.people.at(who).live(v.paper.time);
  const std::uint64_t spare = live > 1'000 ? live - 1'000 : live;  // leaves about a fee
  const auto some_service = *rc::gen::elementOf(v.services);
  switch (draw<int>(0, 13)) {
    case 9:
      return JoinCommittee{draw<int>(0, 8) == 0 ? NodeId{} : some_node(v, who),
                           Amount(4'000'000 + draw<std::uint64_t>(0, 4) * 9'000'000 - 1)};
    case 10:
    case 11:
      return LeaveCommittee{some_seat(v, who)};
    case 0:
    case 1:
      return Transfer{person(draw<std::uint64_t>(0, kPeople + 1)), any_amount(spare), {}};
    case 2:
    case 3: {
      std::vector<std::uint64_t> expiries{0, v.paper.time.fresh()};
      const auto& lots = v.paper.people.at(who).lots;
      for (const auto& [key, amount] : lots) expiries.push_back(key.first);
      // The first to end is the one that may be refreshed; that more than there is of it is refused comes after that.
      const bool soonest = !lots.empty() && draw<int>(0, 2) == 0;
      const auto expiry = soonest ? lots.begin()->first.first : *rc::gen::elementOf(expiries);
      const auto lot = lots.find({expiry, 1});
      if (lot != lots.end() && draw<int>(0, 5) == 0) {
        return RefreshLot{Epoch(static_cast<std::uint32_t>(expiry)), LotClass::kToken, Amount(lot->second + 1)};
      }
      return RefreshLot{Epoch(static_cast<std::uint32_t>(expiry)), LotClass::kToken,
                        any_amount(lot == lots.end() ? 5 : lot->second)};
    }
    case 4:
    case 5:
      return OfferResources{*rc::gen::elementOf(v.nodes),
                            {1'000, 512, 10},
                            Amount(5'000'000 + draw<std::uint64_t>(0, 3) * 4'000'000 - 1)};
    case 6:
      return WithdrawOffer{*rc::gen::elementOf(v.offers)};
    case 7:
      return FundService{some_service, any_amount(*rc::gen::element<std::uint64_t>(20'000, spare))};
    case 8:
      if (draw<int>(0, 4) == 0) return UnfundService{some_service, {}};
      return UnfundService{some_service, any_amount(v.paper.funds.at(some_service).second.live(v.paper.time))};
    default: {
      const std::string name = *rc::gen::element<std::string>("hello", "second", "third");
      return PublishService{
          Text<kMaxServiceNameBytes>(name), Text<kMaxUrlBytes>("https://git.example/r"), {}, Amount(1), 500'000, {}};
    }
  }
}

void run_payload(Village& v, std::uint64_t who, Payload payload) {
  const SignedTx tx = v.make(who, std::move(payload));
  const std::uint64_t fee = v.genesis.params.fee_per_tx.micro + v.genesis.params.fee_per_byte.micro * encode(tx).size();
  if (v.paper.people[who].live(v.paper.time) < fee) {
    NaiveLedger trial = v.paper;
    const bool saves_itself = std::holds_alternative<RefreshLot>(tx.body.payload) &&
                              trial.apply(who, tx.body.payload, fee, tx_id(tx.body)) == TxStatus::kOk;
    RC_ASSERT(v.check(tx) == (saves_itself ? TxStatus::kOk : TxStatus::kCannotPayFee));
    if (!saves_itself) return;
  }
  const auto before = v.state.entries();
  const auto out = v.run(std::span(&tx, 1));
  if (!out) RC_FAIL(out.error().message);
  const TxReceipt& receipt = out->receipts.at(0);
  const TxStatus expected = v.paper.apply(who, tx.body.payload, fee, tx_id(tx.body));
  RC_ASSERT(receipt.status == expected);
  RC_ASSERT(receipt.fee.micro == fee);
  test::saw_status(tx.body.payload.index(), expected);
  if (receipt.status != TxStatus::kOk) {
    for (const auto& [path, value] : out->diff) {
      const bool is_of_every_block = path == path::supply() || path == path::epoch_anchor(v.epoch());
      RC_ASSERT((path == path::account(person(who)) || is_of_every_block || before.at(path) == *value));
    }
  }
  for (const Event& e : receipt.events) {
    if (const auto* offered = std::get_if<event::ResourcesOffered>(&e)) v.offers.push_back(offered->offer);
    if (const auto* made = std::get_if<event::ServicePublished>(&e)) v.services.push_back(made->service);
    if (const auto* made = std::get_if<event::NodeRegistered>(&e)) v.nodes.push_back(made->node);
  }
  v.compare();
}

void run_tx(Village& v, std::uint64_t who) {
  run_payload(v, who, any_payload(v, who));
}

void run_epochs(Village& v, std::uint32_t n) {
  for (std::uint32_t i = 0; i < n; ++i) {
    const auto out = v.end_epoch();
    if (!out) RC_FAIL(out.error().message);
    v.paper.end_epoch(v.upkeep());
  }
  v.compare();
}

RC_GTEST_PROP(Ledger, EqualsTheLedgerOnPaper, ()) {
  Village v(village());
  if (draw<int>(0, 2) == 0) run_epochs(v, 55);  // the first lots are about to end
  const int steps = draw<int>(1, 40);
  for (int i = 0; i < steps; ++i) {
    const auto what = draw<int>(0, 12);
    if (what < 9) {
      run_tx(v, draw<std::uint64_t>(0, kPeople));
    } else {
      run_epochs(v, *rc::gen::element<std::uint32_t>(1, 1, 2, 7, 30));
    }
  }
}

/// Tokens by the life they have left, bonds as of when they were bonded: what ends latest first.
std::map<std::uint64_t, std::uint64_t, std::greater<>> lives(const NaiveLedger& paper) {
  std::map<std::uint64_t, std::uint64_t, std::greater<>> out;
  const auto add = [&](const NaivePurse& purse, std::uint64_t from) {
    for (const auto& [key, amount] : purse.lots) {
      if (key.first > from) out[key.first - from] += amount;
    }
  };
  for (const auto& [n, purse] : paper.people) add(purse, paper.time.now);
  for (const auto& [service, fund] : paper.funds) add(fund.second, paper.time.now);
  for (const auto& [offer, bond] : paper.bonds) add(bond.purse, bond.bonded_at);
  for (const auto& [key, seat] : paper.seats) add(seat.purse, seat.bonded_at);
  return out;
}

/// For every length of life: no more tokens have that much left than before.
bool no_life_gained(const NaiveLedger& before, const NaiveLedger& after) {
  const auto old_lives = lives(before);
  auto old_it = old_lives.begin();
  std::uint64_t old_sum = 0, new_sum = 0;
  for (const auto& [life, amount] : lives(after)) {
    new_sum += amount;
    while (old_it != old_lives.end() && old_it->first >= life) old_sum += (old_it++)->second;
    if (new_sum > old_sum) return false;
  }
  return true;
}

/// Paying oneself, bonding, funding and taking back: whatever a closed circle does, only a refresh, which burns its
/// fee, gives life.
RC_GTEST_PROP(Ledger, OnlyARefreshGivesLife, ()) {
  Village v(village());
  const int steps = draw<int>(1, 30);
  for (int i = 0; i < steps; ++i) {
    const NaiveLedger before = v.paper;
    if (draw<int>(0, 3) == 0) {
      run_epochs(v, *rc::gen::element<std::uint32_t>(1, 3, 9));
    } else {
      const std::uint64_t who = draw<std::uint64_t>(0, kPeople);
      Payload payload = any_payload(v, who);
      if (std::holds_alternative<RefreshLot>(payload)) continue;
      run_payload(v, who, std::move(payload));
    }
    RC_ASSERT(no_life_gained(before, v.paper));
  }
}

/// Transactions that share no account, in either order: the same state.
RC_GTEST_PROP(Ledger, DisjointTransactionsCommute, ()) {
  Village v(village());
  const std::vector<std::vector<Payload>> mine{
      {Transfer{person(90), any_amount(1'000'000), {}},
       PublishService{
           Text<kMaxServiceNameBytes>("one"), Text<kMaxUrlBytes>("https://git.example/r"), {}, Amount(1), 500'000, {}},
       WithdrawOffer{v.offers[0]}},
      {Transfer{person(91), any_amount(1'000'000), {}}, FundService{v.services[0], any_amount(100'000)},
       UnfundService{v.services[0], any_amount(100'000)}, SetPrice{v.services[0], Amount(9), 400'000}}};
  const SignedTx a = v.make(0, *rc::gen::elementOf(mine[0]));
  const SignedTx b = v.make(1, *rc::gen::elementOf(mine[1]));
  const auto one = execute_block(v.state, v.next_block(), std::vector{a, b}, v.policy, ExecutionMode::kValidate);
  const auto other = execute_block(v.state, v.next_block(), std::vector{b, a}, v.policy, ExecutionMode::kValidate);
  RC_ASSERT(one.has_value());
  RC_ASSERT(other.has_value());
  RC_ASSERT(one->diff == other->diff);
  RC_ASSERT(encode(one->receipts[0]) == encode(other->receipts[1]));
}

/// One sender's transactions follow the block's order, and one block is as good as many.
RC_GTEST_PROP(Ledger, ConflictingTransactionsFollowTheBlock, ()) {
  Village v(village());
  const std::uint64_t live = v.live(0).micro;
  const SignedTx first = v.make(0, Transfer{person(2), any_amount(live), {}});
  const SignedTx second = v.make(0, Transfer{person(1), any_amount(live), {}}, 1);
  std::vector<SignedTx> txs{first, second};
  std::vector<bool> kept;
  Village together(v), apart(v);
  RC_ASSERT(together.run(txs, 2, ExecutionMode::kBuild, &kept).has_value());
  RC_ASSERT(apart.run(std::span(txs).first(1), 1, ExecutionMode::kBuild).has_value());
  RC_ASSERT(apart.run(std::span(txs).last(1), 1, ExecutionMode::kBuild).has_value());
  RC_ASSERT(together.state.entries() == apart.state.entries());
  std::swap(txs[0], txs[1]);
  RC_ASSERT(!execute_block(v.state, v.next_block(), txs, v.policy, ExecutionMode::kValidate).has_value());
}

/// The histories above are worth something only if they reach what they should judge.
TEST(LedgerHistories, ReachSuccessAndFailureOfEachKindOnPaper) {
  using enum TxStatus;
  const std::map<std::string_view, std::set<TxStatus>> wanted{
      {"Transfer", {kOk, kInsufficientFunds, kSelfTransfer, kZeroAmount}},
      {"RefreshLot", {kOk, kNoSuchLot, kRefreshTooEarly, kInsufficientFunds}},
      {"OfferResources", {kOk, kOfferExists, kNotOwner, kBondTooSmall, kInsufficientFunds}},
      {"WithdrawOffer", {kOk, kNotOwner, kOfferWithdrawn}},
      {"JoinCommittee", {kOk, kNoSuchNode, kNotOwner, kSeatBondTooSmall, kSeatTaken, kInsufficientFunds}},
      {"LeaveCommittee", {kOk, kNoSuchSeat, kNotOwner, kSeatLeft}},
      {"PublishService", {kOk, kNameTaken, kInsufficientFunds}},
      {"FundService", {kOk, kInsufficientFunds}},
      {"UnfundService", {kOk, kNotOwner, kUnspentTooSmall}},
      {"RegisterNode", {kOk, kNodeKeyTaken, kBadNodeProof}},
      {"RotateNodeKey", {kOk, kNoSuchNode, kNotOwner, kNodeKeyTaken, kBadNodeProof}},
      {"GrantSessionKey", {kOk, kSessionExists, kBadSessionTerms}},
      {"RevokeSessionKey", {kOk, kNoSuchSession, kNotOwner, kSessionExpired}},
      {"AnnounceVersion", {kOk, kNoSuchService, kNotOwner, kBadMemory, kVersionExists}},
      {"SetPrice", {kOk, kNoSuchService, kNotOwner, kBadShare}}};
  for (std::size_t kind = 0; kind < kTxKinds; ++kind) {
    const auto want = wanted.find(tx_kind_name(kind));
    if (want == wanted.end()) continue;
    for (const TxStatus status : want->second) {
      EXPECT_TRUE(test::seen_statuses()[kind].contains(status)) << want->first << " " << tx_status_name(status);
    }
  }
}

}  // namespace
}  // namespace micro
