#include "consensus/core/held_back.hpp"

#include <algorithm>

namespace micro::simplex {

void HeldBack::hold(std::vector<TxId> txs, std::uint64_t due, std::uint32_t failures) {
  if (txs.empty()) return;
  size_ += txs.size();
  groups_.push_back({std::move(txs), due, failures});
}

void HeldBack::failed(std::vector<TxId> txs, std::uint32_t failures) {
  // A member of much weight leads several views in a turn: its bodies hold the same until the first of them is judged.
  const std::vector<TxId> held = this->txs();
  std::erase_if(txs, [&](const TxId& tx) { return std::ranges::binary_search(held, tx); });
  const std::uint64_t due = bodies_ + (std::uint64_t{1} << std::min(failures + 1, kMaxHeldBackDoublings));
  const auto half = txs.begin() + static_cast<std::ptrdiff_t>((txs.size() + 1) / 2);
  std::vector<TxId> rest(half, txs.end());
  txs.erase(half, txs.end());
  hold(std::move(txs), due, failures + 1);
  hold(std::move(rest), due, failures + 1);
  while (size_ > kMaxHeldBackTxs) {
    size_ -= groups_.front().txs.size();
    groups_.pop_front();
  }
}

HeldBack::Attempt HeldBack::due(std::size_t max_txs, bool nothing_else) const {
  if ((was_attempt_ && !nothing_else) || max_txs == 0) return {};
  const auto when = [&](const Group& group) { return nothing_else && group.failures == 1 ? 0 : group.due; };
  const auto first = std::ranges::min_element(groups_, {}, when);
  if (first == groups_.end() || when(*first) > bodies_ + 1) return {};
  const std::size_t n = std::min(max_txs, first->txs.size());
  return {{first->txs.begin(), first->txs.begin() + static_cast<std::ptrdiff_t>(n)}, first->failures};
}

void HeldBack::proposed(const Attempt& attempt) {
  ++bodies_;
  was_attempt_ = !attempt.txs.empty();
  if (!was_attempt_) return;
  const auto group = std::ranges::find(groups_, attempt.txs.front(), [](const Group& g) { return g.txs.front(); });
  if (group == groups_.end()) return;
  const std::size_t n = std::min(attempt.txs.size(), group->txs.size());
  size_ -= n;
  group->txs.erase(group->txs.begin(), group->txs.begin() + static_cast<std::ptrdiff_t>(n));
  if (group->txs.empty()) groups_.erase(group);
}

std::vector<TxId> HeldBack::txs() const {
  std::vector<TxId> out;
  out.reserve(size_);
  for (const Group& group : groups_) out.insert(out.end(), group.txs.begin(), group.txs.end());
  std::ranges::sort(out);
  return out;
}

}  // namespace micro::simplex
