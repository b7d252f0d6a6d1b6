#include "chain/store/block_store.hpp"

#include <algorithm>
#include <set>

#include "chain/base/check.hpp"
#include "chain/store/subjects.hpp"

namespace micro {
namespace {

// The first byte of every key.
enum class Table : std::uint8_t {
  kBlock = 'B',
  kHeader = 'H',
  kCertificate = 'C',
  kReceipts = 'R',
  kHeightOfId = 'I',
  kTx = 'T',
  kAccountTxs = 'A',
  kServiceEvents = 'S',
  kDecision = 'D',
  kBoundary = 'E',
  kPolicyIo = 'P',
  kValidators = 'V',
  kMmr = 'M',
  kMeta = 'Z',
};

// What a transfer's index entries take: its place by id, and its sender and recipient.
constexpr std::size_t kIndexEntriesPerTx = 3;
constexpr std::size_t kIndexBytesPerTx = 151;
// What goes with a block's body and receipts, about.
constexpr std::size_t kFewEntries = 32;
constexpr std::size_t kFewBytes = 4'096;

class Key {
 public:
  explicit Key(Table table) { bytes_[size_++] = static_cast<std::uint8_t>(table); }
  Key& raw(ByteView bytes) {
    std::ranges::copy(bytes.first(std::min(bytes.size(), bytes_.size() - size_)), bytes_.begin() + size_);
    size_ = static_cast<std::uint8_t>(std::min(bytes_.size(), size_ + bytes.size()));
    return *this;
  }
  Key& number(std::uint64_t n) { return big_endian(n, 8); }
  Key& small(std::uint32_t n) { return big_endian(n, 4); }
  operator ByteView() const { return {bytes_.data(), size_}; }  // NOLINT

