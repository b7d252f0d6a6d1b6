#include "chain/types/statement.hpp"

namespace micro {

Hash epoch_id(const ChainId& chain, Epoch epoch, const BlockId& last_of_previous, const Hash& set_hash) {
  Encoder e;
  e.put(chain).put(epoch).put(last_of_previous).put(set_hash);
  return tagged_hash(domain::kEpochId, e.bytes());
}

Hash statement_hash(const Statement& statement) {
  return tagged_hash(domain::kStatement, encode(statement));
}

bool is_well_formed(const Statement& statement) {
  if (statement.view.value == 0) return false;
  if (statement.kind == StatementKind::kNullify) {
    return statement.parent_view.value == 0 && statement.block.is_zero();
  }
  return statement.parent_view < statement.view && !statement.block.is_zero();
}

bool contradict(const Statement& a, const Statement& b) {
  if (!is_well_formed(a) || !is_well_formed(b) || a.epoch_id != b.epoch_id || a.view != b.view) return false;
  const auto is_nullify = [](const Statement& s) { return s.kind == StatementKind::kNullify; };
  if (is_nullify(a) || is_nullify(b)) {
    const Statement& other = is_nullify(a) ? b : a;
    return other.kind == StatementKind::kFinalize;
  }
  return a.parent_view != b.parent_view || a.block != b.block;
}

}  // namespace micro
