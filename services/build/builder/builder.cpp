#include "services/build/builder/builder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>

#include "services/build/builder/build_cache.hpp"
#include "services/build/builder/files.hpp"
#include "services/build/builder/recipe.hpp"
#include "services/build/builder/toolchain.hpp"
#include "services/build/strip/strip.hpp"
#include "services/host/process/lines.hpp"

namespace micro {

struct PreparedSource::Hold {
  WorkFolder folder;
};
PreparedSource::PreparedSource(std::unique_ptr<Hold> hold) : hold_(std::move(hold)) {}
PreparedSource::PreparedSource(PreparedSource&&) noexcept = default;
PreparedSource& PreparedSource::operator=(PreparedSource&&) noexcept = default;
PreparedSource::~PreparedSource() = default;

namespace {

namespace fs = std::filesystem;

std::uint64_t now_ms() {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count());
}

void tell(const LineSink& sink, const std::string& line) {
  if (sink) sink(line);
}

Result<TreeListing> list_tree(const std::string& tree_dir) {
  TreeListing out;
  std::error_code error;
  for (auto it = fs::recursive_directory_iterator(tree_dir, error); !error && it != fs::recursive_directory_iterator();
       it.increment(error)) {
    if (it->symlink_status(error).type() != fs::file_type::directory) {
      out.files.push_back(it->path().lexically_relative(tree_dir).string());
    }
  }
  if (error) return fail(Fault::kIo, "cannot list the source: " + error.message());
  auto manifest = read_file(tree_dir + "/micro.json", kMaxManifestBytes);
  if (manifest) {
    out.manifest_text = std::string(as_text(*manifest));
  } else if (manifest.error().fault != Fault::kNotFound) {
    return fail(manifest.error().fault, "micro.json cannot be read: it must be a plain file of at most " +
                                            std::to_string(kMaxManifestBytes) + " bytes");
  }
  return out;
}

/// What the log suggests that a person should do.
std::string build_hint(const BuildLog& log, Language language, int code) {
  if (const auto reason = sandbox_exit_reason(code); !reason.empty()) return reason;
  if (language == Language::kGo && (log.mentions("GOPROXY=off") || log.mentions("no required module provides") ||
                                    log.mentions("inconsistent vendoring"))) {
    return "builds have no network: run `go mod vendor` and commit the folder vendor";
  }
  if (log.mentions("GOTOOLCHAIN=local")) return "lower the go line in go.mod to a version that the builders have";
  if (log.mentions("exceptions disabled")) return "C++ exceptions are off in wasm builds: return errors instead";
  if (log.mentions("undefined symbol: main"))
    return "the service needs a main function; name its file under \"sources\" in micro.json";
  return "";
}

/// One run of the sandbox over one source.
class Run {
 public:
  Run(const BuilderConfig& config, const PreparedSource& source, const Toolchain& toolchain, BuildLog& log)
      : config_(config), source_(source), toolchain_(toolchain), log_(log) {}

  Result<Bytes> module(const std::stop_token& stop);

 private:
  Result<Bytes> output(int fd) const;
  Status prime_go(const std::stop_token& stop);
  [[nodiscard]] std::string go_library() const { return config_.cache_dir + "/go-library/" + toolchain_.hash.hex(); }
  Result<SandboxExit> sandboxed(const Recipe& recipe, const std::string& recipe_dir, SandboxSpec spec,
                                const std::stop_token& stop);

