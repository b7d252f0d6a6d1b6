// A router among peers that do anything that peers can do, against lists of what was said: whatever happens, a message
// is delivered once, handed on when it was accepted and not before, and nobody is written what he has or is not to
// have.
#include "p2p/gossip/router.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "tests/gen/p2p/gossip_rig.hpp"

namespace micro::p2p {
namespace {

using test::GossipRig;
using test::Heard;

constexpr std::uint64_t kPeers = 16;
const std::vector<std::string> kTopics{"t", "u"};

struct Known {  // of a message, by topic and text
  std::set<std::uint64_t> senders;
  bool judged = false;
};

class Run {
 public:
  void step() {
    switch (*rc::gen::inRange(0, 11)) {
      case 0:
        come_or_go();
        break;
      case 1:
        rig_.subscribe(anyone(), any_topic(), *rc::gen::inRange(0, 3) > 0);
        break;
      case 2:
      case 3:
        message();
        break;
      case 4:
      case 5:
        judge();
        break;
      case 6:
        control();
        break;
      case 7:
        join_or_leave();
        break;
      case 8:
        publish();
        break;
      default:
        rig_.now = rig_.now.plus_ms(*rc::gen::inRange<std::uint64_t>(0, 1'500));
        rig_.router.expire(rig_.now);
    }
    check();
  }

 private:
  using Key = std::pair<std::string, std::string>;
  std::uint64_t any_number() { return *rc::gen::inRange<std::uint64_t>(1, kPeers + 1); }
  PeerId anyone() { return test::peer(any_number()); }
  std::string any_topic() { return *rc::gen::elementOf(kTopics); }
  bool is_heard(std::uint64_t number) {
    return here_.contains(number) && rig_.score(test::peer(number)) >= ScoreParams().graylist_threshold;
  }
  std::string any_text() { return std::string(static_cast<std::size_t>(*rc::gen::inRange(1, 12)) * 200, 'x'); }

  void come_or_go() {
    const std::uint64_t number = any_number();
    if (here_.contains(number)) {
      rig_.router.disconnected(test::peer(number), rig_.now);
      here_.erase(number);
      std::erase_if(unwanted_, [&](const auto& one) { return one.first == number; });
    } else {
      rig_.add(number, *rc::gen::inRange(0, 2) == 0, *rc::gen::inRange(0, 4) == 0 ? "" : any_topic());
      here_.insert(number);
    }
  }

  void message() {
    const std::uint64_t number = any_number();
    const Key key{any_topic(), any_text()};
    const bool counts = is_heard(number) && joined_.contains(key.first);
    rig_.message(test::peer(number), key.second, key.first);
    std::vector<Key> delivered;
    for (const Delivery& one : rig_.router.take_deliveries()) {
      delivered.emplace_back(std::string(one.message->topic()), std::string(as_text(one.message->data())));
      RC_ASSERT(one.from == test::peer(number));
    }
    if (!counts) {
      RC_ASSERT(delivered.empty());
      return;
    }
    const bool is_new = !known_.contains(key);
    RC_ASSERT(delivered == (is_new ? std::vector<Key>{key} : std::vector<Key>{}));
    Known& known = known_[key];
    if (!known.judged) known.senders.insert(number);
  }

  void judge() {
    const Key key{any_topic(), any_text()};
    const auto found = known_.find(key);
    const auto word = static_cast<Validation>(*rc::gen::inRange(0, 3));
    collect();
    const std::set<PeerId> mesh = rig_.router.mesh(key.first);
    rig_.judge(key.second, word, key.first);
    std::set<PeerId> expected;
    if (word == Validation::kAccept && found != known_.end() && !found->second.judged && joined_.contains(key.first)) {
      expected = mesh;
      for (const std::uint64_t sender : found->second.senders) expected.erase(test::peer(sender));
      for (const std::uint64_t number : here_) {
        if (unwanted_.contains({number, rig_.id_of(key.second, key.first)})) expected.erase(test::peer(number));
      }
    }
    if (found != known_.end()) found->second.judged = true;
    std::set<PeerId> got;
    for (const std::uint64_t number : here_) {
      const Heard heard = rig_.hear(test::peer(number));
      for (const std::string& text : heard.messages) {
        RC_ASSERT(text == key.second);
        RC_ASSERT(got.insert(test::peer(number)).second);
      }
    }
    RC_ASSERT(got == expected);
  }

  void control() {
    RpcView rpc;
    const std::string topic = any_topic();
    const std::string text = any_text();
    const MessageId id = GossipRig::id_of(text, topic);
    const std::uint64_t number = any_number();
    switch (*rc::gen::inRange(0, 5)) {
      case 0:
        rpc.grafts = {topic};
        break;
      case 1:
        rpc.prunes = {{.topic = topic, .peers = {}, .backoff_s = *rc::gen::inRange<std::uint64_t>(0, 100)}};
        break;
      case 2:
        rpc.ihaves = {{topic, {id.view()}}};
        break;
      case 3:
        collect();
        rpc.iwants = {id.view()};
        break;
      default:
        rpc.dont_wants = {id.view()};
        if (is_heard(number)) unwanted_.insert({number, id});
    }
    rig_.say(test::peer(number), rpc);
    if (rpc.iwants.empty() || !here_.contains(number)) return;
    // Only what is good is handed out.
    const auto found = known_.find({topic, text});
    for (const std::string& given : rig_.hear(test::peer(number)).messages) {
      RC_ASSERT(given == text && found != known_.end() && found->second.judged);
    }
  }

  void join_or_leave() {
    const std::string topic = any_topic();
    if (joined_.contains(topic)) {
      rig_.router.leave(topic, rig_.now);
      joined_.erase(topic);
    } else {
      RC_ASSERT(rig_.router.join(topic, rig_.now).has_value());
      joined_.insert(topic);
    }
  }

  void publish() {
    const Key key{any_topic(), any_text()};
    collect();
    const bool is_new = !known_.contains(key);
    RC_ASSERT(rig_.router.publish(key.first, as_bytes(key.second), rig_.now).has_value() == is_new);
    if (is_new) known_[key].judged = true;
    std::set<PeerId> got;
    for (const std::uint64_t number : here_) {
      if (!rig_.hear(test::peer(number)).messages.empty()) got.insert(test::peer(number));
    }
    if (!is_new) RC_ASSERT(got.empty());
    const auto subscribers = rig_.router.subscribers(key.first);
    RC_ASSERT(std::ranges::includes(subscribers, got));
  }

  void collect() {
    for (const std::uint64_t number : here_) (void)rig_.hear(test::peer(number));
  }

  void check() {
    RC_ASSERT(rig_.router.take_suggestions().empty());
    for (const std::string& topic : kTopics) {
      const auto mesh = rig_.router.mesh(topic);
      const auto subscribers = rig_.router.subscribers(topic);
      RC_ASSERT(std::ranges::includes(subscribers, mesh));
      RC_ASSERT(joined_.contains(topic) || mesh.empty());
      for (const PeerId& peer : subscribers) {
        RC_ASSERT(std::ranges::any_of(here_, [&](std::uint64_t number) { return test::peer(number) == peer; }));
      }
    }
    std::size_t waiting = 0;
    for (const auto& [key, one] : known_) waiting += one.judged ? 0 : 1;
    RC_ASSERT(rig_.router.pending() == waiting);
  }

  // Everything is remembered for ever and judged when the test says so, as in the lists here.
  GossipRig rig_{
      {.mesh = {.seen_ms = 1'000'000'000, .dont_want_heartbeats = 1'000'000, .validation_ms = 1'000'000'000}}};
  std::set<std::uint64_t> here_;
  std::set<std::string> joined_;
  std::map<Key, Known> known_;
  std::set<std::pair<std::uint64_t, MessageId>> unwanted_;
};

RC_GTEST_PROP(GossipRouterProp, DoesWhatListsSay, ()) {
  Run run;
  const int steps = *rc::gen::inRange(1, 200);
  for (int n = 0; n < steps; ++n) run.step();
}

RC_GTEST_PROP(GossipRouterProp, WhatIsWrittenIsReadBackAsItWas, ()) {
  const auto text = rc::gen::container<std::string>(rc::gen::inRange<char>(0, 127));
  const auto texts = *rc::gen::container<std::vector<std::string>>(rc::gen::resize(20, text));
  const auto numbers = *rc::gen::container<std::vector<std::uint64_t>>(rc::gen::inRange<std::uint64_t>(0, 1'000'000));
  RpcView rpc;
  for (const std::string& one : texts) {
    rpc.subscriptions.push_back({one.size() % 2 == 0, one});
    rpc.iwants.push_back(as_bytes(one));
    rpc.grafts.push_back(one);
    rpc.ihaves.push_back({one, {as_bytes(one), as_bytes(texts[0])}});
    rpc.dont_wants.push_back(as_bytes(one));
  }
  for (const std::uint64_t number : numbers) {
    rpc.prunes.push_back({.topic = "t", .peers = {{as_bytes("p"), as_bytes("r")}}, .backoff_s = number});
  }
  const Bytes bytes = encode_rpc(rpc);
  const auto read = decode_rpc(bytes);
  RC_ASSERT(read.has_value());
  RC_ASSERT(encode_rpc(*read) == bytes);
  RC_ASSERT(read->subscriptions == rpc.subscriptions && read->grafts == rpc.grafts);
  RC_ASSERT(read->iwants.size() == texts.size() && read->dont_wants.size() == texts.size());
  for (std::size_t n = 0; n < numbers.size(); ++n) RC_ASSERT(read->prunes[n].backoff_s == numbers[n]);
}

}  // namespace
}  // namespace micro::p2p
