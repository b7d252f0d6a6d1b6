// The ledger on paper: people, bonds, funds, nodes and their keys, session keys, services and versions. It predicts
// every status, fee and balance; placements are read from the real state, since other tests judge them, and channels
// have a model of their own.
#pragma once

#include "chain/registry/service_rules.hpp"
#include "tests/gen/naive_tokens.hpp"
#include "tests/gen/service_world.hpp"

namespace micro::test {

struct NaiveBond {
  std::uint64_t owner = 0;
  NaivePurse purse;
  std::uint64_t bonded_at = 0;
  bool withdrawn = false;
  std::uint64_t end = 0;
  std::uint64_t release = 0;
};

/// A seat of somebody who never says that it is ready, and so never sits.
struct NaiveSeat {
  std::uint64_t owner = 0;
  NaivePurse purse;
  std::uint64_t bonded_at = 0;
  std::optional<std::uint64_t> left;
};

struct NaiveSession {
  std::uint64_t owner = 0;
  std::uint64_t expires = 0;
  bool revoked = false;
};

struct NaiveLedger {
  NaiveTime time;
  ChainId chain;
  std::map<std::uint64_t, NaivePurse> people;
  std::map<std::uint64_t, std::uint64_t> nonces;
  std::map<OfferId, NaiveBond> bonds;
  std::map<NodeId, std::pair<std::uint64_t, std::optional<OfferId>>> nodes;  // owner, last offer
  std::map<ServiceId, std::pair<std::uint64_t, NaivePurse>> funds;           // owner, purse
  std::map<NodeId, std::pair<Ed25519Key, Ed25519Key>> node_keys;
  std::map<Ed25519Key, NaiveSeat> seats;
  std::map<std::uint64_t, NaiveSession> sessions;
  std::map<ServiceId, std::pair<std::uint64_t, std::uint32_t>> prices;  // π and the host's share
  std::set<std::pair<ServiceId, CommitId>> versions;
  std::set<std::string> names;
  std::uint64_t burned = 0;
  ChainParams params;

  void burn(NaivePurse& from, std::uint64_t amount) {
    from.take(time, amount);
    burned += amount;
  }
  /// The status that the ledger must give; its effects only when ok. `id` names what the transaction makes.
  TxStatus apply(std::uint64_t who, const Payload& payload, std::uint64_t fee, const TxId& id) {
    ++nonces[who];
    if (const auto* refresh = std::get_if<RefreshLot>(&payload)) return refresh_and_pay(who, *refresh, fee, id);
    burn(people[who], fee);
    return std::visit([&](const auto& kind) { return run(who, kind, id); }, payload);
  }

