// What an engine makes of two signatures of one member: it accuses whoever the ledger would convict, and nobody else.
#include <gtest/gtest.h>

#include "tests/gen/contradictions.hpp"
#include "tests/sim/consensus/instant_node.hpp"

namespace micro::test {
namespace {

using namespace simplex;  // NOLINT: the tests speak the engine's words

constexpr std::uint64_t kView = 7;

/// How often one engine among four accuses a member that it hears sign both.
std::size_t accusations(bool lies, std::size_t pair, bool swapped) {
  const Committees committees = small_committee(4);
  InstantNode node(committees, 0, {});
  node.start();
  SimSigner liar(kInstantSeed, 1, false);
  const ValidatorSet set = committees.set(Epoch(0));
  const auto at = std::ranges::find(set.members, liar.key(), &Validator::key);
  const auto index = static_cast<std::uint16_t>(at - set.members.begin());
  const Hash& id = node.engine().epoch_id();
  auto [name, first, second] = (lies ? contradictions(id, kView) : honest_pairs(id, kView)).at(pair);
  if (swapped) std::swap(first, second);
  for (const Statement& s : {first, second}) {
    Votes votes;
    votes.votes.push_back({s, index, liar.sign(statement_hash(s))});
    node.receive(liar.key(), votes);
  }
  for (const Evidence& evidence : node.evidence) {
    EXPECT_EQ(evidence.key, liar.key());
    EXPECT_TRUE(contradict(evidence.first.statement, evidence.second.statement));
  }
  return node.evidence.size();
}

TEST(Accuse, WhoeverSignsAPairThatConvicts) {
  const auto pairs = contradictions({}, kView);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    for (const bool swapped : {false, true}) EXPECT_EQ(accusations(true, i, swapped), 1U) << pairs[i].name;
  }
}

TEST(Accuse, NobodyForWhatHonestMembersSign) {
  const auto pairs = honest_pairs({}, kView);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    for (const bool swapped : {false, true}) EXPECT_EQ(accusations(false, i, swapped), 0U) << pairs[i].name;
  }
}

}  // namespace
}  // namespace micro::test
