#include "chain/trie/subtree.hpp"

#include <algorithm>
#include <cstring>

#include "chain/base/check.hpp"

namespace micro {
namespace {

constexpr std::size_t kTargetLeaves = 4;      ///< a bucket, at most, right after reshaping
constexpr std::size_t kMaxMeanLeaves = 6;     ///< over all buckets, before the array doubles
constexpr std::size_t kMaxBucketLeaves = 64;  ///< before one bucket becomes a subtree
constexpr std::size_t kMinDeepLeaves = 16;    ///< below which it becomes a bucket again
constexpr std::size_t kMaxBits = 30;
constexpr std::size_t kPrefetchAhead = 8;      ///< changes between asking for memory and reading it
constexpr std::size_t kHashedBuckets = 1'024;  ///< together: what they need stays in the processor's second cache

/// `count` bits of the path from bit `from`.
std::size_t bits_at(const StatePath& path, std::size_t from, std::size_t count) {
  std::uint64_t window = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    const std::size_t at = from / 8 + i;
    window = (window << 8) | (at < path.data.size() ? path.data[at] : 0u);
  }
  if (count == 0) return 0;
  return static_cast<std::size_t>((window << (from % 8)) >> (64 - count));
}

std::size_t bits_for(std::size_t leaves, std::size_t base) {
  std::size_t bits = 0;
  while (bits < kMaxBits && base + bits < kPathBits && leaves > (kTargetLeaves << bits)) ++bits;
  return bits;
}

}  // namespace

std::uint8_t* TrieValue::far() const {
  std::uint8_t* at = nullptr;
  std::memcpy(&at, place_.data() + kPointerAt, sizeof at);
  return at;
}

void TrieValue::release() {
  if (!is_near()) delete[] far();
  size_ = 0;
}

void TrieValue::assign(ByteView bytes) {
  if (size_ != bytes.size()) {
    release();
    if (bytes.size() > kNearBytes) {
      const std::uint8_t* const at = std::make_unique_for_overwrite<std::uint8_t[]>(bytes.size()).release();
      std::memcpy(place_.data() + kPointerAt, &at, sizeof at);
    }
    size_ = static_cast<std::uint32_t>(bytes.size());
  }
  std::ranges::copy(bytes, is_near() ? place_.data() : far());
}

Subtree::Subtree(std::size_t base, std::size_t bits, bool pinned)
    : base_(base),
      bits_(bits),
      pinned_(pinned),
      hashes_(std::size_t{2} << bits),
      kinds_(std::size_t{2} << bits, NodeKind::kEmpty),
      buckets_(std::size_t{1} << bits) {}

std::size_t Subtree::bucket_of(const StatePath& path) const {
  return bits_at(path, base_, bits_);
}

template <class Each>
void Subtree::by_bucket(std::span<const LeafChange> changes, Touch touch, Each each) const {
  std::size_t start = 0;
  while (start < changes.size()) {
    prefetch(changes, start, touch);
    const std::size_t bucket = bucket_of(changes[start].path);
    std::size_t end = start + 1;
    while (end < changes.size() && bucket_of(changes[end].path) == bucket) ++end;
    each(bucket, changes.subspan(start, end - start));
    start = end;
  }
}

const StoredLeaf* Subtree::find(const StatePath& path) const {
  const Bucket& bucket = buckets_[bucket_of(path)];
  if (bucket.deep) return bucket.deep->find(path);
  for (const StoredLeaf& leaf : bucket.leaves) {
    if (leaf.path == path) return &leaf;
  }
  return nullptr;
}

bool Subtree::walk(const StatePath& from, const Visitor& visit) const {
  for (std::size_t b = bucket_of(from); b < buckets_.size(); ++b) {
    const Bucket& bucket = buckets_[b];
    if (bucket.deep) {
      // Only the bucket that `from` lies in is entered in its middle.
      if (!bucket.deep->walk(b == bucket_of(from) ? from : StatePath{}, visit)) return false;
      continue;
    }
    for (const StoredLeaf& leaf : bucket.leaves) {
      if (leaf.path >= from && !visit(leaf)) return false;
    }
  }
  return true;
}

