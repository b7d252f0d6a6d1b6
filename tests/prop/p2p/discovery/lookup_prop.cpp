// A search over random graphs of who knows whom, with liars and silence: it ends, asks nobody twice and never more than
// it may; what it returns is sorted and has answered; where everybody knows the nearest, those are found.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "tests/gen/p2p/kad_world.hpp"

namespace micro::p2p {
namespace {

struct SearchWorld {
  test::NumberedContacts contacts;
  std::vector<std::vector<ContactId>> knows;
  std::set<ContactId> silent;
  KadKey target = kad_key(as_bytes("target"));
  LookupLimits limits{.nearest = 5, .at_once = 3, .asked = 18, .candidates = 24};

  explicit SearchWorld(std::uint32_t count) {
    for (std::uint32_t n = 0; n < count; ++n) {
      contacts.add(SeededRandom(n + 1).draw<Hash>().as<KadKey>());
      knows.emplace_back();
    }
  }
  [[nodiscard]] std::vector<ContactId> sorted(std::vector<ContactId> all) const {
    std::ranges::sort(all,
                      [&](ContactId a, ContactId b) { return is_nearer(target, contacts.key(a), contacts.key(b)); });
    return all;
  }
};

struct Outcome {
  std::set<ContactId> asked;
  std::set<ContactId> answered;
  std::vector<ContactId> closest;
};

enum class Slow : std::uint8_t { kNobody, kSome };

/// Who is slow answers later, if the search lasts.
Outcome search(const SearchWorld& world, const std::vector<ContactId>& seeds, Slow who = Slow::kSome) {
  Outcome out;
  Lookup lookup(world.contacts, world.target, world.limits);
  lookup.add(seeds);
  std::vector<ContactId> under_way;
  std::set<ContactId> slow;
  while (!lookup.is_done()) {
    for (const ContactId id : lookup.next()) {
      RC_ASSERT(out.asked.insert(id).second);
      under_way.push_back(id);
    }
    RC_ASSERT(!under_way.empty());
    RC_ASSERT(under_way.size() <= 2 * world.limits.asked);
    const auto at = under_way.begin() + *rc::gen::inRange<std::ptrdiff_t>(0, std::ssize(under_way));
    const ContactId id = *at;
    if (who == Slow::kSome && *rc::gen::inRange(0, 5) == 0 && slow.insert(id).second) {
      lookup.slow(id);
      continue;
    }
    under_way.erase(at);
    if (world.silent.contains(id)) {
      lookup.failed(id);
    } else {
      lookup.answered(id, world.knows[id]);
      out.answered.insert(id);
    }
    std::vector<ContactId> held;
    lookup.list_held(held);
    RC_ASSERT(held.size() <= world.limits.candidates);
  }
  RC_ASSERT(out.asked.size() <= world.limits.asked);
  RC_ASSERT(lookup.asked() == out.asked.size());
  out.closest = lookup.closest();
  return out;
}

RC_GTEST_PROP(Lookup, EndsWithinItsLimitsWhateverItHears, ()) {
  SearchWorld world(60);
  for (ContactId id = 0; id < 60; ++id) {
    if (*rc::gen::inRange(0, 4) == 0) world.silent.insert(id);
    const std::size_t count = *rc::gen::inRange<std::size_t>(0, 12);  // more than it looks at, too
    for (std::size_t n = 0; n < count; ++n) world.knows[id].push_back(*rc::gen::inRange<ContactId>(0, 60));
  }
  const auto out = search(world, *rc::gen::container<std::vector<ContactId>>(rc::gen::inRange<ContactId>(0, 60)));
  RC_ASSERT(out.closest == world.sorted(out.closest));
  RC_ASSERT(out.closest.size() <= world.limits.nearest);
  for (const ContactId id : out.closest) RC_ASSERT(out.answered.contains(id));
  // Nobody that answered and is nearer was left out.
  auto answered = world.sorted({out.answered.begin(), out.answered.end()});
  answered.resize(std::min(answered.size(), out.closest.size()));
  RC_ASSERT(out.closest == answered);
}

RC_GTEST_PROP(Lookup, FindsTheNearestWhereEveryNodeKnowsSomeNearer, ()) {
  SearchWorld world(60);
  world.limits.asked = 60;
  world.limits.candidates = 61;
  std::vector<ContactId> all(60);
  for (ContactId id = 0; id < 60; ++id) all[id] = id;
  all = world.sorted(all);
  for (std::size_t at = 0; at < all.size(); ++at) {
    auto& known = world.knows[all[at]];
    for (std::size_t other = at < 5 ? 0 : at - 5; other < (at < 5 ? 6 : at); ++other) {
      if (other != at) known.push_back(all[other]);
    }
    if (at >= 5) known[*rc::gen::inRange<std::size_t>(0, 5)] = *rc::gen::inRange<ContactId>(0, 60);
  }
  const auto out = search(world, {*rc::gen::inRange<ContactId>(0, 60)}, Slow::kNobody);
  RC_ASSERT(out.closest == std::vector<ContactId>(all.begin(), all.begin() + 5));
}

TEST(Lookup, ASlowOneLetsOthersBeAskedAndMayStillAnswer) {
  SearchWorld world(12);
  world.limits = {.nearest = 3, .at_once = 2, .asked = 12, .candidates = 13};
  const auto all = world.sorted({0, 1, 2, 3, 4, 5});
  Lookup lookup(world.contacts, world.target, world.limits);
  lookup.add(all);
  EXPECT_EQ(lookup.next(), (std::vector<ContactId>{all[0], all[1]}));
  EXPECT_TRUE(lookup.next().empty());
  lookup.slow(all[0]);
  EXPECT_EQ(lookup.next(), std::vector<ContactId>{all[2]});
  lookup.answered(all[0], {});
  lookup.answered(all[1], {});
  lookup.answered(all[2], {});
  EXPECT_TRUE(lookup.is_done());
  EXPECT_EQ(lookup.closest(), (std::vector<ContactId>{all[0], all[1], all[2]}));
  EXPECT_EQ(lookup.hops(), 1U);
}

TEST(Lookup, NobodyWaitsForASlowOneOnceEnoughHaveAnswered) {
  SearchWorld world(12);
  world.limits = {.nearest = 3, .at_once = 3, .asked = 12, .candidates = 13};
  const auto all = world.sorted({0, 1, 2, 3});
  Lookup lookup(world.contacts, world.target, world.limits);
  lookup.add(all);
  ASSERT_EQ(lookup.next().size(), 3U);
  lookup.answered(all[1], {});
  lookup.answered(all[2], {});
  EXPECT_FALSE(lookup.is_done()) << "it may answer any moment";
  lookup.slow(all[0]);
  EXPECT_FALSE(lookup.is_done()) << "there is one to ask in its place";
  EXPECT_EQ(lookup.next(), std::vector<ContactId>{all[3]});
  EXPECT_FALSE(lookup.is_done());
  lookup.answered(all[3], {});
  EXPECT_TRUE(lookup.is_done());
  EXPECT_EQ(lookup.closest(), (std::vector<ContactId>{all[1], all[2], all[3]}));
}

TEST(Lookup, WhereTooFewAnswerItWaitsForTheSlow) {
  SearchWorld world(12);
  world.limits = {.nearest = 3, .at_once = 3, .asked = 12, .candidates = 13};
  const auto all = world.sorted({0, 1});
  Lookup lookup(world.contacts, world.target, world.limits);
  lookup.add(all);
  ASSERT_EQ(lookup.next().size(), 2U);
  lookup.answered(all[1], {});
  lookup.slow(all[0]);
  EXPECT_FALSE(lookup.is_done());
  lookup.failed(all[0]);
  EXPECT_TRUE(lookup.is_done());
}

TEST(Lookup, WithNobodyToAskItIsDone) {
  SearchWorld world(1);
  EXPECT_TRUE(Lookup(world.contacts, world.target, world.limits).is_done());
}

}  // namespace
}  // namespace micro::p2p
