// A git server and a builder with a cache of its own; only what depends on the machine alone (Go's compiled library,
// the toolchains' hashes) is shared with every other builder here.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "services/build/builder/builder.hpp"
#include "services/build/builder/files.hpp"
#include "tests/gen/git/git_fixture.hpp"
#include "tests/gen/git/git_http_server.hpp"
#include "tests/gen/temp_folder.hpp"

namespace micro::test {

inline std::string slurp(const std::filesystem::path& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

/// Every file below a folder of the checkout, as a repository's content.
inline std::map<std::string, std::string> files_below(const std::filesystem::path& folder,
                                                      const std::string& prefix = "") {
  std::map<std::string, std::string> out;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) out[prefix + entry.path().lexically_relative(folder).string()] = slurp(entry.path());
  }
  return out;
}

inline std::filesystem::path example(const std::string& name) {
  return std::filesystem::path(MICRO_SOURCE_DIR) / "services/examples" / name;
}

class BuildRig : public ::testing::Test {
 protected:
  BuildRig() : repo_((folder_ / "srv/repo.git").string()), server_((folder_ / "srv").string()) {}

  static void SetUpTestSuite() {
    const auto available = sandbox_available();
    ASSERT_TRUE(available.has_value()) << available.error().message << "; " << available.error().hint;
  }
  /// `name` is the builder's folder: two names are two builders.
  BuilderConfig config(const std::string& name = "cache") {
    BuilderConfig out;
    out.cache_dir = (folder_ / name).string();
    const char* cache = std::getenv("MICRO_CACHE_DIR");
    const char* home = std::getenv("HOME");
    const std::filesystem::path shared =
        cache != nullptr ? std::string(cache) : std::string(home == nullptr ? "/tmp" : home) + "/.cache/micro";
    std::filesystem::create_directories(out.cache_dir);
    for (const char* part : {"go-library", "toolchains"}) {
      std::filesystem::create_directories(shared / part);
      const auto link = std::filesystem::path(out.cache_dir) / part;
      if (!std::filesystem::exists(link)) std::filesystem::create_directory_symlink(shared / part, link);
    }
    return out;
  }
  Source source(const std::string& subdir = "", const std::string& ref = "") {
    return {SourceKind::kLoopbackHttp, server_.url("repo.git"), subdir, ref};
  }
  Result<BuildResult> build(const BuilderConfig& config, const Source& from, std::stop_token stop = {}) {
    log_.clear();
    const Builder builder(config);
    const LineSink sink = [this](std::string_view line) { log_ += std::string(line) + "\n"; };
    const auto prepared = builder.prepare(from, sink, stop);
    if (!prepared) return std::unexpected(prepared.error());
    return builder.build(*prepared, "", sink, stop);
  }
  Error refused(const std::map<std::string, std::string>& files) {
    repo_.commit(files);
    const auto done = build(limited(), source());
    EXPECT_FALSE(done.has_value()) << log_;
    return done ? Error{} : done.error();
  }
  /// Tight enough that a bomb ends soon, wide enough for an honest program.
  BuilderConfig limited() {
    BuilderConfig out = config();
    out.sandbox_limits.wall_ms = 60'000;  // the processor's time ends it, however busy the machine is
    out.sandbox_limits.cpu_s = 5;
    out.sandbox_limits.memory_bytes = 1'500ULL << 20;
    out.sandbox_limits.tmp_bytes = 256ULL << 20;
    return out;
  }

  TempFolder folder_;
  GitFixture repo_;
  GitHttpServer server_;
  std::string log_;
};

}  // namespace micro::test
