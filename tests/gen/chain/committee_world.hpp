// A small chain whose people run nodes that join the committee, and what they sign.
#pragma once

#include "chain/committee/seat_rules.hpp"
#include "chain/execution/full_sum.hpp"
#include "tests/gen/service_world.hpp"

namespace micro::test {

/// Two statements of a key that lie together: two different Notarize of a view.
inline std::pair<Statement, Statement> lie(const Hash& epoch_id, std::uint64_t view = 7) {
  Statement first;
  first.kind = StatementKind::kNotarize;
  first.epoch_id = epoch_id;
  first.view = View(view);
  first.parent_view = View(view - 1);
  first.block.data[0] = 1;
  Statement second = first;
  second.block.data[0] = 2;
  return {first, second};
}

struct CommitteeWorld : ServiceWorld {
  static constexpr Amount kBond{100'000'000};

  explicit CommitteeWorld(std::size_t people = 8) : ServiceWorld(people) { start(); }

  /// Person and machine have the same number; the key of the genesis is machine_key(0).
  static Ed25519Secret consensus_key(std::uint64_t n) { return machine_key(2 * n + 101); }
  static Ed25519Key key(std::uint64_t n) { return consensus_key(n).public_key(); }

  NodeId join(std::uint64_t who, Amount bond = kBond) {
    const NodeId node = add_node(who, who);
    EXPECT_EQ(apply(who, JoinCommittee{node, bond}).status, TxStatus::kOk);
    return node;
  }
  [[nodiscard]] ConfirmReadiness readiness(std::uint64_t n) const { return readiness(n, epoch()); }
  [[nodiscard]] ConfirmReadiness readiness(std::uint64_t n, Epoch began) const {
    const auto anchor = read<EpochAnchor>(path::epoch_anchor(began)).value_or(EpochAnchor{});
    const Hash message = readiness_hash(chain, key(n), began, anchor.last_of_previous);
    return {key(n), began, anchor.last_of_previous, consensus_key(n).sign(message)};
  }
  void seat(std::uint64_t who, Amount bond = kBond) {
    join(who, bond);
    EXPECT_EQ(apply(who, readiness(who)).status, TxStatus::kOk);
  }
  /// Persons 1 to `n` in the committee of the epoch that runs, with nobody else of weight.
  void seat_all(std::uint64_t n) {
    for (std::uint64_t who = 1; who <= n; ++who) seat(who);
    EXPECT_TRUE(end_epochs(6).has_value());
  }
  [[nodiscard]] std::optional<SeatRecord> seat_of(const Ed25519Key& k) const { return read<SeatRecord>(path::seat(k)); }
  [[nodiscard]] std::uint64_t weight(std::uint64_t n, Epoch in) const {
    const auto set = read<ValidatorSet>(path::validators(in));
    for (const Validator& v : set->members) {
      if (v.key == key(n)) return v.weight;
    }
    return 0;
  }
  [[nodiscard]] Hash epoch_id_of(Epoch e) const {
    return read<EpochAnchor>(path::epoch_anchor(e)).value_or(EpochAnchor{}).epoch_id;
  }
  [[nodiscard]] static SubmitEvidence evidence(const Ed25519Secret& liar, Epoch e, std::pair<Statement, Statement> told,
                                               std::uint64_t reward_to) {
    const auto& [a, b] = told;
    return {liar.public_key(), e, a, liar.sign(statement_hash(a)), b, liar.sign(statement_hash(b)), person(reward_to)};
  }
  [[nodiscard]] SubmitEvidence evidence(std::uint64_t liar, std::uint64_t reward_to) const {
    return evidence(consensus_key(liar), epoch(), lie(epoch_id_of(epoch())), reward_to);
  }
  void expect_whole() const {
    const auto sum = check_full_sum(state);
    EXPECT_TRUE(sum.has_value()) << sum.error().message;
  }
};

}  // namespace micro::test
