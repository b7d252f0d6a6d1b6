#include "rpc/api/methods.hpp"

#include <algorithm>
#include <charconv>

namespace micro {
namespace {

struct FaultNames {
  Fault fault;
  std::string_view name;
  int exit;
};

constexpr std::array kFaults{FaultNames{Fault::kInternal, "internal", 1},
                             FaultNames{Fault::kInvalid, "invalid", 2},
                             FaultNames{Fault::kUnreachable, "unreachable", 3},
                             FaultNames{Fault::kNotFound, "not_found", 4},
                             FaultNames{Fault::kDenied, "denied", 5},
                             FaultNames{Fault::kFunds, "funds", 6},
                             FaultNames{Fault::kRejected, "rejected", 7},
                             FaultNames{Fault::kUnknownOutcome, "unknown_outcome", 8},
                             FaultNames{Fault::kRefused, "refused", 9},
                             FaultNames{Fault::kMismatch, "mismatch", 10},
                             FaultNames{Fault::kLimit, "limit", 1},
                             FaultNames{Fault::kIo, "io", 1},
                             FaultNames{Fault::kCorrupt, "corrupt", 1},
                             FaultNames{Fault::kBusy, "busy", 1},
                             FaultNames{Fault::kInterrupted, "interrupted", 130}};

constexpr int kParseError = -32'700;
constexpr int kInvalidRequest = -32'600;
constexpr int kNoSuchMethod = -32'601;
constexpr int kApplicationErrors = -32'000;

const FaultNames& names_of(Fault fault) {
  for (const FaultNames& entry : kFaults) {
    if (entry.fault == fault) return entry;
  }
  return kFaults.front();
}

Json protocol_error(int code, const std::string& message) {
  return Json{{"code", code}, {"message", message}, {"data", {{"name", "invalid"}, {"hint", ""}, {"exit", 2}}}};
}

Json envelope(const Json& id) {
  return Json{{"jsonrpc", "2.0"}, {"id", id}};
}

HttpReply json_reply(const Json& json) {
  return {200, "application/json", {}, json_text(json) + "\n"};
}

/// Collects the answers of a batch; replies when the last one is in.
struct Batch {
  explicit Batch(HttpResponder r) : responder(std::move(r)) {}
  HttpResponder responder;
  std::vector<std::optional<Json>> answers;
  std::size_t open = 0;

  void finish() {
    Json out = Json::array();
    for (auto& answer : answers) {
      if (answer) out.push_back(std::move(*answer));
    }
    if (out.empty()) return std::move(responder).send({204, "application/json", {}, ""});
    std::move(responder).send(json_reply(out));
  }
};

}  // namespace

int exit_code(Fault fault) {
  return names_of(fault).exit;
}
std::string_view fault_name(Fault fault) {
  return names_of(fault).name;
}

Fault fault_of_name(std::string_view name) {
  for (const FaultNames& entry : kFaults) {
    if (entry.name == name) return entry.fault;
  }
  return Fault::kInternal;
}

Fault fault_of_exit(int exit) {
  for (const FaultNames& entry : kFaults) {
    if (entry.exit == exit) return entry.fault;
  }
  return Fault::kInternal;
}

Json error_json(const Error& error) {
  const int exit = exit_code(error.fault);
  return Json{{"code", kApplicationErrors - exit},
              {"message", error.message},
              {"data", {{"name", fault_name(error.fault)}, {"hint", error.hint}, {"exit", exit}}}};
}

namespace {
/// Text under a key; whatever else stands there, or nothing, is the fallback.
std::string text_or(const Json& object, const char* key, std::string fallback) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::move(fallback);
}
}  // namespace

Error error_from_json(const Json& error) {
  Error out{Fault::kInternal, "the node answered with an error that has no message"};
  if (!error.is_object()) return out;
  out.message = text_or(error, "message", std::move(out.message));
  if (const auto data = error.find("data"); data != error.end() && data->is_object()) {
    out.fault = fault_of_name(text_or(*data, "name", ""));
    out.hint = text_or(*data, "hint", "");
  }
  return out;
}

const Json* RpcParams::find(const char* name) {
  known_.emplace_back(name);
  if (!params_.is_object()) return nullptr;
  const auto it = params_.find(name);
  return it == params_.end() || it->is_null() ? nullptr : &*it;
}

Result<std::string> RpcParams::text(const char* name) {
  const Json* value = find(name);
  if (value == nullptr) return fail(Fault::kInvalid, std::string("parameter \"") + name + "\" is missing");
  if (!value->is_string()) return fail(Fault::kInvalid, std::string("parameter \"") + name + "\" must be text");
  return value->get<std::string>();
}

std::optional<std::string> RpcParams::optional_text(const char* name) {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return value->get<std::string>();
  wrong(name, "text");
  return std::nullopt;
}

