#include "p2p/sync/messages.hpp"

namespace micro::p2p::sync {
namespace {

constexpr std::size_t kAroundBytes = 4 * 1'024;  ///< lengths and flags of an answer beside its items

Status check_heights(std::uint64_t first, std::uint32_t count) {
  if (count == 0 || first > UINT64_MAX - count) return fail(Fault::kInvalid, "a range of heights that is none");
  return {};
}

Status check_ask(const Ask& ask) {
  if (const auto* headers = std::get_if<HeadersAsk>(&ask)) return check_heights(headers->first, headers->count);
  if (const auto* blocks = std::get_if<BlocksAsk>(&ask)) return check_heights(blocks->first, blocks->count);
  const auto* headers_by_id = std::get_if<HeadersByIdAsk>(&ask);
  const auto* blocks_by_id = std::get_if<BlocksByIdAsk>(&ask);
  if ((headers_by_id != nullptr && headers_by_id->ids.empty()) ||
      (blocks_by_id != nullptr && blocks_by_id->ids.empty())) {
    return fail(Fault::kInvalid, "a request for no id");
  }
  const auto* state = std::get_if<StateAsk>(&ask);
  if (state != nullptr && state->last < state->first) return fail(Fault::kInvalid, "a range of keys that is none");
  return {};
}

}  // namespace

Result<Request> decode_request(ByteView bytes) {
  if (bytes.size() > kMaxRequestBytes) return fail(Fault::kLimit, "a request of this size");
  Request out = TRY(decode<Request>(bytes));
  if (out.version != kSyncVersion) return fail(Fault::kInvalid, "another version of this protocol");
  if (out.want_bytes < kMinWantBytes || out.want_bytes > kMaxWantBytes) {
    return fail(Fault::kInvalid, "parts of a size that is not allowed");
  }
  TRY(check_ask(out.ask));
  return out;
}

Result<Answer> decode_answer(ByteView bytes) {
  Answer out = TRY(decode<Answer>(bytes));
  if (out.version != kSyncVersion) return fail(Fault::kInvalid, "another version of this protocol");
  return out;
}

std::size_t max_answer_bytes(const Ask& ask) {
  // Whoever gives several items stops at kMaxWantBytes; one item may be larger.
  if (std::holds_alternative<BlocksAsk>(ask) || std::holds_alternative<BlocksByIdAsk>(ask)) {
    return kMaxWantBytes + kMaxBlockBytes + kAroundBytes;
  }
  if (std::holds_alternative<StateAsk>(ask)) return kMaxStateBytes + kAroundBytes;
  return kMaxWantBytes + kMaxHeaderBytes + kMaxHeaderProofBytes + kAroundBytes;
}

Status check_progress(const Progress& progress) {
  if (progress.version != kSyncVersion) return fail(Fault::kInvalid, "progress of another version");
  if (progress.headers.next > progress.headers.end || progress.blocks.next > progress.blocks.end) {
    return fail(Fault::kInvalid, "a span of heights that ends before it begins");
  }
  if (!progress.state) return {};
  const KeyRange* before = nullptr;
  for (const KeyRange& range : progress.state->missing) {
    if (range.last < range.first || (before != nullptr && range.first <= before->last)) {
      return fail(Fault::kInvalid, "missing ranges are ascending and apart");
    }
    before = &range;
  }
  return {};
}

}  // namespace micro::p2p::sync
