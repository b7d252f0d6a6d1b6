// Forks of every shape convict the liars, all of them and nobody else; damaged proofs say what is wrong with them.
#include "consensus/core/fork_proof.hpp"

#include <gtest/gtest.h>

#include "tests/gen/fork.hpp"

namespace micro::simplex {
namespace {

using test::draw_below;
using test::ForkMaker;
using test::ForkShape;

constexpr ForkShape kShapes[] = {ForkShape::kSameView, ForkShape::kOtherProposal, ForkShape::kSkipped};

void expect_the_liars(const ForkMaker& maker, const ForkProof& proof) {
  const auto judged = judge_fork(proof);
  ASSERT_TRUE(judged) << judged.error().message;
  EXPECT_TRUE(contradict(judged->first, judged->second));
  std::set<Ed25519Key> guilty;
  std::uint64_t weight = 0;
  for (const GuiltyVotes& votes : judged->guilty) {
    guilty.insert(votes.key);
    weight += votes.weight;
    EXPECT_TRUE(verify_ed25519(votes.key, statement_hash(judged->first), votes.first));
    EXPECT_TRUE(verify_ed25519(votes.key, statement_hash(judged->second), votes.second));
  }
  EXPECT_EQ(guilty, maker.liars());
  EXPECT_EQ(judged->guilty.size(), guilty.size());
  EXPECT_EQ(judged->weight, weight);
  EXPECT_TRUE(judged->is_more_than_a_third());
  EXPECT_GT(3 * weight, judged->total);
}

void judge_many(std::size_t members, bool equal, std::uint64_t seed) {
  SeededRandom random(seed);
  for (int n = 0; n < 60; ++n) {
    std::vector<std::uint64_t> weights;
    for (std::size_t i = 0; i < members; ++i) weights.push_back(equal ? 1 : 1 + draw_below(random, 50));
    ForkMaker maker(weights);
    maker.split(random);
    for (const ForkShape shape : kShapes) {
      const std::uint64_t low = 1 + draw_below(random, 5);
      const ForkProof proof = maker.make(random, shape, low);
      const auto back = decode_fork_proof(encode(proof));
      ASSERT_TRUE(back.has_value());
      expect_the_liars(maker, *back);
    }
  }
}

TEST(ForkProof, ConvictsTheLiarsOfFour) {
  judge_many(4, true, 1);
}
TEST(ForkProof, ConvictsTheLiarsOfSeven) {
  judge_many(7, true, 2);
}
TEST(ForkProof, ConvictsTheLiarsOfUnequalWeight) {
  judge_many(4, false, 3);
  judge_many(7, false, 4);
}

// A node kept more than the proof needs; what it needs is found in it, whichever branch was the node's own.
TEST(ForkProof, IsMadeOfWhatANodeKept) {
  SeededRandom random(6);
  for (int n = 0; n < 60; ++n) {
    ForkMaker maker({1, 1, 1, 1, 1, 1, 1});
    maker.split(random);
    const std::uint64_t low = 1 + draw_below(random, 5);
    const ForkProof whole = maker.make(random, kShapes[draw_below(random, 3)], low);
    ForkProof made = whole;
    for (ForkBranch* branch : {&made.first, &made.second}) {
      std::vector<Certificate> kept(branch->justification.begin(), branch->justification.end());
      for (std::uint64_t v = 20; v < 24; ++v) kept.push_back(maker.sign(StatementKind::kNullify, v, 0, 0, 1));
      const View other =
          branch == &made.first ? whole.second.finalization.statement.view : whole.first.finalization.statement.view;
      *branch = branch_of(branch->finalization, kept, other);
      EXPECT_LE(branch->justification.size(), kept.size() - 4);
    }
    expect_the_liars(maker, made);
  }
}

struct Fixed {
  SeededRandom random{5};
  ForkMaker maker{{1, 1, 1, 1}};
  Fixed() { maker.split(random); }
};

Fault fault_of(const ForkProof& proof) {
  const auto judged = judge_fork(proof);
  return judged ? Fault::kInternal : judged.error().fault;
}

TEST(ForkProof, FinalizationsThatAgreeConvictNobody) {
  Fixed f;
  ForkProof proof = f.maker.frame();
  proof.first.finalization = f.maker.sign(StatementKind::kFinalize, 3, 1, 1, 1);
  proof.second.finalization = f.maker.sign(StatementKind::kFinalize, 3, 1, 1, 2);
  EXPECT_EQ(fault_of(proof), Fault::kInvalid) << "the same statement";
  // View 5 on top of what is final in view 3.
  proof.second.finalization = f.maker.sign(StatementKind::kFinalize, 5, 3, 1, 2);
  proof.second.justification = {f.maker.sign(StatementKind::kNotarize, 3, 1, 1, 2),
                                f.maker.sign(StatementKind::kNullify, 4, 0, 0, 2)};
  EXPECT_EQ(fault_of(proof), Fault::kInvalid);
  proof.second.justification[0] = f.maker.sign(StatementKind::kNotarize, 3, 1, 9, 2);
  EXPECT_TRUE(judge_fork(proof).has_value()) << "and on top of something else it is a fork";
}

// What somebody hands over as a node's folder may say anything, views that lead nowhere too.
TEST(ForkProof, AWayThatTurnsInACircleIsNone) {
  Fixed f;
  const ForkProof& frame = f.maker.frame();
  EpochWitness low{frame.chain, frame.epoch, frame.last_of_previous, frame.set, {}};
  EpochWitness high = low;
  low.certificates.push_back(f.maker.sign(StatementKind::kFinalize, 3, 1, 1, 1));
  high.certificates.push_back(f.maker.sign(StatementKind::kFinalize, 9, 5, 2, 2));
  high.certificates.push_back(f.maker.sign(StatementKind::kNotarize, 5, 5, 2, 2));
  for (const auto& made : {find_fork(low, high), find_fork(high, low)}) {
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().fault, Fault::kMismatch);
  }
}

TEST(ForkProof, NamesTheCertificateThatIsMissing) {
  Fixed f;
  ForkProof proof = f.maker.frame();
  proof.first.finalization = f.maker.sign(StatementKind::kFinalize, 2, 0, 1, 1);
  proof.second.finalization = f.maker.sign(StatementKind::kFinalize, 5, 3, 2, 2);
  const auto no_notarization = judge_fork(proof);
  ASSERT_FALSE(no_notarization);
  EXPECT_EQ(no_notarization.error().fault, Fault::kNotFound);
  EXPECT_NE(no_notarization.error().message.find("notarization of view 3"), std::string::npos);
  proof.second.justification.push_back(f.maker.sign(StatementKind::kNotarize, 3, 1, 2, 2));
  const auto no_nullification = judge_fork(proof);
  ASSERT_FALSE(no_nullification);
  EXPECT_EQ(no_nullification.error().fault, Fault::kNotFound);
  EXPECT_NE(no_nullification.error().message.find("nullification of view 2"), std::string::npos);
  proof.second.justification.push_back(f.maker.sign(StatementKind::kNullify, 2, 0, 0, 2));
  expect_the_liars(f.maker, proof);
}

TEST(ForkProof, EveryCertificateOnTheWayIsChecked) {
  Fixed f;
  ForkProof whole = f.maker.frame();
  whole.first.finalization = f.maker.sign(StatementKind::kFinalize, 2, 0, 1, 1);
  whole.second.finalization = f.maker.sign(StatementKind::kFinalize, 5, 3, 2, 2);
  whole.second.justification = {f.maker.sign(StatementKind::kNotarize, 3, 1, 2, 2),
                                f.maker.sign(StatementKind::kNullify, 2, 0, 0, 2)};
  ASSERT_TRUE(judge_fork(whole));
  for (std::size_t at = 0; at < 4; ++at) {
    const auto pick = [&](ForkProof& proof) -> Certificate& {
      if (at < 2) return proof.second.justification[at];
      return at == 2 ? proof.first.finalization : proof.second.finalization;
    };
    ForkProof forged = whole;
    pick(forged).signatures[1].data[0] ^= 1;
    EXPECT_EQ(fault_of(forged), Fault::kMismatch) << at;
    ForkProof fewer = whole;
    Certificate& c = pick(fewer);
    c.signatures.resize(2);
    c.signers[0] = 0b11;
    EXPECT_EQ(fault_of(fewer), Fault::kMismatch) << at << ": no quorum";
    ForkProof elsewhere = whole;
    pick(elsewhere).statement.epoch_id.data[0] ^= 1;
    EXPECT_EQ(fault_of(elsewhere), Fault::kMismatch) << at << ": another epoch";
  }
}

TEST(ForkProof, BelongsToItsChainEpochAndCommittee) {
  Fixed f;
  const ForkProof whole = f.maker.make(f.random, ForkShape::kOtherProposal, 3);
  ASSERT_TRUE(judge_fork(whole));
  ForkProof other = whole;
  other.chain.data[0] ^= 1;
  EXPECT_EQ(fault_of(other), Fault::kMismatch);
  other = whole;
  other.epoch = other.epoch.next();
  EXPECT_EQ(fault_of(other), Fault::kMismatch);
  other = whole;
  other.last_of_previous.data[0] ^= 1;
  EXPECT_EQ(fault_of(other), Fault::kMismatch);
  other = whole;
  other.set.members[0].weight = 5;
  EXPECT_EQ(fault_of(other), Fault::kMismatch);
  std::swap(other.set.members[0], other.set.members[1]);
  EXPECT_EQ(fault_of(other), Fault::kInvalid) << "not a committee";
  other = whole;
  other.first.finalization.statement.kind = StatementKind::kNotarize;
  EXPECT_EQ(fault_of(other), Fault::kInvalid);
}

TEST(ForkProof, OtherBytesAreRefused) {
  Fixed f;
  Bytes bytes = encode(f.maker.make(f.random, ForkShape::kSkipped, 3));
  ASSERT_TRUE(decode_fork_proof(bytes));
  EXPECT_EQ(decode_fork_proof({}).error().fault, Fault::kInvalid);
  bytes.push_back(0);
  EXPECT_EQ(decode_fork_proof(bytes).error().fault, Fault::kInvalid);
  bytes.pop_back();
  bytes[0] = 2;
  EXPECT_EQ(decode_fork_proof(bytes).error().fault, Fault::kInvalid);
  EXPECT_EQ(decode_fork_proof(Bytes(kMaxForkProofBytes + 1)).error().fault, Fault::kLimit);
}

}  // namespace
}  // namespace micro::simplex
