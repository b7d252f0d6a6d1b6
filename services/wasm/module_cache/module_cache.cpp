#include "services/wasm/module_cache/module_cache.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <variant>
#include <vector>

#include "chain/codec/codec.hpp"
#include "services/wasm/engine.hpp"
#include "services/wasm/module_cache/entry.hpp"

namespace micro::wasm {
namespace {

namespace fs = std::filesystem;

/// Machine code for one processor faults on another that lacks an instruction.
std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("flags") || line.starts_with("Features")) return line;
  }
  return "unknown";
}

Result<Bytes> read_file(const fs::path& path, std::uint64_t max) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Fault::kNotFound, "there is no " + path.string());
  std::error_code error;
  if (fs::file_size(path, error) > max || error) return fail(Fault::kCorrupt, path.string() + " is too long");
  Bytes bytes{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) return fail(Fault::kIo, "cannot read " + path.string());
  return bytes;
}

/// All or nothing, also if the machine stops: a file beside it, synced, then renamed.
Status write_file(const fs::path& path, ByteView bytes) {
  const fs::path fresh = path.string() + ".new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return fail(Fault::kIo, "cannot write " + fresh.string() + ": " + std::strerror(errno));
  bool ok = true;
  while (ok && !bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    ok = n > 0;
    if (ok) bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  ok = ok && ::fsync(fd) == 0;
  const int why = errno;
  ::close(fd);
  if (!ok || ::rename(fresh.c_str(), path.c_str()) != 0) {
    ::unlink(fresh.c_str());
    return fail(Fault::kIo, "cannot write " + path.string() + ": " + std::strerror(ok ? errno : why),
                "Free some space on this disk.");
  }
  return {};
}

Error error_of(const RefusedModule& r) {
  const Fault fault = r.limit ? Fault::kLimit : r.refused ? Fault::kRefused : Fault::kInvalid;
  return {fault, r.message, r.hint};
}

RefusedModule refusal_of(const Error& error) {
  const auto cut = [](const std::string& text) {
    const std::string head = text.substr(0, 4'000);
    return Text<4096>(is_valid_utf8(head) ? head : std::string("(text is not UTF-8)"));
  };
  return {error.fault == Fault::kLimit, error.fault == Fault::kRefused, cut(error.message), cut(error.hint)};
}

}  // namespace

Result<std::unique_ptr<ModuleCache>> ModuleCache::open(ModuleCacheOptions options) {
  std::error_code error;
  fs::create_directories(options.folder, error);
  if (error) return fail(Fault::kIo, "cannot make " + options.folder.string() + ": " + error.message());
  return std::unique_ptr<ModuleCache>(
      new ModuleCache(std::move(options), Engine::configuration({}) + "\n" + processor()));
}

Hash ModuleCache::key(const Hash& wasm_sha256) const {
  return tagged_hash(domain::kWasmModule, {wasm_sha256.view(), as_bytes(configuration_)});
}

std::optional<Result<Hash>> ModuleCache::find(const Hash& wasm_sha256) {
  return look(key(wasm_sha256));
}

std::optional<Result<Hash>> ModuleCache::look(const Hash& name) {
  const fs::path entry_path = options_.folder / (name.hex() + ".entry");
  const auto bytes = read_file(entry_path, kMaxCacheEntryBytes);
  if (!bytes) return std::nullopt;
  const auto entry = decode<CacheEntry>(*bytes);
  if (!entry || entry->version != kCacheEntryVersion) return std::nullopt;  // damaged or older: compile again
  if (const auto* refused = std::get_if<RefusedModule>(&entry->outcome)) return std::unexpected(error_of(*refused));
  const auto& compiled = std::get<CompiledModule>(entry->outcome);
  const fs::path artefact_path = options_.folder / (name.hex() + ".cwasm");
  std::error_code ignored;
  {
    const std::lock_guard lock(verified_mutex_);
    if (verified_.contains(name) && fs::exists(artefact_path, ignored)) {
      fs::last_write_time(entry_path, fs::file_time_type::clock::now(), ignored);  // for prune()
      return name;
    }
  }
  const auto artefact = read_file(artefact_path, options_.limits.artefact_bytes);
  if (!artefact || artefact->size() != compiled.bytes || sha256(*artefact) != compiled.artefact_sha256)
    return std::nullopt;
  const std::lock_guard lock(verified_mutex_);
  verified_.insert(name);
  return name;
}

Result<Hash> ModuleCache::get(ByteView wasm, const std::stop_token& stop) {
  const Hash name = key(sha256(wasm));
  if (auto known = look(name)) return *known;
  const std::lock_guard lock(compiling_);
  if (auto known = look(name)) return *known;  // another thread compiled it while this one waited
  return compile(name, wasm, stop);
}

Result<Hash> ModuleCache::compile(const Hash& name, ByteView wasm, const std::stop_token& stop) {
  const auto checked = [&]() -> Status { return check_program(TRY(inspect(wasm, options_.caps))); }();
  if (!checked) return remember(name, checked.error());
  const Result<Bytes> artefact = compile_in_child(wasm, options_.program, options_.limits, stop);
  if (!artefact) {
    const Fault fault = artefact.error().fault;
    if (fault == Fault::kInvalid || fault == Fault::kRefused) return remember(name, artefact.error());
    return std::unexpected(artefact.error());
  }
  TRY(write_file(options_.folder / (name.hex() + ".cwasm"), *artefact));
  CacheEntry entry;
  entry.outcome = CompiledModule{sha256(*artefact), artefact->size()};
  TRY(write_file(options_.folder / (name.hex() + ".entry"), encode(entry)));
  const std::lock_guard lock(verified_mutex_);
  verified_.insert(name);
  return name;
}

Result<Hash> ModuleCache::remember(const Hash& name, const Error& error) {
  CacheEntry entry;
  entry.outcome = refusal_of(error);
  TRY(write_file(options_.folder / (name.hex() + ".entry"), encode(entry)));
  return std::unexpected(error);
}

Status ModuleCache::prune(const std::set<Hash>& keep, std::uint64_t max_bytes) {
  struct Candidate {
    fs::file_time_type used;
    std::uint64_t bytes;
    Hash name;
  };
  std::vector<Candidate> candidates;
  std::uint64_t total = 0;
  std::error_code error;
  const std::lock_guard lock(compiling_);
  for (const auto& file : fs::directory_iterator(options_.folder, error)) {
    if (file.path().extension() != ".cwasm") continue;
    const auto name = Hash::parse(file.path().stem().string());
    if (!name) continue;
    const std::uint64_t bytes = file.file_size(error);
    total += error ? 0 : bytes;
    const auto used = fs::last_write_time(options_.folder / (name->hex() + ".entry"), error);
    if (!keep.contains(*name)) candidates.push_back({error ? fs::file_time_type::min() : used, bytes, *name});
  }
  if (error) return fail(Fault::kIo, "cannot list " + options_.folder.string() + ": " + error.message());
  std::ranges::sort(candidates, {}, &Candidate::used);
  for (const Candidate& oldest : candidates) {
    if (total <= max_bytes) break;
    fs::remove(options_.folder / (oldest.name.hex() + ".entry"), error);
    fs::remove(options_.folder / (oldest.name.hex() + ".cwasm"), error);
    total -= oldest.bytes;
    const std::lock_guard verified_lock(verified_mutex_);
    verified_.erase(oldest.name);
  }
  return {};
}

}  // namespace micro::wasm
