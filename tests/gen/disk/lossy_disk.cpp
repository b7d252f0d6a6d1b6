#include "tests/gen/disk/lossy_disk.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace micro::test {
namespace {

constexpr std::uint64_t kParts = 1u << 16;  ///< of unsynced bytes, one draw whatever their number

/// Without a slash at the end or two in a row.
std::string plain(const std::string& path) {
  std::string out;
  for (const char c : path) {
    if (c != '/' || out.empty() || out.back() != '/') out += c;
  }
  if (out.size() > 1 && out.back() == '/') out.pop_back();
  return out;
}

}  // namespace

bool LossyDisk::step() {
  if (!power_) return false;
  ++steps_;
  if (cut_at_ == steps_) power_ = false;
  return power_;
}

bool LossyDisk::sync_fails() {
  if (!fail_in_ || --*fail_in_ > 0) return false;
  fail_in_.reset();
  sync_failed_ = true;
  return true;
}

void LossyDisk::apply(std::map<std::string, FilePtr>& names, const NameChange& change) {
  if (!change.gone.empty()) names.erase(change.gone);
  if (!change.name.empty()) names[change.name] = change.file;
}

void LossyDisk::change(Folder& folder, NameChange change) {
  apply(folder.now, change);
  folder.waiting.push_back(std::move(change));
}

LossyDisk::Folder* LossyDisk::folder_of(const std::string& path, std::string& name) {
  const std::string whole = plain(path);
  const std::size_t slash = whole.rfind('/');
  if (slash == std::string::npos) return nullptr;
  name = whole.substr(slash + 1);
  const auto it = folders_.find(whole.substr(0, slash));
  return it == folders_.end() ? nullptr : &it->second;
}

// --- steps ---

LossyDisk::Io LossyDisk::make_folder(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (!step()) return Io::kFailed;
  folders_.try_emplace(plain(path));
  return Io::kOk;
}

LossyDisk::Io LossyDisk::create(const std::string& path, FilePtr& out) {
  const std::lock_guard lock(mutex_);
  if (!step()) return Io::kFailed;
  std::string name;
  Folder* folder = folder_of(path, name);
  if (folder == nullptr) return Io::kMissing;
  out = std::make_shared<File>();
  change(*folder, {"", name, out});
  return Io::kOk;
}

LossyDisk::Io LossyDisk::append(File& file, ByteView bytes) {
  const std::lock_guard lock(mutex_);
  if (!step()) return Io::kFailed;
  file.bytes.insert(file.bytes.end(), bytes.begin(), bytes.end());
  return Io::kOk;
}

LossyDisk::Io LossyDisk::overwrite(File& file, std::size_t at, ByteView bytes) {
  const std::lock_guard lock(mutex_);
  if (!step() || at > file.bytes.size()) return Io::kFailed;
  const std::size_t end = std::min(file.bytes.size(), at + bytes.size());
  const auto begin = file.bytes.begin() + static_cast<std::ptrdiff_t>(at);
  file.patches.push_back({at, Bytes(begin, file.bytes.begin() + static_cast<std::ptrdiff_t>(end))});
  file.bytes.resize(std::max(file.bytes.size(), at + bytes.size()));
  std::ranges::copy(bytes, file.bytes.begin() + static_cast<std::ptrdiff_t>(at));
  return Io::kOk;
}

LossyDisk::Io LossyDisk::truncate(File& file, std::size_t size) {
  const std::lock_guard lock(mutex_);
  if (!step()) return Io::kFailed;
  file.bytes.resize(size);
  file.synced = std::min(file.synced, size);
  std::erase_if(file.patches, [&](const File::Patch& patch) { return patch.at + patch.before.size() > size; });
  return Io::kOk;
}

LossyDisk::Io LossyDisk::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  if (!step()) return Io::kFailed;
  std::string old_name, new_name;
  Folder* source = folder_of(from, old_name);
  Folder* target = folder_of(to, new_name);
  if (source == nullptr || source != target || !source->now.contains(old_name)) return Io::kMissing;
  change(*source, {old_name, new_name, source->now.at(old_name)});
  return Io::kOk;
}

