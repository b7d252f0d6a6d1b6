#include <algorithm>

#include "rpc/cli/groups.hpp"
#include "rpc/cli/service_names.hpp"
#include "wallet/tx/tx_text.hpp"

namespace micro {

namespace {

struct CallOptions {
  std::string service;
  std::string endpoint;
  std::string json;
  std::string text;
  std::string method;
  std::string idempotency_key;
};

/// What the gateway's own refusals mean. A service answers with statuses of its own: they say nothing about payment.
Fault fault_of_status(unsigned status, bool from_service) {
  if (from_service) return status < 500 ? Fault::kInvalid : Fault::kInternal;
  if (status == 404) return Fault::kNotFound;
  if (status == 402) return Fault::kFunds;
  if (status == 401 || status == 403) return Fault::kDenied;
  if (status == 409 || status == 504) return Fault::kUnknownOutcome;
  if (status == 502) return Fault::kRejected;
  if (status == 429 || status == 503) return Fault::kBusy;
  return status < 500 ? Fault::kInvalid : Fault::kInternal;
}

std::string again_with(const std::string& key) {
  return "the same call again, paid at most once: add --idempotency-key " + key;
}

/// What the host charged; nothing for answers that are the gateway's own.
Amount charged_of(const ClientReply& reply) {
  const auto text = find_header(reply.headers, "micro-charged");
  return text ? parse_amount(*text).value_or(Amount()) : Amount();
}

/// An answer other than 2xx: what the gateway or the service says about it.
Error call_error(const ClientReply& reply, const std::string& key) {
  const bool from_service = !charged_of(reply).is_zero();  // a call that the service did not complete costs nothing
  Error error{
      fault_of_status(reply.status, from_service),
      std::string(from_service ? "the service" : "the call was") + " answered with " + std::to_string(reply.status),
      {}};
  const auto json = parse_json(reply.body);
  if (json && json->is_object()) {
    for (const char* field : {"detail", "message", "title"}) {
      if (const std::string text = text_or(*json, field); !text.empty()) {
        error.message += ": " + text;
        break;
      }
    }
    if (!from_service) error.hint = text_or(*json, "hint");
    // Its fund is what is missing, not the caller's tokens: waiting does not help.
    if (!from_service && text_or(*json, "code") == "paused") error.fault = Fault::kFunds;
  } else if (!reply.body.empty()) {
    error.message += ": " + reply.body.substr(0, std::min<std::size_t>(reply.body.find('\n'), 400));
  }
  if (!error.hint.empty()) return error;
  if (error.fault == Fault::kFunds) error.hint = "let this node pay within a cap: micro wallet session create";
  if (error.fault == Fault::kUnknownOutcome) error.hint = again_with(key);
  return error;
}

std::string fresh_key() {
  SystemRandom random;
  return random.draw<FixedBytes<16, struct IdempotencyTag>>().hex();
}

/// Who pays. An account that was named pays or nobody does; the current one pays when it has a session key here, and
/// otherwise whichever account let this node pay.
Result<std::optional<Address>> payer_of(Context& context) {
  if (!context.globals.account.empty()) return TRY(context.find_account(context.globals.account)).address;
  const auto current = context.acting();
  if (!current) return std::nullopt;
  const std::string owner = address_text(TRY(context.kind()), current->address);
  for (const Json& session : TRY(context.call("session.list", {{"owner", owner}}))) {
    if (text_or(session, "state") == "active") return current->address;
  }
  return std::nullopt;
}

Result<ClientRequest> request_of(Context& context, const CallOptions& o, const std::string& key) {
  if (!o.json.empty() && !Json::accept(o.json)) {
    return fail(Fault::kInvalid, "the request is not JSON: " + o.json.substr(0, 60),
                "write it like '{\"name\":\"Ada\"}'; text of another kind goes with --data");
  }
  const std::string& body = o.json.empty() ? o.text : o.json;
  const ServiceRef ref = service_ref(o.service);
  ClientRequest request;
  request.method = !o.method.empty() ? o.method : body.empty() ? "GET" : "POST";
  const bool is_word = std::ranges::all_of(request.method, [](char c) { return c >= 'A' && c <= 'Z'; });
  if (!is_word) return fail(Fault::kInvalid, "\"" + request.method + "\" is not an HTTP method", "like GET or PUT");
  std::string_view path = o.endpoint;
  while (path.starts_with('/')) path.remove_prefix(1);
  request.target = "/api/" + url_component(ref.name) + (ref.ref.empty() ? "" : "@" + url_component(ref.ref)) + "/" +
                   std::string(path);
  const bool printable = std::ranges::all_of(request.target, [](char c) { return c > ' ' && c < 0x7F; });
  if (!printable) {
    return fail(Fault::kInvalid, "the endpoint has a blank or a letter beyond ASCII in it", "write such as %20");
  }
  request.body = body;
  request.effect = CallEffect::kChange;
  request.timeout_ms = context.globals.timeout_ms;
  if (!body.empty()) {
    request.headers.emplace_back("content-type", Json::accept(body) ? "application/json" : "text/plain; charset=utf-8");
  }
  if (context.globals.max_price)
    request.headers.emplace_back("micro-max-price", amount_text(*context.globals.max_price));
  request.headers.emplace_back("idempotency-key", key);
  if (const auto payer = TRY(payer_of(context))) {
    request.headers.emplace_back("micro-account", address_text(TRY(context.kind()), *payer));
  }
  return request;
}

/// JSON as the service wrote it, indented for people; with --json any other reply is one JSON string.
void print_reply(Context& context, const std::string& body) {
  const bool is_json = Json::accept(body);
  std::string text = body;
  if (context.out.json() && !is_json) {
    return context.out.document(Json(body));
  }
  if (!context.out.json() && is_json) text = indent_json(body).value_or(body);
  if (text.empty()) return;
  context.out.raw(is_json && !text.ends_with('\n') ? text + "\n" : text);
}

/// What a call would be, without asking the gateway.
Status show_request(Context& context, const ClientRequest& request) {
  const auto price = find_header(request.headers, "micro-max-price");
  const auto payer = find_header(request.headers, "micro-account");
  if (context.out.json()) {
    Json document{{"dry_run", true}, {"method", request.method}, {"target", request.target}, {"body", request.body}};
    if (price) document["max_price"] = *price;
    if (payer) document["account"] = *payer;
    document["unit"] = "TOK";
    context.out.document(document);
    return {};
  }
  context.out.line(request.method + " " + request.target);
  if (!request.body.empty()) context.out.line(printable(request.body));
  const std::string who = payer ? std::string(*payer) : "whichever account let this node pay";
  context.out.note((price ? "at most " + with_unit(*price) + ", " : "") + "paid by " + who +
                   "\ndry run: nothing was called or paid");
  return {};
}

Status call(Context& context, const CallOptions& o) {
  const std::string key = o.idempotency_key.empty() ? fresh_key() : o.idempotency_key;
  const ClientRequest request = TRY(request_of(context, o, key));
  if (context.globals.dry_run) return show_request(context, request);
  NodeClient* node = TRY(context.node());
  context.out.remember("idempotency_key", key);
  const auto answered = node->request(request);
  if (!answered) {
    if (answered.error().fault != Fault::kUnknownOutcome) return std::unexpected(answered.error());
    return fail(Fault::kUnknownOutcome, answered.error().message, again_with(key));
  }
  const bool answers = answered->status >= 200 && answered->status <= 299;
  const Amount charged = charged_of(*answered);
  // What was paid for is shown, whatever the service says in it.
  if (answers || !charged.is_zero()) print_reply(context, answered->body);
  if (!charged.is_zero()) {
    context.out.remember("charged", amount_text(charged));
    context.out.note("paid " + with_unit(amount_text(charged)));
    if (answers)
      context.out.payment(Json{{"charged", amount_text(charged)}, {"unit", "TOK"}, {"idempotency_key", key}});
  }
  if (!answers) return std::unexpected(call_error(*answered, key));
  return {};
}

}  // namespace

void add_call_commands(CLI::App& app, Context& context) {
  CallOptions* called = nullptr;
  CLI::App* ask = add_command(app, context, "call", "call a service and pay for it", call, called);
  ask->add_option("service", called->service, "NAME or NAME@COMMIT")->required();
  ask->add_option("endpoint", called->endpoint, "its path, like Helloworld.Call")->required();
  CLI::Option* json = ask->add_option("request", called->json, "JSON");
  ask->add_option("-d,--data", called->text, "a request of any other kind, as it is")->excludes(json);
  ask->add_option("-X,--method", called->method, "HTTP method; without: POST with a request, else GET");
  ask->add_option("--idempotency-key", called->idempotency_key, "the same key is paid at most once");
}

}  // namespace micro
