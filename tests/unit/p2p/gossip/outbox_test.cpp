// Who goes first, what is dropped at a bound, and how long a frame may be.
#include "p2p/gossip/outbox.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/gen/p2p/gossip_rig.hpp"

namespace micro::p2p {
namespace {

using test::Heard;
using testing::ElementsAre;
using testing::IsEmpty;

SharedMessage message(std::string_view data) {
  return GossipMessage::write("t", as_bytes(data), nullptr, 0, content_id).value();
}
bool wanted(const MessageId& /*id*/) {
  return false;
}
Heard drain(Outbox& outbox) {
  Heard out;
  for (Bytes frame = outbox.next_frame(wanted); !frame.empty(); frame = outbox.next_frame(wanted)) out.add(frame);
  return out;
}

TEST(GossipOutbox, ControlIsMergedByTopicAndTheLastWordCounts) {
  Outbox outbox;
  EXPECT_TRUE(outbox.empty());
  outbox.subscribe("a", true);
  outbox.subscribe("a", false);
  outbox.graft("a");
  outbox.graft("b");
  outbox.prune("a", {.backoff_s = 10, .peers = {}});
  outbox.ihave("a", {MessageId::from(as_bytes("1")).value()});
  outbox.ihave("a", {MessageId::from(as_bytes("2")).value()});
  const Heard heard = drain(outbox);
  EXPECT_THAT(heard.subscribed, IsEmpty());
  EXPECT_THAT(heard.unsubscribed, ElementsAre("a"));
  EXPECT_THAT(heard.grafts, ElementsAre("b"));
  EXPECT_THAT(heard.prunes, ElementsAre(Heard::Prune{"a", 10, 0}));
  EXPECT_THAT(heard.ihaves, ElementsAre(MessageId::from(as_bytes("2")).value()));
  EXPECT_TRUE(outbox.empty());
}

// Of a peer that does not read for long, while topics come and go.
TEST(GossipOutbox, MoreSubscriptionsThanAFrameMayHoldAreSeveralFrames) {
  Outbox outbox;
  for (std::size_t n = 0; n < 3 * kMaxRpcSubscriptions; ++n) outbox.subscribe(std::to_string(n), n % 2 == 0);
  outbox.graft("0");
  const Heard heard = drain(outbox);
  EXPECT_EQ(heard.subscribed.size() + heard.unsubscribed.size(), 3 * kMaxRpcSubscriptions);
  EXPECT_THAT(heard.grafts, ElementsAre("0"));
}

TEST(GossipOutbox, UrgentGoesFirstButNobodyWaitsForEver) {
  Outbox outbox;
  for (int n = 0; n < 20; ++n) outbox.push(message("u" + std::to_string(n)), Lane::kUrgent);
  outbox.push(message("f"), Lane::kForward);
  outbox.push(message("a"), Lane::kAnswer);
  const auto order = drain(outbox).messages;
  ASSERT_EQ(order.size(), 22U);
  EXPECT_EQ(order[7], "u7");
  EXPECT_EQ(order[8], "f");
  EXPECT_EQ(order[17], "a");
  EXPECT_EQ(order[21], "u19");
}

TEST(GossipOutbox, NewMessagesTakeThePlaceOfOldOnesButNotOfAnswers) {
  for (const Lane lane : {Lane::kUrgent, Lane::kForward, Lane::kAnswer}) {
    Outbox outbox;
    const std::size_t most = lane == Lane::kAnswer ? kMaxQueuedAnswers : kMaxQueuedUrgent;
    for (std::size_t n = 0; n < most + 3; ++n) outbox.push(message(std::to_string(n)), lane);
    EXPECT_EQ(outbox.dropped(), 3U);
    const auto order = drain(outbox).messages;
    ASSERT_EQ(order.size(), most);
    EXPECT_EQ(order.front(), lane == Lane::kAnswer ? "0" : "3");
  }
}

TEST(GossipOutbox, BytesAreBoundedToo) {
  for (const auto& [lane, most] :
       {std::pair{Lane::kUrgent, kMaxQueuedUrgentBytes}, std::pair{Lane::kForward, kMaxQueuedForwardBytes},
        std::pair{Lane::kAnswer, kMaxQueuedAnswerBytes}}) {
    Outbox outbox;
    for (int n = 0; n < 40; ++n) {
      outbox.push(message(std::string(100'000, static_cast<char>('a' + n))), lane);
      EXPECT_LE(outbox.message_bytes(), most);
    }
    EXPECT_GT(outbox.message_bytes(), most - 110'000);
    outbox.push(message(std::string(kMaxGossipDataBytes, 'z')), lane);
    EXPECT_EQ(outbox.messages() == 1, lane == Lane::kUrgent);  // the longest takes a whole small lane
    drain(outbox);
    outbox.push(message(std::string(kMaxGossipDataBytes, 'z')), lane);
    EXPECT_EQ(outbox.messages(), 1U);  // and always finds room in an empty one
  }
}

TEST(GossipOutbox, FramesStayShortUnlessOneMessageIsLong) {
  Outbox outbox;
  for (int n = 0; n < 30; ++n) outbox.push(message(std::string(10'000, static_cast<char>('a' + n))), Lane::kForward);
  outbox.push(message(std::string(kMaxGossipDataBytes, 'z')), Lane::kForward);
  std::size_t messages = 0;
  std::size_t longest = 0;
  for (Bytes frame = outbox.next_frame(wanted); !frame.empty(); frame = outbox.next_frame(wanted)) {
    Heard heard;
    heard.add(frame);
    messages += heard.messages.size();
    if (heard.messages.size() > 1) {
      EXPECT_LE(frame.size(), kFrameFillBytes);
    }
    longest = std::max(longest, frame.size());
  }
  EXPECT_EQ(messages, 31U);
  EXPECT_GT(longest, kMaxGossipDataBytes);
  EXPECT_LE(longest, kMaxRpcBytes);
}

TEST(GossipOutbox, ManyIdsAndRecordsAreSpreadOverFrames) {
  Outbox outbox;
  std::vector<MessageId> ids;
  for (std::size_t n = 0; n < kMaxIhaveIds; ++n) {
    Bytes id(kMaxMessageIdBytes);
    id[0] = static_cast<std::uint8_t>(n);
    id[1] = static_cast<std::uint8_t>(n >> 8);
    ids.push_back(MessageId::from(id).value());
  }
  for (std::size_t n = 0; n < kMaxJoinedTopics; ++n) {
    const std::string topic = std::string(kMaxTopicBytes - 3, 't') + std::to_string(100 + n);
    outbox.subscribe(topic, true);
    outbox.ihave(topic, ids);
    PruneNote note{.backoff_s = 1, .peers = {}};
    for (std::uint64_t peer = 0; peer < 16; ++peer) note.peers.emplace_back(test::peer(peer), Bytes(kMaxPxRecordBytes));
    outbox.prune(topic, std::move(note));
  }
  for (const MessageId& id : ids) {
    EXPECT_TRUE(outbox.iwant(id));
    outbox.dont_want(id);
  }
  EXPECT_FALSE(outbox.iwant(ids[0]));
  outbox.dont_want(ids[0]);  // takes the place of the oldest
  Heard all;
  for (Bytes frame = outbox.next_frame(wanted); !frame.empty(); frame = outbox.next_frame(wanted)) {
    ASSERT_LE(frame.size(), kMaxRpcBytes);
    all.add(frame);  // which is to be read by a strict reader
  }
  EXPECT_EQ(all.ihaves.size(), kMaxJoinedTopics * kMaxIhaveIds);
  EXPECT_EQ(all.prunes.size(), kMaxJoinedTopics);
  EXPECT_EQ(all.iwants.size(), kMaxQueuedIds);
  EXPECT_EQ(all.dont_wants.size(), kMaxQueuedIds);
  EXPECT_EQ(all.dont_wants.back(), ids[0]);
}

}  // namespace
}  // namespace micro::p2p
