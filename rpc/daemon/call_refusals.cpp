#include "rpc/daemon/call_refusals.hpp"

#include <algorithm>

#include "genesis/json/strict_json.hpp"
#include "rpc/front/http_front.hpp"
#include "rpc/views/views.hpp"

namespace micro {
namespace {

unsigned http_status(Fault fault, bool has_offer) {
  switch (fault) {
    case Fault::kNotFound:
      return 404;
    case Fault::kInvalid:
    case Fault::kLimit:
      return 400;
    case Fault::kFunds:
      return has_offer ? 402 : 403;
    case Fault::kDenied:
      return 403;
    case Fault::kRejected:
    case Fault::kMismatch:
      return 502;
    case Fault::kBusy:
    case Fault::kUnreachable:
      return 503;
    case Fault::kUnknownOutcome:
      return 504;
    default:
      return 500;
  }
}

HttpReply paused(std::string_view service, std::uint64_t epoch_ms) {
  const std::string detail = std::string(service) + " is paused: " + views::pause_reason();
  HttpReply reply = problem(503, "the service is paused", detail, views::pause_hint(service));
  if (auto body = parse_json(reply.body)) {
    (*body)["code"] = "paused";
    reply.body = json_text(*body) + "\n";
  }
  reply.headers.emplace_back("Retry-After", std::to_string(std::max<std::uint64_t>(1, (epoch_ms + 999) / 1'000)));
  return reply;
}

}  // namespace

HttpReply problem_of(const Error& error, std::optional<x402::Offer> offer) {
  HttpReply reply =
      problem(http_status(error.fault, offer.has_value()), "the call was not made", error.message, error.hint);
  if (reply.status == 503) reply.headers.emplace_back("Retry-After", "1");
  if (reply.status == 402) {
    offer->error = error.message;
    reply.headers.emplace_back(x402::kRequired, x402::required_header(*offer));
  }
  return reply;
}

std::optional<HttpReply> not_served(const ServedVersion& version, std::string_view service, std::uint64_t epoch_ms) {
  const std::string name(service);
  switch (version.state) {
    case VersionState::kAnnounced:
      return problem_of({Fault::kBusy, name + " is being built", "follow it with: micro logs -f " + name});
    case VersionState::kPaused:
      return paused(service, epoch_ms);
    case VersionState::kIrreproducible:
      return problem_of({Fault::kRejected, name + " cannot run: its builders got different modules"});
    case VersionState::kActive:
      break;
  }
  if (version.local_host() != nullptr) return std::nullopt;
  return problem_of({Fault::kBusy, name + " is not placed on a host yet", "the policy runs at the end of each epoch"});
}

}  // namespace micro
