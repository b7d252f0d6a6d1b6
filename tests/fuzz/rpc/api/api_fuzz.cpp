// What comes over HTTP: JSON-RPC requests and answers, x402 headers. The first byte picks the reader.
#include "rpc/api/methods.hpp"
#include "rpc/api/x402.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace micro::test {
namespace {

const ChainId kChain = blake2b_256(as_bytes("fuzz")).as<ChainId>();

class Sink final : public HttpResponder::Channel {
 public:
  void send(HttpReply reply) override {
    CHECK(!reply_, "one answer");
    reply_ = std::move(reply);
  }
  void when_gone(std::function<void()>) override {}
  std::shared_ptr<HttpStream> stream(HttpReply) override { return nullptr; }
  std::optional<HttpReply> reply_;
};

const RpcMethods& methods() {
  static const RpcMethods made = [] {
    RpcMethods m;
    m.add("echo", [](RpcParams& p) -> Result<Json> {
      Json out{{"text", TRY(p.text("text"))}, {"n", std::to_string(TRY(p.u64("n")))}};
      out["or"] = std::to_string(p.u64_or("or", 7));
      if (const auto more = p.optional_text("more")) out["more"] = *more;
      out["list"] = p.texts("list").size();
      TRY(p.finish());
      return out;
    });
    return m;
  }();
  return made;
}

/// Each answer of JSON-RPC 2.0 has a result or an error with a code and a text.
bool is_answer(const Json& answer) {
  if (!answer.is_object() || answer["jsonrpc"] != "2.0" || !answer.contains("id")) return false;
  if (answer.contains("result") == answer.contains("error")) return false;
  return answer.contains("result") || (answer["error"]["code"].is_number() && answer["error"]["message"].is_string());
}

bool fuzz_request(ByteView input) {
  const auto sink = std::make_shared<Sink>();
  HttpRequest request;
  request.method = "POST";
  request.body = std::string(as_text(input));
  methods().handle(request, HttpResponder(sink));
  CHECK(sink->reply_.has_value(), "always an answer");
  if (sink->reply_->status == 204) return true;
  const auto json = parse_json(sink->reply_->body);
  CHECK(json.has_value(), "in JSON that we would read");
  if (!json->is_array()) {
    CHECK(is_answer(*json), "an answer");
    return json->contains("result");
  }
  for (const Json& one : *json) CHECK(is_answer(one), "an answer each");
  return true;
}

bool fuzz_error(ByteView input) {
  const auto json = parse_json(as_text(input));
  if (!json) return false;
  const Error error = error_from_json(*json);
  CHECK(!error.message.empty() || json->is_object(), "something to say");
  return error.fault != Fault::kInternal;
}

bool fuzz_payment(ByteView input) {
  const auto payment = x402::parse_payment(kChain, as_text(input));
  if (!payment) return false;
  const auto again = x402::parse_payment(kChain, x402::payment_header(kChain, *payment));
  CHECK(again.has_value() && again->voucher == payment->voucher && again->signature == payment->signature &&
            again->price_epoch == payment->price_epoch,
        "a payment reads back");
  return true;
}

bool fuzz_settled(ByteView input) {
  auto settled = x402::parse_response(as_text(input));
  if (!settled) return false;
  settled->chain = kChain;
  const auto again = x402::parse_response(x402::response_header(*settled));
  CHECK(again.has_value() && again->receipt == settled->receipt && again->inputs == settled->inputs &&
            again->signature == settled->signature,
        "a settlement reads back");
  return true;
}

}  // namespace

bool fuzz(ByteView input) {
  if (input.empty()) return false;
  const ByteView rest = input.subspan(1);
  switch (input[0]) {
    case 0:
      return fuzz_request(rest);
    case 1:
      return fuzz_error(rest);
    case 2:
      return fuzz_payment(rest);
    default:
      return fuzz_settled(rest);
  }
}

std::vector<Bytes> fuzz_seeds() {
  std::vector<Bytes> seeds;
  const auto add = [&](std::uint8_t kind, std::string_view text) {
    Bytes seed{kind};
    const ByteView bytes = as_bytes(text);
    seed.insert(seed.end(), bytes.begin(), bytes.end());
    seeds.push_back(std::move(seed));
  };
  const std::string call =
      R"({"jsonrpc":"2.0","id":1,"method":"echo","params":{"text":"a","n":"7","or":9,"more":"b","list":["c"]}})";
  add(0, call);
  add(0, "[" + call + ",1,{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}]");
  add(0, R"({"jsonrpc":"2.0","method":"echo","params":{"text":"no id","n":1}})");
  add(1, error_json(Error{Fault::kFunds, "too dear", "pay less"}).dump());
  add(1, R"({"message":"m","data":{"name":"invalid","hint":"h"}})");
  x402::PaymentHeader payment;
  payment.voucher.seq = 3;
  payment.price_epoch = Epoch(9);
  add(2, x402::payment_header(kChain, payment));
  x402::Settled settled;
  settled.chain = kChain;
  settled.receipt.seq = 3;
  add(3, x402::response_header(settled));
  return seeds;
}

}  // namespace micro::test
