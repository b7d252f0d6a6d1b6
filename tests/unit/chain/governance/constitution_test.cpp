#include "chain/governance/constitution.hpp"

#include <gtest/gtest.h>

namespace micro {
namespace {

/// Hosts 0–3 of four owners (4 shares owner 0), 1 GiB each; host 3 leaves. Version 0 runs on host 0, version 1 nowhere,
/// version 2 is unfunded on host 1, version 3 needs a second replica beside host 3.
PolicyInput view() {
  PolicyInput in;
  in.churn_cap = 1;
  for (std::uint32_t h = 0; h < 5; ++h) in.hosts.push_back({{}, h % 4, 10, 10, 0, h == 3});
  const auto version = [&](bool funded, std::uint8_t replicas, List<std::uint32_t, kMaxCandidates> placed,
                           List<std::uint32_t, kMaxCandidates> candidates) {
    for (const auto h : placed) in.hosts[h].used_ppm += placement_share_ppm(9, 10);
    in.versions.push_back({{}, 9, funded, funded, replicas, std::move(placed), std::move(candidates)});
  };
  version(true, 1, {0}, {1, 2, 4});
  version(true, 1, {}, {0, 1, 2, 3, 4});
  version(false, 1, {1}, {});
  version(true, 2, {3}, {0, 2, 4});
  return in;
}

PolicyDecision place(std::uint32_t version, std::uint32_t host,
                     DecisionReason reason = DecisionReason::kFirstPlacement) {
  return {DecisionKind::kPlace, version, host, reason};
}
PolicyDecision drain(std::uint32_t version, std::uint32_t host, DecisionReason reason) {
  return {DecisionKind::kDrain, version, host, reason};
}
PolicyFault judged(std::vector<PolicyDecision> decisions, PolicyInput in = view()) {
  PolicyOutput out;
  out.decisions.assign(decisions.begin(), decisions.end());
  return check_output(in, out);
}

using enum DecisionReason;

TEST(Constitution, AllowsWhatAPolicyIsFor) {
  EXPECT_EQ(judged({}), PolicyFault::kNone);
  EXPECT_EQ(judged({place(1, 2)}), PolicyFault::kNone);
  EXPECT_EQ(judged({drain(2, 1, kUnfunded)}), PolicyFault::kNone);
  EXPECT_EQ(judged({place(3, 0, kRepair), place(3, 2, kRepair), drain(3, 3, kHostLeaving)}), PolicyFault::kNone);
  EXPECT_EQ(judged({place(0, 2, kRebalanced), drain(0, 0, kRebalanced)}), PolicyFault::kNone);
  PolicyInput unwanted = view();
  unwanted.versions[0].wanted = false;
  EXPECT_EQ(judged({drain(0, 0, kExpired)}, unwanted), PolicyFault::kNone);
}

TEST(Constitution, RefusesTheWholeOutputForOneFault) {
  PolicyOutput wrong_abi;
  wrong_abi.abi = 9;
  EXPECT_EQ(check_output(view(), wrong_abi), PolicyFault::kMalformed);
  EXPECT_EQ(judged({place(9, 0)}), PolicyFault::kUnknownIndex);
  EXPECT_EQ(judged({place(1, 9)}), PolicyFault::kUnknownIndex);
  EXPECT_EQ(judged({place(1, 2), place(1, 2)}), PolicyFault::kDuplicate);
  EXPECT_EQ(judged({place(1, 2), place(2, 2)}), PolicyFault::kNotPlaceable);
  EXPECT_EQ(judged({place(0, 0, kRepair)}), PolicyFault::kNotPlaceable);
  EXPECT_EQ(judged({place(3, 1, kRepair)}), PolicyFault::kNotACandidate);
  EXPECT_EQ(judged({place(1, 3)}), PolicyFault::kNotACandidate);
  EXPECT_EQ(judged({place(3, 0, kRepair), place(3, 4, kRepair), drain(3, 3, kHostLeaving)}),
            PolicyFault::kSharedCluster);
  EXPECT_EQ(judged({drain(1, 0, kUnfunded)}), PolicyFault::kNotPlaced);
}

TEST(Constitution, ReasonsMustBeTrue) {
  EXPECT_EQ(judged({place(1, 2, kRepair)}), PolicyFault::kUntrueReason);
  EXPECT_EQ(judged({place(3, 2, kFirstPlacement)}), PolicyFault::kUntrueReason);
  EXPECT_EQ(judged({place(0, 2, kRepair)}), PolicyFault::kUntrueReason);
  EXPECT_EQ(judged({place(1, 2, kUnfunded)}), PolicyFault::kUntrueReason);
  EXPECT_EQ(judged({drain(0, 0, kUnfunded)}), PolicyFault::kUntrueReason);
  EXPECT_EQ(judged({drain(0, 0, kExpired)}), PolicyFault::kUntrueReason);
  EXPECT_EQ(judged({drain(0, 0, kHostLeaving)}), PolicyFault::kUntrueReason);
  EXPECT_EQ(judged({drain(2, 1, kExpired)}), PolicyFault::kUntrueReason);
  EXPECT_EQ(judged({drain(3, 3, kRebalanced)}), PolicyFault::kUntrueReason);
  EXPECT_EQ(judged({place(0, 2, kRebalanced)}), PolicyFault::kUntrueReason);  // a move has two ends
}

TEST(Constitution, ReplicasCapacityAndChurnAreBounded) {
  EXPECT_EQ(judged({place(1, 2), place(1, 1)}), PolicyFault::kTooManyReplicas);
  // Replacing a host that leaves without letting it go would run one more than the service's fund was asked for.
  EXPECT_EQ(judged({place(3, 0, kRepair), place(3, 2, kRepair)}), PolicyFault::kTooManyReplicas);
  EXPECT_EQ(judged({place(3, 0, kRepair)}), PolicyFault::kNone);
  PolicyInput two = view();
  two.versions[0].placed = {0, 2};
  EXPECT_EQ(judged({drain(0, 0, kRebalanced), place(0, 1, kRebalanced)}, two), PolicyFault::kNone);
  PolicyInput full = view();
  full.hosts[2].used_ppm = 600'000;
  EXPECT_EQ(judged({place(1, 2)}, full), PolicyFault::kNoCapacity);
  PolicyInput moved = view();
  moved.versions[1].placed = {0};
  const std::vector two_moves{drain(0, 0, kRebalanced), place(0, 2, kRebalanced), drain(1, 0, kRebalanced),
                              place(1, 1, kRebalanced)};
  EXPECT_EQ(judged(two_moves, moved), PolicyFault::kTooMuchChurn);
  moved.churn_cap = 2;
  EXPECT_EQ(judged(two_moves, moved), PolicyFault::kNone);
}

TEST(Constitution, ChurnIsOnePercentAndAtLeastOne) {
  EXPECT_EQ(churn_cap(0), 1u);
  EXPECT_EQ(churn_cap(199), 1u);
  EXPECT_EQ(churn_cap(500), 5u);
}

TEST(Constitution, SharesNeverUnderstate) {
  for (std::uint32_t version = 1; version < 3'000; version = version * 3 / 2 + 1) {
    for (std::uint32_t host = 1; host < 9'000; host = host * 3 / 2 + 1) {
      const std::uint32_t share = placement_share_ppm(ceil_log2(version), floor_log2(host));
      if (share > kPpm) continue;
      EXPECT_LE(version, host);
      EXPECT_GE(std::uint64_t{share} * host, std::uint64_t{version} * kPpm);
    }
  }
}

TEST(Params, AreBounded) {
  EXPECT_TRUE(check_params(ChainParams{}).has_value());
  const auto refused = [](auto change) {
    ChainParams p;
    change(p);
    return !check_params(p).has_value();
  };
  EXPECT_TRUE(refused([](ChainParams& p) { p.bucket_epochs = 0; }));
  EXPECT_TRUE(refused([](ChainParams& p) { p.unbonding_epochs = 2 * p.dispute_epochs + p.drain_epochs; }));
  EXPECT_TRUE(refused([](ChainParams& p) { p.burn_share_ppm = 10'000; }));
  EXPECT_TRUE(refused([](ChainParams& p) { p.burn_share_ppm = kPpm; }));  // nothing would be left to earn
  EXPECT_TRUE(refused([](ChainParams& p) { p.fee_per_tx = p.fee_per_byte = Amount(0); }));
  EXPECT_TRUE(refused([](ChainParams& p) { p.replicas_min = 17; }));
  EXPECT_TRUE(refused([](ChainParams& p) { p.fee_per_byte = Amount(kMaxSupplyMicro); }));
  EXPECT_TRUE(refused([](ChainParams& p) { p.build_quorum = 0; }));
}

}  // namespace
}  // namespace micro
