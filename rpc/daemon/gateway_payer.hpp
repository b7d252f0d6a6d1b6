// Pays for calls with the node's session keys: finds or opens a channel, signs a voucher, judges the receipt.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <deque>
#include <map>
#include <set>

#include "rpc/daemon/provider_shell.hpp"
#include "wallet/payer/openings.hpp"
#include "wallet/payer/payer.hpp"

namespace micro {

/// Lives on one executor; everything is called there. Its calls sync files.
class GatewayPayer {
 public:
  using Done = std::function<void(Result<PaidReply>)>;

  GatewayPayer(boost::asio::any_io_executor executor, const PayConfig& config, const PayPorts& ports,
               ProviderShell& provider, Payer payer, Openings openings, SessionStore sessions)
      : executor_(std::move(executor)),
        config_(config),
        ports_(ports),
        provider_(provider),
        payer_(std::move(payer)),
        openings_(std::move(openings)),
        sessions_(std::move(sessions)) {}

  void tip(const payment::TipAdvanced& tip);
  void call(PaidCall call, Done done);
  SessionStore& sessions() { return sessions_; }

 private:
  struct Waiting {
    PaidCall call;
    Done done;
    SessionKey session;
    Amount max_price;
    bool topped_up = false;
    ChannelId channel;  // that was topped up
    std::uint32_t attempts = 0;
    std::uint32_t waits = 0;  // for a host that asks to be sent the same bytes later
  };
  using Lane = std::pair<ServiceId, Address>;  // calls of one service by one session share a channel

  void proceed(Waiting waiting);
  Result<std::optional<PaidReply>> find_answer(const Waiting& waiting);
  /// Asks for a channel, or again for one whose outcome is unknown, byte for byte.
  void open_channel(Waiting waiting);
  [[nodiscard]] Result<Opening> new_opening(const Waiting& waiting);
  void send_opening(const Lane& key, const Opening& opening, bool again);
  void channel_opened(const Lane& key, const Opening& opening, bool again, Result<TxReceipt> receipt);
  /// Takes over the channels of openings that the ledger has by now, and forgets those that it can never have.
  void adopt();
  Status take_over(const Opening& opening, const OpenedChannel& opened);
  void top_up(Waiting waiting, const PayerChannel& channel);
  /// Sends the bytes of calls without an outcome again, one by one, then goes on with this one.
  void resolve(Waiting waiting, const PayerChannel& channel);
  void send(Waiting waiting, const PayerChannel& channel, const Payment& payment);
  void answered(Waiting waiting, const PayerChannel& channel, const Payment& payment, const payment::Answer& answer);
  /// What an answer says about a payment. kBusy and kUnknownOutcome: nothing yet, the same bytes have to be sent again.
  /// kInterrupted: the host showed where the lane really is; a new voucher may be signed.
  Result<PaidReply> settle(const PayerChannel& channel, const Payment& payment, const payment::Answer& answer);
  Result<PaidReply> unsettled(const PayerChannel& channel, const Payment& payment, const payment::Answer& answer);
  void lost(const PayerChannel& channel, const Payment& payment);
  void later(std::function<void()> what);
  [[nodiscard]] bool is_ending(const OpenedChannel& channel) const;
  void next(const Lane& key);
  SignedTx sign(const SessionKey& session, Payload payload) const;
  [[nodiscard]] CallTerms terms(Amount price) const;

  boost::asio::any_io_executor executor_;
  const PayConfig& config_;
  const PayPorts& ports_;
  ProviderShell& provider_;
  Payer payer_;
  Openings openings_;
  SessionStore sessions_;
  std::optional<payment::TipAdvanced> tip_;
  std::map<Lane, std::deque<Waiting>> opening_;  // calls that wait for a channel to open or a lane to be free
  std::map<Lane, bool> is_opening_;
  std::set<TxId> set_aside_;  // openings that the node refused to take again: they hold up no new one
  std::size_t waiting_ = 0;
};

}  // namespace micro
