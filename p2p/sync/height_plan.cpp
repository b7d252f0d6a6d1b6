#include "p2p/sync/height_plan.hpp"

#include <algorithm>

namespace micro::p2p::sync {
namespace {

constexpr std::size_t kHeaderBytes = 300;  // at first, about
constexpr std::size_t kBlockBytes = 4'096;
constexpr std::size_t kTakeBytesPerTurn = 64 * 1'024;  // handed over, so that nobody else waits for long

Status check_count(std::size_t given, const HeightSpan& asked) {
  if (given == 0) return fail(Fault::kInvalid, "an answer that leaves out all that was asked for");
  if (given > asked.end - asked.next) return fail(Fault::kInvalid, "an answer with more than was asked for");
  return {};
}

}  // namespace

HeightPlan::HeightPlan(HeightSpan span, std::size_t item_bytes, std::size_t max_count)
    : span_(span), item_bytes_(item_bytes), max_count_(max_count) {
  open_.add(span.next, span.end);
}

std::optional<Ask> HeightPlan::next(const Candidate& candidate) {
  const std::uint64_t behind_highest = candidate.status->highest + (candidate.status->highest < UINT64_MAX ? 1 : 0);
  const auto open = open_.first_in(candidate.status->lowest, std::min(limit(), behind_highest));
  if (!open) return std::nullopt;
  // What holds up all others is always asked for; the rest only while there is room for what comes too early.
  if (open->next != span_.next) {
    const std::uint64_t expected = held_bytes_ + under_way_ * item_bytes_;
    if (expected >= kMaxHeldBytes || open->next - span_.next >= kMaxAheadHeights) return std::nullopt;
  }
  const std::uint64_t fits = std::clamp<std::uint64_t>(candidate.want_bytes / item_bytes_, 1, max_count_);
  const std::uint64_t count = std::min(fits, open->end - open->next);
  open_.remove(open->next, open->next + count);
  under_way_ += count;
  return ask(open->next, static_cast<std::uint32_t>(count));
}

bool HeightPlan::can_answer(const Candidate& candidate, const Ask& ask) const {
  const std::uint64_t first = heights(ask).next;
  return candidate.status->lowest <= first && first <= candidate.status->highest;
}

void HeightPlan::give_back(const Ask& ask) {
  const HeightSpan asked = heights(ask);
  reopen(asked, asked.next);
}

void HeightPlan::reopen(const HeightSpan& asked, std::uint64_t from) {
  under_way_ -= asked.end - asked.next;
  open_.add(from, asked.end);
}

void HeightPlan::hold(std::uint64_t height, Bytes item) {
  item_bytes_ = std::max<std::size_t>(1, (7 * item_bytes_ + item.size()) / 8);
  held_bytes_ += item.size();
  held_.emplace(height, std::move(item));
}

bool HeightPlan::unsettled() const {
  return !held_.empty() && held_.begin()->first == span_.next;
}

Status HeightPlan::settle() {
  for (std::size_t bytes = 0; bytes < kTakeBytesPerTurn && unsettled();) {
    const auto first = held_.begin();
    TRY(take(first->first, first->second));
    bytes += first->second.size() + 1;
    held_bytes_ -= first->second.size();
    held_.erase(first);
    ++span_.next;
  }
  return {};
}

// --- headers ---

HeaderPlan::HeaderPlan(const Id& anchor, HeightSpan span, Sink& sink)
    : HeightPlan(span, kHeaderBytes, kMaxHeadersPerAnswer), anchor_(anchor), sink_(sink) {}

std::optional<Ask> HeaderPlan::next(const Candidate& candidate) {
  if (candidate.status->highest < span().end) return std::nullopt;
  return HeightPlan::next(candidate);
}

bool HeaderPlan::can_answer(const Candidate& candidate, const Ask& ask) const {
  return candidate.status->highest >= span().end && HeightPlan::can_answer(candidate, ask);
}

Ask HeaderPlan::ask(std::uint64_t first, std::uint32_t count) const {
  return HeadersAsk{.anchor = anchor_, .first = first, .count = count};
}

HeightSpan HeaderPlan::heights(const Ask& ask) const {
  const auto& mine = std::get<HeadersAsk>(ask);
  return {mine.first, mine.first + mine.count};
}

Result<bool> HeaderPlan::on_answer(const PeerId& /*peer*/, const Ask& ask, ByteView answer) {
  const HeightSpan asked = heights(ask);
  std::uint64_t from = asked.next;
  const Status status = [&]() -> Status {
    auto given = TRY(decode<HeadersAnswer>(answer));
    TRY(check_count(given.headers.size(), asked));
    TRY(sink_.check_headers(anchor_, asked.next, given.headers, std::span(given.proof)));
    for (HeaderBytes& header : given.headers) hold(from++, std::move(static_cast<Bytes&>(header)));
    return {};
  }();
  reopen(asked, from);
  TRY(status);
  return from == asked.end;
}

// --- blocks ---

BlockPlan::BlockPlan(HeightSpan span, const HeaderPlan& headers, Sink& sink)
    : HeightPlan(span, kBlockBytes, kMaxBlocksPerAnswer), headers_(headers), sink_(sink) {}

std::uint64_t BlockPlan::limit() const {
  return headers_.done() ? span().end : std::min(span().end, headers_.span().next);
}

Ask BlockPlan::ask(std::uint64_t first, std::uint32_t count) const {
  return BlocksAsk{.first = first, .count = count};
}

HeightSpan BlockPlan::heights(const Ask& ask) const {
  const auto& mine = std::get<BlocksAsk>(ask);
  return {mine.first, mine.first + mine.count};
}

Result<bool> BlockPlan::on_answer(const PeerId& /*peer*/, const Ask& ask, ByteView answer) {
  const HeightSpan asked = heights(ask);
  std::uint64_t from = asked.next;
  const Status status = [&]() -> Status {
    auto given = TRY(decode<BlocksAnswer>(answer));
    TRY(check_count(given.blocks.size(), asked));
    for (BlockBytes& block : given.blocks) {
      TRY(sink_.check_block(from, std::span(block)));
      hold(from++, std::move(static_cast<Bytes&>(block)));
    }
    return {};
  }();
  reopen(asked, from);
  TRY(status);
  return from == asked.end;
}

}  // namespace micro::p2p::sync
