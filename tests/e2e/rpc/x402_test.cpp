// A caller that pays by itself: it opens a channel with a key of its own, and knows of the host only what HTTP says.
// The node is a real process; nothing of its gateway takes part.
#include <gtest/gtest.h>
#include <poll.h>

#include <cstdlib>

#include "chain/base/clock.hpp"
#include "chain/economy/voucher.hpp"
#include "rpc/api/x402.hpp"
#include "rpc/client/node_client.hpp"
#include "rpc/demo/example_repo.hpp"
#include "rpc/demo/loopback_http.hpp"
#include "rpc/demo/subprocess.hpp"
#include "tests/gen/temp_folder.hpp"
#include "wallet/keys/hd_key.hpp"
#include "wallet/keys/mnemonic.hpp"
#include "wallet/tx/tx_builder.hpp"

namespace micro {
namespace {

constexpr std::uint64_t kChannelEpochs = 10'000;
constexpr std::uint64_t kAcceptMs = 60'000;
constexpr const char* kBody = R"({"name":"Ada"})";

std::string text(const Json& json, const char* key) {
  return json.value(key, std::string());
}

class X402EndToEnd : public ::testing::Test {
 protected:
  void SetUp() override {
    env_ = {{"HOME", folder_.path().string()},
            {"XDG_DATA_HOME", (folder_ / "data").string()},
            {"XDG_CACHE_HOME", (folder_ / "cache").string()},
            {"XDG_CONFIG_HOME", (folder_ / "config").string()},
            {"MICRO_SOCKET", socket().string()}};
    auto node =
        BackgroundProgram::start({binary_, "dev", "--paid-only", "--http", "127.0.0.1:0"}, env_, folder_ / "node.log");
    ASSERT_TRUE(node.has_value()) << node.error().message;
    node_.emplace(std::move(*node));
    Json info;
    for (int tries = 0; info.empty() && tries < 600; ++tries) {
      auto answer = client_.call("node.info");
      if (answer) info = std::move(*answer);
      if (!answer) ::poll(nullptr, 0, 50);
    }
    ASSERT_FALSE(info.empty()) << "the node did not start";
    chain_ = *ChainId::parse(text(info, "chain_id"));
    http_.emplace(*LoopbackHttp::connect(text(info, "http")));
    publish();
  }

  void publish() {
    const auto repo = folder_ / "hello";
    ASSERT_TRUE(start_repository(repo, std::string(MICRO_SOURCE_DIR) + "/services/examples/hello-c", "First"));
    const auto ran = run_program({binary_, "run", repo.string(), "--fund", "5", "--json"}, env_, Interrupts());
    ASSERT_TRUE(ran.has_value());
    ASSERT_EQ(ran->exit_code, 0) << ran->err;
  }

  std::filesystem::path socket() const { return folder_ / "rpc.sock"; }

  /// One call with what the payer has to say about money.
  HttpReply ask(std::optional<std::string> payment) {
    HttpHeaders headers{{"Content-Type", "application/json"}};
    if (payment) headers.emplace_back("PAYMENT-SIGNATURE", *payment);
    auto reply = http_->send("POST", "/api/hello/hello", headers, kBody);
    EXPECT_TRUE(reply.has_value());
    return reply.value_or(HttpReply{});
  }
  Result<x402::Offer> offer_in(const HttpReply& reply) const {
    const auto header = find_header(reply.headers, "payment-required");
    if (!header) return fail(Fault::kNotFound, "no PAYMENT-REQUIRED");
    return x402::parse_required(chain_, *header);
  }

  /// Development account 1 opens a channel to the host of the offer. Nobody but this test has its vkey.
  void open_channel(const x402::Offer& offer) {
    const HdKey root = *HdKey::from_seed(
        Mnemonic::parse("test test test test test test test test test test test junk")->seed()->view());
    const SecretKey key = root.derive(DerivationPath::account(1))->secret();
    const Address sender = address_of(key.public_key());
    const Json context = *client_.call("tx.context", {{"address", address_text(NetworkKind::kDev, sender)}});
    ChainView view;
    view.chain = chain_;
    view.params = *decode<ChainParams>(*from_hex(text(context, "params")));
    view.height = Height(std::stoull(text(context, "height")));
    view.next_nonce = Nonce(std::stoull(text(context, "nonce")));
    params_ = view.params;
    OpenChannel open;
    open.service = offer.service;
    open.host = offer.host;
    open.vkey = vkey_.x_only_key();
    open.deposit = Amount(kMicroPerToken);
    open.end = Epoch(static_cast<std::uint32_t>(context["epoch"].get<std::uint64_t>() + kChannelEpochs));
    open.lanes = 1;
    const auto built = build_tx(view, sender, open);
    ASSERT_TRUE(built.has_value()) << built.error().message;
    const SignedTx tx = *sign_built(*built, key);
    ASSERT_TRUE(client_.call("tx.submit", {{"tx", to_hex(encode(tx))}}).has_value());
    const Json final_tx = *client_.call("tx.wait", {{"txid", tx_id(tx.body).hex()}, {"timeout_ms", "20000"}});
    ASSERT_EQ(text(final_tx, "status"), "Ok") << final_tx.dump();
    for (const Json& event : final_tx["events"]) {
      if (text(event, "kind") == "ChannelOpened") channel_ = *ChannelId::parse(text(event, "channel"));
    }
    ASSERT_FALSE(channel_.is_zero());
  }