  TxStatus run(std::uint64_t who, const Transfer& t, const TxId&) {
    if (t.amount.is_zero()) return TxStatus::kZeroAmount;
    if (t.to == person(who)) return TxStatus::kSelfTransfer;
    if (people[who].live(time) < t.amount.micro) return TxStatus::kInsufficientFunds;
    people[number_of(t.to)].put(people[who].take(time, t.amount.micro));
    return TxStatus::kOk;
  }
  TxStatus run(std::uint64_t who, const RefreshLot& t, const TxId&) {
    const std::uint64_t e = t.expiry.value;
    auto& lots = people[who].lots;
    const auto lot = lots.find({e, static_cast<int>(t.cls)});
    if (t.amount.is_zero()) return TxStatus::kZeroAmount;
    if (e + time.life() <= time.now) return TxStatus::kLotGone;
    if (lot == lots.end()) return TxStatus::kNoSuchLot;
    if (time.now + time.q < e) return TxStatus::kRefreshTooEarly;
    if (lot->second < t.amount.micro) return TxStatus::kInsufficientFunds;
    const std::uint64_t lot_fee = naive_refresh_fee(t.amount.micro, e, time);
    lot->second -= t.amount.micro;
    if (lot->second == 0) lots.erase(lot);
    people[who].add(time.fresh(), static_cast<int>(t.cls), t.amount.micro - lot_fee);
    burned += lot_fee;
    return TxStatus::kOk;
  }
  /// First the refresh, then its fee, which may come out of what was refreshed. All of it or, for the fee, nothing.
  TxStatus refresh_and_pay(std::uint64_t who, const RefreshLot& t, std::uint64_t fee, const TxId& id) {
    const NaivePurse purse_before = people[who];
    const std::uint64_t burned_before = burned;
    TxStatus status = run(who, t, id);
    if (status == TxStatus::kOk && people[who].live(time) < fee) {
      people[who] = purse_before;
      burned = burned_before;
      status = TxStatus::kInsufficientFunds;
    }
    if (people[who].live(time) >= fee) burn(people[who], fee);
    return status;
  }
  TxStatus run(std::uint64_t who, const OfferResources& t, const TxId& id) {
    const auto node = nodes.find(t.node);
    if (node == nodes.end()) return TxStatus::kNoSuchNode;
    if (node->second.first != who) return TxStatus::kNotOwner;
    if (t.bond < params.min_bond) return TxStatus::kBondTooSmall;
    if (node->second.second) {
      const NaiveBond& last = bonds.at(*node->second.second);
      if (!last.withdrawn || time.now < last.end) return TxStatus::kOfferExists;
    }
    if (people[who].live(time) < t.bond.micro) return TxStatus::kInsufficientFunds;
    const auto offer = tagged_hash(domain::kOfferId, id.view()).as<OfferId>();
    bonds[offer] = {who, people[who].take(time, t.bond.micro), time.now, false, 0, 0};
    node->second.second = offer;
    return TxStatus::kOk;
  }
  TxStatus run(std::uint64_t who, const WithdrawOffer& t, const TxId&) {
    const auto bond = bonds.find(t.offer);
    if (bond == bonds.end()) return TxStatus::kNoSuchOffer;
    if (bond->second.owner != who) return TxStatus::kNotOwner;
    if (bond->second.withdrawn) return TxStatus::kOfferWithdrawn;
    bond->second.withdrawn = true;
    bond->second.end = time.now + params.drain_epochs;
    bond->second.release = time.now + params.unbonding_epochs;
    return TxStatus::kOk;
  }
  TxStatus run(std::uint64_t who, const PublishService& t, const TxId&) {
    if (names.contains(t.name)) return TxStatus::kNameTaken;
    if (people[who].live(time) < params.name_fee.micro) return TxStatus::kInsufficientFunds;
    burn(people[who], params.name_fee.micro);
    names.insert(t.name);
    const ServiceId made = service_id(person(who), Nonce(nonces[who] - 1));
    funds[made] = {who, {}};
    prices[made] = {t.price.micro, t.host_share_ppm};
    return TxStatus::kOk;
  }
  TxStatus run(std::uint64_t who, const SetPrice& t, const TxId&) {
    const auto service = funds.find(t.service);
    if (service == funds.end()) return TxStatus::kNoSuchService;
    if (service->second.first != who) return TxStatus::kNotOwner;
    if (t.host_share_ppm < 300'000 || t.host_share_ppm > 1'000'000) return TxStatus::kBadShare;
    prices[t.service] = {t.price.micro, t.host_share_ppm};
    return TxStatus::kOk;
  }
  TxStatus run(std::uint64_t who, const AnnounceVersion& t, const TxId&) {
    const auto service = funds.find(t.service);
    if (service == funds.end()) return TxStatus::kNoSuchService;
    if (service->second.first != who) return TxStatus::kNotOwner;
    if (t.memory_mib == 0) return TxStatus::kBadMemory;
    return versions.insert({t.service, t.commit}).second ? TxStatus::kOk : TxStatus::kVersionExists;
  }

  [[nodiscard]] bool key_in_use(const Ed25519Key& key, const NodeId& except) const {
    for (const auto& [node, keys] : node_keys) {
      if (node != except && (keys.first == key || keys.second == key)) return true;
    }
    return false;
  }
  template <class Keys>
  TxStatus judge_keys(std::uint64_t who, const Keys& t, const NodeId& except) const {
    if (t.node_key == t.consensus_key || key_in_use(t.node_key, except) || key_in_use(t.consensus_key, except)) {
      return TxStatus::kNodeKeyTaken;
    }
    const Hash message = node_proof_hash(chain, person(who), t.node_key, t.consensus_key);
    const bool proven = verify_ed25519(t.node_key, message, t.node_proof) &&
                        verify_ed25519(t.consensus_key, message, t.consensus_proof);
    return proven ? TxStatus::kOk : TxStatus::kBadNodeProof;
  }
  TxStatus run(std::uint64_t who, const RegisterNode& t, const TxId&) {
    const TxStatus judged = judge_keys(who, t, NodeId{});
    if (judged != TxStatus::kOk) return judged;
    const NodeId made = node_id(person(who), Nonce(nonces[who] - 1));
    nodes[made] = {who, {}};
    node_keys[made] = {t.node_key, t.consensus_key};
    return TxStatus::kOk;
  }
  TxStatus run(std::uint64_t who, const RotateNodeKey& t, const TxId&) {
    const auto node = nodes.find(t.node);
    if (node == nodes.end()) return TxStatus::kNoSuchNode;
    if (node->second.first != who) return TxStatus::kNotOwner;
    const TxStatus judged = judge_keys(who, t, t.node);
    if (judged == TxStatus::kOk) node_keys[t.node] = {t.node_key, t.consensus_key};
    return judged;
  }
  TxStatus run(std::uint64_t who, const GrantSessionKey& t, const TxId&) {
    const std::uint64_t key = number_of(address_of(t.key));
    if (sessions.contains(key) || people.contains(key)) return TxStatus::kSessionExists;
    if (t.expires.value <= time.now || t.window_epochs == 0 || t.per_call_cap.is_zero() || t.window_cap.is_zero()) {
      return TxStatus::kBadSessionTerms;
    }
    sessions[key] = {who, t.expires.value, false};
    return TxStatus::kOk;
  }
  TxStatus run(std::uint64_t who, const RevokeSessionKey& t, const TxId&) {
    const auto session = sessions.find(number_of(t.key));
    if (session == sessions.end() || session->second.revoked) return TxStatus::kNoSuchSession;
    if (session->second.owner != who) return TxStatus::kNotOwner;
    if (time.now >= session->second.expires) return TxStatus::kSessionExpired;
    session->second.revoked = true;
    return TxStatus::kOk;
  }
  TxStatus run(std::uint64_t who, const FundService& t, const TxId&) {
    if (t.amount.is_zero()) return TxStatus::kZeroAmount;
    const auto fund = funds.find(t.service);
    if (fund == funds.end()) return TxStatus::kNoSuchService;
    if (people[who].live(time) < t.amount.micro) return TxStatus::kInsufficientFunds;
    fund->second.second.put(people[who].take(time, t.amount.micro));
    return TxStatus::kOk;
  }
  TxStatus run(std::uint64_t who, const UnfundService& t, const TxId&) {
    if (t.amount && t.amount->is_zero()) return TxStatus::kZeroAmount;
    const auto fund = funds.find(t.service);
    if (fund == funds.end()) return TxStatus::kNoSuchService;
    if (fund->second.first != who) return TxStatus::kNotOwner;
    const std::uint64_t unspent = fund->second.second.live(time);
    const std::uint64_t amount = t.amount ? t.amount->micro : unspent;
    if (amount == 0 || unspent < amount) return TxStatus::kUnspentTooSmall;
    people[who].put(fund->second.second.take(time, amount));
    return TxStatus::kOk;
  }
  TxStatus run(std::uint64_t who, const JoinCommittee& t, const TxId&) {
    const auto node = nodes.find(t.node);
    if (node == nodes.end()) return TxStatus::kNoSuchNode;
    if (node->second.first != who) return TxStatus::kNotOwner;
    if (t.bond < params.min_seat_bond) return TxStatus::kSeatBondTooSmall;
    const Ed25519Key key = node_keys.at(t.node).second;
    if (seats.contains(key)) return TxStatus::kSeatTaken;
    if (people[who].live(time) < t.bond.micro) return TxStatus::kInsufficientFunds;
    seats[key] = {who, people[who].take(time, t.bond.micro), time.now, {}};
    return TxStatus::kOk;
  }
  TxStatus run(std::uint64_t who, const LeaveCommittee& t, const TxId&) {
    const auto seat = seats.find(t.key);
    if (seat == seats.end()) return TxStatus::kNoSuchSeat;
    if (seat->second.owner != who) return TxStatus::kNotOwner;
    if (seat->second.left) return TxStatus::kSeatLeft;
    seat->second.left = time.now;
    return TxStatus::kOk;
  }
  template <class Other>
  TxStatus run(std::uint64_t, const Other&, const TxId&) {
    ADD_FAILURE() << "the naive ledger does not know this kind";
    return TxStatus::kOk;
  }

  /// One epoch on; `upkeep` is what each service's placed versions cost.
  void end_epoch(const std::map<ServiceId, std::uint64_t>& upkeep) {
    ++time.now;
    for (auto& [offer, bond] : bonds) {
      if (!bond.withdrawn || bond.release != time.now) continue;
      for (const auto& [key, amount] : bond.purse.lots) {
        const std::uint64_t expiry = (time.now + key.first - bond.bonded_at) / time.q * time.q;
        people[bond.owner].add(expiry, key.second, amount);
      }
      bond.purse.lots.clear();
    }
    std::erase_if(seats, [&](const auto& entry) {
      const NaiveSeat& seat = entry.second;
      if (!seat.left || time.now <= *seat.left + params.unbonding_epochs) return false;
      for (const auto& [key, amount] : seat.purse.lots) {
        people[seat.owner].add((time.now + key.first - seat.bonded_at) / time.q * time.q, key.second, amount);
      }
      return true;
    });
    for (const auto& [service, cost] : upkeep) burn(funds.at(service).second, cost);
  }

  static std::uint64_t number_of(const Address& address) {
    for (std::uint64_t n = 0;; ++n) {
      if (person(n) == address) return n;
    }
  }
};

}  // namespace micro::test
