// Nodes that hand each other their bytes: who is found, who is believed, what is refused.
#include "p2p/discovery/kad_node.hpp"

#include <gtest/gtest.h>

#include "tests/gen/p2p/addresses.hpp"

namespace micro::p2p {
namespace {

using test::address_in_group;

class Net {
 public:
  static constexpr std::size_t kNodes = 30;
  explicit Net(KadConfig config = {}) {
    for (std::size_t n = 0; n < kNodes; ++n) {
      infos.push_back({test::peer(n), {address_in_group(static_cast<std::uint32_t>(n), 1)}});
      nodes.push_back(std::make_unique<KadNode>(config, infos[n].peer, random));
      nodes[n]->set_addresses(infos[n].addresses);
    }
  }
  std::size_t number_of(const PeerId& peer) const {
    const auto at = std::ranges::find(infos, peer, &PeerInfo::peer);
    return static_cast<std::size_t>(at - infos.begin());
  }
  // Until nobody has anything to say.
  void settle() {
    for (bool more = true; more;) {
      more = false;
      for (std::size_t n = 0; n < kNodes; ++n) {
        auto effects = nodes[n]->take_effects();
        for (auto& found : effects.found) finished.push_back(std::move(found));
        for (const KadOutgoing& out : effects.outgoing) {
          more = true;
          deliver(n, out);
        }
      }
    }
  }
  void deliver(std::size_t from, const KadOutgoing& out) {
    const std::size_t to = number_of(out.to.peer);
    if (to == kNodes || silent.contains(to)) return nodes[from]->on_failed(out.request, now);
    nodes[to]->on_server(infos[from], now);
    const auto answer = nodes[to]->answer(infos[from], out.message, now);
    if (!out.is_answered) {
      const KadMessage ping{.type = KadType::kPing, .name = {}, .closer = {}, .providers = {}};
      EXPECT_TRUE(nodes[from]->on_reply(out.request, ping.encode(), now));
      return;
    }
    if (!answer || !*answer) return nodes[from]->on_failed(out.request, now);
    EXPECT_TRUE(nodes[from]->on_reply(out.request, **answer, now));
  }
  void join_all() {
    for (std::size_t n = 1; n < kNodes; ++n) {
      nodes[n]->add_seed(infos[n / 2]);
      nodes[n]->step(now);
      settle();
    }
  }