  const BuilderConfig& config_;
  const PreparedSource& source_;
  const Toolchain& toolchain_;
  BuildLog& log_;
};

Result<SandboxExit> Run::sandboxed(const Recipe& recipe, const std::string& recipe_dir, SandboxSpec spec,
                                   const std::stop_token& stop) {
  TRY(write_file_atomically(recipe_dir + "/build.sh", as_bytes(recipe.script)));
  ::chmod(recipe_dir.c_str(), 0755);
  LineSplitter lines([this](std::string_view line) { log_.line(line); });
  spec.argv = {"/bin/sh", "/recipe/build.sh"};
  spec.environment = recipe.environment;
  spec.read_only.push_back({recipe_dir, "/recipe"});
  if (!toolchain_.go_root.empty()) spec.read_only.push_back({toolchain_.go_root, "/go"});
  spec.limits = config_.sandbox_limits;
  spec.on_output = [&lines](std::string_view chunk) { lines.add(chunk); };
  auto done = run_sandboxed(spec, stop);
  lines.finish();
  return done;
}

Status Run::prime_go(const std::stop_token& stop) {
  if (fs::exists(go_library())) return {};
  TRY(make_folder(config_.cache_dir + "/go-library"));
  const FileLock lock = TRY(FileLock::take(go_library() + ".lock", stop));
  if (fs::exists(go_library())) return {};
  log_.line("compiling Go's own library for wasm: once a machine, about a minute");
  WorkFolder work = TRY(WorkFolder::make(config_.cache_dir + "/go-library"));
  WorkFolder recipe_dir = TRY(WorkFolder::make(config_.cache_dir + "/work"));
  const std::string library = work.path() + "/library";
  TRY(make_folder(library));
  // The sandbox's account differs from ours; the folder around this one lets nobody else in meanwhile.
  ::chmod(library.c_str(), 0777);
  SandboxSpec spec;
  spec.writable = {{library, "/gocache"}};
  const SandboxExit done = TRY(sandboxed(go_library_recipe(config_.parallel), recipe_dir.path(), spec, stop));
  if (done.code != 0)
    return fail(Fault::kIo, "Go's library does not compile:\n" + log_.tail(), sandbox_exit_reason(done.code));
  ::chmod(library.c_str(), 0755);
  std::error_code error;
  fs::rename(library, go_library(), error);
  if (error) return fail(Fault::kIo, "cannot keep Go's library: " + error.message());
  return {};
}

Result<Bytes> Run::output(int fd) const {
  struct stat info{};
  if (::fstat(fd, &info) != 0) return fail(Fault::kIo, std::strerror(errno));
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size > 4 * kMaxModuleBytes)
    return fail(Fault::kLimit, "the module has " + std::to_string(size >> 20) + " MiB before stripping");
  Bytes raw(size);
  for (std::size_t at = 0; at < size;) {
    const ssize_t n = ::pread(fd, raw.data() + at, size - at, static_cast<off_t>(at));
    if (n <= 0) return fail(Fault::kIo, "cannot read the module back");
    at += static_cast<std::size_t>(n);
  }
  auto module = strip_custom_sections(raw);
  if (!module) {
    return fail(
        Fault::kInvalid, "the build made no program: " + module.error().message,
        source_.detection.plan.language == Language::kGo ? "the folder's Go files must be in package main" : "");
  }
  if (module->size() > kMaxModuleBytes) {
    return fail(Fault::kLimit, "the module has " + std::to_string(module->size()) + " bytes, the limit is " +
                                   std::to_string(kMaxModuleBytes));
  }
  return module;
}

Result<Bytes> Run::module(const std::stop_token& stop) {
  const BuildPlan& plan = source_.detection.plan;
  SandboxSpec spec;
  if (plan.language == Language::kGo) {
    TRY(prime_go(stop));
    spec.read_only.push_back({go_library(), "/gocache"});
  }
  const WorkFolder work = TRY(WorkFolder::make(config_.cache_dir + "/work"));
  const int fd = ::open((work.path() + "/module").c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return fail(Fault::kIo, std::string("cannot make a file for the module: ") + std::strerror(errno));
  spec.working_dir = "/src";
  spec.read_only.push_back({source_.fetched.tree_dir, "/src"});
  spec.result_fd = fd;
  const WorkFolder recipe_dir = TRY(WorkFolder::make(config_.cache_dir + "/work"));
  const auto done =
      sandboxed(make_recipe(plan, source_.fetched.commit_time_s, config_.parallel), recipe_dir.path(), spec, stop);
  Result<Bytes> out =
      done ? (done->code == 0 ? output(fd)
                              : fail(fault_of_build(log_, done->code),
                                     "the build failed (status " + std::to_string(done->code) + "):\n" + log_.tail(),
                                     build_hint(log_, plan.language, done->code)))
           : Result<Bytes>(std::unexpected(done.error()));
  ::close(fd);
  return out;
}

BuildResult result_from(const CachedBuild& cached, const Detection& detection, const Toolchain& toolchain) {
  BuildResult out;
  out.wasm_path = cached.wasm_path;
  out.wasm_sha256 = cached.wasm_sha256;
  out.wasm_bytes = cached.wasm_bytes;
  out.plan_hash = detection.plan_hash;
  out.toolchain_hash = toolchain.hash;
  out.toolchain = toolchain.summary;
  return out;
}

/// The old log again, for whoever follows this build.
void replay(const std::string& old_log, BuildLog& log) {
  const auto text = read_file(old_log, 2 * kMaxBuildLogBytes);
  if (!text) return;
  LineSplitter lines([&log](std::string_view line) { log.line(line); });
  lines.add(as_text(*text));
  lines.finish();
}

}  // namespace

