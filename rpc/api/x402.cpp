#include "rpc/api/x402.hpp"

#include "genesis/json/base64.hpp"
#include "genesis/json/strict_json.hpp"

namespace micro::x402 {
namespace {

constexpr int kVersion = 2;
constexpr std::string_view kScheme = "batch-settlement";

std::string encode_header(const Json& json) {
  return to_base64(as_bytes(json_text(json)));
}

Result<Json> decode_header(std::string_view header) {
  if (header.size() > kMaxHeaderBytes) return fail(Fault::kLimit, "the payment header is too long");
  const Bytes raw = TRY(from_base64(header));
  Json json = TRY(parse_json(as_text(raw)));
  if (!json.is_object() || json.value("x402Version", Json()) != kVersion) {
    return fail(Fault::kInvalid, "not an x402 payment of version 2");
  }
  return json;
}

Result<std::string> text_at(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_string()) {
    return fail(Fault::kInvalid, std::string("the payment has no text \"") + name + "\"");
  }
  return found->get<std::string>();
}

template <class T>
Result<T> hex_at(const Json& json, const char* name) {
  const Bytes raw = TRY(from_hex(TRY(text_at(json, name))));
  return decode<T>(raw);
}

}  // namespace

std::string network_name(const ChainId& chain) {
  return "micro:" + chain.brief(32);
}

namespace {

Json state_json(const VoucherState& state) {
  return Json{{"voucher", to_hex(encode(state.voucher))},
              {"signature", state.voucher_signature.hex()},
              {"receipt", to_hex(encode(state.receipt))},
              {"receiptSignature", state.receipt_signature.hex()}};
}

Result<VoucherState> parse_state(const Json& json) {
  if (!json.is_object()) return fail(Fault::kInvalid, "the voucher state is not an object");
  VoucherState out;
  out.voucher = TRY(hex_at<Voucher>(json, "voucher"));
  out.voucher_signature = TRY(SchnorrSignature::parse(TRY(text_at(json, "signature"))));
  out.receipt = TRY(hex_at<CallReceipt>(json, "receipt"));
  out.receipt_signature = TRY(Ed25519Signature::parse(TRY(text_at(json, "receiptSignature"))));
  return out;
}

/// Whole numbers of µT, as x402 writes amounts.
Result<Amount> micro_at(const Json& json, const char* name) {
  const std::string text = TRY(text_at(json, name));
  std::uint64_t value = 0;
  TRY(read_json(JsonContext{}, Json(text), value));
  return Amount(value);
}

template <class T>
Result<T> field_at(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end()) return fail(Fault::kInvalid, std::string("the offer has no \"") + name + "\"");
  T out{};
  TRY(read_json(JsonContext{}, *found, out));
  return out;
}

}  // namespace

std::string required_header(const Offer& offer) {
  Json extra{{"service", offer.service.hex()},
             {"host", offer.host.hex()},
             {"hostKey", offer.host_key.hex()},
             {"price", amount_text(offer.price)},
             {"pricePerMgas", amount_text(offer.price_per_mgas)},
             {"priceEpoch", offer.price_epoch.value},
             {"withdrawDelay", offer.dispute_epochs}};
  if (offer.state) extra["voucherState"] = state_json(*offer.state);
  const Json accept{{"scheme", kScheme},
                    {"network", network_name(offer.chain)},
                    {"amount", std::to_string(offer.least_max_price.micro)},
                    {"asset", "TOK"},
                    {"payTo", offer.host.hex()},
                    {"maxTimeoutSeconds", 60},
                    {"extra", extra}};
  return encode_header(Json{{"x402Version", kVersion},
                            {"error", offer.error},
                            {"resource", {{"url", offer.resource}}},
                            {"accepts", Json::array({accept})}});
}

