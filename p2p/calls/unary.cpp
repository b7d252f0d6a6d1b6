#include "p2p/calls/unary.hpp"

#include <algorithm>

namespace micro::p2p {

// --- who asks ---

Result<CallId> UnaryClient::call(std::string method, Bytes body, Instant deadline, Instant now) {
  if (method.size() > kMaxMethodBytes || body.size() > kMaxCallBytes) {
    return fail(Fault::kLimit, "a request of more than " + std::to_string(kMaxCallBytes) + " bytes");
  }
  if (deadline <= now) return fail(Fault::kUnreachable, "no time is left for this call");
  if (!may_call() || (!output_.empty() && output_.size() + body.size() > kQueuedCallBytes)) {
    return fail(Fault::kBusy, "too many calls to one peer are under way");
  }
  const std::uint64_t ms = std::min(kMaxCallMs, (deadline.ns - now.ns) / 1'000'000 + 1);
  const CallId id = next_id_++;
  put_frame(output_, CallFrame(RequestFrame{.id = id,
                                            .timeout_ms = static_cast<std::uint32_t>(ms),
                                            .method = Text<kMaxMethodBytes>(std::move(method)),
                                            .body = CallBody(std::move(body))}));
  pending_[id] = deadline;
  return id;
}

void UnaryClient::cancel(CallId id) {
  if (pending_.erase(id) > 0) put_frame(output_, CallFrame(CancelFrame{.id = id}));
}

Status UnaryClient::feed(ByteView input) {
  while (!input.empty()) {
    input = input.subspan(TRY(reader_.feed(input)));
    auto frame = reader_.take();
    if (!frame) continue;
    if (auto* reply = std::get_if<ReplyFrame>(&*frame)) {
      if (reply->id >= next_id_) return fail(Fault::kInvalid, "a reply to a call that was never made");
      end(reply->id, std::move(static_cast<Bytes&>(reply->body)));
    } else if (const auto* failed = std::get_if<FailFrame>(&*frame)) {
      if (failed->id >= next_id_) return fail(Fault::kInvalid, "a reply to a call that was never made");
      end(failed->id, std::unexpected(received_error(failed->fault, failed->message)));
    } else {
      return fail(Fault::kInvalid, "a request where replies are expected");
    }
  }
  return {};
}

void UnaryClient::end(CallId id, Result<Bytes> result) {
  if (pending_.erase(id) > 0) results_.push_back({.id = id, .result = std::move(result)});
}

void UnaryClient::expire(Instant now) {
  std::vector<CallId> late;
  for (const auto& [id, deadline] : pending_) {
    if (now >= deadline) late.push_back(id);
  }
  for (const CallId id : late) {
    cancel(id);
    results_.push_back({.id = id, .result = fail(Fault::kUnknownOutcome, "no reply in time")});
  }
}

void UnaryClient::closed(const std::string& why) {
  for (const auto& [id, deadline] : std::exchange(pending_, {})) {
    results_.push_back({.id = id, .result = fail(Fault::kUnknownOutcome, why)});
  }
}

std::optional<Instant> UnaryClient::next_deadline() const {
  if (pending_.empty()) return std::nullopt;
  return std::ranges::min_element(pending_, {}, [](const auto& one) { return one.second; })->second;
}

// --- who answers ---

Result<std::size_t> UnaryServer::feed(ByteView input, Instant now, std::size_t most_running) {
  std::size_t taken = 0;
  while (taken < input.size() && has_room(most_running)) {
    taken += TRY(reader_.feed(input.subspan(taken)));
    auto frame = reader_.take();
    if (!frame) continue;
    if (auto* request = std::get_if<RequestFrame>(&*frame)) {
      if (request->id <= last_id_) return fail(Fault::kInvalid, "ids of calls ascend");
      last_id_ = request->id;
      const Instant deadline = now.plus_ms(std::min<std::uint64_t>(request->timeout_ms, kMaxCallMs));
      running_[request->id] = {.deadline = deadline, .bytes = request->body.size()};
      running_bytes_ += request->body.size();
      requests_.push_back({.id = request->id,
                           .method = std::move(static_cast<std::string&>(request->method)),
                           .body = std::move(static_cast<Bytes&>(request->body)),
                           .deadline = deadline});
    } else if (const auto* cancel = std::get_if<CancelFrame>(&*frame)) {
      if (cancel->id > last_id_) return fail(Fault::kInvalid, "a call that was never made is cancelled");
      if (!running_.contains(cancel->id)) continue;
      forget(cancel->id);
      cancelled_.push_back(cancel->id);
    } else {
      return fail(Fault::kInvalid, "a reply where requests are expected");
    }
  }
  return taken;
}

void UnaryServer::forget(CallId id) {
  const auto node = running_.extract(id);
  running_bytes_ -= node.mapped().bytes;
}

void UnaryServer::reply(CallId id, Result<Bytes> result) {
  if (!running_.contains(id)) return;
  forget(id);
  if (result && result->size() > kMaxCallBytes) {
    result = fail(Fault::kLimit, "the reply is of more than " + std::to_string(kMaxCallBytes) + " bytes");
  }
  if (result) {
    put_frame(output_, CallFrame(ReplyFrame{.id = id, .body = CallBody(std::move(*result))}));
  } else {
    put_frame(output_, CallFrame(FailFrame{.id = id,
                                           .fault = static_cast<std::uint8_t>(result.error().fault),
                                           .message = sent_message(result.error())}));
  }
}

void UnaryServer::expire(Instant now) {
  std::vector<CallId> late;
  for (const auto& [id, call] : running_) {
    if (now >= call.deadline) late.push_back(id);
  }
  for (const CallId id : late) {
    forget(id);
    cancelled_.push_back(id);
  }
}

std::optional<Instant> UnaryServer::next_deadline() const {
  if (running_.empty()) return std::nullopt;
  return std::ranges::min_element(running_, {}, [](const auto& one) { return one.second.deadline; })->second.deadline;
}

}  // namespace micro::p2p
