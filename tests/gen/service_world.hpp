// A world with nodes, offers and services, and a greedy native policy that plays the part of the wasm one.
#pragma once

#include <algorithm>
#include <set>

#include "chain/governance/constitution.hpp"
#include "chain/identity/node_identity.hpp"
#include "chain/registry/resolve.hpp"
#include "chain/registry/service_rules.hpp"
#include "tests/gen/ledger_world.hpp"

namespace micro::test {

/// Places what is missing on candidates of distinct clusters, drains what is unfunded and hosts that leave.
inline PolicyOutput greedy(const PolicyInput& in) {
  PolicyOutput out;
  std::vector<std::uint64_t> used;
  for (const HostView& h : in.hosts) used.push_back(h.used_ppm);
  for (std::uint32_t v = 0; v < in.versions.size(); ++v) {
    const VersionView& version = in.versions[v];
    if (!version.funded) {
      for (const auto h : version.placed)
        out.decisions.push_back({DecisionKind::kDrain, v, h, DecisionReason::kUnfunded});
      continue;
    }
    std::set<std::uint32_t> clusters;
    std::uint32_t staying = 0;
    for (const auto h : version.placed) {
      if (in.hosts[h].leaving) continue;
      ++staying;
      clusters.insert(in.hosts[h].cluster);
    }
    for (const auto h : version.candidates) {
      const auto share = placement_share_ppm(version.log2_memory_mib, in.hosts[h].log2_memory_mib);
      if (staying >= version.replicas || used[h] + share > kPpm || !clusters.insert(in.hosts[h].cluster).second)
        continue;
      out.decisions.push_back({DecisionKind::kPlace, v, h,
                               version.placed.empty() ? DecisionReason::kFirstPlacement : DecisionReason::kRepair});
      used[h] += share;
      ++staying;
    }
    for (const auto h : version.placed) {
      if (in.hosts[h].leaving && staying > 0) {
        out.decisions.push_back({DecisionKind::kDrain, v, h, DecisionReason::kHostLeaving});
      }
    }
  }
  return out;
}

struct ServiceWorld : World {
  PolicyInput last_input;

  explicit ServiceWorld(std::size_t people = 6, std::uint64_t amount = 1'000'000'000, std::uint32_t bucket_epochs = 4)
      : World(people, amount, bucket_epochs) {
    follow(greedy);
  }
  void follow(std::function<PolicyOutput(const PolicyInput&)> decide) {
    policy.decide = [this, decide](ByteView bytes) {
      last_input = decode<PolicyInput>(bytes).value();
      return PolicyRunOutcome{true, encode(decide(last_input)), 1, {}};
    };
  }

  /// Each person has at most one node in these tests, made from the same number.
  [[nodiscard]] RegisterNode registration(std::uint64_t owner, std::uint64_t machine) const {
    const Ed25519Secret node = machine_key(2 * machine + 100);
    const Ed25519Secret consensus = machine_key(2 * machine + 101);
    const Hash proof = node_proof_hash(chain, person(owner), node.public_key(), consensus.public_key());
    return {node.public_key(), consensus.public_key(), node.sign(proof), consensus.sign(proof)};
  }
  NodeId add_node(std::uint64_t owner, std::uint64_t machine) {
    const TxReceipt receipt = apply(owner, registration(owner, machine));
    EXPECT_EQ(receipt.status, TxStatus::kOk);
    return std::get<event::NodeRegistered>(receipt.events.at(0)).node;
  }
  OfferId add_offer(std::uint64_t owner, const NodeId& node, Capacity capacity = {1'000, 1'024, 1'024}) {
    const TxReceipt receipt = apply(owner, OfferResources{node, capacity, genesis.params.min_bond});
    EXPECT_EQ(receipt.status, TxStatus::kOk);
    return std::get<event::ResourcesOffered>(receipt.events.at(0)).offer;
  }
  ServiceId publish(std::uint64_t owner, const std::string& name) {
    const TxReceipt receipt = apply(owner, PublishService{Text<kMaxServiceNameBytes>(name),
                                                          Text<kMaxUrlBytes>("https://git.example/r"),
                                                          {},
                                                          Amount(50),
                                                          700'000,
                                                          {}});
    EXPECT_EQ(receipt.status, TxStatus::kOk);
    return std::get<event::ServicePublished>(receipt.events.at(0)).service;
  }
  static CommitId commit(std::uint64_t n) {
    CommitId id;
    std::copy_n(seed_of(n).data.begin(), CommitId::kSize, id.data.begin());
    return id;
  }
  VersionId announce(std::uint64_t owner, const ServiceId& service, std::uint64_t n, std::uint32_t memory_mib = 64) {
    EXPECT_EQ(apply(owner, AnnounceVersion{service, commit(n), 1'700'000'000, memory_mib}).status, TxStatus::kOk);
    return version_id(service, commit(n));
  }
  [[nodiscard]] AttestBuild attestation(const VersionId& version, const NodeId& node, std::uint64_t machine,
                                        std::uint64_t module = 1) const {
    AttestBuild a;
    a.version = version;
    a.node = node;
    a.plan_hash = seed_of(1);
    a.toolchain_hash = seed_of(2);
    a.wasm_hash = seed_of(module).as<CodeHash>();
    a.wasm_bytes = 1'000;
    a.signature = machine_key(2 * machine + 100).sign(build_attest_hash(chain, a));
    return a;
  }
  void attest(std::uint64_t sender, const VersionId& version, const NodeId& node, std::uint64_t machine,
              std::uint64_t module = 1) {
    EXPECT_EQ(apply(sender, attestation(version, node, machine, module)).status, TxStatus::kOk);
  }
  void fund(std::uint64_t from, const ServiceId& service, std::uint64_t amount) {
    EXPECT_EQ(apply(from, FundService{service, Amount(amount)}).status, TxStatus::kOk);
  }
  [[nodiscard]] VersionState status_of(const VersionId& v) const {
    const auto record = read<StatusRecord>(path::status(v));
    return record ? record->state : VersionState::kAnnounced;
  }
  /// Nodes that hold it, draining ones left out.
  [[nodiscard]] std::vector<NodeId> hosts_of(const VersionId& v) const {
    std::vector<NodeId> out;
    if (const auto record = read<PlacementRecord>(path::placement(v))) {
      for (const Placement& p : record->hosts) {
        if (p.end.value == 0) out.push_back(p.node);
      }
    }
    return out;
  }
};

}  // namespace micro::test
