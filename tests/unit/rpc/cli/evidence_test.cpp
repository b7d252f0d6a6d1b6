// `micro audit evidence`: a kept file is judged the same by every version, and damaged ones say what is wrong.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "consensus/journal/justification_log.hpp"
#include "tests/gen/fork.hpp"
#include "tests/gen/scripted_cli.hpp"

namespace micro {
namespace {

using test::ForkMaker;
using test::ForkShape;
using test::Ran;

class EvidenceTest : public test::ScriptedCli {
 protected:
  static std::string kept() { return std::string(MICRO_GOLDEN_DIR) + "/fork.golden"; }
  static Bytes example() {
    SeededRandom random(21);
    ForkMaker maker({30, 20, 20, 10});
    maker.split(random);
    return encode(maker.make(random, ForkShape::kSkipped, 4));
  }
  std::string file(const Bytes& bytes) {
    const std::string path = (node_.folder() / "fork").string();
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return path;
  }
};

TEST_F(EvidenceTest, JudgesTheKeptFileWithoutAnyNode) {
  if (std::getenv("MICRO_UPDATE_GOLDEN") != nullptr)
    std::filesystem::copy_file(file(example()), kept(), std::filesystem::copy_options::overwrite_existing);
  std::ifstream stored(kept(), std::ios::binary);
  const Bytes frozen{std::istreambuf_iterator<char>(stored), std::istreambuf_iterator<char>()};
  ASSERT_EQ(frozen, example()) << "the format changed; if that is meant: MICRO_UPDATE_GOLDEN=1 and this test";
  const auto judged = simplex::judge_fork(simplex::decode_fork_proof(frozen).value()).value();
  const Ran plain = run_bare({"audit", "evidence", kept()});
  EXPECT_EQ(plain.exit, 0) << plain.err;
  EXPECT_NE(plain.out.find(std::to_string(judged.weight) + " of 80 of the weight, more than a third"),
            std::string::npos)
      << plain.out;
  const Ran ran = run_bare({"--json", "audit", "evidence", kept()});
  ASSERT_EQ(ran.exit, 0) << ran.err;
  const Json shown = Json::parse(ran.out);
  EXPECT_EQ(shown["more_than_a_third"], true);
  EXPECT_EQ(shown["total_weight"], "80");
  ASSERT_EQ(shown["guilty"].size(), judged.guilty.size());
  for (std::size_t i = 0; i < judged.guilty.size(); ++i) {
    EXPECT_NE(plain.out.find(judged.guilty[i].key.hex()), std::string::npos);
    EXPECT_EQ(shown["guilty"][i]["key"], judged.guilty[i].key.hex());
    EXPECT_EQ(shown["guilty"][i]["first_signature"], judged.guilty[i].first.hex());
  }
  EXPECT_EQ(shown["second"]["kind"], "nullify");
}

TEST_F(EvidenceTest, SaysWhatIsWrongWithAFile) {
  const auto fails = [&](const std::string& path, int exit, const std::string& why) {
    const Ran ran = run_bare({"audit", "evidence", path});
    EXPECT_EQ(ran.exit, exit) << ran.err;
    EXPECT_NE(ran.err.find(why), std::string::npos) << ran.err;
    EXPECT_EQ(ran.out, "");
  };
  fails(file({1, 2, 3}), 2, "no proof of a fork");
  simplex::ForkProof proof = simplex::decode_fork_proof(example()).value();
  auto forged = proof;
  forged.first.finalization.signatures[0].data[0] ^= 1;
  fails(file(encode(forged)), 10, "did not sign this");
  auto cut = proof;
  cut.first.justification.clear();
  cut.second.justification.clear();
  const Ran ran = run_bare({"audit", "evidence", file(encode(cut))});
  EXPECT_NE(ran.exit, 0);
  EXPECT_NE(ran.err.find("is not in the proof"), std::string::npos) << ran.err;
  auto same = proof;
  same.second = same.first;
  fails(file(encode(same)), 2, "do not exclude each other");
  EXPECT_NE(run_bare({"audit", "evidence", "/nowhere/at/all"}).exit, 0);
}

/// Two nodes on the branches of a fork, as their logs keep them.
class CollectTest : public EvidenceTest {
 protected:
  static JustifiedEpoch head_of(const simplex::ForkProof& frame, std::uint32_t epoch) {
    JustifiedEpoch out{frame.chain, Epoch(epoch), frame.last_of_previous, frame.set, {}};
    if (epoch != frame.epoch.value) out.last_of_previous.data[0] = static_cast<std::uint8_t>(epoch);
    return out;
  }
  /// A data folder with the proofs of this branch; its last finalization as what ended the epoch.
  std::filesystem::path node(const std::string& name, const simplex::ForkProof& fork, const simplex::ForkBranch& branch,
                             bool is_over) {
    const auto folder = node_.folder() / name;
    std::filesystem::create_directories(folder / "proofs");
    const auto log = JustificationLog::open((folder / "proofs").string(), fork.chain).value();
    EXPECT_TRUE(log->begin(head_of(fork, fork.epoch.value - 1), Epoch(0)));
    EXPECT_TRUE(log->begin(head_of(fork, fork.epoch.value), Epoch(0)));
    for (const Certificate& c : branch.justification) EXPECT_TRUE(log->keep(c));
    if (!is_over) EXPECT_TRUE(log->keep(branch.finalization));
    JustifiedEpoch next = head_of(fork, fork.epoch.value + 1);
    next.last_of_previous = branch.finalization.statement.block;
    next.ended_previous = branch.finalization;
    if (is_over) EXPECT_TRUE(log->begin(next, Epoch(0)));
    EXPECT_TRUE(log->sync());
    return folder;
  }
  Ran collect(const std::vector<std::filesystem::path>& folders, const std::filesystem::path& out) {
    std::vector<std::string> words{"--json", "audit", "evidence", "--out", out.string(), "--collect"};
    for (const auto& folder : folders) words.push_back(folder.string());
    return run_bare(words);
  }
};

TEST_F(CollectTest, TwoForkedLogsGiveTheProofThatConvictsWhoMadeTheFork) {
  SeededRandom random(5);
  int made = 0;
  for (const ForkShape shape : {ForkShape::kSameView, ForkShape::kOtherProposal, ForkShape::kSkipped}) {
    for (const bool is_over : {false, true}) {
      ForkMaker maker({30, 20, 20, 10, 5});
      maker.split(random);
      const simplex::ForkProof fork = maker.make(random, shape, 4);
      const std::string number = std::to_string(++made);
      const auto a = node("a" + number, fork, fork.first, is_over);
      const auto b = node("b" + number, fork, fork.second, is_over);
      const auto out = node_.folder() / ("proof" + number);
      // Copies of the proofs alone do as well; nodes that agree add nothing.
      const Ran ran = is_over ? collect({a, b}, out) : collect({a, a, b / "proofs"}, out);
      ASSERT_EQ(ran.exit, 0) << ran.err;
      const Json shown = Json::parse(ran.out);
      EXPECT_EQ(shown["more_than_a_third"], true);
      EXPECT_EQ(shown["epoch"], fork.epoch.value);
      std::set<std::string> guilty;
      for (const auto& key : maker.liars()) guilty.insert(key.hex());
      std::set<std::string> found;
      for (const Json& one : shown["guilty"]) found.insert(one["key"].get<std::string>());
      EXPECT_EQ(found, guilty);
      // The file is what anybody else judges.
      const Ran judged = run_bare({"--json", "audit", "evidence", out.string()});
      EXPECT_EQ(judged.exit, 0) << judged.err;
      EXPECT_EQ(judged.out, ran.out);
    }
  }
}

TEST_F(CollectTest, SaysWhenThereIsNoFork) {
  SeededRandom random(6);
  ForkMaker maker({30, 20, 20, 10});
  maker.split(random);
  const simplex::ForkProof fork = maker.make(random, ForkShape::kOtherProposal, 4);
  const auto a = node("a", fork, fork.first, false);
  const auto out = node_.folder() / "proof";
  const auto fails = [&](const std::vector<std::filesystem::path>& folders, const std::string& why) {
    const Ran ran = collect(folders, out);
    EXPECT_NE(ran.exit, 0);
    EXPECT_NE(ran.err.find(why), std::string::npos) << ran.err;
    EXPECT_FALSE(std::filesystem::exists(out));
  };
  fails({a, a}, "no fork: the nodes agree in all 2 epochs");
  fails({a}, "two data folders or more");
  fails({a, node_.folder() / "nowhere"}, "nowhere");
  std::filesystem::create_directories(node_.folder() / "empty");
  fails({a, node_.folder() / "empty"}, "holds no proofs");
}

}  // namespace
}  // namespace micro