Result<Offer> parse_required(const ChainId& chain, std::string_view header) {
  const Json json = TRY(decode_header(header));
  const auto accepts = json.find("accepts");
  const auto resource = json.find("resource");
  const bool whole = accepts != json.end() && accepts->is_array() && !accepts->empty() && (*accepts)[0].is_object() &&
                     (*accepts)[0].contains("extra") && (*accepts)[0]["extra"].is_object() && resource != json.end() &&
                     resource->is_object();
  if (!whole) return fail(Fault::kInvalid, "the offer has no \"accepts\" with \"extra\", or no \"resource\"");
  const Json& accept = (*accepts)[0];
  if (TRY(text_at(accept, "scheme")) != kScheme) return fail(Fault::kInvalid, "another payment scheme");
  if (TRY(text_at(accept, "network")) != network_name(chain)) {
    return fail(Fault::kRejected, "the offer is for another network");
  }
  const Json& extra = accept["extra"];
  Offer out;
  out.chain = chain;
  out.resource = TRY(text_at(*resource, "url"));
  out.error = TRY(text_at(json, "error"));
  out.service = TRY(ServiceId::parse(TRY(text_at(extra, "service"))));
  out.host = TRY(NodeId::parse(TRY(text_at(extra, "host"))));
  out.host_key = TRY(Ed25519Key::parse(TRY(text_at(extra, "hostKey"))));
  out.price = TRY(parse_amount(TRY(text_at(extra, "price"))));
  out.price_per_mgas = TRY(parse_amount(TRY(text_at(extra, "pricePerMgas"))));
  out.price_epoch = TRY(field_at<Epoch>(extra, "priceEpoch"));
  out.dispute_epochs = TRY(field_at<std::uint32_t>(extra, "withdrawDelay"));
  out.least_max_price = TRY(micro_at(accept, "amount"));
  if (extra.contains("voucherState")) out.state = TRY(parse_state(extra["voucherState"]));
  return out;
}

std::string payment_header(const ChainId& chain, const PaymentHeader& payment) {
  return encode_header(Json{{"x402Version", kVersion},
                            {"accepted", {{"scheme", kScheme}, {"network", network_name(chain)}}},
                            {"payload",
                             {{"voucher", to_hex(encode(payment.voucher))},
                              {"signature", payment.signature.hex()},
                              {"priceEpoch", payment.price_epoch.value}}}});
}

Result<PaymentHeader> parse_payment(const ChainId& chain, std::string_view header) {
  const Json json = TRY(decode_header(header));
  const auto accepted = json.find("accepted");
  const auto payload = json.find("payload");
  if (accepted == json.end() || payload == json.end() || !accepted->is_object() || !payload->is_object()) {
    return fail(Fault::kInvalid, "the payment has no \"accepted\" and \"payload\"");
  }
  if (TRY(text_at(*accepted, "scheme")) != kScheme) return fail(Fault::kInvalid, "another payment scheme");
  if (TRY(text_at(*accepted, "network")) != network_name(chain)) {
    return fail(Fault::kRejected, "the payment is for another network");
  }
  PaymentHeader out;
  out.voucher = TRY(hex_at<Voucher>(*payload, "voucher"));
  out.signature = TRY(SchnorrSignature::parse(TRY(text_at(*payload, "signature"))));
  const auto epoch = payload->find("priceEpoch");
  if (epoch == payload->end()) return fail(Fault::kInvalid, "the payment has no \"priceEpoch\"");
  TRY(read_json(JsonContext{}, *epoch, out.price_epoch));
  return out;
}

std::string response_header(const Settled& settled) {
  return encode_header(Json{{"x402Version", kVersion},
                            {"success", settled.receipt.outcome == CallOutcomeKind::kDone},
                            {"transaction", ""},
                            {"network", network_name(settled.chain)},
                            {"extra",
                             {{"chargedAmount", std::to_string(settled.receipt.charged.micro)},
                              {"receipt", to_hex(encode(settled.receipt))},
                              {"signature", settled.signature.hex()},
                              {"inputs", to_hex(encode(settled.inputs))}}}});
}

Result<Settled> parse_response(std::string_view header) {
  const Json json = TRY(decode_header(header));
  const auto extra = json.find("extra");
  if (extra == json.end() || !extra->is_object()) return fail(Fault::kInvalid, "the settlement has no \"extra\"");
  Settled out;
  out.receipt = TRY(hex_at<CallReceipt>(*extra, "receipt"));
  out.signature = TRY(Ed25519Signature::parse(TRY(text_at(*extra, "signature"))));
  out.inputs = TRY(hex_at<CallInputs>(*extra, "inputs"));
  return out;
}

}  // namespace micro::x402
