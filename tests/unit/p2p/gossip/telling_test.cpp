// Who is told that a message is here instead of being sent it.
#include <gtest/gtest.h>

#include "tests/gen/p2p/gossip_rig.hpp"

namespace micro::p2p {
namespace {

using test::GossipRig;
using test::Heard;

TEST(GossipRouter, TellsSomeOutsideTheMeshWhatItHas) {
  GossipRig rig;
  for (std::uint64_t n = 1; n <= 48; ++n) rig.add(n);
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  for (std::uint64_t n = 1; n <= 48; ++n) rig.hear(test::peer(n));
  rig.message(test::peer(1), "x");
  rig.judge("x", Validation::kAccept);
  for (std::uint64_t n = 1; n <= 48; ++n) rig.hear(test::peer(n));
  for (int beat = 0; beat < 4; ++beat) {
    rig.beat();
    std::size_t told = 0;
    for (std::uint64_t n = 1; n <= 48; ++n) {
      const Heard heard = rig.hear(test::peer(n));
      told += heard.ihaves.size();
      if (!heard.ihaves.empty()) {
        EXPECT_FALSE(rig.router.mesh("t").contains(test::peer(n)));
      }
    }
    EXPECT_EQ(told, beat < 3 ? 10U : 0U);  // a quarter of forty, three times
  }
}

TEST(GossipRouter, ASlowPeerOfTheMeshIsToldWhatFoundNoRoom) {
  GossipRig rig;
  const PeerId source = rig.add(1);
  const PeerId slow = rig.add(2);
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  ASSERT_TRUE(rig.router.mesh("t").contains(slow));
  rig.hear(slow);
  std::vector<std::string> missed;
  for (std::size_t n = 0; n < kMaxQueuedForwards + 3; ++n) {
    const std::string text = "message " + std::to_string(n);
    rig.message(source, text);
    rig.judge(text, Validation::kAccept);
    if (n < 3) missed.push_back(text);
  }
  EXPECT_EQ(rig.hear(slow).messages.size(), kMaxQueuedForwards);
  rig.beat();
  const Heard heard = rig.hear(slow);
  ASSERT_EQ(heard.ihaves.size(), missed.size());
  rig.asks(slow, heard.ihaves);
  EXPECT_EQ(rig.hear(slow).messages, missed);
  rig.beat();
  EXPECT_TRUE(rig.hear(slow).ihaves.empty()) << "it was told";
}

TEST(GossipRouter, WhoComesIntoTheMeshIsToldWhatPassedJustBefore) {
  GossipRig rig;
  const PeerId source = rig.add(1);
  ASSERT_TRUE(rig.router.join("t", rig.now).has_value());
  rig.message(source, "x");
  rig.judge("x", Validation::kAccept);
  const PeerId asking = rig.add(2);
  rig.hear(asking);
  rig.graft(asking);
  ASSERT_TRUE(rig.router.mesh("t").contains(asking));
  EXPECT_EQ(rig.hear(asking).ihaves, std::vector{GossipRig::id_of("x")});
  const PeerId chosen = rig.add(3);
  rig.hear(chosen);
  rig.beat();
  ASSERT_TRUE(rig.router.mesh("t").contains(chosen));
  EXPECT_EQ(rig.hear(chosen).ihaves, std::vector{GossipRig::id_of("x")});
}

}  // namespace
}  // namespace micro::p2p
