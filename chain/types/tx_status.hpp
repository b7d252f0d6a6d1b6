// Outcome of a transaction, frozen: numbers are grouped by consequence and never reused.
//   0 ok · 1–99 malformed, never included · 100–199 not now, may be valid later · 200–… included, failed, fee charged
#pragma once

#include <cstdint>
#include <string_view>

namespace micro {

#define MICRO_TX_STATUSES(X)                                                             \
  X(kOk, 0, "ok")                                                                        \
  X(kBadVersion, 1, "unknown transaction version")                                       \
  X(kWrongChain, 2, "made for another network")                                          \
  X(kBadSignature, 3, "the signature does not cover this transaction")                   \
  X(kTooLarge, 4, "larger than a transaction may be")                                    \
  X(kExpired, 5, "valid_until has passed")                                               \
  X(kNonceUsed, 6, "this nonce was used already")                                        \
  X(kNotForSessions, 7, "a session key may not sign this kind")                          \
  X(kMalformed, 8, "a field is out of range")                                            \
  X(kSessionEnded, 9, "the session key has expired or was revoked")                      \
  X(kNonceGap, 100, "an earlier nonce is still missing")                                 \
  X(kFeeTooLow, 101, "max_fee is below the fee")                                         \
  X(kCannotPayFee, 102, "not enough live tokens for the fee")                            \
  X(kSessionWindowFull, 103, "the session key's window has no room for the fee")         \
  X(kInsufficientFunds, 200, "not enough live tokens")                                   \
  X(kNoSuchLot, 201, "no such lot")                                                      \
  X(kLotGone, 202, "the lot is past its grace")                                          \
  X(kRefreshTooEarly, 203, "the lot is not yet in its final bucket")                     \
  X(kNotTransferable, 204, "only transferable tokens")                                   \
  X(kOverflow, 206, "an amount overflows")                                               \
  X(kSelfTransfer, 207, "sender and recipient are the same")                             \
  X(kZeroAmount, 208, "the amount is zero")                                              \
  X(kToSessionKey, 209, "the recipient is a session key, which holds no tokens")         \
  X(kNodeKeyTaken, 220, "the node key is registered already")                            \
  X(kBadNodeProof, 221, "a node key's proof does not verify")                            \
  X(kNoSuchNode, 222, "no such node")                                                    \
  X(kNotOwner, 223, "only the owner may do this")                                        \
  X(kSessionExists, 224, "the key is in use already")                                    \
  X(kNoSuchSession, 225, "no such session key")                                          \
  X(kSessionExpired, 226, "the session key has expired")                                 \
  X(kSessionCap, 227, "over the session key's cap")                                      \
  X(kSessionService, 228, "the session key is not for this service")                     \
  X(kBadSessionTerms, 229, "the session's terms are out of range")                       \
  X(kBondTooSmall, 240, "the bond is below the minimum")                                 \
  X(kNoCapacity, 241, "the offered capacity is zero")                                    \
  X(kOfferExists, 242, "the node has an active offer")                                   \
  X(kNoSuchOffer, 243, "no such offer")                                                  \
  X(kOfferWithdrawn, 244, "the offer is withdrawn already")                              \
  X(kNameTaken, 260, "the service name is taken")                                        \
  X(kBadName, 261, "the service name is not a DNS label")                                \
  X(kBadSource, 262, "the source is not allowed on this network")                        \
  X(kBadShare, 263, "the host's share is out of range")                                  \
  X(kNoSuchService, 264, "no such service")                                              \
  X(kVersionExists, 265, "this commit is announced already")                             \
  X(kNoSuchVersion, 266, "no such version")                                              \
  X(kBadMemory, 267, "the memory of a version is out of range")                          \
  X(kBadAttestation, 268, "the node key did not sign this attestation")                  \
  X(kAlreadyAttested, 269, "this node attested the version already")                     \
  X(kNotABuilder, 270, "the node has no active offer")                                   \
  X(kTooManyAttestations, 271, "the version has all its attestations")                   \
  X(kUnspentTooSmall, 272, "the service's fund holds less")                              \
  X(kNoSuchChannel, 300, "no such channel")                                              \
  X(kNotPlaced, 301, "the service is not placed on that host")                           \
  X(kBadChannelTerms, 302, "the channel's terms are out of range")                       \
  X(kDepositTooSmall, 303, "the deposit does not cover a claim's fee")                   \
  X(kEscrowExpiry, 304, "lots that live long enough for the escrow are missing")         \
  X(kChannelClosing, 305, "the channel is closing")                                      \
  X(kChannelClosed, 306, "the channel is closed")                                        \
  X(kTooLate, 307, "the deadline has passed")                                            \
  X(kTooEarly, 308, "the deadline is still ahead")                                       \
  X(kBadVoucher, 309, "a voucher does not verify")                                       \
  X(kBadHostSignature, 310, "the host's signature does not verify")                      \
  X(kNotMonotone, 311, "a cumulative value is below what was claimed")                   \
  X(kOverVoucher, 312, "more is charged than the voucher promises")                      \
  X(kOverPrice, 313, "more is charged than the price allows")                            \
  X(kOverDeposit, 314, "more is claimed than the deposit holds")                         \
  X(kNothingToClaim, 315, "the claim changes nothing")                                   \
  X(kNoContradiction, 316, "the receipt does not contradict the claim")                  \
  X(kNotPayer, 317, "only the payer may do this")                                        \
  X(kAlreadyDisputed, 318, "this was disputed already")                                  \
  X(kBelowClaimFee, 319, "the host's part does not cover the fee")                       \
  X(kSeatTaken, 340, "the consensus key has a seat already")                             \
  X(kConvicted, 341, "the key was convicted of a lie")                                   \
  X(kSeatBondTooSmall, 342, "the bond is below the minimum of a seat")                   \
  X(kNoSuchSeat, 343, "no such seat")                                                    \
  X(kSeatLeft, 344, "the seat is being left already")                                    \
  X(kUnknownBoundary, 345, "not the block that began this epoch or the one before")      \
  X(kBadReadiness, 346, "the seat's key did not sign this readiness")                    \
  X(kAlreadyReady, 347, "the readiness of this seat is known already")                   \
  X(kNotContradictory, 348, "an honest key may sign both statements")                    \
  X(kWrongEpoch, 349, "the statements are not of this epoch")                            \
  X(kNotSeated, 350, "the key had no seat in that epoch")                                \
  X(kBadEvidence, 351, "the key did not sign both statements")

enum class TxStatus : std::uint16_t {
#define X(name, number, text) name = number,
  MICRO_TX_STATUSES(X)
#undef X
};

std::string_view tx_status_text(TxStatus status);
/// "kNameTaken" without its k, for machines.
std::string_view tx_status_name(TxStatus status);
bool is_known(TxStatus status);

/// Included in a block (ok, or failed with its fee charged).
inline constexpr bool is_included(TxStatus s) { return s == TxStatus::kOk || static_cast<std::uint16_t>(s) >= 200; }
/// May become valid when the state moves on.
inline constexpr bool is_retriable(TxStatus s) {
  return static_cast<std::uint16_t>(s) >= 100 && static_cast<std::uint16_t>(s) < 200;
}

}  // namespace micro
