// `micro audit evidence`: a kept file is judged the same by every version, and damaged ones say what is wrong.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

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

}  // namespace
}  // namespace micro