void Subtree::prefetch(std::span<const LeafChange> changes, std::size_t at, Touch touch) const {
  if (at + 2 * kPrefetchAhead < changes.size()) {
    __builtin_prefetch(&buckets_[bucket_of(changes[at + 2 * kPrefetchAhead].path)]);
  }
  if (at + kPrefetchAhead < changes.size()) {
    const Bucket& soon = buckets_[bucket_of(changes[at + kPrefetchAhead].path)];
    for (const StoredLeaf& leaf : soon.leaves) {
      __builtin_prefetch(&leaf);
      if (touch == Touch::kLeavesAndValues) __builtin_prefetch(&leaf.value, 1);
    }
  }
}

void Subtree::prefetch(std::span<const StatePath> paths) const {
  if (pinned_) {
    while (!paths.empty()) {
      const std::size_t b = bucket_of(paths.front());
      std::size_t n = 1;
      while (n < paths.size() && bucket_of(paths[n]) == b) ++n;
      if (buckets_[b].deep) buckets_[b].deep->prefetch(paths.first(n));
      paths = paths.subspan(n);
    }
    return;
  }
  // Each pass reads what the one before asked for.
  for (const StatePath& path : paths) __builtin_prefetch(&buckets_[bucket_of(path)]);
  for (const StatePath& path : paths) {
    const Bucket& bucket = buckets_[bucket_of(path)];
    if (bucket.deep) {
      bucket.deep->prefetch(std::span(&path, 1));
      continue;
    }
    for (const StoredLeaf& leaf : bucket.leaves) __builtin_prefetch(&leaf);
  }
  std::vector<const StoredLeaf*> found;
  found.reserve(paths.size());
  for (const StatePath& path : paths) {
    const StoredLeaf* const leaf = find(path);
    if (leaf == nullptr) continue;
    __builtin_prefetch(&leaf->value);
    __builtin_prefetch(&leaf->value + 1);
    found.push_back(leaf);
  }
  for (const StoredLeaf* const leaf : found) __builtin_prefetch(leaf->value.view().data());  // where it is far
}

void Subtree::leaves_after(const Bucket& bucket, std::span<const LeafChange> changes, std::vector<LeafRef>& out) {
  out.clear();
  auto old = bucket.leaves.begin();
  for (const LeafChange& change : changes) {
    for (; old != bucket.leaves.end() && old->path < change.path; ++old) out.push_back({&old->path, &old->hash});
    if (old != bucket.leaves.end() && old->path == change.path) ++old;
    if (*change.value) out.push_back({&change.path, &change.hash});
  }
  for (; old != bucket.leaves.end(); ++old) out.push_back({&old->path, &old->hash});
}

std::vector<Subtree::Dirty> Subtree::buckets_after(std::span<const LeafChange> changes,
                                                   std::vector<NodeChange>& out) const {
  std::vector<Dirty> level;
  std::vector<std::size_t> runs;  // of those in `level` that are no subtree: their places
  RunBatch batch;
  std::vector<LeafRef> leaves;
  level.reserve(changes.size());
  const auto finish = [&] {
    const std::vector<TrieNode> nodes = batch.finish();
    for (std::size_t i = 0; i < runs.size(); ++i) level[runs[i]].node = nodes[i];
    runs.clear();
  };
  by_bucket(changes, Touch::kLeaves, [&](std::size_t b, std::span<const LeafChange> mine) {
    expect((buckets_.size() + b) ^ 1);  // its sibling, which is hashed with it
    const Bucket& bucket = buckets_[b];
    if (bucket.deep) {
      level.push_back({buckets_.size() + b, bucket.deep->prepare(mine, out)});
      return;
    }
    leaves_after(bucket, mine, leaves);
    batch.add(leaves, base_ + bits_);
    runs.push_back(level.size());
    level.push_back({buckets_.size() + b, {}});
    if (runs.size() == kHashedBuckets) finish();
  });
  finish();
  return level;
}

