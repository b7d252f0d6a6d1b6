// What peers said and the engine has not looked at yet: bounded in number and bytes. Where it is full, the newest of
// whoever has most in it goes, so that no flood keeps out those who say little.
#pragma once

#include <deque>
#include <map>

#include "consensus/core/events.hpp"

namespace micro::simplex {

inline constexpr std::size_t kMaxInboxMessages = 2'048;
inline constexpr std::size_t kMaxInboxBytes = 64u << 20;  ///< as encoded

class Inbox {
 public:
  /// `bytes`: its size as it came. False when it was dropped: its sender has most in here, or would have.
  bool add(const Ed25519Key& from, Message message, std::size_t bytes);
  /// The oldest. Not while it is empty.
  Received take();
  [[nodiscard]] bool empty() const { return items_.empty(); }
  [[nodiscard]] std::size_t size() const { return items_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  struct Item {
    Received received;
    std::size_t bytes = 0;
  };
  void forget(const Item& item);
  void drop_newest_of(const Ed25519Key& peer);

  std::deque<Item> items_;
  std::map<Ed25519Key, std::size_t> load_of_;  ///< bytes, and for each message its share of them
  std::size_t bytes_ = 0;
};

}  // namespace micro::simplex
