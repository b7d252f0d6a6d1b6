// Events in virtual time, a millisecond a step; those of one step in the order in which they came.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace micro::p2p::sim {

template <class Event>
class EventQueue {
 public:
  explicit EventQueue(std::uint64_t start_ms) : now_ms_(start_ms) {}

  [[nodiscard]] std::uint64_t now_ms() const { return now_ms_; }
  /// Not before now; within a step that is being run it is added to its end.
  void push(std::uint64_t at_ms, Event event) {
    if (at_ms / kNear == now_ms_ / kNear) {
      add(near_[at_ms % kNear], std::move(event));
    } else {
      far_[at_ms / kNear].emplace_back(at_ms, std::move(event));
    }
  }
  /// Runs what is due before `until_ms`, which is now after that.
  template <class Run>
  void run_until(std::uint64_t until_ms, Run run) {
    for (;;) {
      Step& step = near_[now_ms_ % kNear];
      for (std::size_t n = 0; n < step.size(); ++n) {  // more may come
        for (std::size_t at = 0; at < step[n]->size(); ++at) {
          Event event = std::move((*step[n])[at]);
          run(event);
        }
        step[n].reset();
      }
      step.clear();
      if (now_ms_ >= until_ms) return;
      if (++now_ms_ % kNear == 0) fetch();
    }
  }

 private:
  static constexpr std::uint64_t kNear = 4'096;
  static constexpr std::size_t kTogether = 256;
  using Chunk = std::vector<Event>;  // never more than kTogether: large blocks that come and go make an allocator slow
  using Step = std::vector<std::unique_ptr<Chunk>>;

  void add(Step& step, Event event) {
    if (step.empty() || step.back()->size() == kTogether) step.push_back(std::make_unique<Chunk>());
    step.back()->push_back(std::move(event));
  }
  void fetch() {
    const auto block = far_.extract(now_ms_ / kNear);
    if (block.empty()) return;
    for (auto& [at_ms, event] : block.mapped()) add(near_[at_ms % kNear], std::move(event));
  }
  std::uint64_t now_ms_;
  std::array<Step, kNear> near_;
  std::map<std::uint64_t, std::vector<std::pair<std::uint64_t, Event>>> far_;
};

}  // namespace micro::p2p::sim
