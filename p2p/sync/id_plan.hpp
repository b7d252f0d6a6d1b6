// Headers or blocks by their ids, each from whoever has it.
#pragma once

#include <set>

#include "p2p/sync/plan.hpp"

namespace micro::p2p::sync {

inline constexpr std::size_t kMaxWantedIds = 4'096;

class IdPlan final : public Plan {
 public:
  enum class What : std::uint8_t { kHeaders, kBlocks };
  IdPlan(What what, Sink& sink) : what_(what), sink_(sink) {}

  /// kBusy while too many are wanted; twice is once.
  Status want(const Id& id);
  void forget(const Id& id);
  /// Wanted ids that each of these peers says it does not have.
  [[nodiscard]] std::vector<Id> unknown_to(const std::vector<PeerId>& peers) const;

  std::optional<Ask> next(const Candidate& candidate) override;
  [[nodiscard]] bool can_answer(const Candidate& candidate, const Ask& ask) const override;
  void give_back(const Ask& ask) override;
  Result<bool> on_answer(const PeerId& peer, const Ask& ask, ByteView answer) override;
  Status settle() override;
  [[nodiscard]] bool unsettled() const override { return !checked_.empty(); }
  [[nodiscard]] bool done() const override { return wanted_.empty(); }
  [[nodiscard]] std::uint64_t rank(const Ask& /*ask*/) const override { return 0; }

 private:
  struct Wanted {
    bool under_way = false;
    std::set<PeerId> without;  ///< peers that said they do not have it
  };
  [[nodiscard]] Status check(const Id& id, ByteView bytes);
  [[nodiscard]] static const std::vector<Id>& ids(const Ask& ask);

  What what_;
  Sink& sink_;
  std::map<Id, Wanted> wanted_;
  std::map<Id, Bytes> checked_;
};

}  // namespace micro::p2p::sync