TrieNode Subtree::prepare(std::span<const LeafChange> changes, std::vector<NodeChange>& out) const {
  auto* self = const_cast<Subtree*>(this);  // a name for `store`, which only the owner of the whole tree calls
  if (changes.empty()) return root();
  std::vector<Dirty> level = buckets_after(changes, out);
  std::vector<TrieNode> children;
  std::vector<TrieNode> parents;
  std::vector<Dirty> above;
  for (;;) {
    for (const Dirty& dirty : level) out.push_back({self, dirty.at, dirty.node});
    if (level.front().at == 1) return level.front().node;
    above.clear();
    children.clear();
    for (std::size_t i = 0; i < level.size();) {
      const std::size_t parent = level[i].at / 2;
      TrieNode pair[2] = {node(2 * parent), node(2 * parent + 1)};
      for (; i < level.size() && level[i].at / 2 == parent; ++i) pair[level[i].at % 2] = level[i].node;
      children.push_back(pair[0]);
      children.push_back(pair[1]);
      above.push_back({parent, {}});
      __builtin_prefetch(&hashes_[parent ^ 1]);  // its sibling, for the next round
      __builtin_prefetch(&kinds_[parent ^ 1]);
    }
    parents.resize(above.size());
    join_nodes(children, parents);
    for (std::size_t i = 0; i < above.size(); ++i) above[i].node = parents[i];
    std::swap(level, above);
  }
}

void Subtree::store(std::size_t at, const TrieNode& node) {
  hashes_[at] = node.hash;
  kinds_[at] = node.kind;
}

bool Subtree::write(std::span<const LeafChange> changes) {
  bool reshaped = false;
  by_bucket(changes, Touch::kLeavesAndValues, [&](std::size_t b, std::span<const LeafChange> mine) {
    Bucket& bucket = buckets_[b];
    const std::size_t before = bucket.deep ? bucket.deep->size() : bucket.leaves.size();
    if (bucket.deep ? bucket.deep->write(mine) : write_bucket(bucket, mine)) reshaped = true;
    size_ += (bucket.deep ? bucket.deep->size() : bucket.leaves.size()) - before;
  });
  return reshaped;
}

bool Subtree::write_bucket(Bucket& bucket, std::span<const LeafChange> changes) {
  std::size_t fresh = 0;
  for (const LeafChange& change : changes) {
    const auto at = std::ranges::lower_bound(bucket.leaves, change.path, {}, &StoredLeaf::path);
    if (at != bucket.leaves.end() && at->path == change.path && *change.value) {
      at->hash = change.hash;
      at->value.assign(**change.value);
    } else {
      ++fresh;
    }
  }
  if (fresh == 0) return false;
  std::vector<StoredLeaf> merged;
  merged.reserve(bucket.leaves.size() + fresh);
  auto old = bucket.leaves.begin();
  for (const LeafChange& change : changes) {
    while (old != bucket.leaves.end() && old->path < change.path) merged.push_back(std::move(*old++));
    const bool is_here = old != bucket.leaves.end() && old->path == change.path;
    if (*change.value) {
      merged.push_back(is_here ? std::move(*old) : StoredLeaf{change.path, change.hash, TrieValue(**change.value)});
    }
    if (is_here) ++old;
  }
  while (old != bucket.leaves.end()) merged.push_back(std::move(*old++));
  if (!pinned_) {
    bucket.leaves = std::move(merged);
    return true;
  }
  bucket.deep = std::make_unique<Subtree>(base_ + bits_, bits_for(merged.size(), base_ + bits_));
  bucket.deep->fill(std::move(merged));
  return true;
}

