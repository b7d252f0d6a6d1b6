// The small maps and sets of peers against the standard library's, with many ids that end in the same bytes.
#include "p2p/gossip/peer_set.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>

namespace micro::p2p {
namespace {

// Of four ends and six beginnings.
PeerId some_peer() {
  Bytes multihash{0x12, 32};
  multihash.resize(34);
  multihash[2] = *rc::gen::inRange<std::uint8_t>(0, 6);
  multihash[33] = *rc::gen::inRange<std::uint8_t>(0, 4);
  return PeerId::from(multihash).value();
}

RC_GTEST_PROP(PeerMap, IsAMap, ()) {
  PeerMap<int> map;
  std::map<PeerId, int> model;
  const int steps = *rc::gen::inRange(1, 120);
  for (int n = 0; n < steps; ++n) {
    const PeerId peer = some_peer();
    switch (*rc::gen::inRange(0, 6)) {
      case 0:
        if (const auto at = map.find(peer); at != map.end()) map.erase(at);
        model.erase(peer);
        break;
      case 1: {
        const int rest = *rc::gen::inRange(0, 4);
        const auto passes = [rest](const auto& entry) { return entry.second % 4 == rest; };
        RC_ASSERT(map.erase_if(passes) == std::erase_if(model, passes));
        break;
      }
      default:
        map[peer] += n;
        model[peer] += n;
    }
    RC_ASSERT(map.size() == model.size());
    RC_ASSERT((std::map<PeerId, int>(map.begin(), map.end()) == model));
    const PeerId other = some_peer();
    const auto found = map.find(other);
    RC_ASSERT((found != map.end()) == model.contains(other));
    if (found != map.end()) RC_ASSERT(found->second == model.at(other));
  }
}

RC_GTEST_PROP(PeerSet, IsASetOfThoseThatHaveANumber, ()) {
  PeerNumbers numbers;
  PeerSet set(numbers);
  std::set<PeerId> connected;
  std::set<PeerId> model;
  const int steps = *rc::gen::inRange(1, 120);
  for (int n = 0; n < steps; ++n) {
    const PeerId peer = some_peer();
    switch (*rc::gen::inRange(0, 4)) {
      case 0:
        if (connected.insert(peer).second) RC_ASSERT(numbers.id(numbers.add(peer)) == peer);
        break;
      case 1:
        RC_ASSERT(set.erase(peer) == (model.erase(peer) > 0));
        numbers.remove(peer);
        connected.erase(peer);
        break;
      default:
        set.insert(peer);
        if (connected.contains(peer)) model.insert(peer);
    }
    RC_ASSERT(numbers.size() == connected.size());
    RC_ASSERT(numbers.all().size() == connected.size());
    for (const PeerId& one : connected) RC_ASSERT(numbers.id(numbers.find(one)) == one);
    const auto ids = set.ids();
    RC_ASSERT((std::set<PeerId>(ids.begin(), ids.end()) == model && ids.size() == model.size()));
    const PeerId other = some_peer();
    RC_ASSERT(set.contains(other) == model.contains(other));
    RC_ASSERT((numbers.find(other) != kNobody) == connected.contains(other));
  }
}

RC_GTEST_PROP(FlatMap, IsAMap, ()) {
  FlatMap<std::string, int> map;
  std::map<std::string, int, std::less<>> model;
  const int steps = *rc::gen::inRange(1, 60);
  for (int n = 0; n < steps; ++n) {
    const std::string key(1, *rc::gen::inRange('a', 'k'));
    if (const auto at = map.find(key); at != map.end() && *rc::gen::inRange(0, 3) == 0) {
      map.erase(at);
      model.erase(key);
    } else {
      map[std::string_view(key)] += n;
      model[key] += n;
    }
    RC_ASSERT(std::ranges::equal(map, model, [](const auto& a, const auto& b) {
      return a.first == b.first && a.second == b.second;  // sorted likewise
    }));
  }
}

}  // namespace
}  // namespace micro::p2p