  SeededRandom random{1};
  std::vector<PeerInfo> infos;
  std::vector<std::unique_ptr<KadNode>> nodes;
  std::vector<KadFoundPeers> finished;
  std::set<std::size_t> silent;
  Instant now{1};
};

TEST(KadNode, FindsAPeerAndWhereItIs) {
  Net net;
  net.join_all();
  const LookupId lookup = net.nodes[29]->find_peer(net.infos[3].peer, net.now).value();
  net.settle();
  ASSERT_EQ(net.finished.size(), 1U);
  EXPECT_EQ(net.finished[0].lookup, lookup);
  ASSERT_FALSE(net.finished[0].closest.empty());
  EXPECT_EQ(net.finished[0].closest[0], net.infos[3]);
}

TEST(KadNode, FindsWhoProvides) {
  Net net;
  net.join_all();
  const Bytes name = to_bytes("a service");
  ASSERT_TRUE(net.nodes[5]->provide(name, net.now));
  net.settle();
  ASSERT_TRUE(net.nodes[20]->find_providers(name, 1, net.now));
  net.settle();
  ASSERT_EQ(net.finished.size(), 2U);
  EXPECT_EQ(net.finished[1].providers, std::vector<PeerInfo>{net.infos[5]});
}

// Whoever is told of the end may search at once, and finds it.
TEST(KadNode, WhatIsProvidedIsKnownWhereItIsLookedForWhenProvideEnds) {
  Net net;
  net.join_all();
  const Bytes name = to_bytes("a service");
  KadNode& provider = *net.nodes[5];
  ASSERT_TRUE(provider.provide(name, net.now));
  std::vector<KadOutgoing> records;
  while (records.empty()) {
    const auto effects = provider.take_effects();
    ASSERT_FALSE(effects.outgoing.empty());
    for (const KadOutgoing& out : effects.outgoing) {
      if (out.is_answered) {
        net.deliver(5, out);
      } else {
        records.push_back(out);
      }
    }
  }
  ASSERT_EQ(records.size(), 20U);
  for (const KadOutgoing& out : records) {
    EXPECT_TRUE(provider.take_effects().found.empty());
    net.deliver(5, out);
  }
  EXPECT_EQ(provider.take_effects().found.size(), 1U);
  EXPECT_EQ(provider.kad().requests(), 0U);
  std::size_t holders = 0;
  for (const auto& node : net.nodes) holders += node->kad().providers().records();
  EXPECT_EQ(holders, 20U);
}

// A node that provides before it knows anybody is not silent for the rest of the day.
TEST(KadNode, WhatNobodyTookIsSaidAgainSoon) {
  Net net;
  const Bytes name = to_bytes("a service");
  ASSERT_TRUE(net.nodes[5]->provide(name, net.now));
  net.settle();
  ASSERT_EQ(net.finished.size(), 1U);
  EXPECT_TRUE(net.finished[0].closest.empty());
  net.join_all();
  net.now = net.now.plus_ms(kNobodyTookMs);
  EXPECT_LE(net.nodes[5]->next_wake(), net.now);
  net.nodes[5]->step(net.now);
  net.settle();
  ASSERT_TRUE(net.nodes[20]->find_providers(name, 1, net.now));
  net.settle();
  EXPECT_EQ(net.finished.back().providers, std::vector<PeerInfo>{net.infos[5]});
}

// Whoever answered the search and then did not take the record is not said to have it.
TEST(KadNode, ProvideNamesThoseWhoTookIt) {
  Net net;
  net.join_all();
  KadNode& provider = *net.nodes[5];
  ASSERT_TRUE(provider.provide(to_bytes("a service"), net.now));
  std::vector<PeerId> takers;
  std::size_t told = 0;
  for (bool more = true; more;) {
    auto effects = provider.take_effects();
    more = !effects.outgoing.empty();
    for (KadFoundPeers& found : effects.found) net.finished.push_back(std::move(found));
    for (const KadOutgoing& out : effects.outgoing) {
      const bool fails = !out.is_answered && told++ % 2 == 0;
      if (fails) provider.on_failed(out.request, net.now);
      if (!fails) net.deliver(5, out);
      if (!fails && !out.is_answered) takers.push_back(out.to.peer);
    }
  }
  ASSERT_EQ(net.finished.size(), 1U);
  std::vector<PeerId> named;
  for (const PeerInfo& one : net.finished[0].closest) named.push_back(one.peer);
  EXPECT_EQ(named, takers);
  EXPECT_EQ(named.size(), 10U);
}

TEST(KadNode, ProvideDoesNotWaitForWhoIsSlowToTakeIt) {
  Net net;
  net.join_all();
  KadNode& provider = *net.nodes[5];
  ASSERT_TRUE(provider.provide(to_bytes("a service"), net.now));
  bool told = false;
  while (!told) {
    const auto effects = provider.take_effects();
    ASSERT_FALSE(effects.outgoing.empty());
    for (const KadOutgoing& out : effects.outgoing) {
      if (out.is_answered) net.deliver(5, out);
      told = told || !out.is_answered;  // and nobody takes it
    }
  }
  net.now = net.now.plus_ms(kKadSlowMs - 1);
  provider.step(net.now);
  EXPECT_TRUE(provider.take_effects().found.empty());
  net.now = net.now.plus_ms(1);
  EXPECT_LE(provider.next_wake(), net.now);
  provider.step(net.now);
  EXPECT_EQ(provider.take_effects().found.size(), 1U);
  EXPECT_EQ(provider.kad().lookups(), 0U);
}

// Its own word does not depend on who keeps a record of it.
TEST(KadNode, AProviderSaysSoItself) {
  Net net;
  const Bytes name = to_bytes("a service");
  ASSERT_TRUE(net.nodes[0]->provide(name, net.now));
  const KadMessage question{.type = KadType::kGetProviders, .name = name, .closer = {}, .providers = {}};
  const auto providers = [&] {
    const auto answer = net.nodes[0]->answer(net.infos[1], question.encode(), net.now).value().value();
    return KadMessage::decode(answer).value().providers;
  };
  EXPECT_EQ(providers(), std::vector<PeerInfo>{net.infos[0]});
  net.nodes[0]->withdraw(name);
  EXPECT_TRUE(providers().empty());
}

TEST(KadNode, SaysAgainWhatItProvidesUntilItIsWithdrawn) {
  Net net;
  net.join_all();
  const Bytes name = to_bytes("a service");
  ASSERT_TRUE(net.nodes[5]->provide(name, net.now));
  net.settle();
  const auto is_found = [&] {
    net.finished.clear();
    EXPECT_TRUE(net.nodes[20]->find_providers(name, 1, net.now));
    net.settle();
    return !net.finished.back().providers.empty();
  };
  for (const bool withdrawn : {false, true}) {
    if (withdrawn) net.nodes[5]->withdraw(name);
    for (int n = 0; n < 3; ++n) {
      net.now = net.now.plus_ms(kRepublishMs);
      for (const auto& node : net.nodes) node->step(net.now);
      net.settle();
    }
    EXPECT_EQ(is_found(), !withdrawn);
  }
}

TEST(KadNode, APeerThatDoesNotAnswerIsPassedOver) {
  Net net;
  net.join_all();
  net.silent = {1, 2, 3, 4, 5};
  ASSERT_TRUE(net.nodes[29]->find_peer(net.infos[3].peer, net.now));
  net.settle();
  ASSERT_EQ(net.finished.size(), 1U);
  EXPECT_EQ(net.finished[0].closest.size(), 20U);
  for (const PeerInfo& peer : net.finished[0].closest) EXPECT_FALSE(net.silent.contains(net.number_of(peer.peer)));
}

TEST(KadNode, TimeEndsWhatNobodyEnds) {
  Net net;
  KadNode& node = *net.nodes[0];
  node.add_seed(net.infos[1]);
  ASSERT_TRUE(node.find_peer(net.infos[2].peer, net.now));
  EXPECT_EQ(node.take_effects().outgoing.size(), 1U);
  EXPECT_EQ(node.kad().requests(), 1U);
  net.now = net.now.plus_ms(kKadSlowMs);
  EXPECT_LE(node.next_wake(), net.now);
  node.step(net.now);
  net.now = net.now.plus_ms(kKadRequestMs);
  node.step(net.now);
  const auto effects = node.take_effects();
  ASSERT_EQ(effects.found.size(), 1U);
  EXPECT_TRUE(effects.found[0].closest.empty());
  EXPECT_EQ(effects.found[0].asked, 1U);
  EXPECT_EQ(node.kad().lookups(), 0U);
}

TEST(KadNode, NobodySpeaksForAnother) {
  Net net;
  KadMessage message{.type = KadType::kAddProvider, .name = to_bytes("x"), .closer = {}, .providers = {net.infos[2]}};
  EXPECT_EQ(net.nodes[0]->answer(net.infos[1], message.encode(), net.now).error().fault, Fault::kInvalid);
  message.providers = {net.infos[2], net.infos[1]};
  EXPECT_EQ(net.nodes[0]->answer(net.infos[1], message.encode(), net.now).value(), std::nullopt);
  EXPECT_EQ(net.nodes[0]->kad().providers().records(), 1U);
}

TEST(KadNode, AClientAsksAndIsNotAsked) {
  Net net({.is_server = false});
  const KadMessage message{.type = KadType::kFindNode, .name = to_bytes("x"), .closer = {}, .providers = {}};
  EXPECT_EQ(net.nodes[0]->answer(net.infos[1], message.encode(), net.now).error().fault, Fault::kDenied);
}

TEST(KadNode, RefusesWhatItDoesNotDoAndWhatIsNone) {
  Net net;
  const auto fault = [&](const KadMessage& message) {
    return net.nodes[0]->answer(net.infos[1], message.encode(), net.now).error().fault;
  };
  EXPECT_EQ(fault({.type = KadType::kPutValue, .name = to_bytes("x"), .closer = {}, .providers = {}}), Fault::kDenied);
  EXPECT_EQ(fault({.type = KadType::kFindNode, .name = {}, .closer = {}, .providers = {}}), Fault::kInvalid);
  EXPECT_EQ(net.nodes[0]->answer(net.infos[1], as_bytes("\x08\x07"), net.now).error().fault, Fault::kInvalid);
  const KadMessage ping{.type = KadType::kPing, .name = {}, .closer = {}, .providers = {}};
  EXPECT_EQ(net.nodes[0]->answer(net.infos[1], ping.encode(), net.now).value(), ping.encode());
}

// What strangers say of a peer never replaces what it says itself; addresses that nobody can be at are left out.
TEST(KadNode, BelievesAPeerAboutItself) {
  PeerContacts contacts;
  const PeerInfo own{test::peer(1), {address_in_group(1, 1)}};
  const PeerInfo rumour{test::peer(1), {address_in_group(9, 9)}};
  const auto id = contacts.add(rumour, Heard::kFromOthers).value();
  EXPECT_EQ(contacts.add(own, Heard::kFromItself), id);
  EXPECT_EQ(contacts.add(rumour, Heard::kFromOthers), id);
  EXPECT_EQ(contacts.info(id), own);
  EXPECT_FALSE(contacts.add({test::peer(2), {}}, Heard::kFromOthers));
}

TEST(KadNode, WhatOneStrangerSaysDoesNotReplaceWhatAnotherSaid) {
  PeerContacts contacts;
  const Multiaddr honest = address_in_group(1, 1);
  const auto id = contacts.add({test::peer(1), {honest}}, Heard::kFromOthers).value();
  std::vector<Multiaddr> made_up;
  for (std::uint32_t n = 0; n < kMaxPeerAddresses; ++n) made_up.push_back(address_in_group(9, n));
  EXPECT_EQ(contacts.add({test::peer(1), made_up}, Heard::kFromOthers), id);
  const auto& kept = contacts.info(id).addresses;
  EXPECT_EQ(kept.size(), kMaxPeerAddresses);
  EXPECT_NE(std::ranges::find(kept, honest), kept.end());
  EXPECT_EQ(contacts.add({test::peer(1), {made_up[0]}}, Heard::kFromItself), id);
  EXPECT_EQ(kept, std::vector<Multiaddr>{made_up[0]});
}

// A hundred identities on one machine, each of which says that it is somewhere else.
TEST(KadNode, WhereAPeerIsItsConnectionTellsAndNotItself) {
  const Multiaddr there = address_in_group(77, 1);
  SeededRandom random(1);
  KadNode node({}, test::peer(0), random);
  KadMessage message{.type = KadType::kAddProvider, .name = to_bytes("x"), .closer = {}, .providers = {}};
  for (std::uint32_t n = 1; n <= 100; ++n) {
    const PeerInfo liar{test::peer(n), {address_in_group(100 + n, 1), there}};
    message.providers = {liar};
    EXPECT_TRUE(node.answer(liar, message.encode(), Instant{1}, there));
    node.on_server(liar, Instant{1}, there);
    node.on_server(liar, Instant{1}, there);  // it says so again
  }
  EXPECT_EQ(node.table().size(), TableLimits().subnet_in_table);
  EXPECT_EQ(node.kad().providers().records(), kMaxProvidersOfGroup);
}

// Nor what others say of one that is asked, before it has said anything itself.
TEST(KadNode, WhereAPeerIsThatAnswersItsConnectionTells) {
  const Multiaddr there = address_in_group(77, 1);
  SeededRandom random(1);
  KadNode node({}, test::peer(0), random);
  for (std::uint32_t n = 1; n <= 60; ++n) node.add_seed({test::peer(n), {address_in_group(100 + n, 1), there}});
  ASSERT_TRUE(node.find_node(to_bytes("x"), Instant{1}));
  for (auto effects = node.take_effects(); !effects.outgoing.empty(); effects = node.take_effects()) {
    for (const KadOutgoing& out : effects.outgoing) {
      node.on_connected(out.to.peer, there);
      const KadMessage reply{.type = KadType::kFindNode, .name = to_bytes("x"), .closer = {}, .providers = {}};
      EXPECT_TRUE(node.on_reply(out.request, reply.encode(), Instant{1}));
    }
  }
  EXPECT_GT(node.table().size(), 0U);
  EXPECT_LE(node.table().size(), TableLimits().subnet_in_table);
}

TEST(KadNode, ForgetsContactsThatNothingHolds) {
  Net net;
  KadNode& node = *net.nodes[0];
  node.add_seed(net.infos[1]);
  std::uint64_t stranger = 1'000;
  for (int lookup = 0; lookup < 2'000; ++lookup) {
    ASSERT_TRUE(node.find_node(to_bytes("x"), net.now));
    while (node.kad().lookups() > 0) {
      for (const KadOutgoing& out : node.take_effects().outgoing) {
        KadMessage liar{.type = KadType::kFindNode, .name = to_bytes("x"), .closer = {}, .providers = {}};
        for (int n = 0; n < 20; ++n) {
          liar.closer.push_back(
              {test::peer(++stranger), {address_in_group(static_cast<std::uint32_t>(stranger % 1'000), 1)}});
        }
        if (stranger % 3 == 0) {
          node.on_failed(out.request, net.now);
        } else {
          ASSERT_TRUE(node.on_reply(out.request, liar.encode(), net.now));
        }
      }
    }
    ASSERT_LE(node.contacts(), kMaxContacts);
    if (stranger > 3 * kMaxContacts) break;
  }
  EXPECT_GT(stranger, 3 * kMaxContacts);
}

TEST(KadNode, LocalAddressesAreSomewhereOnlyWhereTheNetworkSaysSo) {
  const PeerInfo local{test::peer(1), {Multiaddr::parse("/ip4/127.0.0.1/tcp/1").value()}};
  SeededRandom random(1);
  for (const bool allowed : {false, true}) {
    KadNode node({.local_addresses = allowed}, test::peer(0), random);
    node.on_server(local, Instant{1});
    EXPECT_EQ(node.table().size(), allowed ? 1U : 0U);
    node.on_server({test::peer(2), {Multiaddr::parse("/dns4/example.com/tcp/1").value()}}, Instant{1});
    EXPECT_EQ(node.table().size(), allowed ? 1U : 0U);  // a name is nowhere
  }
}

TEST(KadNode, ASearchMoreThanItMayIsBusy) {
  Net net;
  net.nodes[0]->add_seed(net.infos[1]);
  for (std::size_t n = 0; n < kMaxLookups; ++n) ASSERT_TRUE(net.nodes[0]->find_node(to_bytes("x"), net.now));
  EXPECT_EQ(net.nodes[0]->find_node(to_bytes("x"), net.now).error().fault, Fault::kBusy);
  EXPECT_EQ(net.nodes[0]->find_node({}, net.now).error().fault, Fault::kLimit);
}

}  // namespace
}  // namespace micro::p2p
