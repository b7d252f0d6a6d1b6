#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "chain/crypto/hash.hpp"
#include "chain/state/mmr.hpp"

namespace micro {
namespace {

BlockId nth(std::uint64_t n) {
  Encoder e;
  e.put(n);
  return blake2b_256(e.bytes()).as<BlockId>();
}

struct Range {
  MmrPeaks peaks;
  std::map<MmrPlace, Hash> nodes;

  explicit Range(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      peaks.append(nth(i), [&](const MmrPlace& place, const Hash& hash) { nodes.emplace(place, hash); });
    }
  }
  [[nodiscard]] MmrProof prove(std::uint64_t index, std::uint64_t count) const {
    return mmr_prove(index, count, [&](const MmrPlace& p) -> Result<Hash> { return nodes.at(p); }).value();
  }
};

RC_GTEST_PROP(MmrProp, EveryBlockBelowAnyHeaderIsProved, ()) {
  const auto total = *rc::gen::inRange<std::uint64_t>(1, 140);
  const Range range(total);
  const auto count = *rc::gen::inRange<std::uint64_t>(1, total + 1);  // nodes of a longer range prove in a shorter one
  const Hash root = Range(count).peaks.root();
  const auto index = *rc::gen::inRange<std::uint64_t>(0, count);
  const MmrProof proof = range.prove(index, count);
  RC_ASSERT(mmr_verify(root, nth(index), proof));
  RC_ASSERT(!mmr_verify(root, nth(index + 1), proof));
  RC_ASSERT(!mmr_verify(Range(count + 1).peaks.root(), nth(index), proof));

  MmrProof bad = proof;
  bad.index = *rc::gen::inRange<std::uint64_t>(0, count + 2);
  if (bad.index != index) RC_ASSERT(!mmr_verify(root, nth(index), bad));
  bad = proof;
  bad.count = *rc::gen::inRange<std::uint64_t>(0, 2 * count);
  if (bad.count != count) RC_ASSERT(!mmr_verify(root, nth(index), bad));
  for (auto list : {&MmrProof::path, &MmrProof::others}) {
    bad = proof;
    (bad.*list).push_back(Hash{});
    RC_ASSERT(!mmr_verify(root, nth(index), bad));
    if ((proof.*list).empty()) continue;
    bad = proof;
    (bad.*list).pop_back();
    RC_ASSERT(!mmr_verify(root, nth(index), bad));
    bad = proof;
    (bad.*list)[*rc::gen::inRange<std::size_t>(0, (bad.*list).size())].data[7] ^= 1;
    RC_ASSERT(!mmr_verify(root, nth(index), bad));
  }
}

TEST(Mmr, NothingIsProvedBeyondItsEnd) {
  const auto proof = mmr_prove(3, 3, [](const MmrPlace&) -> Result<Hash> { return Hash{}; });
  ASSERT_FALSE(proof.has_value());
  EXPECT_EQ(proof.error().fault, Fault::kInvalid);
  EXPECT_FALSE(mmr_verify(Hash{}, nth(0), MmrProof{}));
}

}  // namespace
}  // namespace micro
