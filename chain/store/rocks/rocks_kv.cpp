#include "chain/store/rocks/rocks_kv.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/memtablerep.h>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <algorithm>

namespace micro {
namespace {

constexpr std::size_t kLedgerMemtableBytes = 64u << 20;
constexpr std::size_t kStateMemtableBytes = 64u
                                            << 20;  ///< twice the records that wait, most of which then never leave it
constexpr int kStateCompactFiles = 8;
constexpr std::size_t kBlockCacheBytes = 32u << 20;
constexpr std::uint64_t kMaxWalBytes = 256u << 20;
constexpr std::uint64_t kMinBlobBytes = 16u << 10;
constexpr double kBloomBitsPerKey = 10;  // lint-ok banned_calls: an argument of RocksDB, changes no result
constexpr int kMaxOpenFiles = 512;
constexpr std::size_t kPrefetchEntries = 8;  ///< between asking for one and reading it
constexpr std::uint64_t kSyncEveryBytes = 1u << 20;
constexpr bool kKeepInPageCache = false;  ///< RocksDB's question is whether to drop it

rocksdb::Slice slice(ByteView bytes) {
  if (bytes.empty()) return {"", 0};  // RocksDB compares no null pointers, not even of nothing
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
ByteView view(const rocksdb::Slice& s) {
  return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()};
}

/// Asks the memory for an entry that is read soon: its value mostly lies right behind its key.
void prefetch(const KvBatch::Op& op) {
  constexpr std::size_t kLineBytes = 64;
  __builtin_prefetch(op.key.data());
  __builtin_prefetch(op.key.data() + kLineBytes);
}

std::unexpected<Error> failure(const std::string& what, const rocksdb::Status& status) {
  const Fault fault = status.IsCorruption() ? Fault::kCorrupt : status.IsBusy() ? Fault::kBusy : Fault::kIo;
  return fail(fault, what + ": " + status.ToString());
}

rocksdb::Options options_for(RocksUse use) {
  rocksdb::Options o;
  o.create_if_missing = true;
  // The default, point-in-time recovery, drops synced writes behind a damaged record without a word.
  o.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  o.track_and_verify_wals_in_manifest = true;
  o.paranoid_checks = true;
  o.max_open_files = kMaxOpenFiles;
  o.max_background_jobs = 2;
  o.max_total_wal_size = kMaxWalBytes;
  o.bytes_per_sync = kSyncEveryBytes;
  o.keep_log_file_num = 2;
  o.info_log_level = rocksdb::WARN_LEVEL;
  o.compression = rocksdb::kNoCompression;  // signatures and hashes do not compress
  if (use == RocksUse::kState) {
    // Nothing reads it while the node runs, so nothing needs to be in order before a flush.
    o.memtable_factory = std::make_shared<rocksdb::VectorRepFactory>();
    o.allow_concurrent_memtable_write = false;
    o.write_buffer_size = kStateMemtableBytes;
    o.level0_file_num_compaction_trigger = kStateCompactFiles;  // nothing waits for fewer files
  } else {
    o.write_buffer_size = kLedgerMemtableBytes;
    // One hint a table: with a batch in key order, an insert starts where the last one ended instead of at the top.
    o.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(1));
    o.enable_blob_files = true;  // bodies are not copied again by compactions
    o.min_blob_size = kMinBlobBytes;
  }
  rocksdb::BlockBasedTableOptions table;
  if (use == RocksUse::kLedger) table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));
  table.block_cache = rocksdb::NewLRUCache(kBlockCacheBytes);
  o.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return o;
}

class RocksKv final : public Kv {
 public:
  RocksKv(std::unique_ptr<rocksdb::DB> db, std::string folder) : db_(std::move(db)), folder_(std::move(folder)) {}

  [[nodiscard]] Result<std::optional<Bytes>> get(ByteView key) const override {
    rocksdb::PinnableSlice value;
    const rocksdb::Status status = db_->Get({}, db_->DefaultColumnFamily(), slice(key), &value);
    if (status.IsNotFound()) return std::optional<Bytes>{};
    if (!status.ok()) return failure("reading the database", status);
    return std::optional(to_bytes(view(value)));
  }

