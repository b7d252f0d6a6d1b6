// A temporary folder with a repository and what a fetch needs.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "services/host/git_fetch/git_fetch.hpp"
#include "tests/gen/git/git_fixture.hpp"
#include "tests/gen/git/git_http_server.hpp"
#include "tests/gen/temp_folder.hpp"

namespace micro::test {

class FetchRig : public ::testing::Test {
 protected:
  FetchRig() : repo_((folder_ / "srv/repo.git").string()), server_((folder_ / "srv").string()) {}

  void SetUp() override { ASSERT_TRUE(GitHttpServer::available()) << "git's http-backend is part of the package git"; }
  FetchRequest request(const std::string& path = "repo.git", const std::string& ref = "",
                       const std::string& subdir = "") {
    FetchRequest out;
    out.source = {SourceKind::kLoopbackHttp, server_.url(path), subdir, ref};
    out.cache_dir = (folder_ / "cache").string();
    out.tree_dir = (folder_ / ("tree" + std::to_string(++trees_))).string();
    return out;
  }
  FetchRequest local(const std::string& path, const std::string& ref = "") {
    FetchRequest out = request();
    out.source = {SourceKind::kLocal, path, "", ref};
    return out;
  }
  Result<FetchedSource> fetch(const FetchRequest& r) {
    log_.clear();
    return git_fetch(r, [this](std::string_view line) { log_ += std::string(line) + "\n"; });
  }
  Error refused(const FetchRequest& r) {
    const auto done = fetch(r);
    EXPECT_FALSE(done.has_value());
    EXPECT_FALSE(std::filesystem::exists(r.tree_dir)) << "nothing is left behind";
    return done ? Error{} : done.error();
  }
  static std::string read(const std::string& path) {
    std::ostringstream out;
    out << std::ifstream(path).rdbuf();
    return out.str();
  }

  TempFolder folder_;
  GitFixture repo_;
  GitHttpServer server_;
  std::string log_;
  int trees_ = 0;
};

}  // namespace micro::test
