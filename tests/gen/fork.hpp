// Forks that more than a third of a committee makes: two finalizations of one epoch with what each rests on.
#pragma once

#include <algorithm>
#include <set>

#include "consensus/core/certificate.hpp"
#include "consensus/core/fork_proof.hpp"
#include "tests/gen/any_value.hpp"

namespace micro::test {

using simplex::ForkBranch;
using simplex::ForkProof;

/// Where the branch with the higher view leaves the other one.
enum class ForkShape : std::uint8_t { kSameView, kOtherProposal, kSkipped };

class ForkMaker {
 public:
  explicit ForkMaker(const std::vector<std::uint64_t>& weights) {
    for (std::size_t i = 0; i < weights.size(); ++i) {
      secrets_.push_back(Ed25519Secret::from_seed(sha256(encode(std::uint64_t{7'000 + i}))));
    }
    std::ranges::sort(secrets_, {}, &Ed25519Secret::public_key);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      proof_.set.members.push_back({secrets_[i].public_key(), weights[i]});
    }
    proof_.chain.data[0] = 9;
    proof_.epoch = Epoch(3);
    proof_.last_of_previous.data[0] = 8;
    id_ = epoch_id(proof_.chain, proof_.epoch, proof_.last_of_previous, validator_set_hash(proof_.set));
  }

  /// Splits the committee at random: liars that sign everything, and two parts that see one branch each, so that either
  /// reaches a quorum together with the liars.
  void split(Random& random) {
    const std::uint64_t quorum = quorum_weight(proof_.set);
    for (;;) {
      std::array<std::uint64_t, 3> weight{};
      for (auto& part : parts_) part.clear();
      for (std::size_t i = 0; i < secrets_.size(); ++i) {
        const std::size_t part = draw_below(random, 3);
        parts_[part].push_back(secrets_[i]);
        weight[part] += proof_.set.members[i].weight;
      }
      if (weight[0] + weight[1] >= quorum && weight[0] + weight[2] >= quorum) return;
    }
  }
  [[nodiscard]] std::set<Ed25519Key> liars() const {
    std::set<Ed25519Key> out;
    for (const Ed25519Secret& s : parts_[0]) out.insert(s.public_key());
    return out;
  }

  [[nodiscard]] Certificate sign(StatementKind kind, std::uint64_t view, std::uint64_t parent, std::uint8_t block,
                                 std::size_t part) const {
    Statement s;
    s.kind = kind;
    s.epoch_id = id_;
    s.view = View(view);
    if (kind != StatementKind::kNullify) {
      s.parent_view = View(parent);
      s.block.data[0] = block;
      s.block.data[1] = static_cast<std::uint8_t>(view);
    }
    std::vector<Ed25519Secret> keys = parts_[0];
    keys.insert(keys.end(), parts_[part].begin(), parts_[part].end());
    return certify(s, proof_.set, keys).value();
  }

  /// The lower finalization is in view `low`; the branches come in random order, the certificates too.
  ForkProof make(Random& random, ForkShape shape, std::uint64_t low) {
    ForkBranch one;
    one.finalization = sign(StatementKind::kFinalize, low, draw_below(random, low), 1, 1);
    ForkBranch other;
    std::uint64_t view = low + (shape == ForkShape::kSameView ? 0 : 1 + draw_below(random, 6));
    const std::uint64_t stops_at = shape == ForkShape::kSkipped ? low + 1 : low;
    for (bool is_top = true;; is_top = false) {
      const bool is_last = view == stops_at || (shape == ForkShape::kSkipped && draw_below(random, 2) == 0);
      const std::uint64_t parent = is_last ? draw_below(random, low) : stops_at + draw_below(random, view - stops_at);
      const auto kind = is_top ? StatementKind::kFinalize : StatementKind::kNotarize;
      const Certificate c = sign(kind, view, parent, 2, 2);
      if (is_top) {
        other.finalization = c;
      } else {
        other.justification.push_back(c);
      }
      for (std::uint64_t v = parent + 1; v < view; ++v) {
        other.justification.push_back(sign(StatementKind::kNullify, v, 0, 0, 2));
      }
      if (is_last) break;
      view = parent;
    }
    for (std::size_t i = other.justification.size(); i > 1; --i) {
      std::swap(other.justification[i - 1], other.justification[draw_below(random, i)]);
    }
    ForkProof out = proof_;
    const bool swapped = draw_below(random, 2) == 1;
    out.first = swapped ? other : one;
    out.second = swapped ? one : other;
    return out;
  }

  [[nodiscard]] const ForkProof& frame() const { return proof_; }

 private:
  std::vector<Ed25519Secret> secrets_;
  std::array<std::vector<Ed25519Secret>, 3> parts_;  ///< liars, who sees the first branch, who sees the second
  ForkProof proof_;                                  ///< without branches
  Hash id_;
};

}  // namespace micro::test
