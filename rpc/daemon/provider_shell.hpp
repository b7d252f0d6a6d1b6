// Performs the provider's effects: group commit to the books, runs in the worker, claims as transactions.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <map>

#include "rpc/daemon/pay_desk.hpp"
#include "services/payment/disk/group_commit.hpp"

namespace micro {

/// Lives on one executor; everything is called there.
class ProviderShell {
 public:
  ProviderShell(boost::asio::any_io_executor executor, const PayConfig& config, const PayPorts& ports,
                payment::PaymentStore& store)
      : executor_(std::move(executor)), config_(config), ports_(ports), store_(store) {}

  /// From here on calls are accepted.
  Status become(NodeId node, const payment::StoreMeta& meta);
  [[nodiscard]] bool is_host() const { return provider_.has_value(); }
  void stop() { commit_.reset(); }

  void feed(const payment::Event& event);
  void call(payment::SignedVoucher paid, CallRequest request, std::optional<CodeHash> module,
            std::function<void(payment::Answer)> done);
  void claim(std::function<void(std::vector<TxId>)> done);
  /// Nothing while this node is no host.
  [[nodiscard]] std::vector<payment::ChannelBooks> books() const {
    return provider_ ? provider_->books() : std::vector<payment::ChannelBooks>{};
  }

 private:
  void perform(payment::Effects effects);
  void respond(const payment::Respond& effect);
  void submit(Payload payload);

  boost::asio::any_io_executor executor_;
  const PayConfig& config_;
  const PayPorts& ports_;
  payment::PaymentStore& store_;
  std::optional<payment::Provider> provider_;
  std::unique_ptr<payment::GroupCommit> commit_;
  std::map<payment::CallId, std::function<void(payment::Answer)>> waiting_;
  payment::CallId next_call_ = 1;
  std::vector<TxId>* collecting_ = nullptr;  // while a claim is asked for
};

}  // namespace micro
