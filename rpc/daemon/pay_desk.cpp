#include "rpc/daemon/pay_desk.hpp"

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <thread>

#include "rpc/daemon/gateway_shell.hpp"

namespace micro {
namespace {

namespace asio = boost::asio;

class Desk final : public PayDesk {
 public:
  Desk(PayConfig config, PayPorts ports, payment::PaymentStore& store, payment::StoreMeta meta, Payer payer,
       Openings openings, SessionStore sessions)
      : config_(std::move(config)),
        ports_(std::move(ports)),
        meta_(meta),
        provider_(io_.get_executor(), config_, ports_, store),
        gateway_(io_.get_executor(), config_, ports_, provider_, std::move(payer), std::move(openings),
                 std::move(sessions)) {}
  ~Desk() override { stop(); }

  void start() override {
    thread_ = std::thread([this] { io_.run(); });
  }
  void stop() override {
    if (!thread_.joinable()) return;
    asio::post(io_, [this] { guard_.reset(); });
    io_.stop();
    thread_.join();
    provider_.stop();
  }

  gateway::CallId call(PaidCall call, std::function<void(Result<PaidReply>)> done) override {
    const gateway::CallId id = next_call_++;
    asio::post(io_, [this, id, call = std::move(call), done = std::move(done)]() mutable {
      gateway_.call(id, std::move(call), std::move(done));
    });
    return id;
  }
  void leave(gateway::CallId call) override {
    asio::post(io_, [this, call] { gateway_.leave(call); });
  }
  void call_with_voucher(payment::SignedVoucher paid, CallRequest request, std::optional<CodeHash> module,
                         std::function<void(payment::Answer)> done) override {
    asio::post(io_, [this, paid, request = std::move(request), module, done = std::move(done)]() mutable {
      provider_.call(paid, std::move(request), module, std::move(done));
    });
  }
  void tip(payment::TipAdvanced tip) override {
    asio::post(io_, [this, tip] {
      tip_ = tip;
      gateway_.tip(tip);
      provider_.feed(tip);
    });
  }
  void host_is(NodeId node) override {
    asio::post(io_, [this, node] {
      if (provider_.is_host()) return;
      const auto begun = provider_.become(node, meta_);
      if (!begun) return ports_.warn("paid calls are not served: " + begun.error().message);
      if (tip_) provider_.feed(*tip_);
    });
  }
  void leaving(bool on) override {
    asio::post(io_, [this, on] { provider_.feed(payment::Draining{on}); });
  }
  void channels(std::vector<payment::ChannelSeen> seen, std::vector<ChannelId> gone, bool all) override {
    asio::post(io_, [this, seen = std::move(seen), gone = std::move(gone), all] {
      for (const auto& channel : seen) provider_.feed(channel);
      for (const auto& channel : gone) provider_.feed(payment::ChannelGone{channel});
      if (all) provider_.feed(payment::LedgerRead{});
    });
  }
  void claim(std::function<void(std::vector<TxId>)> done) override {
    asio::post(io_, [this, done = std::move(done)] { provider_.claim(done); });
  }
  void new_session(std::string label, Address owner, SessionCaps caps,
                   std::function<void(Result<SessionKey>)> done) override {
    asio::post(io_, [this, label = std::move(label), owner, caps, done = std::move(done)] {
      done(gateway_.sessions().create(label, owner, caps, random_));
    });
  }
  void sessions(std::function<void(std::vector<SessionKey>)> done) override {
    asio::post(io_, [this, done = std::move(done)] { done(gateway_.sessions().list()); });
  }
  void forget_session(Address key, std::function<void(Status)> done) override {
    asio::post(io_, [this, key, done = std::move(done)] { done(gateway_.sessions().forget(key, random_)); });
  }
  void books(std::function<void(std::vector<payment::ChannelBooks>)> done) override {
    asio::post(io_, [this, done = std::move(done)] { done(provider_.books()); });
  }

 private:
  PayConfig config_;
  PayPorts ports_;
  payment::StoreMeta meta_;
  SystemRandom random_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard_ = asio::make_work_guard(io_);
  ProviderShell provider_;
  GatewayShell gateway_;
  std::atomic<gateway::CallId> next_call_ = 1;
  std::optional<payment::TipAdvanced> tip_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<PayDesk>> PayDesk::open(PayConfig config, PayPorts ports, payment::PaymentStore& store,
                                               std::uint64_t noted_generation, Height tip, Random& random) {
  const payment::StoreMeta meta = TRY(payment::open_books(store, noted_generation, tip));
  Payer payer = TRY(Payer::open(config.folder / "payer"));
  Openings openings = TRY(Openings::open(config.folder / "openings"));
  SessionStore sessions = TRY(SessionStore::open(config.folder / "sessions", random));
  std::unique_ptr<PayDesk> desk = std::make_unique<Desk>(std::move(config), std::move(ports), store, meta,
                                                         std::move(payer), std::move(openings), std::move(sessions));
  return desk;
}

}  // namespace micro
