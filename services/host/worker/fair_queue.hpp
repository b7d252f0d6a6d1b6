// Items wait in one line a tenant, and tenants take turns: one that sends more than it may run, or whose calls never
// end, delays itself. What an item takes while it runs is counted in units.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "chain/base/check.hpp"

namespace micro {

template <class Tenant, class Item>
class FairQueue {
 public:
  FairQueue(std::size_t max_items, std::size_t max_items_of_one)
      : max_items_(max_items), max_of_one_(max_items_of_one) {}

  struct Popped {
    Item item;
    std::size_t units = 0;
  };

  /// Takes `item` unless there is no room for it.
  bool push(const Tenant& tenant, Item&& item, std::size_t units = 1) {
    Line& line = lines_[tenant];
    if (size_ >= max_items_ || line.waiting.size() >= max_of_one_) {
      forget_if_idle(tenant);
      return false;
    }
    if (line.waiting.empty()) turns_.push_back(tenant);
    line.waiting.push_back({std::move(item), units});
    ++size_;
    return true;
  }

  /// The next item of the next tenant that would have at most `max_units` in items that were popped and have not
  /// finished. Nothing when that item takes more than `room`: it is waited for, or small items would pass it for ever.
  std::optional<Popped> pop(std::size_t max_units, std::size_t room) {
    for (std::size_t tries = turns_.size(); tries > 0; --tries) {
      const Tenant tenant = turns_.front();
      Line& line = lines_[tenant];
      Popped& next = line.waiting.front();
      const bool is_allowed = line.running + next.units <= max_units;
      if (is_allowed && next.units > room) return std::nullopt;
      turns_.pop_front();
      if (!is_allowed) {
        turns_.push_back(tenant);
        continue;
      }
      Popped out = std::move(next);
      line.waiting.pop_front();
      --size_;
      line.running += out.units;
      if (!line.waiting.empty()) turns_.push_back(tenant);
      return out;
    }
    return std::nullopt;
  }

  void finished(const Tenant& tenant, std::size_t units = 1) {
    Line& line = lines_[tenant];
    CHECK(line.running >= units, "what finishes was popped before");
    line.running -= units;
    forget_if_idle(tenant);
  }

  /// The first waiting item that `is_it`, out of its line.
  template <class Predicate>
  std::optional<Item> take_if(const Predicate& is_it) {
    for (auto& [tenant, line] : lines_) {
      const auto at = std::ranges::find_if(line.waiting, is_it, &Popped::item);
      if (at == line.waiting.end()) continue;
      std::optional<Item> out(std::move(at->item));
      line.waiting.erase(at);
      --size_;
      const Tenant whose = tenant;
      if (line.waiting.empty()) std::erase(turns_, whose);
      forget_if_idle(whose);
      return out;
    }
    return std::nullopt;
  }

  std::vector<Item> take_all() {
    std::vector<Item> out;
    for (auto& [tenant, line] : lines_) {
      for (Popped& waits : std::exchange(line.waiting, {})) out.push_back(std::move(waits.item));
    }
    turns_.clear();
    size_ = 0;
    std::erase_if(lines_, [](const auto& entry) { return entry.second.running == 0; });
    return out;
  }

  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  struct Line {
    std::deque<Popped> waiting;
    std::size_t running = 0;  // units
  };
  void forget_if_idle(const Tenant& tenant) {
    const auto at = lines_.find(tenant);
    if (at->second.running == 0 && at->second.waiting.empty()) lines_.erase(at);
  }

  std::size_t max_items_;
  std::size_t max_of_one_;
  std::size_t size_ = 0;
  std::map<Tenant, Line> lines_;
  std::deque<Tenant> turns_;  // those with waiting items
};

}  // namespace micro
