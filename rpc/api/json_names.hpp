// JSON names of transactions, events and headers: the same as their members'.
#pragma once

#include "chain/types/block.hpp"
#include "genesis/json/genesis_names.hpp"

namespace micro {

MICRO_JSON_ENUM(LotClass, {LotClass::kBase, "base"}, {LotClass::kToken, "token"})
MICRO_JSON_ENUM(CallOutcomeKind, {CallOutcomeKind::kDone, "done"}, {CallOutcomeKind::kFailed, "failed"})
MICRO_JSON_ENUM(SignatureScheme, {SignatureScheme::kNative, "native"})
MICRO_JSON_ENUM(StatementKind, {StatementKind::kNotarize, "notarize"}, {StatementKind::kNullify, "nullify"},
                {StatementKind::kFinalize, "finalize"})

MICRO_JSON_OF(CallRequestRecord, method, service, version, target, content_type, body_hash, price_epoch)
MICRO_JSON_OF(Voucher, channel, lane, seq, cum, req, accept_by)
MICRO_JSON_OF(CallReceipt, channel, lane, seq, outcome, req, resp, charged, base_fee, cum_charged, cum_base_fee, gas,
              module, epoch, inputs)
MICRO_JSON_OF(CallInputs, time, seed, gas_limit, engine, price_per_mgas)
MICRO_JSON_OF(LaneClaim, voucher, voucher_signature, cum_charged, cum_base_fee)
MICRO_JSON_OF(LaneTotal, lane, seq, cum_charged, cum_base_fee)

MICRO_JSON_OF(Capacity, cpu_milli, memory_mib, disk_mib)
MICRO_JSON_OF(Transfer, to, amount, memo)
MICRO_JSON_OF(RefreshLot, expiry, cls, amount)
MICRO_JSON_OF(RegisterNode, node_key, consensus_key, node_proof, consensus_proof)
MICRO_JSON_OF(RotateNodeKey, node, node_key, consensus_key, node_proof, consensus_proof)
MICRO_JSON_OF(GrantSessionKey, key, expires, per_call_cap, window_cap, window_epochs, services)
MICRO_JSON_OF(RevokeSessionKey, key)
MICRO_JSON_OF(OfferResources, node, capacity, bond)
MICRO_JSON_OF(WithdrawOffer, offer)
MICRO_JSON_OF(PublishService, name, repo_url, subdir, price, host_share_ppm, description)
MICRO_JSON_OF(AnnounceVersion, service, commit, commit_time_s, memory_mib)
MICRO_JSON_OF(AttestBuild, version, node, plan_hash, toolchain_hash, wasm_hash, wasm_bytes, signature)
MICRO_JSON_OF(FundService, service, amount)
MICRO_JSON_OF(UnfundService, service, amount)
MICRO_JSON_OF(SetPrice, service, price, host_share_ppm)
MICRO_JSON_OF(OpenChannel, service, host, vkey, deposit, end, lanes)
MICRO_JSON_OF(TopUpChannel, channel, amount)
MICRO_JSON_OF(Claim, channel, lanes, host_signature)
MICRO_JSON_OF(CoopClose, channel, totals, valid_until, host_signature)
MICRO_JSON_OF(RequestClose, channel)
MICRO_JSON_OF(Finalize, channel)
MICRO_JSON_OF(Dispute, receipt, host_signature)
MICRO_JSON_OF(JoinCommittee, node, bond)
MICRO_JSON_OF(LeaveCommittee, key)
MICRO_JSON_OF(ConfirmReadiness, key, epoch, boundary, signature)
MICRO_JSON_OF(Statement, kind, epoch_id, view, parent_view, block)
MICRO_JSON_OF(SubmitEvidence, key, epoch, first, first_signature, second, second_signature, reward_to)
template <>
struct JsonVariant<Payload> {
  static std::string_view name(std::size_t index) { return tx_kind_name(index); }
};
MICRO_JSON_OF(TxBody, version, chain, sender, nonce, valid_until, max_fee, payload)

MICRO_JSON_OF(event::Transferred, from, to, amount)
MICRO_JSON_OF(event::LotRefreshed, account, from, to, amount, fee)
MICRO_JSON_OF(event::NodeRegistered, owner, node, key)
MICRO_JSON_OF(event::NodeKeyRotated, node, key)
MICRO_JSON_OF(event::SessionGranted, owner, key, expires)
MICRO_JSON_OF(event::SessionRevoked, owner, key)
MICRO_JSON_OF(event::ResourcesOffered, owner, node, offer, capacity, bond)
MICRO_JSON_OF(event::OfferWithdrawn, owner, offer, end, release)
MICRO_JSON_OF(event::BondReleased, owner, offer, amount)
MICRO_JSON_OF(event::BondSlashed, owner, offer, refunded, burned)
MICRO_JSON_OF(event::ServicePublished, owner, service, name)
MICRO_JSON_OF(event::VersionAnnounced, service, version, commit)
MICRO_JSON_OF(event::BuildAttested, version, node, wasm_hash)
MICRO_JSON_OF(event::ServiceFunded, service, from, amount)
MICRO_JSON_OF(event::ServiceUnfunded, service, to, amount)
MICRO_JSON_OF(event::PriceSet, service, price, host_share_ppm)
MICRO_JSON_OF(event::ChannelOpened, channel, payer, service, host, deposit, end)
MICRO_JSON_OF(event::ChannelToppedUp, channel, payer, amount)
MICRO_JSON_OF(event::Claimed, channel, host_owner, owner, charged, burned, to_host, to_owner, fee, held)
MICRO_JSON_OF(event::CloseRequested, channel, finalizable)
MICRO_JSON_OF(event::ChannelClosed, channel, payer, host_owner, owner, refund, to_host, to_owner)
MICRO_JSON_OF(event::ChannelDisputed, channel, payer, lane, refunded, burned)
MICRO_JSON_OF(event::EpochEnded, epoch, expired, purged, upkeep)
MICRO_JSON_OF(event::VersionStatusChanged, service, version, from, to)
MICRO_JSON_OF(event::PolicyRan, epoch, policy, input, output, engine, first_decision, decisions)
MICRO_JSON_OF(event::PolicyFailed, epoch, policy, input, reason)
MICRO_JSON_OF(event::Placed, decision, version, service, node, reason)
MICRO_JSON_OF(event::Drained, decision, version, service, node, reason, end)
MICRO_JSON_OF(event::ProceedsReleased, channel, host_owner, owner, to_host, to_owner)
MICRO_JSON_OF(event::CommitteeJoined, owner, node, key, bond)
MICRO_JSON_OF(event::ReadinessConfirmed, owner, key, epoch)
MICRO_JSON_OF(event::CommitteeLeft, owner, key)
MICRO_JSON_OF(event::SeatReleased, owner, key, amount)
MICRO_JSON_OF(event::ValidatorConvicted, owner, key, epoch, reporter, rewarded, burned)
MICRO_JSON_OF(event::CommitteeFixed, epoch, set, members)
template <>
struct JsonVariant<Event> {
  static std::string_view name(std::size_t index) { return event_name(index); }
};

MICRO_JSON_OF(Header, version, height, epoch, boundary, parent, time, txs_root, receipts_root, events_root, state_root,
              headers_root, next_validators)
MICRO_JSON_OF(Certificate, statement, signers, signatures)

}  // namespace micro
