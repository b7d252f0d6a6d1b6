#include "tests/gen/disk/rocks_machine.hpp"

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <thread>

namespace micro::test {
namespace {

using Io = LossyDisk::Io;
using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

constexpr std::uint64_t kSeconds = 1'767'225'600;  ///< when everything happens

IOStatus status_of(Io io, const std::string& path) {
  if (io == Io::kOk) return IOStatus::OK();
  return io == Io::kMissing ? IOStatus::PathNotFound(path) : IOStatus::IOError(path, "the disk does not answer");
}

ByteView view(const Slice& slice) {
  return {reinterpret_cast<const std::uint8_t*>(slice.data()), slice.size()};
}

/// An open file, to be written or read.
class OpenFile final : public rocksdb::FSWritableFile,
                       public rocksdb::FSSequentialFile,
                       public rocksdb::FSRandomAccessFile,
                       public rocksdb::FSRandomRWFile {
 public:
  OpenFile(LossyDisk& disk, std::string path, LossyDisk::FilePtr file)
      : disk_(&disk), path_(std::move(path)), file_(std::move(file)) {}
  IOStatus Append(const Slice& data, const IOOptions&, IODebugContext*) override {
    return done(disk_->append(*file_, view(data)));
  }
  using FSWritableFile::Append;
  IOStatus Truncate(std::uint64_t size, const IOOptions&, IODebugContext*) override {
    return size == disk_->size(*file_) ? IOStatus::OK() : done(disk_->truncate(*file_, size));
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override { return done(disk_->sync(path_, *file_)); }
  IOStatus Fsync(const IOOptions& options, IODebugContext* dbg) override { return Sync(options, dbg); }
  std::uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return disk_->size(*file_); }
  IOStatus Write(std::uint64_t at, const Slice& data, const IOOptions&, IODebugContext*) override {
    return done(disk_->overwrite(*file_, at, view(data)));
  }
  IOStatus Read(std::uint64_t at, std::size_t n, const IOOptions&, Slice* out, char* space,
                IODebugContext*) const override {
    std::size_t got = 0;
    const Io io = disk_->read(*file_, at, n, space, got);
    *out = Slice(space, got);
    return done(io);
  }
  IOStatus Read(std::size_t n, const IOOptions& options, Slice* out, char* space, IODebugContext* dbg) override {
    IOStatus read = Read(at_, n, options, out, space, dbg);
    at_ += out->size();
    return read;
  }
  IOStatus Skip(std::uint64_t n) override {
    at_ += n;
    return IOStatus::OK();
  }
  IOStatus InvalidateCache(std::size_t, std::size_t) override { return IOStatus::OK(); }
  [[nodiscard]] bool use_direct_io() const override { return false; }
  [[nodiscard]] std::size_t GetRequiredBufferAlignment() const override { return 1; }
  [[nodiscard]] rocksdb::Temperature GetTemperature() const override { return rocksdb::Temperature::kUnknown; }
  std::size_t GetUniqueId(char*, std::size_t) const override { return 0; }

 private:
  [[nodiscard]] IOStatus done(Io io) const { return status_of(io, path_); }
  LossyDisk* disk_;
  std::string path_;
  LossyDisk::FilePtr file_;
  std::uint64_t at_ = 0;
};

class OpenFolder final : public rocksdb::FSDirectory {
 public:
  OpenFolder(LossyDisk& disk, std::string path) : disk_(&disk), path_(std::move(path)) {}
  IOStatus Fsync(const IOOptions&, IODebugContext*) override { return status_of(disk_->sync_folder(path_), path_); }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

 private:
  LossyDisk* disk_;
  std::string path_;
};

/// The disk as RocksDB asks for one. Names that another thread than the first removes go when `settle` is called: how
/// far that thread has come does not show.
class Files final : public rocksdb::FileSystem {
 public:
  explicit Files(LossyDisk& disk) : disk_(&disk) {}
  [[nodiscard]] const char* Name() const override { return "LossyDisk"; }

