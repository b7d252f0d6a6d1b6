// A queue of bytes in one piece: written at its end in place, read from its front in place. It grows to what is needed,
// keeps its memory while it works and gives it back when told to, so that an idle connection holds none.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>

#include "chain/base/bytes.hpp"
#include "chain/base/check.hpp"

namespace micro::p2p {

class ByteQueue {
 public:
  [[nodiscard]] std::size_t size() const { return tail_ - head_; }
  [[nodiscard]] bool empty() const { return head_ == tail_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  [[nodiscard]] std::span<std::uint8_t> readable() { return {data_.get() + head_, size()}; }
  [[nodiscard]] ByteView view() const { return {data_.get() + head_, size()}; }

  /// Room for at least `bytes` behind what is there; its content is undefined. Earlier views end.
  std::span<std::uint8_t> prepare(std::size_t bytes) {
    if (capacity_ - tail_ < bytes) make_room(bytes);
    return {data_.get() + tail_, capacity_ - tail_};
  }
  void commit(std::size_t bytes) {
    CHECK(bytes <= capacity_ - tail_, "no more than was prepared");
    tail_ += bytes;
  }
  void consume(std::size_t bytes) {
    CHECK(bytes <= size(), "no more than is there");
    head_ += bytes;
    if (head_ == tail_) head_ = tail_ = 0;
  }
  void append(ByteView bytes) {
    if (bytes.empty()) return;
    std::memcpy(prepare(bytes.size()).data(), bytes.data(), bytes.size());
    commit(bytes.size());
  }
  void clear() { head_ = tail_ = 0; }
  /// Gives back memory beyond `keep_bytes` where nothing is stored.
  void release(std::size_t keep_bytes) {
    if (!empty() || capacity_ <= keep_bytes) return;
    data_.reset();
    capacity_ = head_ = tail_ = 0;
  }

 private:
  static constexpr std::size_t kLeastBytes = 256;
  static constexpr std::size_t kMostGrowthBytes = 64 * 1'024;  // at once: there are many queues

  void make_room(std::size_t bytes) {
    const std::size_t held = size();
    // Half of the memory is free after a move: what is moved is paid for by what was written since the last one.
    if (capacity_ - held >= bytes && held <= capacity_ / 2) {
      if (held > 0) std::memmove(data_.get(), data_.get() + head_, held);
    } else {
      const std::size_t grown = capacity_ + std::min(capacity_, kMostGrowthBytes);
      const std::size_t wanted = std::max({held + bytes, grown, kLeastBytes});
      auto larger = std::make_unique_for_overwrite<std::uint8_t[]>(wanted);
      if (held > 0) std::memcpy(larger.get(), data_.get() + head_, held);
      data_ = std::move(larger);
      capacity_ = wanted;
    }
    head_ = 0;
    tail_ = held;
  }

  std::unique_ptr<std::uint8_t[]> data_;
  std::size_t capacity_ = 0;
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
};

}  // namespace micro::p2p