LossyDisk::Io LossyDisk::link(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  if (!step()) return Io::kFailed;
  std::string old_name, new_name;
  Folder* source = folder_of(from, old_name);
  Folder* target = folder_of(to, new_name);
  if (source == nullptr || target == nullptr || !source->now.contains(old_name)) return Io::kMissing;
  if (target->now.contains(new_name)) return Io::kFailed;
  change(*target, {"", new_name, source->now.at(old_name)});
  return Io::kOk;
}

LossyDisk::Io LossyDisk::remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  std::string name;
  Folder* folder = folder_of(path, name);
  if (power_ && (folder == nullptr || !folder->now.contains(name))) return Io::kMissing;
  if (!step()) return Io::kFailed;
  change(*folder, {name, "", nullptr});
  return Io::kOk;
}

LossyDisk::Io LossyDisk::sync(const std::string& path, File& file) {
  const std::lock_guard lock(mutex_);
  if (!step()) return Io::kFailed;
  if (sync_fails()) {
    file.stuck = true;
    return Io::kFailed;
  }
  if (file.stuck || (!ignored_.empty() && path.ends_with(ignored_))) return Io::kOk;
  file.synced = file.bytes.size();
  file.patches.clear();
  return Io::kOk;
}

LossyDisk::Io LossyDisk::sync_folder(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (!step() || sync_fails()) return Io::kFailed;
  const auto it = folders_.find(plain(path));
  if (it == folders_.end()) return Io::kMissing;
  if (ignored_ == "/") return Io::kOk;
  it->second.synced = it->second.now;
  it->second.waiting.clear();
  return Io::kOk;
}

// --- looking ---

LossyDisk::Io LossyDisk::find(const std::string& path, FilePtr& out) const {
  const std::lock_guard lock(mutex_);
  if (!power_) return Io::kFailed;
  std::string name;
  const Folder* folder = const_cast<LossyDisk*>(this)->folder_of(path, name);
  if (folder == nullptr || !folder->now.contains(name)) return Io::kMissing;
  out = folder->now.at(name);
  return Io::kOk;
}

bool LossyDisk::is_folder(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  return folders_.contains(plain(path));
}

LossyDisk::Io LossyDisk::list(const std::string& folder, std::vector<std::string>& out) const {
  const std::lock_guard lock(mutex_);
  if (!power_) return Io::kFailed;
  const auto it = folders_.find(plain(folder));
  if (it == folders_.end()) return Io::kMissing;
  for (const auto& [name, file] : it->second.now) out.push_back(name);
  return Io::kOk;
}

std::size_t LossyDisk::size(const File& file) const {
  const std::lock_guard lock(mutex_);
  return file.bytes.size();
}

LossyDisk::Io LossyDisk::read(const File& file, std::size_t at, std::size_t n, char* out, std::size_t& got) const {
  const std::lock_guard lock(mutex_);
  if (!power_) return Io::kFailed;
  got = at >= file.bytes.size() ? 0 : std::min(n, file.bytes.size() - at);
  std::copy_n(file.bytes.begin() + static_cast<std::ptrdiff_t>(got == 0 ? 0 : at), got, out);
  return Io::kOk;
}

std::size_t LossyDisk::links(const File& file) const {
  const std::lock_guard lock(mutex_);
  std::size_t out = 0;
  for (const auto& [path, folder] : folders_) {
    for (const auto& [name, other] : folder.now) out += other.get() == &file ? 1 : 0;
  }
  return out;
}

// --- what breaks ---

void LossyDisk::cut_at(std::size_t step) {
  const std::lock_guard lock(mutex_);
  cut_at_ = step == 0 ? std::nullopt : std::optional(steps_ + step);
}

void LossyDisk::cut() {
  const std::lock_guard lock(mutex_);
  power_ = false;
}

bool LossyDisk::has_power() const {
  const std::lock_guard lock(mutex_);
  return power_;
}

