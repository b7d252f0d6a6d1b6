// Repositories for tests, made object by object, so that also those can be made that git itself would refuse.
#pragma once

#include <git2.h>

#include <map>
#include <string>
#include <vector>

namespace micro::test {

struct GitEntry {
  unsigned mode = 0100644;
  std::string name;
  git_oid id{};
};

class GitFixture {
 public:
  /// A new repository; bare or with a work tree that stays empty.
  explicit GitFixture(const std::string& path, bool bare = true);
  GitFixture(const GitFixture&) = delete;
  GitFixture& operator=(const GitFixture&) = delete;
  ~GitFixture();

  git_oid blob(const std::string& content);
  /// The bytes as they are, in the order given: no check of names or order.
  git_oid tree(const std::vector<GitEntry>& entries);
  /// Path → content; folders are made. Files ending in '*' are executable (the star is dropped).
  git_oid tree_of(const std::map<std::string, std::string>& files);
  /// A commit on `branch` with a fixed author and time.
  git_oid commit(const git_oid& tree, const std::string& message = "first\n", const std::string& branch = "main",
                 long long time_s = 1'700'000'000);
  git_oid commit(const std::map<std::string, std::string>& files, const std::string& message = "first\n");
  void ref(const std::string& name, const git_oid& id);
  git_oid annotated_tag(const std::string& name, const git_oid& target);
  static std::string hex(const git_oid& id);

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  git_repository* repository_ = nullptr;
  git_odb* odb_ = nullptr;
};

}  // namespace micro::test
