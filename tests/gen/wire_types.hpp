// Every type that is hashed, signed, sent or stored as a whole. A new one is added here, and with that gets its round
// trips, its frozen bytes and its place in the fuzz target of decoders.
#pragma once

#include "chain/governance/policy_abi.hpp"
#include "chain/records/records.hpp"
#include "chain/types/block.hpp"
#include "chain/types/genesis.hpp"
#include "chain/types/supply.hpp"

#define MICRO_WIRE_TYPES(X)                                                                                       \
  X(Transfer) X(RefreshLot) X(RegisterNode) X(RotateNodeKey) X(GrantSessionKey) X(RevokeSessionKey)               \
  X(OfferResources) X(WithdrawOffer) X(PublishService) X(AnnounceVersion) X(AttestBuild) X(FundService)           \
  X(UnfundService) X(SetPrice) X(OpenChannel) X(TopUpChannel) X(Claim) X(CoopClose) X(RequestClose) X(Finalize)   \
  X(Dispute) X(Payload) X(TxBody) X(SignedTx) X(Event) X(TxReceipt) X(Header) X(Block) X(ValidatorSet)            \
  X(Statement) X(Certificate) X(MerkleProof) X(CallRequestRecord) X(Voucher) X(CallReceipt) X(CallInputs)         \
  X(LaneClaim) X(LaneTotal) X(Genesis) X(ChainParams) X(PolicyInput) X(PolicyOutput) X(EpochClock) X(Account)     \
  X(SessionRecord) X(NodeRecord) X(OfferRecord) X(ServiceRecord) X(VersionRecord) X(BuildRecord) X(StatusRecord)  \
  X(FundRecord) X(PlacementRecord) X(PolicyRecord) X(Supply) X(DueRecord) X(ChannelRecord)

namespace micro::test {

/// The types that arrive from outside: over a socket, in a file, from the policy.
#define MICRO_DECODED_TYPES(X)                                                                                  \
  X(SignedTx)                                                                                                   \
  X(Block) X(Header) X(TxReceipt) X(Certificate) X(ValidatorSet) X(MerkleProof) X(CallRequestRecord) X(Voucher) \
      X(CallReceipt) X(CallInputs) X(Genesis) X(PolicyOutput) X(PolicyInput) X(Event) X(Account) X(OfferRecord) \
          X(VersionRecord) X(PlacementRecord)

}  // namespace micro::test
