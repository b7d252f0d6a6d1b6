#include "rpc/daemon/provider_shell.hpp"

#include <boost/asio/post.hpp>

#include "chain/base/clock.hpp"
#include "chain/types/address.hpp"

namespace micro {
namespace {

constexpr std::uint64_t kClaimValidBlocks = 1'000;

payment::Answer refusal(std::uint16_t status, std::string why) {
  payment::Answer answer;
  answer.status = status;
  answer.problem = std::move(why);
  return answer;
}

}  // namespace

Status ProviderShell::become(NodeId node, const payment::StoreMeta& meta) {
  payment::ProviderConfig config;
  config.chain = config_.chain;
  config.node = node;
  config.node_key = config_.node_key;
  config.seed_secret = config_.call_secret;
  config.engine = config_.engine;
  config.params = config_.params;
  provider_.emplace(std::move(config), store_);
  TRY(provider_->recover(meta));
  commit_ = std::make_unique<payment::GroupCommit>(store_, [this](Result<std::uint64_t> through) {
    boost::asio::post(executor_, [this, through = std::move(through)] {
      if (!provider_) return;
      if (through) return feed(payment::Persisted{*through});
      ports_.warn("the payments database failed, paid calls stop until a restart: " + through.error().message);
      provider_.reset();
    });
  });
  return {};
}

void ProviderShell::feed(const payment::Event& event) {
  if (provider_) perform(provider_->on(event, SystemClock().wall()));
}

void ProviderShell::call(payment::SignedVoucher paid, CallRequest request, std::optional<CodeHash> module,
                         std::function<void(payment::Answer)> done) {
  if (!provider_) return done(refusal(503, "this node offers no resources: it answers no paid calls"));
  const payment::CallId id = next_call_++;
  waiting_.emplace(id, std::move(done));
  feed(payment::CallArrived{id, std::move(paid), std::move(request), module, false});
}

void ProviderShell::claim(std::function<void(std::vector<TxId>)> done) {
  std::vector<TxId> claims;
  collecting_ = &claims;
  feed(payment::ClaimAsked{});
  collecting_ = nullptr;
  done(std::move(claims));
}

void ProviderShell::perform(payment::Effects effects) {
  for (payment::Effect& effect : effects) {
    if (auto* persist = std::get_if<payment::Persist>(&effect)) {
      commit_->submit(std::move(*persist));
    } else if (auto* run = std::get_if<payment::Run>(&effect)) {
      ports_.run(std::move(*run), [this](payment::Event ended) {
        boost::asio::post(executor_, [this, ended = std::move(ended)] { feed(ended); });
      });
    } else if (const auto* answer = std::get_if<payment::Respond>(&effect)) {
      respond(*answer);
    } else if (auto* claim = std::get_if<payment::SubmitClaim>(&effect)) {
      submit(std::move(claim->claim));
    } else if (const auto* finalize = std::get_if<payment::SubmitFinalize>(&effect)) {
      submit(Finalize{finalize->channel});
    }
  }
}

void ProviderShell::respond(const payment::Respond& effect) {
  const auto found = waiting_.find(effect.id);
  if (found == waiting_.end()) return;
  const auto done = std::move(found->second);
  waiting_.erase(found);
  done(effect.answer);
}

/// Claims and finalizing carry their own fee: the operating key needs no tokens.
void ProviderShell::submit(Payload payload) {
  TxBody body;
  body.chain = config_.chain;
  body.sender = address_of(config_.operating.public_key());
  body.nonce = ports_.next_nonce(body.sender);
  body.valid_until = Height(ports_.height().value + kClaimValidBlocks);
  body.max_fee = Amount(kMicroPerToken);
  body.payload = std::move(payload);
  const auto sent = ports_.submit(sign_tx(std::move(body), config_.operating));
  if (!sent) return ports_.warn("a claim was not accepted: " + sent.error().message);
  if (collecting_ != nullptr) collecting_->push_back(*sent);
}

}  // namespace micro
