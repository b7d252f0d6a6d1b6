#include "chain/types/block.hpp"

#include "chain/crypto/hash_batch.hpp"

namespace micro {
namespace {

Hash leaf_hash(const Hash& content) {
  return tagged_hash(domain::kMerkleLeaf, content.view());
}
Hash node_hash(const Hash& left, const Hash& right) {
  return tagged_hash(domain::kMerkleNode, {left.view(), right.view()});
}

std::vector<Hash> parents_of(const std::vector<Hash>& level) {
  std::vector<Hash> next((level.size() + 1) / 2);
  HashBatch batch(domain::kMerkleNode);
  for (std::size_t i = 0; i + 1 < level.size(); i += 2) batch.add({level[i].view(), level[i + 1].view()}, next[i / 2]);
  batch.flush();
  if (level.size() % 2 == 1) next.back() = level.back();
  return next;
}

std::vector<Hash> hashed_leaves(std::span<const Hash> leaves) {
  std::vector<Hash> level(leaves.size());
  HashBatch batch(domain::kMerkleLeaf);
  for (std::size_t i = 0; i < leaves.size(); ++i) batch.add(leaves[i], level[i]);
  batch.flush();
  return level;
}

template <class T>
std::vector<Hash> content_hashes(std::span<const T> items, domain::Tag tag) {
  std::vector<Hash> out(items.size());
  HashBatch batch(tag);
  Encoder encoder;
  for (std::size_t i = 0; i < items.size(); ++i) batch.add(encoder.clear().put(items[i]).bytes(), out[i]);
  batch.flush();
  return out;
}

}  // namespace

BlockId block_id(const Header& header) {
  return tagged_hash(domain::kHeader, encode(header)).as<BlockId>();
}

Hash validator_set_hash(const ValidatorSet& set) {
  return tagged_hash(domain::kValidatorSet, encode(set));
}

Hash merkle_root(std::span<const Hash> leaves) {
  if (leaves.empty()) return {};
  std::vector<Hash> level = hashed_leaves(leaves);
  while (level.size() > 1) level = parents_of(level);
  return level.front();
}

MerkleProof merkle_prove(std::span<const Hash> leaves, std::uint32_t index) {
  MerkleProof proof{index, static_cast<std::uint32_t>(leaves.size()), {}};
  std::vector<Hash> level = hashed_leaves(leaves);
  std::size_t at = index;
  while (level.size() > 1) {
    if ((at ^ 1) < level.size()) proof.path.push_back(level[at ^ 1]);
    level = parents_of(level);
    at /= 2;
  }
  return proof;
}

bool merkle_verify(const Hash& root, const Hash& leaf, const MerkleProof& proof) {
  if (proof.index >= proof.count) return false;
  Hash hash = leaf_hash(leaf);
  std::size_t at = proof.index;
  std::size_t width = proof.count;
  std::size_t used = 0;
  while (width > 1) {
    if ((at ^ 1) < width) {
      if (used == proof.path.size()) return false;
      const Hash& sibling = proof.path[used++];
      hash = at % 2 == 0 ? node_hash(hash, sibling) : node_hash(sibling, hash);
    }
    at /= 2;
    width = (width + 1) / 2;
  }
  return used == proof.path.size() && hash == root;
}

Hash txs_root(std::span<const SignedTx> txs) {
  return merkle_root(content_hashes(txs, domain::kTxsRoot));
}
Hash receipts_root(std::span<const TxReceipt> receipts) {
  return merkle_root(content_hashes(receipts, domain::kReceiptsRoot));
}
Hash events_root(std::span<const Event> events) {
  return merkle_root(content_hashes(events, domain::kEventsRoot));
}

}  // namespace micro