  x402::PaymentHeader sign(const x402::Offer& offer, std::uint64_t seq, Amount cum) const {
    CallRequestRecord request;
    request.method = Text<kMaxMethodBytes>("POST");
    request.service = offer.service;
    request.target = Text<kMaxTargetBytes>("/hello");
    request.content_type = Text<kMaxContentTypeBytes>("application/json");
    request.body_hash = sha256(as_bytes(std::string_view(kBody)));
    request.price_epoch = offer.price_epoch;
    x402::PaymentHeader out;
    out.voucher = {channel_, 0, seq, cum, request_hash(request), TimeMs(SystemClock().wall().value + kAcceptMs)};
    out.signature = sign_voucher(vkey_, out.voucher);
    out.price_epoch = offer.price_epoch;
    return out;
  }

  /// Judges an answer as an honest wallet does, and returns what was charged on the lane by now.
  LaneState settle(const HttpReply& reply, const x402::Offer& offer, const Voucher& voucher, const LaneState& before) {
    EXPECT_EQ(reply.status, 200U) << reply.body;
    const auto header = find_header(reply.headers, "payment-response");
    EXPECT_TRUE(header.has_value());
    const auto settled = x402::parse_response(header.value_or(""));
    EXPECT_TRUE(settled.has_value());
    if (!settled) return before;
    EXPECT_TRUE(verify_receipt(offer.host_key, settled->receipt, settled->signature));
    const CallTerms terms = call_terms(params_, offer.price, offer.price_per_mgas);
    const auto honest = check_receipt(settled->receipt, settled->inputs, voucher, before, terms);
    EXPECT_TRUE(honest.has_value()) << honest.error().message;
    EXPECT_EQ(settled->receipt.resp, response_hash(200, as_bytes(reply.body)));
    return {settled->receipt.seq, settled->receipt.cum_charged, settled->receipt.cum_base_fee};
  }

  test::TempFolder folder_;
  const std::string binary_ = std::getenv("MICRO_BINARY");
  ProgramEnv env_;
  std::optional<BackgroundProgram> node_;
  NodeClient client_{socket()};
  std::optional<LoopbackHttp> http_;
  ChainId chain_;
  ChainParams params_;
  ChannelId channel_;
  SecretKey vkey_ = [] {
    SystemRandom random;
    return SecretKey::generate(random);
  }();
};

TEST_F(X402EndToEnd, AnOfferAPaymentAndAReceipt) {
  const HttpReply unpaid = ask(std::nullopt);
  EXPECT_EQ(unpaid.status, 402U);
  auto offer = offer_in(unpaid);
  ASSERT_TRUE(offer.has_value()) << offer.error().message;
  EXPECT_EQ(offer->resource, "/api/hello/hello");
  EXPECT_EQ(offer->price, Amount(100));
  open_channel(*offer);
  const auto fresh = [&] { offer = offer_in(ask(std::nullopt)); };

  fresh();
  const Amount cap(offer->least_max_price.micro + 50'000);
  const auto first = sign(*offer, 1, cap);
  const HttpReply answer = ask(x402::payment_header(chain_, first));
  EXPECT_NE(answer.body.find("Hello, Ada"), std::string::npos) << answer.body;
  const LaneState after_first = settle(answer, *offer, first.voucher, {});
  EXPECT_GT(after_first.cum_charged, offer->price) << "the price and its gas";

  // The same bytes again are the same answer, and are not charged anew.
  const HttpReply again = ask(x402::payment_header(chain_, first));
  EXPECT_EQ(again.body, answer.body);
  EXPECT_EQ(find_header(again.headers, "payment-response"), find_header(answer.headers, "payment-response"));

  // Nobody else's signature opens anything, or learns where the lane is.
  auto forged = first;
  forged.voucher.cum = Amount(cap.micro + 1);
  const HttpReply refused = ask(x402::payment_header(chain_, forged));
  EXPECT_GE(refused.status, 400U);
  if (const auto shown = offer_in(refused)) EXPECT_FALSE(shown->state.has_value());

  // A wallet that lost its records signs the number again, and is shown its own last voucher.
  const auto lost = sign(*offer, 1, Amount(cap.micro + 2));
  const HttpReply corrected = ask(x402::payment_header(chain_, lost));
  EXPECT_EQ(corrected.status, 402U) << corrected.body;
  const auto shown = offer_in(corrected);
  ASSERT_TRUE(shown.has_value()) << shown.error().message;
  ASSERT_TRUE(shown->state.has_value());
  EXPECT_EQ(shown->state->voucher, first.voucher);
  EXPECT_EQ(shown->state->voucher_signature, first.signature) << "its own signature is what it believes";
  EXPECT_EQ(shown->state->receipt.cum_charged, after_first.cum_charged);

  // With that it goes on.
  fresh();
  const Amount low(after_first.cum_charged.micro + offer->price.micro);
  const HttpReply too_low = ask(x402::payment_header(chain_, sign(*offer, 2, low)));
  EXPECT_EQ(too_low.status, 402U) << "the price without its gas: " << too_low.body;
  const bool used_up = find_header(too_low.headers, "payment-response").has_value();
  const std::uint64_t next = used_up ? 3 : 2;
  LaneState before = after_first;
  before.seq = next - 1;
  fresh();
  const auto second = sign(*offer, next, Amount(after_first.cum_charged.micro + cap.micro));
  const LaneState after_second = settle(ask(x402::payment_header(chain_, second)), *offer, second.voucher, before);
  EXPECT_GT(after_second.cum_charged, after_first.cum_charged);

  // The host gets exactly that on the ledger.
  const auto claimed = run_program({binary_, "stake", "rewards", "--json"}, env_, Interrupts());
  ASSERT_TRUE(claimed.has_value());
  const Json rewards = *parse_json(claimed->out);
  ASSERT_EQ(rewards["channels"].size(), 1U) << claimed->out;
  EXPECT_EQ(rewards["channels"][0]["channel"], channel_.hex());
  EXPECT_EQ(rewards["channels"][0]["charged"], amount_text(after_second.cum_charged));
}

}  // namespace
}  // namespace micro
