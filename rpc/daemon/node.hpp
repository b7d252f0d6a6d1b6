// A node: constructs everything in order and wires it. What it does is in the parts; here is who calls whom.
//
//   HTTP thread (io)   requests, directory, scheduler, workers
//   ledger thread      blocks; tells io what was finalized
//   pay thread         vouchers, receipts, books; asks io to run calls
//   build threads      fetch, build, compile
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>

#include "rpc/api/methods.hpp"
#include "rpc/api/x402.hpp"
#include "rpc/daemon/config/config.hpp"
#include "rpc/daemon/data_dir.hpp"
#include "rpc/daemon/ledger_service.hpp"
#include "rpc/daemon/network.hpp"
#include "rpc/daemon/pay_desk.hpp"
#include "rpc/daemon/service_runtime.hpp"
#include "rpc/front/http_front.hpp"
#include "rpc/http/server.hpp"
#include "services/directory/directory.hpp"

namespace micro {

class Node {
 public:
  /// Takes the folder's lock and opens everything. Nothing listens yet.
  static Result<std::unique_ptr<Node>> open(NodeConfig config);
  ~Node();

  /// Serves until `stop`; `ready` comes once it does. Returns an error when the node had to stop by itself.
  Status run(std::function<void()> ready);
  /// From any thread or signal handler's thread.
  void stop();

  /// Listens; afterwards http_port() is the bound one.
  Status listen();
  [[nodiscard]] std::uint16_t http_port() const { return http_port_; }
  [[nodiscard]] const NodeConfig& config() const { return config_; }
  [[nodiscard]] const Genesis& genesis() const { return genesis_; }

 private:
  explicit Node(NodeConfig config) : config_(std::move(config)) {}
  Status open_parts();
  Status open_payments();

  // ledger → io (node.cpp)
  void on_finalized(const FinalizedBlock& block);
  void refresh(const std::vector<Event>& events, TimeMs time);
  void find_self(const StateView& state);
  void tell_channels(const StateView& state, const std::vector<Event>& events);
  void tell_leaving(const StateView& state);

  // calls (node_calls.cpp)
  void handle_call(ServiceCall&& call, HttpResponder responder);
  void call_free(const ServiceCall& call, const Route& route, HttpResponder responder);
  void call_paid(const ServiceCall& call, const Route& route, HttpResponder responder);
  void call_with_voucher(const ServiceCall& call, const Route& route, HttpResponder responder);
  void ask_for_payment(const ServiceCall& call, const Route& route, const std::string& why, HttpResponder responder);
  [[nodiscard]] x402::Offer offer_for(const ServiceCall& call, const Route& route) const;
  void run_paid(const payment::Run& run, std::function<void(payment::Event)> done);
  Hash fresh_seed();
  [[nodiscard]] CallRequest request_of(const ServiceCall& call, const Route& route) const;
  [[nodiscard]] RunOrder order_of(const ServiceEntry& service, const ServedVersion& version, CallRequest request) const;
  /// `offer`: a refusal says by it what would be taken, and where the lane of a caller that paid by itself is.
  void answer_paid(const payment::Answer& answer, HttpResponder responder,
                   std::optional<x402::Offer> offer = std::nullopt) const;

  // methods (node_methods*.cpp)
  void add_methods();
  void add_ledger_methods();
  void add_tx_methods();
  void add_service_methods();
  void add_session_methods();
  void add_host_methods();
  void add_governance_methods();
  [[nodiscard]] Result<Json> node_info() const;
  [[nodiscard]] Result<Json> node_keys(const std::string& owner) const;
  [[nodiscard]] Result<Json> light_bundle(std::uint64_t from_epoch) const;
  [[nodiscard]] Json local_json(const VersionId& version) const;
  [[nodiscard]] Result<Json> status_json(std::optional<std::string> name) const;
  [[nodiscard]] Result<VersionId> version_named(const std::string& name, const std::optional<std::string>& ref) const;
  void follow_logs(const HttpRequest& request, HttpResponder responder);
  void claim(RpcDone done);
  [[nodiscard]] Result<std::string> node_owner() const;
  [[nodiscard]] Json rewards_json(const std::string& owner, const std::vector<payment::ChannelBooks>& books) const;
  void new_session(RpcParams& params, RpcDone done);
  void attest(const AttestBuild& attestation, std::function<void(Status)> done);
  [[nodiscard]] JsonContext json() const { return {genesis_.kind}; }

  // dev (node_dev.cpp)
  void set_up_dev(std::function<void()> ready);

  NodeConfig config_;
  std::optional<ProcessLock> lock_;
  std::optional<NodeKeys> keys_;
  Genesis genesis_;
  ChainId chain_;
  Hash engine_;
  SystemRandom random_;
  SystemClock clock_;
  boost::asio::io_context io_{1};
  LogBook logs_;
  std::unique_ptr<PolicyPort> policy_;
  std::unique_ptr<LedgerService> ledger_;
  std::unique_ptr<payment::PaymentStore> books_;
  std::unique_ptr<ServiceRuntime> runtime_;
  std::unique_ptr<PayDesk> desk_;
  RpcMethods methods_;
  std::unique_ptr<HttpFront> front_;
  std::unique_ptr<HttpServer> server_;
  std::string token_;
  std::uint16_t http_port_ = 0;

  // io thread
  std::optional<NodeId> self_;
  std::optional<Directory> directory_;
  Epoch epoch_;
  std::vector<Hash> seeds_;  // for calls that nobody pays for, drawn many at a time
  TimeMs started_;
  bool all_channels_told_ = false;
  bool leaving_ = false;  // the node's last offer is withdrawn
  std::optional<Error> failure_;
};

}  // namespace micro
