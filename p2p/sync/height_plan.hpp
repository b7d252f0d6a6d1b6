// Headers, or blocks, of a span of heights: asked for in pieces from several peers, checked as they come, handed over
// in order.
#pragma once

#include "p2p/sync/plan.hpp"

namespace micro::p2p::sync {

inline constexpr std::uint64_t kMaxAheadHeights = 32'768;  ///< of the first that is missing
inline constexpr std::size_t kMaxHeldBytes = 64u << 20;    ///< checked, and waiting for others below

class HeightPlan : public Plan {
 public:
  std::optional<Ask> next(const Candidate& candidate) override;
  [[nodiscard]] bool can_answer(const Candidate& candidate, const Ask& ask) const override;
  void give_back(const Ask& ask) override;
  Status settle() override;
  [[nodiscard]] bool unsettled() const override;
  [[nodiscard]] bool done() const override { return span_.next == span_.end; }
  [[nodiscard]] std::uint64_t rank(const Ask& ask) const override { return heights(ask).next; }

  [[nodiscard]] const HeightSpan& span() const { return span_; }
  [[nodiscard]] std::size_t held_bytes() const { return held_bytes_; }

 protected:
  HeightPlan(HeightSpan span, std::size_t item_bytes, std::size_t max_count);
  [[nodiscard]] virtual Ask ask(std::uint64_t first, std::uint32_t count) const = 0;
  /// [first, first + count) of one of our own requests.
  [[nodiscard]] virtual HeightSpan heights(const Ask& ask) const = 0;
  virtual Status take(std::uint64_t height, ByteView item) = 0;
  /// Heights from here on are not asked for yet.
  [[nodiscard]] virtual std::uint64_t limit() const { return span_.end; }
  void hold(std::uint64_t height, Bytes item);
  /// What was asked for and is not held is open again.
  void reopen(const HeightSpan& asked, std::uint64_t from);

 private:
  HeightSpan span_;
  HeightRanges open_;
  std::uint64_t under_way_ = 0;  // heights
  std::map<std::uint64_t, Bytes> held_;
  std::size_t held_bytes_ = 0;
  std::size_t item_bytes_;  // about, of late
  std::size_t max_count_;
};

class HeaderPlan final : public HeightPlan {
 public:
  HeaderPlan(const Id& anchor, HeightSpan span, Sink& sink);
  /// Nothing for who does not reach up to the anchor: it cannot prove that anything is below it.
  std::optional<Ask> next(const Candidate& candidate) override;
  [[nodiscard]] bool can_answer(const Candidate& candidate, const Ask& ask) const override;
  Result<bool> on_answer(const PeerId& peer, const Ask& ask, ByteView answer) override;

 private:
  [[nodiscard]] Ask ask(std::uint64_t first, std::uint32_t count) const override;
  [[nodiscard]] HeightSpan heights(const Ask& ask) const override;
  Status take(std::uint64_t height, ByteView item) override { return sink_.take_header(height, item); }
  Id anchor_;
  Sink& sink_;
};

class BlockPlan final : public HeightPlan {
 public:
  /// Blocks follow their headers, whose plan outlives this one.
  BlockPlan(HeightSpan span, const HeaderPlan& headers, Sink& sink);
  Result<bool> on_answer(const PeerId& peer, const Ask& ask, ByteView answer) override;

 private:
  [[nodiscard]] Ask ask(std::uint64_t first, std::uint32_t count) const override;
  [[nodiscard]] HeightSpan heights(const Ask& ask) const override;
  Status take(std::uint64_t height, ByteView item) override { return sink_.take_block(height, item); }
  [[nodiscard]] std::uint64_t limit() const override;
  const HeaderPlan& headers_;
  Sink& sink_;
};

}  // namespace micro::p2p::sync