Builder::Builder(BuilderConfig config) : config_(std::move(config)) {
  // Inside the sandbox paths are taken from the root, so the cache's must not depend on the working directory.
  std::error_code error;
  const fs::path whole = fs::absolute(config_.cache_dir, error);
  if (!error) config_.cache_dir = whole.string();
  remove_stale_work(config_.cache_dir + "/work");
}

Status Builder::can_build(Language language) const {
  TRY(sandbox_available());
  TRY(find_toolchain(language, config_.go, config_.cache_dir));
  return {};
}

Result<PreparedSource> Builder::prepare(const Source& source, const LineSink& on_line, std::stop_token stop) const {
  PreparedSource out(std::make_unique<PreparedSource::Hold>(TRY(WorkFolder::make(config_.cache_dir + "/work"))));
  FetchRequest request;
  request.source = source;
  request.cache_dir = config_.cache_dir;
  request.tree_dir = out.hold_->folder.path() + "/tree";
  request.limits = config_.fetch_limits;
  request.private_hosts = config_.private_hosts;
  request.program = config_.fetch_program;
  out.fetched = TRY(git_fetch(request, on_line, stop));
  tell(on_line, "commit " + out.fetched.commit.brief(12) + " " + out.fetched.subject);
  if (out.fetched.uncommitted_changes) tell(on_line, "note: uncommitted changes are not part of it");
  out.detection = TRY(detect(TRY(list_tree(out.fetched.tree_dir))));
  for (const auto& note : out.detection.notes) tell(on_line, note);
  return out;
}

Result<BuildResult> Builder::build(const PreparedSource& source, const std::string& log_path, const LineSink& on_line,
                                   std::stop_token stop) const {
  const std::uint64_t started = now_ms();
  const Detection& detection = source.detection;
  const Toolchain toolchain = TRY(find_toolchain(detection.plan.language, config_.go, config_.cache_dir));
  const BuildKey key{source.fetched.commit, Text<512>(source.fetched.subdir), detection.plan_hash, toolchain.hash};
  const Hash name = build_key_hash(key);
  const BuildCache cache(config_.cache_dir);
  TRY(make_folder(cache.folder()));
  TRY(make_folder(config_.cache_dir + "/logs"));
  keep_newest(config_.cache_dir + "/logs", EntryKind::kFiles, kMaxCachedBuilds);
  const std::string log_file = log_path.empty() ? config_.cache_dir + "/logs/" + name.hex() + ".log" : log_path;
  // Two builds of one key: the second waits and takes the first one's module.
  const FileLock lock = TRY(FileLock::take(cache.folder() + "/" + name.hex() + ".lock", stop));
  BuildLog log = TRY(BuildLog::open(log_file, on_line));
  auto cached = cache.find(name);
  const bool hit = cached.has_value();
  if (hit) {
    replay(cached->log_path, log);
    log.line("taken from the cache");
  } else {
    log.line("building with " + toolchain.summary + ", toolchain " + toolchain.hash.brief(12));
    auto module = Run(config_, source, toolchain, log).module(stop);
    if (!module) {
      log.line(module.error().fault == Fault::kInvalid ? "failed" : "failed: " + module.error().message);
      return std::unexpected(module.error());
    }
    log.line("module of " + std::to_string(module->size()) + " bytes, sha256 " + sha256(*module).hex());
    cached = TRY(cache.put(name, *module, log_file));
  }
  BuildResult out = result_from(*cached, detection, toolchain);
  out.log_path = log_file;
  out.from_cache = hit;
  out.elapsed_ms = now_ms() - started;
  return out;
}

}  // namespace micro
