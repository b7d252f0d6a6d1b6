// Whole command lines against a node that answers what a test tells it to: what is printed, what is sent, the exit
// code.
#pragma once

#include <gtest/gtest.h>

#include "chain/types/params.hpp"
#include "rpc/cli/app.hpp"
#include "tests/gen/fake_node.hpp"
#include "wallet/keys/hd_key.hpp"
#include "wallet/keys/mnemonic.hpp"

namespace micro::test {

struct Ran {
  int exit = 0;
  std::string out;
  std::string err;
};

/// Everything is scripted before the first `run`.
class ScriptedCli : public ::testing::Test {
 protected:
  /// The same answer at every call.
  void answer(const std::string& method, Json result) {
    node_.methods.add(method, [result = std::move(result)](RpcParams&) -> Result<Json> { return result; });
  }
  void refuse(const std::string& method, Error error) {
    node_.methods.add(method,
                      [error = std::move(error)](RpcParams&) -> Result<Json> { return std::unexpected(error); });
  }

  /// Runs words against the node, with a wallet folder of the test's own and no environment.
  Ran run(std::vector<std::string> words) {
    if (!started_) node_.start();
    started_ = true;
    words.insert(words.begin(), {"--socket", node_.socket().string(), "--wallets", wallets().string()});
    return run_bare(words);
  }
  /// Words as they are.
  Ran run_bare(const std::vector<std::string>& words) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Ran ran;
    ran.exit = run_command_line(words, nodes_, {}, [](const char*) -> const char* { return nullptr; });
    ran.out = testing::internal::GetCapturedStdout();
    ran.err = testing::internal::GetCapturedStderr();
    return ran;
  }
  [[nodiscard]] std::filesystem::path wallets() const { return node_.folder() / "wallets"; }

  FakeNode node_;
  NodeCommands nodes_;

 private:
  bool started_ = false;
};

/// A development network: accepts every well-signed transaction and says that it is final in block 9.
class ScriptedLedger : public ScriptedCli {
 protected:
  static constexpr const char* kPhrase = "test test test test test test test test test test test junk";

  ScriptedLedger() {
    chain_.data.fill(0x11);
    dev0_ = address_of(HdKey::from_seed(Mnemonic::parse(kPhrase)->seed()->view())
                           ->derive(DerivationPath::account(0))
                           ->secret()
                           .public_key());
    dev0_text_ = address_text(NetworkKind::kDev, dev0_);
    answer(
        "node.info",
        Json{
            {"version", "0"}, {"kind", "dev"}, {"chain_id", chain_.hex()}, {"node_key", "aa"}, {"pid", 2'000'000'000}});
    answer("dev.accounts", Json{{"phrase", kPhrase}, {"accounts", {Json{{"index", 0}}, Json{{"index", 1}}}}});
    answer("session.list", Json::array());
    answer("ledger.head", Json{{"height", "8"}, {"epoch", 2}});
    node_.methods.add("tx.context", [this](RpcParams& params) -> Result<Json> {
      TRY(params.text("address"));
      return Json{{"chain_id", chain_.hex()},
                  {"kind", "dev"},
                  {"nonce", std::to_string(3 + sent_.size())},
                  {"height", "8"},
                  {"epoch", 2},
                  {"params", to_hex(encode(ChainParams{}))},
                  {"live", live_}};
    });
    node_.methods.add("tx.submit", [this](RpcParams& params) -> Result<Json> {
      const auto tx = TRY(decode<SignedTx>(TRY(from_hex(TRY(params.text("tx"))))));
      TRY(verify_tx_signature(tx));
      sent_.push_back(tx);
      return Json{{"txid", tx_id(tx.body).hex()},
                  {"accepted", refusal_.empty()},
                  {"status", refusal_},
                  {"status_text", "because"}};
    });
    node_.methods.add("tx.wait", [this](RpcParams& params) -> Result<Json> {
      if (never_final_) return fail(Fault::kUnknownOutcome, "not yet");
      return Json{{"txid", TRY(params.text("txid"))},
                  {"height", "9"},
                  {"status", outcome_},
                  {"status_text", "words"},
                  {"status_hint", outcome_ == "Ok" ? "" : "advice"},
                  {"fee", "0.000345"}};
    });
  }

  /// The payload of the n-th transaction that was sent, when it is of this kind.
  template <class Kind>
  const Kind* sent(std::size_t n) const {
    return n < sent_.size() ? std::get_if<Kind>(&sent_[n].body.payload) : nullptr;
  }

  ChainId chain_;
  Address dev0_;
  std::string dev0_text_;
  std::string live_ = "1000.000000";
  std::string refusal_;
  std::string outcome_ = "Ok";
  bool never_final_ = false;
  std::vector<SignedTx> sent_;
};

}  // namespace micro::test
