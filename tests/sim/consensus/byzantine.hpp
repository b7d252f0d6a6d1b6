// Liars. Each runs a real engine to know what is going on, and changes, adds to or holds back what it says. All of them
// also sign whatever helps another liar's block.
#pragma once

#include "tests/sim/consensus/sim_node.hpp"

namespace micro::test {

class Liar {
 public:
  Liar(Cluster& cluster, SimNode& node) : cluster_(cluster), node_(node) {}
  /// What the engine wants to send to one peer: passes it on, changed or not.
  void sends(SimNode& to, const simplex::MessagePtr& message);
  /// What arrives at the liar, before its engine sees it.
  void hears(const simplex::Message& message);
  /// Once every few milliseconds.
  void tick();

 private:
  void pass(SimNode& to, const simplex::MessagePtr& message, std::uint64_t extra_us = 0);
  void say(SimNode& to, simplex::MessageBody body);
  void say_to_all(const simplex::MessageBody& body);
  [[nodiscard]] std::optional<simplex::Vote> vote(StatementKind kind, View view, View parent, const BlockId& block);
  void support(const Statement& statement);
  void equivocate(SimNode& to, const simplex::Proposal& honest);
  void relay_swapped(const simplex::Message& message);
  void swap_attachments(SimNode& to, const simplex::Message& message);
  void lie_as_leader();
  [[nodiscard]] std::optional<Block> forged_block(const Header& parent, const BlockId& parent_id, bool good);

  Cluster& cluster_;
  SimNode& node_;
  std::set<Bytes> supported_;
  std::vector<simplex::MessagePtr> recorded_;
  View last_lie_;
  Epoch last_epoch_;
  Hash epoch_id_;      ///< of the epoch that it is in
  Hash old_epoch_id_;  ///< of the one before, once there was one
  std::map<std::pair<Epoch, View>, Block> other_block_;
};

}  // namespace micro::test
