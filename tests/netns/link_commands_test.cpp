// The lines that change links, and whom a frame is for.
#include "tests/netns/link_commands.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/netns/frames.hpp"

namespace micro::netns {
namespace {

using testing::ElementsAre;

std::vector<std::size_t> nodes(std::string_view text) {
  return parse_nodes(text, 6).value();
}

TEST(Nodes, AreNumbersRangesOrAll) {
  EXPECT_THAT(nodes("*"), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(nodes("4"), ElementsAre(4));
  EXPECT_THAT(nodes("3-5,0,4"), ElementsAre(0, 3, 4, 5));
}

TEST(Nodes, ThatAreNotThereAreRefused) {
  for (const char* text : {"", ",", "6", "2-6", "3-1", "x", "1-", "-1", "1,,x", "99999999999999999999"}) {
    EXPECT_FALSE(parse_nodes(text, 6)) << text;
  }
}

TEST(Lines, SetTheRulesOfAllNamedLinks) {
  LinkModel model(3, 1);
  EXPECT_EQ(run_line(model, "link 0 1-2 delay_us=40000 jitter_us=10000 loss_ppm=20000 rate_bps=10000000"), "ok");
  const LinkRules rules{.delay_us = 40'000, .jitter_us = 10'000, .loss_ppm = 20'000, .rate_bps = 10'000'000};
  EXPECT_EQ(model.rules(0, 1), rules);
  EXPECT_EQ(model.rules(0, 2), rules);
  EXPECT_EQ(model.rules(1, 0), LinkRules());
  EXPECT_EQ(run_line(model, "link 0 1 reorder_ppm=5 reorder_us=6 burst_bytes=7 queue_bytes=8"), "ok");
  EXPECT_EQ(model.rules(0, 1),
            (LinkRules{.reorder_ppm = 5, .reorder_us = 6, .burst_bytes = 7, .queue_bytes = 8}));  // the others are gone
}

TEST(Lines, CutOneDirectionAndMendIt) {
  LinkModel model(2, 1);
  ASSERT_EQ(run_line(model, "link * * delay_us=5"), "ok");
  EXPECT_EQ(run_line(model, "cut 0 1"), "ok");
  EXPECT_TRUE(model.rules(0, 1).blocked);
  EXPECT_FALSE(model.rules(1, 0).blocked);
  EXPECT_EQ(run_line(model, "mend * *"), "ok");
  EXPECT_EQ(model.rules(0, 1), (LinkRules{.delay_us = 5}));
}

TEST(Lines, CountTheSumOfLinks) {
  LinkModel model(3, 1);
  model.offer(0, 1, Bytes(10), {1});
  model.offer(0, 2, Bytes(20), {1});
  model.offer(1, 2, Bytes(40), {1});
  (void)model.take_due({1});
  EXPECT_EQ(run_line(model, "count 0 *"),
            R"({"offered":2,"delivered":2,"delivered_bytes":30,"lost":0,"blocked":0,"overflow":0,"reordered":0})");
}

TEST(Lines, ThatAreNoneChangeNothing) {
  LinkModel model(2, 1);
  for (const char* line :
       {"", "link", "link 0", "link 0 7", "link 0 1 delay_us", "link 0 1 delay_us=x", "link 0 1 delay_us=1 speed=2",
        "link 0 1 loss_ppm=1000001", "link 0 1 delay_us=1000000001", "cut 0 1 2", "sever 0 1"}) {
    EXPECT_FALSE(run_line(model, line)) << line;
  }
  EXPECT_EQ(model.rules(0, 1), LinkRules());
}

// An IPv4 frame to 11.N.0.1.
Bytes frame_to(std::uint8_t node) {
  Bytes out(kEthernetBytes + 20, 0);
  out[12] = 0x08;
  out[kEthernetBytes] = 0x45;
  out[kEthernetBytes + 16] = 11;
  out[kEthernetBytes + 17] = node;
  out[kEthernetBytes + 19] = 1;
  return out;
}

TEST(Frames, AreForTheNodeOfTheirAddress) {
  EXPECT_EQ(address_of(7), "11.7.0.1");
  EXPECT_EQ(node_of(frame_to(7), 8), 7);
}

TEST(Frames, ThatGoElsewhereOrAreNoneAreForNobody) {
  EXPECT_EQ(node_of(frame_to(8), 8), std::nullopt);
  const auto changed = [](std::size_t at, std::uint8_t value) {
    Bytes out = frame_to(1);
    out[at] = value;
    return out;
  };
  EXPECT_EQ(node_of(changed(12, 0x86), 8), std::nullopt);                  // IPv6
  EXPECT_EQ(node_of(changed(kEthernetBytes, 0x65), 8), std::nullopt);      // no IPv4 within
  EXPECT_EQ(node_of(changed(kEthernetBytes + 16, 12), 8), std::nullopt);   // another network
  EXPECT_EQ(node_of(changed(kEthernetBytes + 19, 255), 8), std::nullopt);  // another host
  const Bytes whole = frame_to(1);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(node_of(ByteView(whole).first(size), 8), std::nullopt) << size;
  }
}

}  // namespace
}  // namespace micro::netns
