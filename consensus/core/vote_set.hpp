// The verified votes of one kind in one view. A signer counts once, for the first statement seen of it: honest signers
// make only one, and a quorum that needs a liar's second is formed by whoever saw that one first.
#pragma once

#include <map>

#include "consensus/core/messages.hpp"

namespace micro::simplex {

class VoteSet {
 public:
  enum class Added : std::uint8_t { kNew, kKnown, kConflict };
  /// `weight` of the signer.
  Added add(const Vote& vote, std::uint64_t weight);
  [[nodiscard]] const Vote* by(std::uint16_t signer) const;
  /// Of all signers of exactly this statement.
  [[nodiscard]] std::uint64_t weight_of(const Statement& statement) const;
  /// Of the votes for this statement, in a set of `members`.
  [[nodiscard]] Certificate certificate(const Statement& statement, std::size_t members) const;
  [[nodiscard]] std::size_t size() const { return votes_.size(); }
  void clear() { votes_.clear(), weights_.clear(); }

 private:
  using Choice = std::pair<View, BlockId>;
  static Choice choice(const Statement& s) { return {s.parent_view, s.block}; }
  std::map<std::uint16_t, Vote> votes_;
  std::map<Choice, std::uint64_t> weights_;
};

}  // namespace micro::simplex
