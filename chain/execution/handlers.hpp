// One function a kind. To add a kind: README.md.
#pragma once

#include "chain/execution/tx_scope.hpp"

namespace micro {

// tokens
Result<TxStatus> apply(TxScope& s, const Transfer& t);
Result<TxStatus> apply(TxScope& s, const RefreshLot& t);
// identity
Result<TxStatus> apply(TxScope& s, const RegisterNode& t);
Result<TxStatus> apply(TxScope& s, const RotateNodeKey& t);
Result<TxStatus> apply(TxScope& s, const GrantSessionKey& t);
Result<TxStatus> apply(TxScope& s, const RevokeSessionKey& t);
// stake
Result<TxStatus> apply(TxScope& s, const OfferResources& t);
Result<TxStatus> apply(TxScope& s, const WithdrawOffer& t);
// services
Result<TxStatus> apply(TxScope& s, const PublishService& t);
Result<TxStatus> apply(TxScope& s, const AnnounceVersion& t);
Result<TxStatus> apply(TxScope& s, const AttestBuild& t);
Result<TxStatus> apply(TxScope& s, const FundService& t);
Result<TxStatus> apply(TxScope& s, const UnfundService& t);
Result<TxStatus> apply(TxScope& s, const SetPrice& t);
// payment
Result<TxStatus> apply(TxScope& s, const OpenChannel& t);
Result<TxStatus> apply(TxScope& s, const TopUpChannel& t);
Result<TxStatus> apply(TxScope& s, const Claim& t);
Result<TxStatus> apply(TxScope& s, const CoopClose& t);
Result<TxStatus> apply(TxScope& s, const RequestClose& t);
Result<TxStatus> apply(TxScope& s, const Finalize& t);
Result<TxStatus> apply(TxScope& s, const Dispute& t);
// committee
Result<TxStatus> apply(TxScope& s, const JoinCommittee& t);
Result<TxStatus> apply(TxScope& s, const LeaveCommittee& t);
Result<TxStatus> apply(TxScope& s, const ConfirmReadiness& t);
// faults
Result<TxStatus> apply(TxScope& s, const SubmitEvidence& t);

/// Ends an offer from now on: it drains, and its bond goes back after unbonding. WithdrawOffer, and a slash that leaves
/// the bond below the minimum, do this. Stores the offer.
Result<Epoch> withdraw_offer(TxScope& s, OfferRecord& offer);

}  // namespace micro
