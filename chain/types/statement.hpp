// What validators sign, and which two signatures of one key no honest validator ever gives: consensus counts by it and
// the ledger punishes by it, so both read the rule here.
#pragma once

#include "chain/codec/codec.hpp"
#include "chain/crypto/hash.hpp"
#include "chain/types/ids.hpp"

namespace micro {

/// Binds votes to one chain, epoch, end of the epoch before, and committee.
Hash epoch_id(const ChainId& chain, Epoch epoch, const BlockId& last_of_previous, const Hash& set_hash);

enum class StatementKind : std::uint8_t { kNotarize = 0, kNullify = 1, kFinalize = 2 };
inline bool is_known(StatementKind k) {
  return k <= StatementKind::kFinalize;
}

/// What a validator signs: H(kStatement ‖ encoded statement).
struct Statement {
  StatementKind kind = StatementKind::kFinalize;
  Hash epoch_id;
  View view;
  View parent_view;
  BlockId block;  ///< zero in a Nullify
  static constexpr auto kFields =
      fields<&Statement::kind, &Statement::epoch_id, &Statement::view, &Statement::parent_view, &Statement::block>;
  bool operator==(const Statement&) const = default;
};
Hash statement_hash(const Statement& statement);

/// That the views and the block fit the statement's kind.
bool is_well_formed(const Statement& statement);

/// Whether one key that signed both lied: two statements of one epoch and view that are two different Notarize (a
/// proposal is its leader's Notarize), two different Finalize, Nullify and Finalize, or Notarize of one and Finalize of
/// another proposal (Chan & Pass, TCC 2023: what the safety proof excludes). Symmetric. Nullify with Notarize is
/// honest: the view was given up first.
bool contradict(const Statement& a, const Statement& b);

}  // namespace micro
