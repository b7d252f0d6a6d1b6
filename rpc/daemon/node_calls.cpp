// How a call of a service is answered: free where the host allows it, paid by the gateway, paid by the caller, or 402.
#include <boost/asio/post.hpp>

#include "rpc/daemon/call_refusals.hpp"
#include "rpc/daemon/node.hpp"

namespace micro {
namespace {

namespace asio = boost::asio;
constexpr std::uint64_t kFreeGas = 1'000'000'000;  // of a call that nobody pays for
constexpr std::size_t kSeedsAtOnce = 64;           // one system call for so many

HttpReply to_http(CallReply reply) {
  HttpReply out;
  out.status = reply.status;
  out.content_type = std::move(static_cast<std::string&>(reply.content_type));
  if (out.content_type.empty()) out.content_type = "application/octet-stream";
  out.body.assign(reinterpret_cast<const char*>(reply.body.data()), reply.body.size());
  return out;
}

}  // namespace

CallRequest Node::request_of(const ServiceCall& call, const Route& route) const {
  CallRequest request;
  request.record.method = Text<kMaxMethodBytes>(call.method);
  request.record.service = route.service->service;
  if (call.commit) request.record.version = route.version->version;
  std::string target = call.query.empty() ? call.path : call.path + "?" + call.query;
  request.record.target = Text<kMaxTargetBytes>(std::move(target));
  request.record.content_type = Text<kMaxContentTypeBytes>(call.content_type);
  const ByteView body = micro::as_bytes(call.body);
  request.body.assign(body.begin(), body.end());
  return request;
}

RunOrder Node::order_of(const ServiceEntry& service, const ServedVersion& version, CallRequest request) const {
  RunOrder order;
  order.version = version.version;
  order.service = service.name;
  order.commit = version.commit.hex();
  order.memory_mib = version.memory_mib;
  order.request = std::move(request);
  return order;
}

void Node::handle_call(ServiceCall&& call, HttpResponder responder) {
  if (!directory_) return std::move(responder).send(problem(503, "starting", "the node is reading its ledger"));
  if (call.path.size() + call.query.size() + 1 > kMaxTargetBytes) {
    return std::move(responder).send(problem(414, "too long", "the path is longer than a call may have"));
  }
  const auto route = directory_->route(call.name, call.commit.value_or(""));
  if (!route) return std::move(responder).send(problem_of(route.error()));
  // A caller with a voucher may still ask for an answer that it paid for earlier.
  const auto failed = call.payment ? std::nullopt : runtime_->failure(route->version->version);
  if (failed) return std::move(responder).send(problem(503, "this host cannot run it", call.name + ": " + *failed));
  if (auto refusal = not_served(*route->version, call.name, genesis_.params.epoch_ms))
    return std::move(responder).send(std::move(*refusal));
  if (call.payment) return call_with_voucher(call, *route, std::move(responder));
  if (call.caller == CallerKind::kOwner) return call_paid(call, *route, std::move(responder));
  if (config_.free_calls) return call_free(call, *route, std::move(responder));
  ask_for_payment(call, *route, "", std::move(responder));
}

Hash Node::fresh_seed() {
  if (seeds_.empty()) {
    seeds_.resize(kSeedsAtOnce);
    random_.fill({reinterpret_cast<std::uint8_t*>(seeds_.data()), kSeedsAtOnce * sizeof(Hash)});
  }
  const Hash seed = seeds_.back();
  seeds_.pop_back();
  return seed;
}

void Node::call_free(const ServiceCall& call, const Route& route, HttpResponder responder) {
  RunOrder order = order_of(*route.service, *route.version, request_of(call, route));
  order.gas_limit = Gas(kFreeGas);
  order.time = clock_.wall();
  order.seed = fresh_seed();
  // The responder moves; a std::function is copied, so they share it.
  const auto shared = std::make_shared<HttpResponder>(std::move(responder));
  const std::uint64_t run = runtime_->run(std::move(order), [shared](RunReply reply) {
    if (reply.outcome == RunOutcome::kHostFailed) {
      return std::move(*shared).send(problem(503, "the host could not run the service", reply.problem));
    }
    std::move(*shared).send(to_http(std::move(reply.reply)));
  });
  // Nobody pays for it, so nobody has it computed for nothing. A paid call goes on once it is signed for.
  shared->when_gone([this, run] { runtime_->cancel(run); });
}

x402::Offer Node::offer_for(const ServiceCall& call, const Route& route) const {
  const CallTerms terms = call_terms(genesis_.params, route.service->price, genesis_.params.price_per_mgas);
  x402::Offer offer;
  offer.chain = chain_;
  offer.resource = "/api/" + call.name + call.path;
  offer.service = route.service->service;
  offer.host = self_.value_or(NodeId{});
  offer.host_key = keys_->node.public_key();
  offer.price = route.service->price;
  offer.price_per_mgas = genesis_.params.price_per_mgas;
  offer.price_epoch = epoch_;
  offer.least_max_price = least_max_price(terms, call.body.size()).value_or(route.service->price);
  offer.dispute_epochs = genesis_.params.dispute_epochs;
  offer.error = "payment required";
  return offer;
}

void Node::ask_for_payment(const ServiceCall& call, const Route& route, const std::string& why,
                           HttpResponder responder) {
  x402::Offer offer = offer_for(call, route);
  if (!why.empty()) offer.error = why;
  HttpReply reply = problem(
      402, "payment required",
      why.empty() ? "a call of " + call.name + " costs " + amount_text(route.service->price) + " TOK and its gas" : why,
      "let the node's gateway pay: use the command line, or send the bearer token of its http.token file");
  reply.headers.emplace_back(x402::kRequired, x402::required_header(offer));
  std::move(responder).send(std::move(reply));
}

void Node::answer_paid(const payment::Answer& answer, HttpResponder responder, std::optional<x402::Offer> offer) const {
  HttpReply reply;
  const bool answered = answer.receipt && answer.receipt->receipt.outcome == CallOutcomeKind::kDone;
  if (answered) {
    reply = to_http(answer.reply);
  } else {
    const std::string why = answer.problem.empty() ? std::string(as_text(answer.reply.body)) : answer.problem;
    reply = problem(answer.status == 0 ? 502 : answer.status, "the call was not answered", why);
    if (answer.retry_after_s > 0) reply.headers.emplace_back("Retry-After", std::to_string(answer.retry_after_s));
    if (offer && (reply.status == 402 || answer.lane)) {
      offer->error = why;
      if (answer.lane) {
        offer->state = x402::VoucherState{answer.lane->paid.voucher, answer.lane->paid.signature,
                                          answer.lane->receipt.receipt, answer.lane->receipt.signature};
      }
      reply.headers.emplace_back(x402::kRequired, x402::required_header(*offer));
    }
  }
  if (answer.receipt) {
    reply.headers.emplace_back(x402::kResponse, x402::response_header({chain_, answer.receipt->receipt,
                                                                       answer.receipt->signature, answer.inputs}));
    reply.headers.emplace_back("Micro-Charged", amount_text(answer.receipt->receipt.charged));
  }
  std::move(responder).send(std::move(reply));
}

void Node::call_with_voucher(const ServiceCall& call, const Route& route, HttpResponder responder) {
  const auto paid = x402::parse_payment(chain_, *call.payment);
  if (!paid) return ask_for_payment(call, route, paid.error().message, std::move(responder));
  CallRequest request = request_of(call, route);
  request.record.body_hash = sha256(request.body);
  request.record.price_epoch = paid->price_epoch;
  const auto shared = std::make_shared<HttpResponder>(std::move(responder));
  std::optional<CodeHash> module;
  if (!runtime_->failure(route.version->version)) module = route.version->module;
  desk_->call_with_voucher(
      {paid->voucher, paid->signature}, std::move(request), module,
      [this, shared, offer = offer_for(call, route)](const payment::Answer& answer) {
        asio::post(io_, [this, shared, answer, offer] { answer_paid(answer, std::move(*shared), offer); });
      });
}

void Node::call_paid(const ServiceCall& call, const Route& route, HttpResponder responder) {
  PaidCall paid;
  paid.service = route.service->service;
  paid.host = *self_;
  paid.price = route.service->price;
  paid.module = route.version->module;
  paid.request = request_of(call, route);
  paid.max_price = call.max_price;
  paid.idempotency_key = call.idempotency_key.value_or("");
  if (call.account) {
    const auto owner = parse_address(genesis_.kind, *call.account);
    if (!owner) return std::move(responder).send(problem_of(owner.error()));
    paid.owner = *owner;
  }
  const auto shared = std::make_shared<HttpResponder>(std::move(responder));
  const auto answered = [this, shared, offer = offer_for(call, route)](const Result<PaidReply>& reply) {
    asio::post(io_, [this, shared, reply, offer] {
      if (!reply) return std::move(*shared).send(problem_of(reply.error(), offer));
      answer_paid(reply->answer, std::move(*shared), offer);
    });
  };
  const gateway::CallId id = desk_->call(std::move(paid), answered);
  shared->when_gone([this, id] { desk_->leave(id); });
}

/// A paid call that the provider accepted: its module names the version.
void Node::run_paid(const payment::Run& run, std::function<void(payment::Event)> done) {
  const ServiceEntry* service = directory_ ? directory_->find(run.request.record.service) : nullptr;
  const ServedVersion* version = nullptr;
  if (service != nullptr) {
    for (const ServedVersion& v : service->versions) {
      const bool named = !run.request.record.version || *run.request.record.version == v.version;
      if (named && v.module == run.module && runtime_->accepts(v.version)) version = &v;
    }
  }
  if (version == nullptr) return done(payment::RunDeferred{run.call});
  RunOrder order = order_of(*service, *version, run.request);
  order.gas_limit = run.gas_limit;
  order.time = run.inputs.time;
  order.seed = run.inputs.seed;
  runtime_->run(std::move(order), [key = run.call, done = std::move(done)](RunReply reply) {
    done(payment::RunEnded{key, reply.outcome, reply.gas, std::move(reply.reply)});
  });
}

}  // namespace micro