Result<std::uint64_t> RpcParams::u64(const char* name) {
  const Json* value = find(name);
  if (value == nullptr) return fail(Fault::kInvalid, std::string("parameter \"") + name + "\" is missing");
  if (value->is_number_unsigned()) return value->get<std::uint64_t>();
  std::uint64_t out = 0;
  if (value->is_string()) {
    const std::string text = value->get<std::string>();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error == std::errc{} && end == text.data() + text.size() && !text.empty()) return out;
  }
  return fail(Fault::kInvalid, std::string("parameter \"") + name + "\" must be a whole number");
}

std::uint64_t RpcParams::u64_or(const char* name, std::uint64_t fallback) {
  if (find(name) == nullptr) return fallback;
  const auto value = u64(name);
  if (!value) wrong(name, "a whole number");
  return value.value_or(fallback);
}

std::vector<std::string> RpcParams::texts(const char* name) {
  std::vector<std::string> out;
  const Json* value = find(name);
  if (value == nullptr) return out;
  if (!value->is_array()) wrong(name, "a list of texts");
  for (const Json& item : *value) {
    if (item.is_string()) {
      out.push_back(item.get<std::string>());
    } else {
      wrong(name, "a list of texts");
    }
  }
  return out;
}

void RpcParams::wrong(const char* name, const char* wanted) {
  if (!wrong_) wrong_ = Error{Fault::kInvalid, std::string("parameter \"") + name + "\" must be " + wanted, {}};
}

Status RpcParams::finish() const {
  if (wrong_) return std::unexpected(*wrong_);
  if (!params_.is_object()) return {};
  for (const auto& [key, value] : params_.items()) {
    if (std::ranges::find(known_, key) == known_.end()) {
      return fail(Fault::kInvalid, "unknown parameter \"" + key.substr(0, 60) + "\"");
    }
  }
  return {};
}

void RpcMethods::add(std::string name, RpcMethod method) {
  add_slow(std::move(name), [method = std::move(method)](RpcParams& params, RpcDone done) { done(method(params)); });
}

void RpcMethods::add_slow(std::string name, RpcSlowMethod method) {
  methods_.insert_or_assign(std::move(name), std::move(method));
}

void RpcMethods::call(const Json& request, std::function<void(std::optional<Json>)> done) const {
  const bool is_object = request.is_object();
  const bool well_formed = is_object && request.value("jsonrpc", Json()) == "2.0" && request.contains("method") &&
                           request["method"].is_string() &&
                           (!request.contains("params") || request["params"].is_object());
  const bool has_id = is_object && request.contains("id");
  Json answer = envelope(has_id ? request["id"] : Json(nullptr));
  if (!well_formed) {
    answer["error"] = protocol_error(kInvalidRequest, "not a JSON-RPC 2.0 request with named parameters");
    return done(std::move(answer));
  }
  const auto method = methods_.find(request["method"].get<std::string>());
  if (method == methods_.end()) {
    answer["error"] = protocol_error(kNoSuchMethod, "no such method");
    return done(has_id ? std::optional(std::move(answer)) : std::nullopt);
  }
  const Json params = request.value("params", Json::object());
  RpcParams reader(params);
  method->second(reader, [answer = std::move(answer), has_id, done = std::move(done)](Result<Json> result) mutable {
    if (!has_id) return done(std::nullopt);
    if (result) {
      answer["result"] = std::move(*result);
    } else {
      answer["error"] = error_json(result.error());
    }
    done(std::move(answer));
  });
}

void RpcMethods::handle(const HttpRequest& request, HttpResponder responder) const {
  auto parsed = parse_json(request.body);
  if (!parsed) {
    Json answer = envelope(nullptr);
    answer["error"] = protocol_error(kParseError, "not JSON: " + parsed.error().message);
    return std::move(responder).send(json_reply(answer));
  }
  const bool is_batch = parsed->is_array();
  if (is_batch && (parsed->empty() || parsed->size() > kMaxRpcBatch)) {
    Json answer = envelope(nullptr);
    answer["error"] = protocol_error(kInvalidRequest, "a batch holds 1 to " + std::to_string(kMaxRpcBatch) + " calls");
    return std::move(responder).send(json_reply(answer));
  }
  const std::size_t count = is_batch ? parsed->size() : 1;
  // The calls of a batch share it: each may end later than this function.
  const auto batch = std::make_shared<Batch>(std::move(responder));
  batch->answers.resize(count);
  batch->open = count;
  for (std::size_t i = 0; i < count; ++i) {
    call(is_batch ? (*parsed)[i] : *parsed, [batch, i, is_batch](std::optional<Json> answer) {
      batch->answers[i] = std::move(answer);
      if (--batch->open > 0) return;
      if (is_batch) return batch->finish();
      if (!batch->answers[0]) return std::move(batch->responder).send({204, "application/json", {}, ""});
      std::move(batch->responder).send(json_reply(*batch->answers[0]));
    });
  }
}

}  // namespace micro