 private:
  Key& big_endian(std::uint64_t n, int size) {
    for (int i = size - 1; i >= 0; --i) bytes_[size_++] = static_cast<std::uint8_t>(n >> (8 * i));
    return *this;
  }
  std::array<std::uint8_t, 64> bytes_;  ///< the longest key has 49
  std::uint8_t size_ = 0;
};

std::uint64_t big_endian(ByteView bytes) {
  std::uint64_t n = 0;
  for (const std::uint8_t b : bytes) n = n << 8 | b;
  return n;
}

Key at_height(Table table, Height height) {
  return Key(table).number(height.value);
}
Key chain_key() {
  return Key(Table::kMeta).raw(as_bytes("chain"));
}
Key tip_key() {
  return Key(Table::kMeta).raw(as_bytes("tip"));
}
/// The first block whose index entries are not in the database; there while any are not.
Key pending_key() {
  return Key(Table::kMeta).raw(as_bytes("pending"));
}
Key mmr_key(const MmrPlace& place) {
  const std::array<std::uint8_t, 1> level{place.level};
  return Key(Table::kMmr).raw(level).number(place.index);
}

template <class T>
Result<T> stored(const Bytes& bytes, const char* what) {
  auto value = decode<T>(bytes);
  if (!value) return fail(Fault::kCorrupt, std::string("the stored ") + what + ": " + value.error().message);
  return value;
}

template <class T>
Result<T> stored_part(const Bytes& bytes, std::uint32_t offset, std::uint32_t size, const char* what) {
  if (offset > bytes.size() || size > bytes.size() - offset) {
    return fail(Fault::kCorrupt, std::string("the stored ") + what + " is cut off");
  }
  auto value = decode<T>(ByteView(bytes).subspan(offset, size));
  if (!value) return fail(Fault::kCorrupt, std::string("the stored ") + what + ": " + value.error().message);
  return value;
}

std::uint32_t narrow(std::size_t n) {
  return static_cast<std::uint32_t>(n);
}

void index_events(KvBatch& batch, Height height, std::uint32_t tx, const std::vector<Event>& events,
                  std::vector<Address>& accounts) {
  for (std::size_t i = 0; i < events.size(); ++i) {
    const Subjects subjects = subjects_of(events[i]);
    accounts.insert(accounts.end(), subjects.accounts.begin(), subjects.accounts.end());
    for (const ServiceId& service : subjects.services) {
      const Key key = Key(Table::kServiceEvents).raw(service).number(height.value).small(tx).small(narrow(i));
      batch.put(key, {});
    }
    if (subjects.decision) {
      const Key place = Key(Table::kDecision).number(*subjects.decision);
      batch.put(place, Key(Table::kDecision).number(height.value).small(tx).small(narrow(i)));
    }
  }
}

void index_accounts(KvBatch& batch, Height height, std::uint32_t tx, std::vector<Address>& accounts) {
  std::ranges::sort(accounts);
  const auto repeated = std::ranges::unique(accounts);
  accounts.erase(repeated.begin(), repeated.end());
  for (const Address& account : accounts) {
    batch.put(Key(Table::kAccountTxs).raw(account).number(height.value).small(tx), {});
  }
  accounts.clear();
}

struct EncodedBlock {
  Encoder body;
  Encoder receipts;
};

/// Encodes body and receipts, equal to the encodings of Block and BlockReceipts, and puts the entries that are found by
/// transaction and by account on `index`, by service and by decision on `batch`.
EncodedBlock put_index(KvBatch& index, KvBatch& batch, const Block& block, const BlockReceipts& receipts,
                       std::span<const TxId> ids) {
  const Height height = block.header.height;
  EncodedBlock out;
  out.body.put(block.header).put(narrow(block.txs.size()));
  out.receipts.put(narrow(receipts.receipts.size()));
  std::vector<Address> accounts;
  Encoder place;
  for (std::size_t i = 0; i < block.txs.size(); ++i) {
    const SignedTx& tx = block.txs[i];
    const TxReceipt& receipt = receipts.receipts[i];
    TxLocation at{height, narrow(i), narrow(out.body.bytes().size()), 0, narrow(out.receipts.bytes().size()), 0};
    out.body.put(tx);
    out.receipts.put(receipt);
    at.tx_bytes = narrow(out.body.bytes().size()) - at.tx_offset;
    at.receipt_bytes = narrow(out.receipts.bytes().size()) - at.receipt_offset;
    index.put(Key(Table::kTx).raw(ids[i]), place.clear().put(at).bytes());
    accounts.push_back(tx.body.sender);
    index_events(batch, height, at.index, receipt.events, accounts);
    index_accounts(index, height, at.index, accounts);
  }
  out.receipts.put(receipts.boundary_events);
  index_events(batch, height, kBoundaryTx, receipts.boundary_events, accounts);
  index_accounts(index, height, kBoundaryTx, accounts);
  return out;
}

}  // namespace

Result<BlockStore> BlockStore::open(std::unique_ptr<Kv> kv, const ChainId& chain, const IndexLimits& limits) {
  BlockStore store(std::move(kv), limits);
  const auto known = TRY(store.kv_->get(chain_key()));
  if (!known) {
    KvBatch batch;
    batch.put(chain_key(), chain);
    TRY(store.kv_->write(batch));
  } else if (*known != to_bytes(chain.view())) {
    return fail(Fault::kMismatch,
                "the ledger's database belongs to network " + to_hex(*known) + ", not to " + chain.hex(),
                "start the node with the genesis that the data was made with, or with another data folder");
  }
  if (const auto tip = TRY(store.kv_->get(tip_key()))) store.tip_ = TRY(stored<Tip>(*tip, "tip"));
  if (const auto from = TRY(store.kv_->get(pending_key()))) {
    store.pending_from_ = TRY(stored<Height>(*from, "mark of missing index entries"));
    TRY(store.index_again());
  }
  return store;
}

Status BlockStore::index_again() {
  for (Height height = *pending_from_; tip_ && height <= tip_->height; height = height.next()) {
    const Block block = TRY(this->block(height));
    const BlockReceipts receipts = TRY(this->receipts(height));
    if (receipts.receipts.size() != block.txs.size()) {
      return fail(Fault::kCorrupt, "block " + height.text() + " has not a receipt for each transaction");
    }
    std::vector<TxId> ids;
    for (const TxReceipt& receipt : receipts.receipts) ids.push_back(receipt.tx);
    KvBatch index;
    KvBatch written;  // these went with the block
    put_index(index, written, block, receipts, ids);
    pending_->add(height, std::move(index));
  }
  return {};
}

/// A small block's entries go with it, a large one's wait in memory, which the mark says.
void BlockStore::place_index(KvBatch& batch, KvBatch& index, Height height) {
  const bool waits = index.size() >= limits_.min_deferred;
  if (!waits) {
    index.each([&](const KvBatch::Op& op) { batch.put(op.key, *op.value); });
    index = {};
  }
  // The mark of entries that store_index() brought to the database goes with the next block, which costs no sync of its
  // own; in between, opening would read those blocks once too often.
  const bool others_wait = pending_->first_block().has_value();
  if (waits && !others_wait) {
    batch.put(pending_key(), encode(height));
    pending_from_ = height;
  } else if (pending_from_ && !others_wait) {
    batch.erase(pending_key());
    pending_from_.reset();
  }
}

Status BlockStore::store_index(Height tip) {
  const auto first = pending_->first_block();
  if (!first) return {};
  if (pending_->entries() < limits_.max_entries && tip.value - first->value < limits_.max_blocks) return {};
  return pending_->hand_over([&](std::span<const KvBatch::Op> entries) { return kv_->ingest(entries); });
}

Status BlockStore::put_genesis(const Header& header) {
  CHECK(!tip_, "the genesis header is the first");
  const Tip tip{header.height, block_id(header), {}};
  KvBatch batch;
  batch.put(at_height(Table::kHeader, header.height), encode(header));
  batch.put(at_height(Table::kBlock, header.height), encode(Block{header, {}}));
  batch.put(at_height(Table::kReceipts, header.height), encode(BlockReceipts{}));
  batch.put(Key(Table::kHeightOfId).raw(tip.id), encode(header.height));
  batch.put(Key(Table::kBoundary).small(header.epoch.value), encode(header.height));
  batch.put(tip_key(), encode(tip));
  TRY(kv_->write(batch));
  tip_ = tip;
  return {};
}

Status BlockStore::append(const FinalizedBlock& in) {
  const Header& header = in.block.header;
  CHECK(tip_ && header.height == tip_->height.next() && header.parent == tip_->id, "blocks are appended in order");
  CHECK(in.receipts.receipts.size() == in.block.txs.size() && in.tx_ids.size() == in.block.txs.size(),
        "each transaction has an id and a receipt");
  Tip tip{header.height, in.id, tip_->ids_below};
  KvBatch batch;
  KvBatch index;
  index.reserve(kIndexEntriesPerTx * in.block.txs.size(), kIndexBytesPerTx * in.block.txs.size());
  const EncodedBlock encoded = put_index(index, batch, in.block, in.receipts, in.tx_ids);
  batch.reserve(kFewEntries, encoded.body.bytes().size() + encoded.receipts.bytes().size() + kFewBytes);
  batch.put(at_height(Table::kBlock, header.height), encoded.body.bytes());
  batch.put(at_height(Table::kReceipts, header.height), encoded.receipts.bytes());
  place_index(batch, index, header.height);
  tip.ids_below.append(tip_->id, [&](const MmrPlace& place, const Hash& hash) { batch.put(mmr_key(place), hash); });
  batch.put(at_height(Table::kHeader, header.height), encode(header));
  if (in.certificate) batch.put(at_height(Table::kCertificate, header.height), encode(*in.certificate));
  batch.put(Key(Table::kHeightOfId).raw(in.id), encode(header.height));
  if (header.boundary) batch.put(Key(Table::kBoundary).small(header.epoch.value), encode(header.height));
  if (in.policy) batch.put(Key(Table::kPolicyIo).small(header.epoch.value), encode(*in.policy));
  if (in.next_validators) {
    batch.put(Key(Table::kValidators).raw(header.next_validators), encode(*in.next_validators));
  }
  batch.put(tip_key(), encode(tip));
  TRY(kv_->write(batch));
  tip_ = std::move(tip);
  if (!index.empty()) pending_->add(header.height, std::move(index));
  return store_index(header.height);
}

Result<Bytes> BlockStore::must_get(ByteView key, const char* what) const {
  auto value = TRY(kv_->get(key));
  if (!value) return fail(Fault::kNotFound, std::string("no such ") + what);
  return *std::move(value);
}

Result<Block> BlockStore::block(Height height) const {
  return stored<Block>(TRY(must_get(at_height(Table::kBlock, height), "block")), "block");
}
Result<Header> BlockStore::header(Height height) const {
  return stored<Header>(TRY(must_get(at_height(Table::kHeader, height), "block")), "header");
}
Result<Certificate> BlockStore::certificate(Height height) const {
  return stored<Certificate>(TRY(must_get(at_height(Table::kCertificate, height), "certificate")), "certificate");
}
Result<BlockReceipts> BlockStore::receipts(Height height) const {
  return stored<BlockReceipts>(TRY(must_get(at_height(Table::kReceipts, height), "block")), "receipts");
}
Result<Height> BlockStore::height_of(const BlockId& id) const {
  return stored<Height>(TRY(must_get(Key(Table::kHeightOfId).raw(id), "block")), "height");
}
Result<Height> BlockStore::boundary_of(Epoch epoch) const {
  return stored<Height>(TRY(must_get(Key(Table::kBoundary).small(epoch.value), "boundary block")), "height");
}
Result<PolicyRecordIo> BlockStore::policy_io(Epoch epoch) const {
  return stored<PolicyRecordIo>(TRY(must_get(Key(Table::kPolicyIo).small(epoch.value), "policy run")), "policy run");
}

Result<ValidatorSet> BlockStore::validator_set(const Hash& hash) const {
  return stored<ValidatorSet>(TRY(must_get(Key(Table::kValidators).raw(hash), "committee")), "committee");
}

Result<StoredTx> BlockStore::tx(const TxId& id) const {
  const Key key = Key(Table::kTx).raw(id);
  // Memory first: an entry leaves it only when the database has it.
  const auto waiting = pending_->get(key);
  const auto at = TRY(stored<TxLocation>(waiting ? *waiting : TRY(must_get(key, "transaction")), "place"));
  const Bytes body = TRY(must_get(at_height(Table::kBlock, at.height), "block"));
  const Bytes receipts = TRY(must_get(at_height(Table::kReceipts, at.height), "block"));
  StoredTx out{at.height, at.index, {}, {}};
  out.tx = TRY(stored_part<SignedTx>(body, at.tx_offset, at.tx_bytes, "transaction"));
  out.receipt = TRY(stored_part<TxReceipt>(receipts, at.receipt_offset, at.receipt_bytes, "receipt"));
  return out;
}

Result<EventCursor> BlockStore::decision(std::uint64_t number) const {
  const Bytes at = TRY(must_get(Key(Table::kDecision).number(number), "decision"));
  if (at.size() != 17) return fail(Fault::kCorrupt, "the stored place of a decision");
  const ByteView v(at);
  return EventCursor{Height(big_endian(v.subspan(1, 8))), narrow(big_endian(v.subspan(9, 4))),
                     narrow(big_endian(v.subspan(13, 4)))};
}

Result<Event> BlockStore::event(const EventCursor& at) const {
  const BlockReceipts all = TRY(receipts(at.height));
  const std::vector<Event>* events = &all.boundary_events;
  if (at.tx != kBoundaryTx) {
    if (at.tx >= all.receipts.size()) return fail(Fault::kNotFound, "no such transaction in the block");
    events = &all.receipts[at.tx].events;
  }
  if (at.event >= events->size()) return fail(Fault::kNotFound, "no such event in the block");
  return (*events)[at.event];
}

Result<std::vector<TxCursor>> BlockStore::history(const Address& account, std::optional<TxCursor> before,
                                                  std::size_t limit) const {
  const Key prefix = Key(Table::kAccountTxs).raw(account);
  Bytes until = after_prefix(prefix);
  if (before) until = to_bytes(Key(prefix).number(before->height.value).small(before->tx));
  std::vector<TxCursor> out;
  limit = std::min(limit, kMaxPageEntries);
  const auto add = [&](ByteView key) {
    const ByteView place = key.last(12);
    out.push_back({Height(big_endian(place.first(8))), narrow(big_endian(place.subspan(8)))});
  };
  // Memory first: an entry leaves it only when the database has it. One that is in both counts once.
  for (const Bytes& key : pending_->last_keys(prefix, until, limit)) add(key);
  const std::size_t waiting = out.size();
  TRY(kv_->scan(prefix, until, Kv::Order::kDescending, [&](ByteView key, ByteView) {
    if (out.size() == waiting + limit) return false;
    add(key);
    return true;
  }));
  if (waiting == 0) return out;
  std::ranges::sort(out, std::greater<>{});
  const auto repeated = std::ranges::unique(out);
  out.erase(repeated.begin(), repeated.end());
  if (out.size() > limit) out.resize(limit);
  return out;
}

Result<std::vector<EventCursor>> BlockStore::service_events(const ServiceId& service, std::optional<EventCursor> before,
                                                            std::size_t limit) const {
  const Key prefix = Key(Table::kServiceEvents).raw(service);
  Bytes until = after_prefix(prefix);
  if (before) until = to_bytes(Key(prefix).number(before->height.value).small(before->tx).small(before->event));
  std::vector<EventCursor> out;
  limit = std::min(limit, kMaxPageEntries);
  TRY(kv_->scan(prefix, until, Kv::Order::kDescending, [&](ByteView key, ByteView) {
    if (out.size() == limit) return false;
    const ByteView place = key.last(16);
    out.push_back({Height(big_endian(place.first(8))), narrow(big_endian(place.subspan(8, 4))),
                   narrow(big_endian(place.subspan(12)))});
    return true;
  }));
  return out;
}

Result<MmrPeaks> BlockStore::ids_below(Height height) const {
  MmrPeaks out{height.value, {}};
  std::uint64_t start = 0;
  for (std::uint8_t bit = 64; bit-- > 0;) {
    if ((height.value >> bit & 1) == 0) continue;
    const Bytes node = TRY(must_get(mmr_key({bit, start >> bit}), "node of the header range"));
    out.peaks.push_back(TRY(Hash::from(node)));
    start += 1ULL << bit;
  }
  return out;
}

Result<MmrProof> BlockStore::prove_block(Height height, Height below) const {
  return mmr_prove(height.value, below.value, [&](const MmrPlace& place) -> Result<Hash> {
    return Hash::from(TRY(must_get(mmr_key(place), "node of the header range")));
  });
}

}  // namespace micro
