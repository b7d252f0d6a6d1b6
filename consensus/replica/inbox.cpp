#include "consensus/replica/inbox.hpp"

#include <algorithm>

namespace micro::simplex {
namespace {

/// So that many small messages weigh as much as few large ones.
std::size_t load_of(std::size_t bytes) {
  return bytes + kMaxInboxBytes / kMaxInboxMessages;
}

}  // namespace

bool Inbox::add(const Ed25519Key& from, Message message, std::size_t bytes) {
  while (items_.size() >= kMaxInboxMessages || bytes_ + bytes > kMaxInboxBytes) {
    const auto most = std::ranges::max_element(load_of_, {}, [](const auto& entry) { return entry.second; });
    const auto own = load_of_.find(from);
    const std::size_t would_be = load_of(bytes) + (own == load_of_.end() ? 0 : own->second);
    if (most == load_of_.end() || most->second <= would_be) return false;
    drop_newest_of(most->first);
  }
  load_of_[from] += load_of(bytes);
  bytes_ += bytes;
  items_.push_back({{from, std::move(message)}, bytes});
  return true;
}

Received Inbox::take() {
  Item item = std::move(items_.front());
  items_.pop_front();
  forget(item);
  return std::move(item.received);
}

void Inbox::forget(const Item& item) {
  bytes_ -= item.bytes;
  const auto load = load_of_.find(item.received.from);
  load->second -= load_of(item.bytes);
  if (load->second == 0) load_of_.erase(load);
}

void Inbox::drop_newest_of(const Ed25519Key& peer) {
  const auto newest =
      std::ranges::find(items_.rbegin(), items_.rend(), peer, [](const Item& item) { return item.received.from; });
  forget(*newest);
  items_.erase(std::next(newest).base());
}

}  // namespace micro::simplex