void Subtree::settle(std::span<const LeafChange> changes) {
  const std::size_t n = buckets_.size();
  if (!pinned_ && (size_ > kMaxMeanLeaves * n || (n > 1 && size_ < n))) return reshape(bits_for(size_, base_));
  by_bucket(changes, Touch::kLeaves, [&](std::size_t b, std::span<const LeafChange> mine) {
    Bucket& bucket = buckets_[b];
    if (bucket.deep) {
      bucket.deep->settle(mine);
      if (bucket.deep->size() > (pinned_ ? 0 : kMinDeepLeaves)) return;
      bucket.deep->take_leaves(bucket.leaves);
      bucket.deep.reset();
    } else if (bucket.leaves.size() > kMaxBucketLeaves && base_ + bits_ < kPathBits) {
      bucket.deep = std::make_unique<Subtree>(base_ + bits_, bits_for(bucket.leaves.size(), base_ + bits_));
      bucket.deep->fill(std::exchange(bucket.leaves, {}));
    }
  });
}

void Subtree::reshape(std::size_t bits) {
  if (bits == bits_) return;
  std::vector<StoredLeaf> all;
  all.reserve(size_);
  take_leaves(all);
  const TrieNode before = root();
  *this = Subtree(base_, bits);
  fill(std::move(all));
  CHECK(root().hash == before.hash, "the shape of the array does not change the root");
}

void Subtree::take_leaves(std::vector<StoredLeaf>& out) {
  for (Bucket& bucket : buckets_) {
    if (bucket.deep) bucket.deep->take_leaves(out);
    std::ranges::move(bucket.leaves, std::back_inserter(out));
    bucket.leaves.clear();
  }
}

void Subtree::fill(std::vector<StoredLeaf> leaves) {
  size_ = leaves.size();
  for (std::size_t start = 0; start < leaves.size();) {
    const std::size_t b = bucket_of(leaves[start].path);
    std::size_t end = start + 1;
    while (end < leaves.size() && bucket_of(leaves[end].path) == b) ++end;
    Bucket& bucket = buckets_[b];
    const auto first = leaves.begin() + static_cast<std::ptrdiff_t>(start);
    const auto last = leaves.begin() + static_cast<std::ptrdiff_t>(end);
    std::vector<StoredLeaf> mine(std::make_move_iterator(first), std::make_move_iterator(last));
    const std::size_t below = base_ + bits_;
    if (pinned_ || (mine.size() > kMaxBucketLeaves && below < kPathBits)) {
      bucket.deep = std::make_unique<Subtree>(below, bits_for(mine.size(), below));
      bucket.deep->fill(std::move(mine));
    } else {
      bucket.leaves = std::move(mine);
    }
    start = end;
  }
  rehash();
}

void Subtree::rehash() {
  const std::size_t n = buckets_.size();
  std::vector<LeafRef> refs;
  RunBatch batch;
  for (std::size_t start = 0; start < n; start += kHashedBuckets) {
    const std::size_t end = std::min(n, start + kHashedBuckets);
    for (std::size_t b = start; b < end; ++b) {
      refs.clear();
      for (const StoredLeaf& leaf : buckets_[b].leaves) refs.push_back({&leaf.path, &leaf.hash});
      batch.add(refs, base_ + bits_);
    }
    const std::vector<TrieNode> nodes = batch.finish();
    for (std::size_t b = start; b < end; ++b) {
      store(n + b, buckets_[b].deep ? buckets_[b].deep->root() : nodes[b - start]);
    }
  }
  std::vector<TrieNode> children;
  std::vector<TrieNode> parents;
  for (std::size_t width = n / 2; width != 0; width /= 2) {
    children.clear();
    for (std::size_t at = 2 * width; at < 4 * width; ++at) children.push_back(node(at));
    parents.resize(width);
    join_nodes(children, parents);
    for (std::size_t i = 0; i < width; ++i) store(width + i, parents[i]);
  }
}

}  // namespace micro
