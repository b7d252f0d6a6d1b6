// Every kind reaches each of its outcomes somewhere in this binary, and every status is reached by some kind. When all
// tests ran, what was seen is compared with this table; a new kind or status fails here until a test reaches it.
#include <gtest/gtest.h>

#include "chain/types/transaction.hpp"
#include "tests/gen/status_coverage.hpp"

namespace micro {
namespace {

using enum TxStatus;

const std::map<std::string_view, std::set<TxStatus>>& outcomes() {
  static const std::map<std::string_view, std::set<TxStatus>> table{
      {"Transfer", {kOk, kInsufficientFunds, kNotTransferable, kSelfTransfer, kZeroAmount, kToSessionKey}},
      {"RefreshLot", {kOk, kInsufficientFunds, kNoSuchLot, kLotGone, kRefreshTooEarly, kZeroAmount}},
      {"RegisterNode", {kOk, kNodeKeyTaken, kBadNodeProof}},
      {"RotateNodeKey", {kOk, kNoSuchNode, kNotOwner, kNodeKeyTaken, kBadNodeProof}},
      {"GrantSessionKey", {kOk, kSessionExists, kBadSessionTerms}},
      {"RevokeSessionKey", {kOk, kNoSuchSession, kNotOwner, kSessionExpired}},
      {"OfferResources", {kOk, kNoSuchNode, kNotOwner, kNoCapacity, kBondTooSmall, kOfferExists, kInsufficientFunds}},
      {"WithdrawOffer", {kOk, kNoSuchOffer, kNotOwner, kOfferWithdrawn}},
      {"PublishService", {kOk, kBadName, kBadSource, kBadShare, kNameTaken, kInsufficientFunds}},
      {"AnnounceVersion", {kOk, kNoSuchService, kNotOwner, kBadMemory, kVersionExists}},
      {"AttestBuild",
       {kOk, kNoSuchVersion, kNoSuchNode, kNotABuilder, kAlreadyAttested, kTooManyAttestations, kBadAttestation,
        kInsufficientFunds}},
      {"FundService", {kOk, kZeroAmount, kNoSuchService, kInsufficientFunds}},
      {"UnfundService", {kOk, kZeroAmount, kNoSuchService, kNotOwner, kUnspentTooSmall}},
      {"SetPrice", {kOk, kNoSuchService, kNotOwner, kBadShare}},
      {"OpenChannel",
       {kOk, kBadChannelTerms, kNoSuchService, kNoSuchNode, kNotPlaced, kSessionService, kSessionCap, kDepositTooSmall,
        kInsufficientFunds, kEscrowExpiry}},
      {"TopUpChannel",
       {kOk, kZeroAmount, kNoSuchChannel, kNotPayer, kChannelClosing, kTooLate, kOverflow, kInsufficientFunds}},
      {"Claim",
       {kOk, kNoSuchChannel, kAlreadyDisputed, kTooLate, kNothingToClaim, kBelowClaimFee, kBadVoucher, kOverVoucher,
        kBadHostSignature, kNotMonotone, kOverPrice, kOverDeposit}},
      {"CoopClose", {kOk, kNoSuchChannel, kNotPayer, kTooLate, kBadHostSignature}},
      {"RequestClose", {kOk, kNoSuchChannel, kNotPayer, kChannelClosing}},
      {"Finalize", {kOk, kNoSuchChannel, kTooEarly}},
      {"Dispute", {kOk, kNoSuchChannel, kTooLate, kNoContradiction, kBadHostSignature}},
      {"JoinCommittee", {kOk, kNoSuchNode, kNotOwner, kSeatBondTooSmall, kSeatTaken, kConvicted, kInsufficientFunds}},
      {"LeaveCommittee", {kOk, kNoSuchSeat, kNotOwner, kConvicted, kSeatLeft}},
      {"ConfirmReadiness",
       {kOk, kNoSuchSeat, kConvicted, kSeatLeft, kAlreadyReady, kUnknownBoundary, kBadReadiness, kInsufficientFunds}},
      {"SubmitEvidence",
       {kOk, kNoSuchSeat, kConvicted, kTooLate, kWrongEpoch, kNotSeated, kNotContradictory, kBadEvidence,
        kToSessionKey}},
  };
  return table;
}

std::vector<TxStatus> all_statuses() {
  return {
#define X(name, number, text) name,
      MICRO_TX_STATUSES(X)
#undef X
  };
}

/// Judges when every test of the binary has run.
class Coverage final : public ::testing::Environment {
 public:
  void TearDown() override {
    const auto* run = ::testing::UnitTest::GetInstance();
    if (run->test_to_run_count() != run->total_test_count()) return;  // a part was asked for
    std::set<TxStatus> anywhere;
    for (std::size_t kind = 0; kind < kTxKinds; ++kind) {
      const auto& seen = test::seen_statuses()[kind];
      anywhere.insert(seen.begin(), seen.end());
      for (const TxStatus wanted : outcomes().at(tx_kind_name(kind))) {
        if (!seen.contains(wanted)) ADD_FAILURE() << tx_kind_name(kind) << " never ended in " << tx_status_name(wanted);
      }
    }
    for (const TxStatus status : all_statuses()) {
      // Signatures are checked before execution, and no kind of today can be as large as a transaction may be.
      if (status == kBadSignature || status == kTooLarge) continue;
      if (!anywhere.contains(status)) ADD_FAILURE() << "nothing ever ended in " << tx_status_name(status);
    }
  }
};

[[maybe_unused]] const auto* const kCoverage = ::testing::AddGlobalTestEnvironment(new Coverage);

TEST(StatusCoverage, NamesEveryKindAndOnlyKnownOnes) {
  EXPECT_EQ(outcomes().size(), kTxKinds);
  for (std::size_t kind = 0; kind < kTxKinds; ++kind) EXPECT_TRUE(outcomes().contains(tx_kind_name(kind)));
}

}  // namespace
}  // namespace micro
