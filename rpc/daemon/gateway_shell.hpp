// Performs the gateway's effects with the payer's books, the session keys and the ledger of this node.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <deque>
#include <map>

#include "rpc/daemon/provider_shell.hpp"
#include "services/gateway/gateway.hpp"
#include "wallet/payer/openings.hpp"
#include "wallet/payer/payer.hpp"

namespace micro {

/// Lives on one executor; everything is called there. Its effects sync files.
class GatewayShell {
 public:
  using Done = std::function<void(Result<PaidReply>)>;

  GatewayShell(boost::asio::any_io_executor executor, const PayConfig& config, const PayPorts& ports,
               ProviderShell& provider, Payer payer, Openings openings, SessionStore sessions);

  void tip(const payment::TipAdvanced& tip);
  void call(gateway::CallId id, PaidCall call, Done done);
  void leave(gateway::CallId id) { feed(gateway::CallerLeft{id}); }
  SessionStore& sessions() { return sessions_; }

 private:
  /// Effects may answer at once: what they say is heard when all effects of the event before are performed.
  void feed(gateway::Event event);

  void perform(gateway::ChooseSession& e);
  void perform(gateway::FindLane& e);
  void perform(gateway::ForgetChannel& e);
  void perform(gateway::SignVoucher& e);
  void perform(gateway::ListUnresolved& e);
  void perform(gateway::SendVoucher& e);
  void perform(gateway::JudgeReceipt& e);
  void perform(gateway::JudgeProof& e);
  void perform(gateway::SetAside& e);
  void perform(gateway::TopUp& e);
  void perform(gateway::SignOpening& e);
  void perform(gateway::SubmitOpening& e);
  void perform(gateway::TakeOver& e);
  void perform(gateway::ForgetOpening& e);
  void perform(gateway::ArmTimer& e);
  void perform(gateway::Finish& e);

  Result<gateway::Found> look_for(const gateway::FindLane& e);
  Result<gateway::Promise> sign_voucher(const gateway::SignVoucher& e);
  Result<std::vector<gateway::Promise>> unresolved(const ChannelId& channel);
  Result<gateway::OpeningNote> sign_opening(gateway::SignOpening& e);
  Result<bool> take_over(const TxId& id);
  Result<TxId> submit_top_up(const gateway::TopUp& e);
  [[nodiscard]] SignedTx sign(const SessionKey& session, Nonce nonce, Payload payload) const;

  boost::asio::any_io_executor executor_;
  const PayConfig& config_;
  const PayPorts& ports_;
  ProviderShell& provider_;
  Payer payer_;
  Openings openings_;
  SessionStore sessions_;
  gateway::Gateway gateway_;
  std::deque<gateway::Event> heard_;
  bool performing_ = false;
  std::map<gateway::CallId, Done> done_;
};

}  // namespace micro