  IOStatus NewSequentialFile(const std::string& path, const FileOptions&,
                             std::unique_ptr<rocksdb::FSSequentialFile>* out, IODebugContext*) override {
    return old_file(path, out);
  }
  IOStatus NewRandomAccessFile(const std::string& path, const FileOptions&,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* out, IODebugContext*) override {
    return old_file(path, out);
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions&,
                              std::unique_ptr<rocksdb::FSWritableFile>* out, IODebugContext*) override {
    return old_file(path, out);
  }
  IOStatus NewRandomRWFile(const std::string& path, const FileOptions&, std::unique_ptr<rocksdb::FSRandomRWFile>* out,
                           IODebugContext*) override {
    return old_file(path, out);
  }
  IOStatus NewWritableFile(const std::string& path, const FileOptions&, std::unique_ptr<rocksdb::FSWritableFile>* out,
                           IODebugContext*) override {
    LossyDisk::FilePtr file;
    const Io io = disk_->create(path, file);
    if (io == Io::kOk) *out = std::make_unique<OpenFile>(*disk_, path, file);
    return status_of(io, path);
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions&, std::unique_ptr<rocksdb::FSDirectory>* out,
                        IODebugContext*) override {
    if (!disk_->is_folder(path)) return IOStatus::PathNotFound(path);
    *out = std::make_unique<OpenFolder>(*disk_, path);
    return IOStatus::OK();
  }
  IOStatus FileExists(const std::string& path, const IOOptions&, IODebugContext*) override {
    LossyDisk::FilePtr file;
    if (disk_->is_folder(path)) return IOStatus::OK();
    const Io io = disk_->find(path, file);
    return io == Io::kMissing ? IOStatus::NotFound(path) : status_of(io, path);
  }
  IOStatus GetChildren(const std::string& path, const IOOptions&, std::vector<std::string>* out,
                       IODebugContext*) override {
    out->clear();
    return status_of(disk_->list(path, *out), path);
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions&, IODebugContext*) override {
    if (std::this_thread::get_id() != first_thread_) {
      const std::lock_guard lock(mutex_);
      to_remove_.push_back(path);
      return IOStatus::OK();
    }
    return status_of(disk_->remove(path), path);
  }
  IOStatus CreateDir(const std::string& path, const IOOptions&, IODebugContext*) override {
    if (disk_->is_folder(path)) return IOStatus::IOError(path, "is there");
    return status_of(disk_->make_folder(path), path);
  }
  IOStatus CreateDirIfMissing(const std::string& path, const IOOptions&, IODebugContext*) override {
    return disk_->is_folder(path) ? IOStatus::OK() : status_of(disk_->make_folder(path), path);
  }
  IOStatus DeleteDir(const std::string&, const IOOptions&, IODebugContext*) override {
    return IOStatus::NotSupported("no folder is removed");
  }
  IOStatus GetFileSize(const std::string& path, const IOOptions&, std::uint64_t* out, IODebugContext*) override {
    LossyDisk::FilePtr file;
    const Io io = disk_->find(path, file);
    if (io == Io::kOk) *out = disk_->size(*file);
    return status_of(io, path);
  }
  IOStatus GetFileModificationTime(const std::string&, const IOOptions&, std::uint64_t* out, IODebugContext*) override {
    *out = kSeconds;
    return IOStatus::OK();
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions&, IODebugContext*) override {
    return status_of(disk_->rename(from, to), from);
  }
  IOStatus LinkFile(const std::string& from, const std::string& to, const IOOptions&, IODebugContext*) override {
    return status_of(disk_->link(from, to), from);
  }
  IOStatus NumFileLinks(const std::string& path, const IOOptions&, std::uint64_t* out, IODebugContext*) override {
    LossyDisk::FilePtr file;
    const Io io = disk_->find(path, file);
    if (io == Io::kOk) *out = disk_->links(*file);
    return status_of(io, path);
  }
  IOStatus LockFile(const std::string&, const IOOptions&, rocksdb::FileLock** out, IODebugContext*) override {
    *out = new rocksdb::FileLock;
    return IOStatus::OK();
  }
  IOStatus UnlockFile(rocksdb::FileLock* lock, const IOOptions&, IODebugContext*) override {
    delete lock;
    return IOStatus::OK();
  }
  IOStatus GetTestDirectory(const IOOptions&, std::string*, IODebugContext*) override {
    return IOStatus::NotSupported("no folder for tests");
  }
  IOStatus GetAbsolutePath(const std::string& path, const IOOptions&, std::string* out, IODebugContext*) override {
    *out = path;
    return IOStatus::OK();
  }
  IOStatus IsDirectory(const std::string& path, const IOOptions&, bool* out, IODebugContext*) override {
    *out = disk_->is_folder(path);
    return IOStatus::OK();
  }

  void settle() {
    std::vector<std::string> names;
    {
      const std::lock_guard lock(mutex_);
      names.swap(to_remove_);
    }
    std::ranges::sort(names);
    for (const std::string& name : names) disk_->remove(name);
  }

 private:
  template <class Kind>
  IOStatus old_file(const std::string& path, std::unique_ptr<Kind>* out) {
    LossyDisk::FilePtr file;
    const Io io = disk_->find(path, file);
    if (io == Io::kOk) *out = std::make_unique<OpenFile>(*disk_, path, file);
    return status_of(io, path);
  }

  LossyDisk* disk_;
  std::thread::id first_thread_ = std::this_thread::get_id();
  std::mutex mutex_;
  std::vector<std::string> to_remove_;
};

class Silence final : public rocksdb::Logger {
 public:
  using Logger::Logv;
  void Logv(const char*, va_list) override {}
};

}  // namespace

/// No thread of its own works for RocksDB: its jobs wait until somebody has time for them.
class RocksMachine::World final : public rocksdb::EnvWrapper {
 public:
  explicit World(LossyDisk& disk) : World(std::make_shared<Files>(disk)) {}
  [[nodiscard]] const char* Name() const override { return "RocksMachine"; }

