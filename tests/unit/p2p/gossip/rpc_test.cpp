// The bytes of each message, as they are written by hand from the specification, and the limits of what is read.
#include "p2p/gossip/rpc.hpp"

#include <gtest/gtest.h>

#include "chain/crypto/hash.hpp"
#include "p2p/gossip/message.hpp"
#include "p2p/gossip/params.hpp"

namespace micro::p2p {
namespace {

constexpr const char* kContentId = "c2dbe6baf651ed93e27cfe7b2aaf7c13f85b720d";

ByteView bytes(std::string_view text) {
  return as_bytes(text);
}

std::string hex_of(const RpcView& rpc) {
  return to_hex(encode_rpc(rpc));
}

RpcView rpc_with(void (*change)(RpcView&)) {
  RpcView out;
  change(out);
  return out;
}

TEST(GossipRpc, EachMessageHasItsBytes) {
  EXPECT_EQ(hex_of(rpc_with([](RpcView& rpc) { rpc.subscriptions = {{true, "ab"}}; })), "0a06080112026162");
  EXPECT_EQ(hex_of(rpc_with([](RpcView& rpc) { rpc.subscriptions = {{false, "ab"}}; })), "0a06080012026162");
  EXPECT_EQ(hex_of(rpc_with([](RpcView& rpc) {
              MessageView message;
              message.data = bytes("xyz");
              message.topic = "ab";
              rpc.messages = {message};
            })),
            "1209120378797a22026162");
  EXPECT_EQ(hex_of(rpc_with([](RpcView& rpc) {
              rpc.messages = {{.from = bytes("f"),
                               .data = bytes("d"),
                               .sequence = bytes("12345678"),
                               .topic = "t",
                               .signature = bytes("s"),
                               .key = bytes("k")}};
            })),
            "1219"
            "0a0166"
            "120164"
            "1a083132333435363738"
            "220174"
            "2a0173"
            "32016b");
  EXPECT_EQ(hex_of(rpc_with([](RpcView& rpc) { rpc.ihaves = {{"ab", {bytes("i"), bytes("j")}}}; })),
            "1a0c"
            "0a0a"
            "0a026162"
            "120169"
            "12016a");
  EXPECT_EQ(hex_of(rpc_with([](RpcView& rpc) { rpc.iwants = {bytes("i"), bytes("j")}; })),
            "1a081206"
            "0a0169"
            "0a016a");
  EXPECT_EQ(hex_of(rpc_with([](RpcView& rpc) { rpc.grafts = {"ab"}; })), "1a061a040a026162");
  EXPECT_EQ(hex_of(rpc_with([](RpcView& rpc) {
              rpc.prunes = {{.topic = "ab", .peers = {{bytes("p"), bytes("r")}, {bytes("q"), {}}}, .backoff_s = 60}};
            })),
            "1a15"
            "2213"
            "0a026162"
            "1206"
            "0a0170"
            "120172"
            "1203"
            "0a0171"
            "183c");
  EXPECT_EQ(hex_of(rpc_with([](RpcView& rpc) { rpc.dont_wants = {bytes("i")}; })),
            "1a052a03"
            "0a0169");
}

TEST(GossipRpc, WhatIsWrittenIsReadBack) {
  const auto whole = from_hex(
      "0a06080112026162"                                // subscribes
      "1209120378797a22026162"                          // a message
      "1a0c0a0a0a02616212016912016a"                    // IHAVE
      "1a0812060a01690a016a"                            // IWANT
      "1a061a040a026162"                                // GRAFT
      "1a1522130a02616212060a017012017212030a0171183c"  // PRUNE
      "1a052a030a0169"                                  // IDONTWANT
      "1a0332010a"                                      // a field of control that is not known here
      "220101");                                        // and one of the RPC
  const auto rpc = decode_rpc(whole.value());
  ASSERT_TRUE(rpc.has_value()) << rpc.error().message;
  EXPECT_EQ(rpc->subscriptions, (std::vector<SubscriptionView>{{true, "ab"}}));
  ASSERT_EQ(rpc->messages.size(), 1U);
  EXPECT_EQ(as_text(rpc->messages[0].data), "xyz");
  EXPECT_EQ(rpc->messages[0].topic, "ab");
  EXPECT_FALSE(rpc->messages[0].from || rpc->messages[0].sequence || rpc->messages[0].signature ||
               rpc->messages[0].key);
  ASSERT_EQ(rpc->ihaves.size(), 1U);
  EXPECT_EQ(rpc->ihaves[0].topic, "ab");
  EXPECT_EQ(as_text(rpc->ihaves[0].ids.at(1)), "j");
  EXPECT_EQ(rpc->iwants.size(), 2U);
  EXPECT_EQ(rpc->grafts, (std::vector<std::string_view>{"ab"}));
  ASSERT_EQ(rpc->prunes.size(), 1U);
  EXPECT_EQ(rpc->prunes[0].backoff_s, 60U);
  EXPECT_EQ(as_text(rpc->prunes[0].peers.at(0).record), "r");
  EXPECT_TRUE(rpc->prunes[0].peers.at(1).record.empty());
  EXPECT_EQ(rpc->dont_wants.size(), 1U);
}

TEST(GossipRpc, MalformedIsInvalid) {
  for (const char* hex : {"0a", "0a05080112026162", "120378797a", "0801", "1a020801", "1a040a020801", "1203120178",
                          "120a12017812017922026162", "1209120178220161220162"}) {
    const auto rpc = decode_rpc(from_hex(hex).value());
    ASSERT_FALSE(rpc.has_value()) << hex;
    EXPECT_EQ(rpc.error().fault, Fault::kInvalid) << hex;
  }
  EXPECT_TRUE(decode_rpc({}).has_value());  // says nothing
}

Fault fault_of(const RpcView& rpc) {
  const auto read = decode_rpc(encode_rpc(rpc));
  return read ? Fault::kInternal : read.error().fault;
}

TEST(GossipRpc, EveryListAndTextHasALimit) {
  const std::string topic(kMaxTopicBytes + 1, 't');
  const Bytes id(kMaxMessageIdBytes + 1);
  RpcView rpc;
  rpc.subscriptions.assign(kMaxRpcSubscriptions, {true, "t"});
  EXPECT_EQ(fault_of(rpc), Fault::kInternal);  // at the limit it is read
  rpc.subscriptions.push_back({true, "t"});
  EXPECT_EQ(fault_of(rpc), Fault::kLimit);
  rpc = {};
  rpc.messages.resize(kMaxRpcMessages + 1);
  EXPECT_EQ(fault_of(rpc), Fault::kLimit);
  rpc = {};
  rpc.ihaves = {{"t", std::vector<ByteView>(kMaxRpcIds / 2)}};
  rpc.iwants.resize(kMaxRpcIds / 4);
  rpc.dont_wants.resize(kMaxRpcIds / 4);
  EXPECT_EQ(fault_of(rpc), Fault::kInternal);
  rpc.dont_wants.emplace_back();
  EXPECT_EQ(fault_of(rpc), Fault::kLimit);
  rpc = {};
  rpc.grafts.resize(kMaxRpcControls + 1);
  EXPECT_EQ(fault_of(rpc), Fault::kLimit);
  rpc = {};
  rpc.prunes.resize(kMaxRpcControls + 1);
  EXPECT_EQ(fault_of(rpc), Fault::kLimit);
  rpc = {};
  rpc.prunes.resize(1);
  rpc.prunes[0].peers.resize(kMaxPrunePeers + 1);
  EXPECT_EQ(fault_of(rpc), Fault::kLimit);
  rpc = {};
  rpc.ihaves.resize(kMaxRpcControls + 1);
  EXPECT_EQ(fault_of(rpc), Fault::kLimit);
  for (const auto change :
       {+[](RpcView& one, std::string_view long_topic, ByteView) { one.grafts = {long_topic}; },
        +[](RpcView& one, std::string_view, ByteView long_id) { one.iwants = {long_id}; },
        +[](RpcView& one, std::string_view long_topic, ByteView) { one.subscriptions = {{true, long_topic}}; },
        +[](RpcView& one, std::string_view, ByteView long_id) { one.ihaves = {{"t", {long_id}}}; }}) {
    rpc = {};
    change(rpc, topic, id);
    EXPECT_EQ(fault_of(rpc), Fault::kLimit);
  }
  EXPECT_EQ(decode_rpc(Bytes(kMaxRpcBytes + 1)).error().fault, Fault::kLimit);
}

TEST(GossipMessages, AnIdIsOfTheContent) {
  MessageView message;
  message.topic = "blocks";
  message.data = bytes("one");
  // SHA-256 of "micro/gossip/message/v1" ‖ 06000000 ‖ "blocks" ‖ "one", cut to 20 bytes.
  EXPECT_EQ(to_hex(content_id(message).value().view()), kContentId);
  message.from = bytes("somebody");
  EXPECT_EQ(to_hex(content_id(message).value().view()), kContentId);
  message.topic = "blocksone";
  message.data = {};
  EXPECT_NE(to_hex(content_id(message).value().view()), kContentId);
  EXPECT_FALSE(author_id(message).has_value());
  message.sequence = bytes("12345678");
  EXPECT_EQ(as_text(author_id(message).value().view()), "somebody12345678");
}

TEST(GossipMessages, NobodySignsOrEverybodyDoes) {
  const HostKey key = HostKey::from_seed(Hash{});
  const auto bare = GossipMessage::write("t", bytes("data"), nullptr, 1, content_id).value();
  const auto signed_one = GossipMessage::write("t", bytes("data"), &key, 7, author_id).value();
  const MessageView plain = decode_message(bare->wire()).value();
  const MessageView full = decode_message(signed_one->wire()).value();
  EXPECT_TRUE(check_signing(plain, SigningPolicy::kStrictNoSign).has_value());
  EXPECT_FALSE(check_signing(plain, SigningPolicy::kStrictSign).has_value());
  EXPECT_TRUE(check_signing(full, SigningPolicy::kStrictSign).has_value());
  EXPECT_FALSE(check_signing(full, SigningPolicy::kStrictNoSign).has_value());
  EXPECT_EQ(to_hex(*full.sequence), "0000000000000007");
  EXPECT_EQ(as_text(signed_one->author()), as_text(key.peer_id().view()));
  EXPECT_EQ(as_text(signed_one->data()), "data");
}

TEST(GossipMessages, EveryPartIsSigned) {
  const HostKey key = HostKey::from_seed(Hash{});
  const HostKey other = HostKey::from_seed(sha256(bytes("other")));
  const auto message = GossipMessage::write("t", bytes("data"), &key, 7, author_id).value();
  const MessageView good = decode_message(message->wire()).value();
  const auto refused = [&](auto change) {
    MessageView bad = good;
    change(bad);
    return !check_signing(bad, SigningPolicy::kStrictSign);
  };
  EXPECT_TRUE(refused([](MessageView& one) { one.data = bytes("Data"); }));
  EXPECT_TRUE(refused([](MessageView& one) { one.topic = "u"; }));
  EXPECT_TRUE(refused([](MessageView& one) { one.sequence = bytes("12345678"); }));
  EXPECT_TRUE(refused([](MessageView& one) { one.sequence = bytes("1"); }));
  EXPECT_TRUE(refused([](MessageView& one) { one.signature.reset(); }));
  EXPECT_TRUE(refused([&](MessageView& one) { one.from = other.peer_id().view(); }));
  const Bytes foreign = other.public_key().encode();
  EXPECT_TRUE(refused([&](MessageView& one) { one.key = foreign; }));
  const Bytes own = key.public_key().encode();
  EXPECT_FALSE(refused([&](MessageView& one) { one.key = own; }));
}

}  // namespace
}  // namespace micro::p2p
