// x402 version 2 over HTTP headers: what a call costs, a caller's own payment, what was charged. Base64 of JSON each.
// The scheme is "batch-settlement": vouchers over a channel (chain/economy), settled on the ledger later.
#pragma once

#include <string>

#include "chain/types/payment.hpp"
#include "genesis/json/json_codec.hpp"
#include "rpc/http/message.hpp"

namespace micro::x402 {

inline constexpr std::size_t kMaxHeaderBytes = 8 * 1'024;
inline constexpr std::string_view kRequired = "PAYMENT-REQUIRED";
inline constexpr std::string_view kResponse = "PAYMENT-RESPONSE";

/// CAIP-2: "micro:" and the first 32 hex digits of the chain id.
std::string network_name(const ChainId& chain);

/// Where a lane is, for a wallet that lost its records: its own last voucher that the host took, and the host's receipt
/// for that. A wallet believes it only by its own signature.
struct VoucherState {
  Voucher voucher;
  SchnorrSignature voucher_signature;
  CallReceipt receipt;
  Ed25519Signature receipt_signature;
  bool operator==(const VoucherState&) const = default;
};

/// What a caller has to know to pay.
struct Offer {
  ChainId chain;
  std::string resource;  ///< path that was asked for
  std::string error;     ///< "payment required", or why the payment that came was not enough
  ServiceId service;
  NodeId host;
  Ed25519Key host_key;    ///< signs receipts
  Amount price;           ///< π
  Amount price_per_mgas;  ///< p
  Epoch price_epoch;
  Amount least_max_price;  ///< below it a call of this size is refused
  std::uint32_t dispute_epochs = 0;
  std::optional<VoucherState> state;  ///< only for a caller that proved to be the lane's payer
  bool operator==(const Offer&) const = default;
};
/// Value of the PAYMENT-REQUIRED header.
std::string required_header(const Offer& offer);
/// What a client reads in it. kInvalid says what is wrong; another network's offer is kRejected.
Result<Offer> parse_required(const ChainId& chain, std::string_view header);

/// A caller's own voucher.
struct PaymentHeader {
  Voucher voucher;
  SchnorrSignature signature;
  Epoch price_epoch;
};
/// kInvalid says what is wrong; another network's payment is kRejected.
Result<PaymentHeader> parse_payment(const ChainId& chain, std::string_view header);
std::string payment_header(const ChainId& chain, const PaymentHeader& payment);

/// What was charged, with everything that the payer needs to check it.
struct Settled {
  ChainId chain;
  CallReceipt receipt;
  Ed25519Signature signature;
  CallInputs inputs;
};
std::string response_header(const Settled& settled);
Result<Settled> parse_response(std::string_view header);

}  // namespace micro::x402