  Status write(const KvBatch& batch) override {
    // Neighbours go into the memtable's skip list one after another: several times quicker than at random. Only the
    // first bytes decide; ops of one key stay in their order.
    std::vector<KvBatch::Op> ops;
    std::vector<std::pair<std::uint64_t, std::uint32_t>> order;
    ops.reserve(batch.size());
    order.reserve(batch.size());
    batch.each([&](const KvBatch::Op& op) {
      order.emplace_back(first_bytes(op.key), static_cast<std::uint32_t>(ops.size()));
      ops.push_back(op);
    });
    std::ranges::sort(order);
    rocksdb::WriteBatch out(batch.bytes() + 64);
    rocksdb::Status status;
    for (const auto& [first, i] : order) {
      const KvBatch::Op& op = ops[i];
      status = op.value ? out.Put(slice(op.key), slice(*op.value)) : out.Delete(slice(op.key));
      if (!status.ok()) break;
    }
    rocksdb::WriteOptions durable;
    durable.sync = true;
    if (status.ok()) status = db_->Write(durable, &out);
    if (!status.ok()) return failure("writing the database", status);
    return {};
  }

  Status ingest(std::span<const KvBatch::Op> entries) override {
    // A file for each first byte. One range over several tables would overlap keys in the memtable, and RocksDB would
    // flush that first, bodies and all.
    while (!entries.empty()) {
      const auto end = std::ranges::find_if(entries, [&](const KvBatch::Op& op) {
        return first_bytes(op.key) >> 56 != first_bytes(entries[0].key) >> 56;
      });
      const auto n = static_cast<std::size_t>(end - entries.begin());
      TRY(ingest_file(entries.first(n)));
      entries = entries.subspan(n);
    }
    return {};
  }

  Status scan(ByteView from, ByteView until, Order order, const Visitor& visit) const override {
    if (!until.empty() && as_text(until) <= as_text(from)) return {};
    rocksdb::ManagedSnapshot snapshot(db_.get());
    const rocksdb::Slice low = slice(from);
    const rocksdb::Slice high = slice(until);
    rocksdb::ReadOptions read;
    read.snapshot = snapshot.snapshot();
    read.iterate_lower_bound = &low;
    if (!until.empty()) read.iterate_upper_bound = &high;
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(read));
    if (order == Order::kAscending) {
      for (it->Seek(low); it->Valid(); it->Next()) {
        if (!visit(view(it->key()), view(it->value()))) return {};
      }
    } else {
      for (it->SeekToLast(); it->Valid(); it->Prev()) {
        if (!visit(view(it->key()), view(it->value()))) return {};
      }
    }
    if (!it->status().ok()) return failure("walking the database", it->status());
    return {};
  }

 private:
  Status ingest_file(std::span<const KvBatch::Op> entries) {
    const std::string path = folder_ + "/incoming";
    // A crash may leave this name as a second link to a file that the database has taken over: writing into it, instead
    // of removing the name, would destroy that file.
    const rocksdb::Status gone = db_->GetEnv()->DeleteFile(path);
    if (!gone.ok() && !gone.IsNotFound() && !gone.IsPathNotFound()) return failure("removing " + path, gone);
    rocksdb::SstFileWriter writer(rocksdb::EnvOptions(), db_->GetOptions(), nullptr, kKeepInPageCache);
    rocksdb::Status status = writer.Open(path);
    for (std::size_t i = 0; i < entries.size() && status.ok(); ++i) {
      // In key order they lie all over the memory that holds them.
      if (i + kPrefetchEntries < entries.size()) prefetch(entries[i + kPrefetchEntries]);
      const rocksdb::Slice key = slice(entries[i].key);
      status = entries[i].value ? writer.Put(key, slice(*entries[i].value)) : writer.Delete(key);
    }
    if (status.ok()) status = writer.Finish();
    rocksdb::IngestExternalFileOptions options;
    options.move_files = true;
    if (status.ok()) status = db_->IngestExternalFile({path}, options);
    if (!status.ok()) return failure("adding a file to the database", status);
    return {};
  }

  std::unique_ptr<rocksdb::DB> db_;
  std::string folder_;
};

}  // namespace

Result<std::unique_ptr<Kv>> open_rocks_kv(const std::string& folder, RocksUse use, rocksdb::Env* env) {
  rocksdb::DB* db = nullptr;
  rocksdb::Options options = options_for(use);
  if (env != nullptr) options.env = env;
  const rocksdb::Status status = rocksdb::DB::Open(options, folder, &db);
  if (!status.ok()) {
    auto failed = failure("opening the database in " + folder, status);
    failed.error().hint = status.IsCorruption()
                              ? "restore the folder from a backup, or remove the node's data and let it sync again"
                              : "check that no other node runs on this folder, the free space and the rights";
    return failed;
  }
  return std::unique_ptr<Kv>(std::make_unique<RocksKv>(std::unique_ptr<rocksdb::DB>(db), folder));
}

}  // namespace micro
