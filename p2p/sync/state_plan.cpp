#include "p2p/sync/state_plan.hpp"

#include <algorithm>

namespace micro::p2p::sync {
namespace {

constexpr std::size_t kNarrowBytes = 8;  // ranges whose ends share so many bytes are not halved

Key width(const Key& first, const Key& last) {
  Key out;
  int borrow = 0;
  for (std::size_t n = Key::kSize; n-- > 0;) {
    int digit = static_cast<int>(last.data[n]) - first.data[n] - borrow;
    borrow = digit < 0 ? 1 : 0;
    digit += 256 * borrow;
    out.data[n] = static_cast<std::uint8_t>(digit);
  }
  return out;
}

}  // namespace

StatePlan::StatePlan(const StateProgress& progress, Sink& sink) : root_(progress.root), sink_(sink) {
  for (const KeyRange& range : progress.missing) missing_.add(range);
}

std::uint64_t StatePlan::rank(const Ask& ask) const {
  const Key& first = std::get<StateAsk>(ask).first;
  std::uint64_t out = 0;
  for (std::size_t n = 0; n < sizeof out; ++n) out = out << 8 | first.data[n];
  return out;
}

bool StatePlan::has_it(const Candidate& candidate) const {
  return std::ranges::find(candidate.status->snapshots, root_, &Snapshot::root) != candidate.status->snapshots.end();
}

bool StatePlan::can_answer(const Candidate& candidate, const Ask& /*ask*/) const {
  return has_it(candidate);
}

std::optional<Ask> StatePlan::next(const Candidate& candidate) {
  if (!has_it(candidate)) return std::nullopt;
  auto range = missing_.first_without(under_way_);
  const bool is_full = missing_.size() + under_way_.size() >= kMaxMissingRanges / 2;
  if (!range && candidate.is_idle && !is_full) range = split();
  if (!range) return std::nullopt;
  under_way_[range->first] = range->last;
  return StateAsk{.root = root_, .first = range->first, .last = range->last};
}

/// The upper half of the widest range that somebody was asked for and has not answered.
std::optional<KeyRange> StatePlan::split() {
  auto widest = under_way_.end();
  Key most;
  for (auto it = under_way_.begin(); it != under_way_.end(); ++it) {
    if (checked_.contains(it->first)) continue;
    const Key wide = width(it->first, it->second);
    if (wide <= most) continue;
    widest = it;
    most = wide;
  }
  const bool is_narrow =
      std::all_of(most.data.begin(), most.data.begin() + kNarrowBytes, [](std::uint8_t b) { return b == 0; });
  if (widest == under_way_.end() || is_narrow) return std::nullopt;
  const Key middle = middle_key(widest->first, widest->second);
  const KeyRange upper{*next_key(middle), widest->second};
  widest->second = middle;  // the one who was asked may still answer beyond: that is then brought twice
  return upper;
}

void StatePlan::give_back(const Ask& ask) {
  under_way_.erase(std::get<StateAsk>(ask).first);
}

Result<bool> StatePlan::on_answer(const PeerId& /*peer*/, const Ask& ask, ByteView answer) {
  const auto& asked = std::get<StateAsk>(ask);
  auto given = decode<StateAnswer>(answer);
  Status status;
  if (!given) {
    status = std::unexpected(given.error());
  } else if (given->covered < asked.first || given->covered > asked.last) {
    status = fail(Fault::kInvalid, "an answer for other keys than were asked for");
  } else {
    status = sink_.check_state(root_, asked.first, given->covered, std::span(given->range));
  }
  if (!status) {
    give_back(ask);
    return std::unexpected(status.error());
  }
  under_way_[asked.first] = std::min(given->covered, under_way_[asked.first]);
  checked_.emplace(asked.first, Checked{{asked.first, given->covered}, std::move(static_cast<Bytes&>(given->range))});
  return given->covered == asked.last;
}

Status StatePlan::settle() {
  for (std::size_t n = 0; n < kTakesPerTurn && !checked_.empty(); ++n) {
    const auto& [first, one] = *checked_.begin();
    TRY(sink_.take_state(root_, one.range.first, one.range.last, one.bytes));
    missing_.remove(one.range);
    under_way_.erase(first);
    checked_.erase(checked_.begin());
  }
  return {};
}

}  // namespace micro::p2p::sync
