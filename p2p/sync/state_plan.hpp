// A whole state, by ranges of its keys. Nobody knows beforehand where the keys are: an idle peer halves the widest
// range that is under way, so that empty stretches cost a few small answers and crowded ones end up in as many hands as
// there are.
#pragma once

#include "p2p/sync/plan.hpp"

namespace micro::p2p::sync {

class StatePlan final : public Plan {
 public:
  StatePlan(const StateProgress& progress, Sink& sink);
  std::optional<Ask> next(const Candidate& candidate) override;
  [[nodiscard]] bool can_answer(const Candidate& candidate, const Ask& ask) const override;
  void give_back(const Ask& ask) override;
  Result<bool> on_answer(const PeerId& peer, const Ask& ask, ByteView answer) override;
  Status settle() override;
  [[nodiscard]] bool unsettled() const override { return !checked_.empty(); }
  [[nodiscard]] bool done() const override { return missing_.empty(); }
  [[nodiscard]] std::uint64_t rank(const Ask& ask) const override;
  [[nodiscard]] StateProgress progress() const { return {.root = root_, .missing = missing_.list()}; }

 private:
  struct Checked {
    KeyRange range;
    Bytes bytes;
  };
  [[nodiscard]] bool has_it(const Candidate& candidate) const;
  std::optional<KeyRange> split();

  Id root_;
  Sink& sink_;
  KeyRanges missing_;               // not handed over
  std::map<Key, Key> under_way_;    // of those: asked for, or checked
  std::map<Key, Checked> checked_;  // by the first key that was asked for
};

}  // namespace micro::p2p::sync
