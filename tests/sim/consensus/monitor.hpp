// Watches a run from outside and knows the rules by itself: what honest nodes sign and send, what becomes final, who is
// accused. It never looks at the engine's decisions, only at what it holds.
#pragma once

#include <set>

#include "consensus/core/engine.hpp"
#include "tests/sim/consensus/sim_ledger.hpp"

namespace micro::test {

class Cluster;
class SimNode;

class Monitor {
 public:
  explicit Monitor(Cluster& cluster) : cluster_(cluster) {}

  /// I3 and I4 of every vote that a turn makes, while the engine still holds what it decided by.
  void after_turn(const SimNode& node, const simplex::Effects& effects);
  /// Of everything that leaves an honest node: I1 and I2 over all its lives, and that its disk holds what it rests on.
  void leaves(SimNode& node, const simplex::Message& message);
  void committed(SimNode& node, const Block& block, const std::optional<Certificate>& certificate);
  /// A process began where the disk had it: nothing that the one before was told is final may be missing.
  void booted(SimNode& node, Height told);
  void accused(const SimNode& node, const simplex::Evidence& evidence);
  void bounds(const SimNode& node);

  [[nodiscard]] std::uint64_t highest() const { return chain_.size(); }
  [[nodiscard]] std::uint64_t lies_proved() const { return proofs_; }
  [[nodiscard]] std::uint64_t votes_checked() const { return votes_checked_; }

 private:
  struct Signed {
    std::optional<Statement> notarize;
    bool nullify = false;
    std::optional<Statement> finalize;
    std::vector<Statement> told;
  };
  void vote_leaves(SimNode& node, const simplex::Vote& vote);
  void check_disk(SimNode& node, const simplex::Vote& vote);
  void check_carried(const SimNode& node, const simplex::Proposal& proposal);
  void check_blame(const SimNode& node, const simplex::Effects& effects);
  void check_owed(const SimNode& node);
  void check_notarize(const SimNode& node, const Statement& s);
  void check_parent(const SimNode& node, const Statement& s);
  void check_finalize(const SimNode& node, const Statement& s);

  Cluster& cluster_;
  std::map<std::tuple<std::size_t, Hash, View>, Signed> signed_;  ///< by member
  std::set<std::pair<std::size_t, Bytes>> seen_;
  std::set<std::pair<std::size_t, Bytes>> left_;
  std::map<std::pair<Hash, View>, std::set<std::size_t>> nullified_;  ///< by which members
  std::map<BlockId, Height> heights_;                                 ///< of what honest nodes voted for
  std::map<std::size_t, std::uint64_t> called_invalid_;               ///< by node
  std::vector<BlockId> chain_;                                        ///< by height − 1, whoever committed it first
  std::map<std::pair<Hash, View>, BlockId> finals_;
  std::set<std::uint64_t> txs_;
  std::uint64_t proofs_ = 0;
  std::uint64_t votes_checked_ = 0;
};

}  // namespace micro::test
