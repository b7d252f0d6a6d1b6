// Every type that is hashed, signed, sent or stored as a whole. A new one is added here, and with that gets its round
// trips, its frozen bytes and its place in the fuzz target of decoders.
#pragma once

#include "chain/governance/policy_abi.hpp"
#include "chain/records/records.hpp"
#include "chain/state/mmr.hpp"
#include "chain/state/proof.hpp"
#include "chain/store/block_store.hpp"
#include "chain/store/state_store.hpp"
#include "chain/types/block.hpp"
#include "chain/types/genesis.hpp"
#include "chain/types/supply.hpp"

#define MICRO_WIRE_TYPES(X)                                                                                           \
  X(Transfer)                                                                                                         \
  X(RefreshLot)                                                                                                       \
  X(RegisterNode)                                                                                                     \
  X(RotateNodeKey) X(GrantSessionKey) X(RevokeSessionKey) X(OfferResources) X(WithdrawOffer) X(PublishService)        \
      X(AnnounceVersion) X(AttestBuild) X(FundService) X(UnfundService) X(SetPrice) X(OpenChannel) X(TopUpChannel)    \
          X(Claim) X(CoopClose) X(RequestClose) X(Finalize) X(Dispute) X(Payload) X(TxBody) X(SignedTx) X(Event)      \
              X(TxReceipt) X(Header) X(Block) X(ValidatorSet) X(Statement) X(Certificate) X(MerkleProof)              \
                  X(CallRequestRecord) X(Voucher) X(CallReceipt) X(CallInputs) X(LaneClaim) X(LaneTotal) X(Genesis)   \
                      X(ChainParams) X(PolicyInput) X(PolicyOutput) X(EpochClock) X(Account) X(SessionRecord)         \
                          X(NodeRecord) X(OfferRecord) X(ServiceRecord) X(VersionRecord) X(BuildRecord)               \
                              X(StatusRecord) X(FundRecord) X(PlacementRecord) X(PolicyRecord) X(Supply) X(DueRecord) \
                                  X(ChannelRecord) X(StateProof) X(RangeProof) X(MmrProof) X(MmrPeaks)                \
                                      X(BlockReceipts) X(PolicyRecordIo) X(Tip) X(TxLocation) X(StateMeta)            \
                                          X(JoinCommittee) X(LeaveCommittee) X(ConfirmReadiness) X(SubmitEvidence)    \
                                              X(EpochAnchor) X(SeatRecord)