  void Schedule(void (*work)(void*), void* argument, Priority priority, void* tag, void (*forget)(void*)) override {
    const std::lock_guard lock(mutex_);
    jobs_[priority].push_back({work, argument, tag, forget});
    arrived_.notify_one();
  }
  int UnSchedule(void* tag, Priority priority) override {
    std::deque<Job> gone;
    {
      const std::lock_guard lock(mutex_);
      std::deque<Job> stay;
      for (const Job& job : jobs_[priority]) (job.tag == tag ? gone : stay).push_back(job);
      jobs_[priority].swap(stay);
    }
    for (const Job& job : gone) {
      if (job.forget != nullptr) job.forget(job.argument);
    }
    return static_cast<int>(gone.size());
  }
  void StartThread(void (*work)(void*), void* argument) override { Schedule(work, argument, LOW, nullptr, nullptr); }
  void SetBackgroundThreads(int, Priority) override {}
  int GetBackgroundThreads(Priority) override { return 1; }
  void IncBackgroundThreadsIfNeeded(int, Priority) override {}
  [[nodiscard]] unsigned int GetThreadPoolQueueLen(Priority) const override { return 0; }

  std::uint64_t NowMicros() override { return kSeconds * 1'000'000 + ticks_++; }
  std::uint64_t NowNanos() override { return NowMicros() * 1'000; }
  void SleepForMicroseconds(int) override {}
  rocksdb::Status GetCurrentTime(std::int64_t* out) override {
    *out = static_cast<std::int64_t>(kSeconds);
    return rocksdb::Status::OK();
  }
  std::string GenerateUniqueId() override { return "00000000-0000-4000-8000-000000000000"; }
  rocksdb::Status NewLogger(const std::string&, std::shared_ptr<rocksdb::Logger>* out) override {
    *out = std::make_shared<Silence>();
    return rocksdb::Status::OK();
  }

  /// All that waits, in this thread.
  void settle() {
    for (;;) {
      const auto job = next(BOTTOM);
      if (!job) break;
      job->work(job->argument);
    }
    files_->settle();
  }
  /// For an operation that waits for a flush: somebody else does it, and nothing but flushes.
  template <class Operation>
  auto helped(Operation operation) {
    std::atomic<bool> over = false;
    std::thread helper([&] {
      while (!over) {
        if (const auto job = next(HIGH)) job->work(job->argument);
        std::unique_lock lock(mutex_);
        arrived_.wait(lock, [&] { return over || !jobs_[HIGH].empty(); });
      }
    });
    auto result = operation();
    {
      const std::lock_guard lock(mutex_);
      over = true;
      arrived_.notify_one();
    }
    helper.join();
    settle();
    return result;
  }

 private:
  struct Job {
    void (*work)(void*);
    void* argument;
    void* tag;
    void (*forget)(void*);
  };
  explicit World(std::shared_ptr<Files> files)
      : EnvWrapper(rocksdb::NewCompositeEnv(files)), files_(std::move(files)) {}
  /// The most urgent one, not below `lowest`.
  std::optional<Job> next(Priority lowest) {
    const std::lock_guard lock(mutex_);
    for (int priority = TOTAL - 1; priority >= lowest; --priority) {
      auto& jobs = jobs_[static_cast<std::size_t>(priority)];
      if (jobs.empty()) continue;
      const Job job = jobs.front();
      jobs.pop_front();
      return job;
    }
    return std::nullopt;
  }

  std::shared_ptr<Files> files_;
  std::atomic<std::uint64_t> ticks_ = 0;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::array<std::deque<Job>, TOTAL> jobs_;
};

/// Everything that an operation sets going is done when it returns.
class RocksMachine::SettledKv final : public Kv {
 public:
  SettledKv(std::unique_ptr<Kv> kv, World& world) : kv_(std::move(kv)), world_(&world) { world_->settle(); }
  [[nodiscard]] Result<std::optional<Bytes>> get(ByteView key) const override { return kv_->get(key); }
  Status write(const KvBatch& batch) override {
    Status out = kv_->write(batch);
    world_->settle();
    return out;
  }
  Status ingest(std::span<const KvBatch::Op> entries) override {
    return world_->helped([&] { return kv_->ingest(entries); });
  }
  Status scan(ByteView from, ByteView until, Order order, const Visitor& visit) const override {
    return kv_->scan(from, until, order, visit);
  }

 private:
  std::unique_ptr<Kv> kv_;
  World* world_;
};

RocksMachine::RocksMachine() : world_(std::make_unique<World>(disk_)) {}
RocksMachine::~RocksMachine() = default;

Result<std::unique_ptr<Kv>> RocksMachine::open(const std::string& folder, RocksUse use) {
  auto kv = open_rocks_kv(folder, use, world_.get());
  if (!kv) {
    world_->settle();
    return kv;
  }
  return std::make_unique<SettledKv>(*std::move(kv), *world_);
}

}  // namespace micro::test
