// What an honest validator signs is never evidence, whatever it was shown and in whatever order; what breaks its rules
// always is.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <optional>

#include "chain/types/statement.hpp"

namespace micro {
namespace {

template <class T>
T draw(T min, T max) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<T>(min, max));
}

Statement about(StatementKind kind, std::uint64_t view) {
  Statement s;
  s.kind = kind;
  s.epoch_id.data[0] = draw<std::uint8_t>(0, 2);
  s.view = View(view);
  if (kind == StatementKind::kNullify) return s;
  s.parent_view = View(draw<std::uint64_t>(0, view));
  s.block.data[0] = draw<std::uint8_t>(1, 4);
  return s;
}

StatementKind any_kind() {
  return static_cast<StatementKind>(draw<int>(0, 3));
}

/// One validator by its three rules, without anything else of the protocol: one Notarize a view; never both Nullify
/// and Finalize; Finalize only of what it notarized, or of anything one when it notarized nothing.
class Honest {
 public:
  std::vector<Statement> told;
  void offer(Statement s) {
    Seen& v = views_[{s.epoch_id, s.view}];
    if (s.kind == StatementKind::kNotarize) {
      if (v.notarized || (v.finalized && !same(*v.finalized, s))) return;
      v.notarized = s;
    } else if (s.kind == StatementKind::kNullify) {
      if (v.finalized) return;
      v.nullified = true;
    } else {
      if (v.nullified || v.finalized || (v.notarized && !same(*v.notarized, s))) return;
      v.finalized = s;
    }
    told.push_back(s);
  }

 private:
  struct Seen {
    std::optional<Statement> notarized, finalized;
    bool nullified = false;
  };
  static bool same(const Statement& a, const Statement& b) {
    return a.parent_view == b.parent_view && a.block == b.block;
  }
  std::map<std::pair<Hash, View>, Seen> views_;
};

RC_GTEST_PROP(Evidence, IsNeverFoundInAnHonestHistory, ()) {
  Honest validator;
  for (auto n = draw<int>(1, 60); n > 0; --n) validator.offer(about(any_kind(), draw<std::uint64_t>(1, 6)));
  for (const Statement& a : validator.told) {
    for (const Statement& b : validator.told) RC_ASSERT(!contradict(a, b));
  }
}

/// Any statement that the honest one refuses, for another reason than having told it, contradicts what it told.
RC_GTEST_PROP(Evidence, IsFoundWheneverTheRulesAreBroken, ()) {
  Honest validator;
  for (auto n = draw<int>(1, 60); n > 0; --n) validator.offer(about(any_kind(), draw<std::uint64_t>(1, 6)));
  const Statement next = about(any_kind(), draw<std::uint64_t>(1, 6));
  const auto before = validator.told;
  validator.offer(next);
  const bool refused = validator.told.size() == before.size();
  bool repeats = false, found = false;
  for (const Statement& s : before) {
    repeats = repeats || s == next;
    found = found || contradict(s, next);
  }
  RC_TAG(refused ? "refused" : "told");
  RC_ASSERT(found == (refused && !repeats));
}

}  // namespace
}  // namespace micro
