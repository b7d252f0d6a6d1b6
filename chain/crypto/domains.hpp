// The registry of domain tags. Every hash and every signature in the network starts with one of these, so that bytes
// made for one purpose are worthless for another. A test refuses duplicates.
#pragma once

#include <array>
#include <string_view>

namespace micro::domain {

#define MICRO_DOMAINS(X)                            \
  X(kGenesis, "micro/genesis/v1")                   \
  X(kAddress, "micro/address/v1")                   \
  X(kTxId, "micro/tx/id/v1")                        \
  X(kTxSign, "micro/sign/tx/v1")                    \
  X(kTxsRoot, "micro/txs-root/v1")                  \
  X(kReceiptsRoot, "micro/receipts-root/v1")        \
  X(kEventsRoot, "micro/events-root/v1")            \
  X(kHeader, "micro/header/v1")                     \
  X(kMmrLeaf, "micro/mmr/leaf/v1")                  \
  X(kMmrNode, "micro/mmr/node/v1")                  \
  X(kMmrRoot, "micro/mmr/root/v1")                  \
  X(kMerkleLeaf, "micro/merkle/leaf/v1")            \
  X(kMerkleNode, "micro/merkle/node/v1")            \
  X(kTrieLeaf, "micro/trie/leaf/v1")                \
  X(kTrieNode, "micro/trie/node/v1")                \
  X(kTrieValue, "micro/trie/value/v1")              \
  X(kEpochId, "micro/epoch-id/v1")                  \
  X(kStatement, "micro/consensus/statement/v1")     \
  X(kValidatorSet, "micro/validators/v1")           \
  X(kNodeId, "micro/node/id/v1")                    \
  X(kNodeProof, "micro/sign/node-proof/v1")         \
  X(kReadiness, "micro/sign/readiness/v1")          \
  X(kOfferId, "micro/offer/id/v1")                  \
  X(kServiceId, "micro/service/id/v1")              \
  X(kVersionId, "micro/version/id/v1")              \
  X(kBuildAttest, "micro/sign/build/v1")            \
  X(kBuildPlan, "micro/build/plan/v1")              \
  X(kToolchain, "micro/build/toolchain/v1")         \
  X(kBuildKey, "micro/build/key/v1")                \
  X(kChannelId, "micro/channel/id/v1")              \
  X(kVoucher, "micro/sign/voucher/v1")              \
  X(kRequest, "micro/call/request/v1")              \
  X(kCallInputs, "micro/call/inputs/v1")            \
  X(kCallReceipt, "micro/sign/call-receipt/v1")     \
  X(kClaim, "micro/sign/claim/v1")                  \
  X(kClose, "micro/sign/close/v1")                  \
  X(kCloseAsk, "micro/sign/close-ask/v1")           \
  X(kCallSeed, "micro/call/seed/v1")                \
  X(kGuestRandom, "micro/call/random/v1")           \
  X(kWasmModule, "micro/wasm/module/v1")            \
  X(kBeacon, "micro/beacon/v1")                     \
  X(kPolicySalt, "micro/policy/salt/v1")            \
  X(kPolicyRandom, "micro/policy/random/v1")        \
  X(kPolicyCode, "micro/policy/code/v1")            \
  X(kPolicyInput, "micro/policy/input/v1")          \
  X(kPolicyOutput, "micro/policy/output/v1")        \
  X(kPseudonym, "micro/policy/pseudonym/v1")        \
  X(kRendezvous, "micro/rendezvous/v1")             \
  X(kDecision, "micro/decision/v1")                 \
  X(kWalletLog, "micro/wallet/log/v1")              \
  X(kVoucherKey, "micro/wallet/voucher-key/v1")     \
  X(kEngineConfig, "micro/engine/config/v1")        \
  X(kGossipMessage, "micro/gossip/message/v1")

enum class Tag : unsigned char {
#define X(name, text) name,
  MICRO_DOMAINS(X)
#undef X
};
using enum Tag;

inline constexpr auto kTexts = std::array{
#define X(name, text) std::string_view(text),
    MICRO_DOMAINS(X)
#undef X
};

inline constexpr std::string_view text(Tag tag) { return kTexts[static_cast<unsigned char>(tag)]; }

}  // namespace micro::domain
