#include "consensus/core/vote_set.hpp"

namespace micro::simplex {

VoteSet::Added VoteSet::add(const Vote& vote, std::uint64_t weight) {
  const auto [it, is_new] = votes_.try_emplace(vote.signer, vote);
  if (!is_new) return it->second.statement == vote.statement ? Added::kKnown : Added::kConflict;
  weights_[choice(vote.statement)] += weight;
  return Added::kNew;
}

const Vote* VoteSet::by(std::uint16_t signer) const {
  const auto it = votes_.find(signer);
  return it == votes_.end() ? nullptr : &it->second;
}

std::uint64_t VoteSet::weight_of(const Statement& statement) const {
  const auto it = weights_.find(choice(statement));
  return it == weights_.end() ? 0 : it->second;
}

Certificate VoteSet::certificate(const Statement& statement, std::size_t members) const {
  Certificate out;
  out.statement = statement;
  out.signers.resize((members + 7) / 8);
  for (const auto& [signer, vote] : votes_) {
    if (vote.statement != statement) continue;
    out.signers[signer / 8] = static_cast<std::uint8_t>(out.signers[signer / 8] | 1U << (signer % 8));
    out.signatures.push_back(vote.signature);
  }
  return out;
}

}  // namespace micro::simplex
