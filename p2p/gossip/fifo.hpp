// First in, first out, without memory while empty: there are several for each peer, and most hold nothing.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace micro::p2p {

template <class T>
class Fifo {
 public:
  [[nodiscard]] bool empty() const { return head_ == items_.size(); }
  [[nodiscard]] std::size_t size() const { return items_.size() - head_; }
  [[nodiscard]] const T& front() const { return items_[head_]; }
  void push_back(T item) { items_.push_back(std::move(item)); }
  T pop_front() {
    T out = std::move(items_[head_++]);
    if (empty()) {
      items_ = {};
      head_ = 0;
    } else if (head_ > items_.size() / 2) {  // what is moved is paid for by what was taken
      items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
    return out;
  }
  [[nodiscard]] auto begin() const { return items_.begin() + static_cast<std::ptrdiff_t>(head_); }
  [[nodiscard]] auto end() const { return items_.end(); }

 private:
  std::vector<T> items_;
  std::size_t head_ = 0;
};

}  // namespace micro::p2p
