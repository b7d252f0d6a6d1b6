// Transactions: one canonical body, one payload variant per kind. There is no kind that places or stops a service, none
// that a genesis key may sign and others may not, and none that writes `place/*` or a service's status.
#pragma once

#include <variant>

#include "chain/codec/codec.hpp"
#include "chain/crypto/hash.hpp"
#include "chain/types/amount.hpp"
#include "chain/types/ids.hpp"
#include "chain/types/payment.hpp"
#include "chain/types/purse.hpp"
#include "chain/types/statement.hpp"

namespace micro {

inline constexpr std::size_t kMaxMemoBytes = 140;
inline constexpr std::size_t kMaxServiceNameBytes = 63;  ///< a DNS label (RFC 1035)
inline constexpr std::size_t kMaxUrlBytes = 512;
inline constexpr std::size_t kMaxSubdirBytes = 256;
inline constexpr std::size_t kMaxDescriptionBytes = 2'048;
inline constexpr std::size_t kMaxSessionServices = 32;
inline constexpr std::size_t kMaxTxBytes = 16'384;

// --- tokens ---
struct Transfer {
  Address to;
  Amount amount;
  Text<kMaxMemoBytes> memo;
  static constexpr auto kFields = fields<&Transfer::to, &Transfer::amount, &Transfer::memo>;
};
/// Gives `amount` of the lot that ends at `expiry` a fresh life, for a fee out of that amount.
struct RefreshLot {
  Epoch expiry;
  LotClass cls = LotClass::kToken;
  Amount amount;
  static constexpr auto kFields = fields<&RefreshLot::expiry, &RefreshLot::cls, &RefreshLot::amount>;
};

// --- identity ---
/// Proofs: each key signs H(kNodeProof ‖ chain ‖ owner ‖ node key ‖ consensus key).
struct RegisterNode {
  Ed25519Key node_key;
  Ed25519Key consensus_key;
  Ed25519Signature node_proof;
  Ed25519Signature consensus_proof;
  static constexpr auto kFields = fields<&RegisterNode::node_key, &RegisterNode::consensus_key,
                                         &RegisterNode::node_proof, &RegisterNode::consensus_proof>;
};
struct RotateNodeKey {
  NodeId node;
  Ed25519Key node_key;
  Ed25519Key consensus_key;
  Ed25519Signature node_proof;
  Ed25519Signature consensus_proof;
  static constexpr auto kFields = fields<&RotateNodeKey::node, &RotateNodeKey::node_key, &RotateNodeKey::consensus_key,
                                         &RotateNodeKey::node_proof, &RotateNodeKey::consensus_proof>;
};
/// Lets `key` spend the sender's tokens on channels, within caps that the ledger enforces.
struct GrantSessionKey {
  PublicKey key;
  Epoch expires;
  Amount per_call_cap;  ///< maxPrice of one call
  Amount window_cap;    ///< deposits and fees a window
  std::uint32_t window_epochs = 0;
  List<ServiceId, kMaxSessionServices> services;  ///< empty: any
  static constexpr auto kFields =
      fields<&GrantSessionKey::key, &GrantSessionKey::expires, &GrantSessionKey::per_call_cap,
             &GrantSessionKey::window_cap, &GrantSessionKey::window_epochs, &GrantSessionKey::services>;
};
struct RevokeSessionKey {
  Address key;
  static constexpr auto kFields = fields<&RevokeSessionKey::key>;
};

// --- stake ---
struct Capacity {
  std::uint32_t cpu_milli = 0;
  std::uint32_t memory_mib = 0;
  std::uint32_t disk_mib = 0;
  static constexpr auto kFields = fields<&Capacity::cpu_milli, &Capacity::memory_mib, &Capacity::disk_mib>;
  bool operator==(const Capacity&) const = default;
};
struct OfferResources {
  NodeId node;
  Capacity capacity;
  Amount bond;
  static constexpr auto kFields = fields<&OfferResources::node, &OfferResources::capacity, &OfferResources::bond>;
};
struct WithdrawOffer {
  OfferId offer;
  static constexpr auto kFields = fields<&WithdrawOffer::offer>;
};

// --- services ---
struct PublishService {
  Text<kMaxServiceNameBytes> name;
  Text<kMaxUrlBytes> repo_url;
  Text<kMaxSubdirBytes> subdir;
  Amount price;                      ///< π a completed call
  std::uint32_t host_share_ppm = 0;  ///< of π after the burned part
  Text<kMaxDescriptionBytes> description;
  static constexpr auto kFields =
      fields<&PublishService::name, &PublishService::repo_url, &PublishService::subdir, &PublishService::price,
             &PublishService::host_share_ppm, &PublishService::description>;
};
struct AnnounceVersion {
  ServiceId service;
  CommitId commit;
  std::uint64_t commit_time_s = 0;
  std::uint32_t memory_mib = 0;
  static constexpr auto kFields = fields<&AnnounceVersion::service, &AnnounceVersion::commit,
                                         &AnnounceVersion::commit_time_s, &AnnounceVersion::memory_mib>;
};
/// A builder's word that this commit, plan and toolchain give this module. The node key signs, the owner's account
/// pays.
struct AttestBuild {
  VersionId version;
  NodeId node;
  Hash plan_hash;
  Hash toolchain_hash;
  CodeHash wasm_hash;
  std::uint32_t wasm_bytes = 0;
  Ed25519Signature signature;  ///< over H(kBuildAttest ‖ chain ‖ version ‖ node ‖ plan ‖ toolchain ‖ wasm ‖ u32 size)
  static constexpr auto kFields =
      fields<&AttestBuild::version, &AttestBuild::node, &AttestBuild::plan_hash, &AttestBuild::toolchain_hash,
             &AttestBuild::wasm_hash, &AttestBuild::wasm_bytes, &AttestBuild::signature>;
};
struct FundService {
  ServiceId service;
  Amount amount;
  static constexpr auto kFields = fields<&FundService::service, &FundService::amount>;
};
struct UnfundService {
  ServiceId service;
  std::optional<Amount> amount;  ///< nothing: all that is unspent when it is executed
  static constexpr auto kFields = fields<&UnfundService::service, &UnfundService::amount>;
};
struct SetPrice {
  ServiceId service;
  Amount price;
  std::uint32_t host_share_ppm = 0;
  static constexpr auto kFields = fields<&SetPrice::service, &SetPrice::price, &SetPrice::host_share_ppm>;
};

// --- payment ---
struct OpenChannel {
  ServiceId service;
  NodeId host;
  XOnlyKey vkey;  ///< fresh key that signs this channel's vouchers
  Amount deposit;
  Epoch end;
  std::uint8_t lanes = 1;
  static constexpr auto kFields = fields<&OpenChannel::service, &OpenChannel::host, &OpenChannel::vkey,
                                         &OpenChannel::deposit, &OpenChannel::end, &OpenChannel::lanes>;
};
struct TopUpChannel {
  ChannelId channel;
  Amount amount;
  static constexpr auto kFields = fields<&TopUpChannel::channel, &TopUpChannel::amount>;
};
/// Submitted by anyone; its fee comes from the proceeds. The channel's host key signs H(kClaim ‖ chain ‖ channel ‖
/// lanes).
struct Claim {
  ChannelId channel;
  List<LaneClaim, kMaxLanesPerChannel> lanes;
  Ed25519Signature host_signature;
  static constexpr auto kFields = fields<&Claim::channel, &Claim::lanes, &Claim::host_signature>;
};
/// The payer submits it; the host key signed H(kClose ‖ chain ‖ channel ‖ totals ‖ valid_until) after it stopped
/// accepting.
struct CoopClose {
  ChannelId channel;
  List<LaneTotal, kMaxLanesPerChannel> totals;
  Epoch valid_until;
  Ed25519Signature host_signature;
  static constexpr auto kFields =
      fields<&CoopClose::channel, &CoopClose::totals, &CoopClose::valid_until, &CoopClose::host_signature>;
};
struct RequestClose {
  ChannelId channel;
  static constexpr auto kFields = fields<&RequestClose::channel>;
};
struct Finalize {
  ChannelId channel;
  static constexpr auto kFields = fields<&Finalize::channel>;
};
struct Dispute {
  CallReceipt receipt;
  Ed25519Signature host_signature;
  static constexpr auto kFields = fields<&Dispute::receipt, &Dispute::host_signature>;
};

// --- committee ---
/// Asks for a seat for the node's consensus key, whose possession was proven when it was registered.
struct JoinCommittee {
  NodeId node;
  Amount bond;
  static constexpr auto kFields = fields<&JoinCommittee::node, &JoinCommittee::bond>;
};
struct LeaveCommittee {
  Ed25519Key key;  ///< of the seat: the node may have another one by now
  static constexpr auto kFields = fields<&LeaveCommittee::key>;
};
/// The seat's word that it holds the state with which `epoch` began. Submitted by anyone; the seat's owner pays.
struct ConfirmReadiness {
  Ed25519Key key;
  Epoch epoch;
  BlockId boundary;            ///< that ended the epoch before: its header holds the state's root
  Ed25519Signature signature;  ///< over H(kReadiness ‖ chain ‖ key ‖ epoch ‖ boundary)
  static constexpr auto kFields = fields<&ConfirmReadiness::key, &ConfirmReadiness::epoch, &ConfirmReadiness::boundary,
                                         &ConfirmReadiness::signature>;
};

// --- faults ---
/// Two statements that no honest key signs both. Its fee comes out of the reward, so the reporter needs no tokens.
struct SubmitEvidence {
  Ed25519Key key;
  Epoch epoch;  ///< of both statements
  Statement first;
  Ed25519Signature first_signature;
  Statement second;
  Ed25519Signature second_signature;
  Address reward_to;
  static constexpr auto kFields =
      fields<&SubmitEvidence::key, &SubmitEvidence::epoch, &SubmitEvidence::first, &SubmitEvidence::first_signature,
             &SubmitEvidence::second, &SubmitEvidence::second_signature, &SubmitEvidence::reward_to>;
};

/// The order is frozen: the index is the wire tag.
using Payload = std::variant<Transfer, RefreshLot, RegisterNode, RotateNodeKey, GrantSessionKey, RevokeSessionKey,
                             OfferResources, WithdrawOffer, PublishService, AnnounceVersion, AttestBuild, FundService,
                             UnfundService, SetPrice, OpenChannel, TopUpChannel, Claim, CoopClose, RequestClose,
                             Finalize, Dispute, JoinCommittee, LeaveCommittee, ConfirmReadiness, SubmitEvidence>;
inline constexpr std::size_t kTxKinds = std::variant_size_v<Payload>;

/// "Transfer", "RefreshLot", … by wire tag.
std::string_view tx_kind_name(std::size_t index);

struct TxBody {
  std::uint8_t version = 1;
  ChainId chain;
  Address sender;
  Nonce nonce;
  Height valid_until;  ///< last height at which it may be included
  Amount max_fee;
  Payload payload;
  static constexpr auto kFields = fields<&TxBody::version, &TxBody::chain, &TxBody::sender, &TxBody::nonce,
                                         &TxBody::valid_until, &TxBody::max_fee, &TxBody::payload>;
};

enum class SignatureScheme : std::uint8_t { kNative = 0 };
inline bool is_known(SignatureScheme s) {
  return s == SignatureScheme::kNative;
}

struct SignedTx {
  TxBody body;
  SignatureScheme scheme = SignatureScheme::kNative;
  PublicKey key;
  EcdsaSignature signature;
  static constexpr auto kFields = fields<&SignedTx::body, &SignedTx::scheme, &SignedTx::key, &SignedTx::signature>;
};

/// Names the body; the signature is not part of it, so it cannot be changed by resigning.
TxId tx_id(const TxBody& body);
/// What the native scheme signs: tagged hash of the encoded body, which holds the chain id.
Hash tx_signing_hash(const TxBody& body);
SignedTx sign_tx(TxBody body, const SecretKey& key);
/// The key belongs to the sender and its low-S signature covers the body.
Status verify_tx_signature(const SignedTx& tx);

}  // namespace micro
