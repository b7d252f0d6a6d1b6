#include "chain/state/mmr.hpp"

#include <bit>

#include "chain/crypto/hash.hpp"

namespace micro {
namespace {

Hash mmr_leaf(const BlockId& id) {
  return tagged_hash(domain::kMmrLeaf, id.view());
}
Hash mmr_node(const Hash& left, const Hash& right) {
  return tagged_hash(domain::kMmrNode, {left.view(), right.view()});
}

/// The mountain that holds leaf `index` of `count`: its height, and its place among the peaks.
struct Mountain {
  std::uint8_t height = 0;
  std::size_t peak = 0;
};

Mountain mountain_of(std::uint64_t index, std::uint64_t count) {
  std::uint64_t start = 0;
  Mountain at;
  for (int bit = 63; bit >= 0; --bit) {
    const std::uint64_t size = 1ULL << bit;
    if ((count & size) == 0) continue;
    if (index - start < size) {
      at.height = static_cast<std::uint8_t>(bit);
      return at;
    }
    start += size;
    ++at.peak;
  }
  return at;
}

}  // namespace

void MmrPeaks::append(const BlockId& id, const Sink& sink) {
  Hash hash = mmr_leaf(id);
  MmrPlace place{0, count};
  if (sink) sink(place, hash);
  for (std::uint64_t rest = count; (rest & 1) != 0; rest >>= 1) {
    hash = mmr_node(peaks.back(), hash);
    peaks.pop_back();
    place = {static_cast<std::uint8_t>(place.level + 1), place.index >> 1};
    if (sink) sink(place, hash);
  }
  peaks.push_back(hash);
  ++count;
}

Hash MmrPeaks::root() const {
  if (count == 0) return {};
  Encoder e;
  e.put(count);
  for (const Hash& peak : peaks) e.put(peak);
  return tagged_hash(domain::kMmrRoot, e.bytes());
}

Result<MmrProof> mmr_prove(std::uint64_t index, std::uint64_t count,
                           const std::function<Result<Hash>(const MmrPlace&)>& node) {
  if (index >= count) return fail(Fault::kInvalid, "block " + std::to_string(index) + " is not below this header");
  MmrProof proof{index, count, {}, {}};
  const Mountain mine = mountain_of(index, count);
  for (std::uint8_t level = 0; level < mine.height; ++level) {
    proof.path.push_back(TRY(node({level, (index >> level) ^ 1})));
  }
  std::uint64_t start = 0;
  for (int bit = 63; bit >= 0; --bit) {
    if ((count >> bit & 1) == 0) continue;
    if (bit != mine.height) proof.others.push_back(TRY(node({static_cast<std::uint8_t>(bit), start >> bit})));
    start += 1ULL << bit;
  }
  return proof;
}

bool mmr_verify(const Hash& root, const BlockId& id, const MmrProof& proof) {
  if (proof.index >= proof.count) return false;
  const Mountain mine = mountain_of(proof.index, proof.count);
  if (proof.path.size() != mine.height) return false;
  if (proof.others.size() + 1 != static_cast<std::size_t>(std::popcount(proof.count))) return false;
  Hash hash = mmr_leaf(id);
  for (std::size_t level = 0; level < proof.path.size(); ++level) {
    const Hash& sibling = proof.path[level];
    hash = (proof.index >> level & 1) == 0 ? mmr_node(hash, sibling) : mmr_node(sibling, hash);
  }
  MmrPeaks all{proof.count, {}};
  for (std::size_t i = 0, other = 0; i <= proof.others.size(); ++i) {
    all.peaks.push_back(i == mine.peak ? hash : proof.others[other++]);
  }
  return all.root() == root;
}

}  // namespace micro
