// Memory that all connections of a process hold together. Each may hold a share of what is free, so that one alone
// gets much, a thousand get little each, and nobody is starved by who came first (dynamic thresholds, Choudhury and
// Hahne, "Dynamic Queue Length Thresholds for Shared-Memory Packet Switches", 1998).
#pragma once

#include <algorithm>
#include <cstddef>

namespace micro::p2p {

inline constexpr std::size_t kProcessHeldBytes = 192 * 1'024 * 1'024;   ///< by all connections together
inline constexpr std::size_t kConnectionHeldBytes = 16 * 1'024 * 1'024;  ///< by one, at most
inline constexpr std::size_t kConnectionUsualBytes = 4 * 1'024 * 1'024;  ///< above half of it nothing is made larger
inline constexpr std::size_t kFreePerShare = 8;  ///< one connection may hold an eighth of what is free

class MemoryPool {
 public:
  explicit MemoryPool(std::size_t limit_bytes = kProcessHeldBytes) : limit_bytes_(limit_bytes) {}
  MemoryPool(const MemoryPool&) = delete;
  MemoryPool& operator=(const MemoryPool&) = delete;

  /// What one connection may hold now.
  [[nodiscard]] std::size_t allowance() const {
    const std::size_t free = held_bytes_ < limit_bytes_ ? limit_bytes_ - held_bytes_ : 0;
    return std::min(kConnectionHeldBytes, free / kFreePerShare);
  }
  [[nodiscard]] std::size_t held_bytes() const { return held_bytes_; }

 private:
  friend class MemoryShare;
  std::size_t limit_bytes_;
  std::size_t held_bytes_ = 0;
};

/// What one connection holds of a pool, which outlives it.
class MemoryShare {
 public:
  explicit MemoryShare(MemoryPool& pool) : pool_(pool) {}
  ~MemoryShare() { set(0); }
  MemoryShare(const MemoryShare&) = delete;
  MemoryShare& operator=(const MemoryShare&) = delete;

  void set(std::size_t bytes) {
    pool_.held_bytes_ = pool_.held_bytes_ - bytes_ + bytes;
    bytes_ = bytes;
  }
  [[nodiscard]] std::size_t allowance() const { return pool_.allowance(); }

 private:
  MemoryPool& pool_;
  std::size_t bytes_ = 0;
};

}  // namespace micro::p2p
