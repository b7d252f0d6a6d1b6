// Hashes, signatures and prices of paid calls. One place for the ledger, the host and the payer: a call that costs the
// host one number and the payer another would be a dispute.
#pragma once

#include <span>

#include "chain/crypto/ed25519.hpp"
#include "chain/crypto/secp256k1.hpp"
#include "chain/types/params.hpp"
#include "chain/types/payment.hpp"

namespace micro {

/// No call may use more than this, whatever its payer offers.
inline constexpr std::uint64_t kMaxGasPerCall = 1'000'000'000'000;
inline constexpr std::uint64_t kGasPerPriceUnit = 1'000'000;  ///< p is µT per 10⁶ gas

// --- statements ---
// A channel's name is a hash over chain and opening transaction, so what names a channel is worthless on another chain.

/// CallRequestRecord → Voucher::req.
Hash request_hash(const CallRequestRecord& record);
/// CallInputs → CallReceipt::inputs.
Hash call_inputs_hash(const CallInputs& inputs);
/// SHA-256(u16 status little-endian ‖ body) → CallReceipt::resp. A failed call's answer says in text why it failed.
Hash response_hash(std::uint16_t status, ByteView body);

Hash voucher_hash(const Voucher& voucher);
/// BIP-340 with null auxiliary randomness: signing again gives the same bytes.
SchnorrSignature sign_voucher(const SecretKey& vkey, const Voucher& voucher);
bool verify_voucher(const XOnlyKey& vkey, const Voucher& voucher, const SchnorrSignature& signature);

Hash receipt_hash(const CallReceipt& receipt);
Ed25519Signature sign_receipt(const Ed25519Secret& host, const CallReceipt& receipt);
bool verify_receipt(const Ed25519Key& host, const CallReceipt& receipt, const Ed25519Signature& signature);

/// What the host key signs in a Claim: H(kClaim ‖ chain ‖ channel ‖ lanes).
Hash claim_hash(const ChainId& chain, const ChannelId& channel, const List<LaneClaim, kMaxLanesPerChannel>& lanes);
/// What the host key signs in a CoopClose: H(kClose ‖ chain ‖ channel ‖ totals ‖ valid_until).
Hash close_hash(const ChainId& chain, const ChannelId& channel, const List<LaneTotal, kMaxLanesPerChannel>& totals,
                Epoch valid_until);
/// What a payer signs with the channel's vkey to ask the host for a cooperative close.
Hash close_ask_hash(const ChannelId& channel);

// --- prices ---

/// What a call is charged by: π is frozen in the channel, p is of the epoch that the request names.
struct CallTerms {
  Amount price;           ///< π, µT a completed call
  Amount price_per_mgas;  ///< p, µT per 10⁶ gas, burned
  std::uint64_t intrinsic_gas_per_call = 0;
  std::uint64_t intrinsic_gas_per_byte = 0;
  bool operator==(const CallTerms&) const = default;
};
CallTerms call_terms(const ChainParams& params, Amount price, Amount price_per_mgas);

/// ceil(gas·p/10⁶), rounded once a call.
Result<Amount> gas_fee(Gas gas, Amount price_per_mgas);
/// What moving this many bytes of request or response costs beside the work: per call and per byte.
Result<Gas> intrinsic_gas(const CallTerms& terms, std::uint64_t request_bytes, std::uint64_t response_bytes);
/// The least `max_price` with which a request of this size is accepted: π + the fee of its intrinsic gas.
Result<Amount> least_max_price(const CallTerms& terms, std::uint64_t request_bytes);
/// (maxPrice − π)·10⁶/p, at most kMaxGasPerCall; kFunds when maxPrice < π + intrinsic.
Result<Gas> call_gas_limit(const CallTerms& terms, Amount max_price, std::uint64_t request_bytes);

enum class RunOutcome : std::uint8_t {
  kCompleted = 0,   ///< answered, 5xx too: π and its gas
  kExhausted = 1,   ///< trapped, out of gas or at its deadline: the base fee of the whole limit, no π
  kHostFailed = 2,  ///< nothing
};

struct CallCharge {
  Amount charged;
  Amount base_fee;  ///< the part of `charged` that burns whole
  Gas gas;          ///< that the receipt states
  bool operator==(const CallCharge&) const = default;
};
/// `gas_used` counts intrinsic gas, response bytes included. Completed above the limit is exhausted.
Result<CallCharge> charge_call(const CallTerms& terms, RunOutcome outcome, Gas gas_used, Gas gas_limit);

// --- the payer's check ---

/// Is this receipt an honest account of the call that `voucher` paid for, given what came before it on the lane? Checks
/// names, sums and prices, not the signature. kMismatch: drop the host.
Status check_receipt(const CallReceipt& receipt, const CallInputs& inputs, const Voucher& voucher,
                     const LaneState& before, const CallTerms& terms);

}  // namespace micro