std::size_t LossyDisk::steps() const {
  const std::lock_guard lock(mutex_);
  return steps_;
}

void LossyDisk::fail_sync_at(std::size_t sync) {
  const std::lock_guard lock(mutex_);
  fail_in_ = sync == 0 ? std::nullopt : std::optional(sync);
}

bool LossyDisk::sync_failed() {
  const std::lock_guard lock(mutex_);
  return std::exchange(sync_failed_, false);
}

void LossyDisk::ignore_syncs_of(std::string ending) {
  const std::lock_guard lock(mutex_);
  ignored_ = std::move(ending);
}

/// A file grows when its bytes are there (ext4 in its ordered mode, XFS), so what is left is a piece from the front.
void LossyDisk::tear(File& file, const Draw& draw, Lost& lost) {
  for (auto patch = file.patches.rbegin(); patch != file.patches.rend(); ++patch) {
    if (draw(2) == 0) continue;
    std::ranges::copy(patch->before, file.bytes.begin() + static_cast<std::ptrdiff_t>(patch->at));
  }
  file.patches.clear();
  file.stuck = false;
  if (file.bytes.size() > file.synced) {
    const std::uint64_t part = draw(4) == 0 ? 0 : draw(kParts + 1);
    const std::size_t kept = file.synced + (file.bytes.size() - file.synced) * part / kParts;
    ++(kept == file.synced ? lost.gone : lost.torn);
    file.bytes.resize(kept);
  }
  file.synced = file.bytes.size();
}

LossyDisk::Lost LossyDisk::lose_power(const Draw& draw) {
  const std::lock_guard lock(mutex_);
  Lost lost;
  std::set<const File*> done;
  for (auto& [path, folder] : folders_) {
    const std::size_t kept = folder.waiting.empty() ? 0 : draw(folder.waiting.size() + 1);
    for (std::size_t i = 0; i < kept; ++i) apply(folder.synced, folder.waiting[i]);
    lost.names += folder.waiting.size() - kept;
    folder.waiting.clear();
    folder.now = folder.synced;
    for (auto& [name, file] : folder.now) {
      if (done.insert(file.get()).second) tear(*file, draw, lost);
    }
  }
  power_ = true;
  cut_at_.reset();
  fail_in_.reset();
  sync_failed_ = false;
  return lost;
}

LossyDisk::Image LossyDisk::image() const {
  const std::lock_guard lock(mutex_);
  Image out;
  for (const auto& [path, folder] : folders_) {
    for (const auto& [name, file] : folder.synced) {
      Bytes bytes = file->bytes;
      for (auto patch = file->patches.rbegin(); patch != file->patches.rend(); ++patch) {
        std::ranges::copy(patch->before, bytes.begin() + static_cast<std::ptrdiff_t>(patch->at));
      }
      bytes.resize(file->synced);
      out[path + "/" + name] = std::move(bytes);
    }
  }
  return out;
}

void LossyDisk::restore(const Image& image) {
  const std::lock_guard lock(mutex_);
  for (auto& [path, folder] : folders_) folder = {};
  for (const auto& [path, bytes] : image) {
    std::string name;
    Folder* folder = folder_of(path, name);
    if (folder == nullptr) continue;
    auto file = std::make_shared<File>();
    file->bytes = bytes;
    file->synced = bytes.size();
    folder->now[name] = file;
    folder->synced[name] = file;
  }
}

std::uint64_t LossyDisk::digest() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  const auto mix = [&](std::uint64_t word) { hash = (hash ^ word) * 0x100000001b3ULL; };
  for (const auto& [path, folder] : folders_) {
    for (const auto& [name, file] : folder.now) {
      if (name.starts_with("OPTIONS")) continue;
      for (const char c : name) mix(static_cast<unsigned char>(c));
      mix(file->bytes.size());
      mix(file->synced);
      mix(folder.synced.contains(name) ? 1 : 0);
    }
  }
  return hash;
}

}  // namespace micro::test
