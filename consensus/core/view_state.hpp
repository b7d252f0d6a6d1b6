// All that is known about one view.
#pragma once

#include <algorithm>
#include <optional>

#include "consensus/core/vote_set.hpp"

namespace micro::simplex {

struct ViewState {
  VoteSet notarizes;
  VoteSet nullifies;
  VoteSet finalizes;
  std::optional<Certificate> notarization;
  std::optional<Certificate> nullification;
  std::optional<Certificate> finalization;
  std::vector<Vote> proposals;  ///< verified, of the leader, in the order they came
  // Signed by this node.
  std::optional<Vote> own_notarize;
  std::optional<Vote> own_nullify;
  std::optional<Vote> own_finalize;

  VoteSet& votes(StatementKind kind) {
    if (kind == StatementKind::kNotarize) return notarizes;
    return kind == StatementKind::kNullify ? nullifies : finalizes;
  }
  std::optional<Certificate>& certificate(StatementKind kind) {
    if (kind == StatementKind::kNotarize) return notarization;
    return kind == StatementKind::kNullify ? nullification : finalization;
  }
  std::optional<Vote>& own(StatementKind kind) {
    if (kind == StatementKind::kNotarize) return own_notarize;
    return kind == StatementKind::kNullify ? own_nullify : own_finalize;
  }
  [[nodiscard]] bool is_proposed(const Statement& statement) const {
    return std::ranges::find(proposals, statement, &Vote::statement) != proposals.end();
  }
  [[nodiscard]] bool proposes_block(const BlockId& id) const {
    return std::ranges::any_of(proposals, [&](const Vote& v) { return v.statement.block == id; });
  }
  /// Of the block that this view certified: finality needs a notarization, so either will do.
  [[nodiscard]] const Certificate* certified() const {
    if (notarization) return &*notarization;
    return finalization ? &*finalization : nullptr;
  }
  [[nodiscard]] bool has_certificate() const { return notarization || nullification || finalization; }
};

}  // namespace micro::simplex
