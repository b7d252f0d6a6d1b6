#include "tests/gen/git/git_fixture.hpp"

#include <cstdio>
#include <cstdlib>

namespace micro::test {
namespace {

void must(int rc, const char* what) {
  if (rc >= 0) return;
  const git_error* error = git_error_last();
  std::fprintf(stderr, "%s: %s\n", what, error == nullptr ? "?" : error->message);
  std::abort();
}

}  // namespace

GitFixture::GitFixture(const std::string& path, bool bare) : path_(path) {
  must(git_libgit2_init(), "init");
  git_repository_init_options options;
  git_repository_init_options_init(&options, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
  options.flags = GIT_REPOSITORY_INIT_MKPATH | (bare ? GIT_REPOSITORY_INIT_BARE : 0U);
  options.initial_head = "main";
  must(git_repository_init_ext(&repository_, path.c_str(), &options), "make a repository");
  must(git_repository_odb(&odb_, repository_), "open the objects");
}

GitFixture::~GitFixture() {
  git_odb_free(odb_);
  git_repository_free(repository_);
  git_libgit2_shutdown();
}

git_oid GitFixture::blob(const std::string& content) {
  git_oid id;
  must(git_odb_write(&id, odb_, content.data(), content.size(), GIT_OBJECT_BLOB), "write a blob");
  return id;
}

git_oid GitFixture::tree(const std::vector<GitEntry>& entries) {
  std::string raw;
  for (const auto& e : entries) {
    char mode[16];
    std::snprintf(mode, sizeof mode, "%o ", e.mode);
    raw += mode + e.name + '\0';
    raw.append(reinterpret_cast<const char*>(e.id.id), GIT_OID_RAWSZ);
  }
  git_oid id;
  must(git_odb_write(&id, odb_, raw.data(), raw.size(), GIT_OBJECT_TREE), "write a tree");
  return id;
}

git_oid GitFixture::tree_of(const std::map<std::string, std::string>& files) {
  // git's order compares folders as if their names ended in '/'.
  std::map<std::string, GitEntry> entries;
  std::map<std::string, std::map<std::string, std::string>> folders;
  for (const auto& [path, content] : files) {
    const auto slash = path.find('/');
    if (slash != std::string::npos) {
      folders[path.substr(0, slash)][path.substr(slash + 1)] = content;
      continue;
    }
    const bool executable = path.ends_with('*');
    const std::string name = executable ? path.substr(0, path.size() - 1) : path;
    entries[name] = {executable ? 0100755U : 0100644U, name, blob(content)};
  }
  for (const auto& [name, inner] : folders) entries[name + "/"] = {040000, name, tree_of(inner)};
  std::vector<GitEntry> ordered;
  for (const auto& [key, entry] : entries) ordered.push_back(entry);
  return tree(ordered);
}

git_oid GitFixture::commit(const git_oid& tree_id, const std::string& message, const std::string& branch,
                           long long time_s) {
  git_tree* tree_object = nullptr;
  must(git_tree_lookup(&tree_object, repository_, &tree_id), "read the tree");
  git_signature* who = nullptr;
  must(git_signature_new(&who, "Ada", "ada@example.org", time_s, 0), "sign");
  const std::string name = "refs/heads/" + branch;
  git_oid parent_id;
  const bool has_parent = git_reference_name_to_id(&parent_id, repository_, name.c_str()) == 0;
  git_commit* parent = nullptr;
  if (has_parent) must(git_commit_lookup(&parent, repository_, &parent_id), "read the parent");
  const git_commit* parents[] = {parent};
  git_oid id;
  must(git_commit_create(&id, repository_, nullptr, who, who, nullptr, message.c_str(), tree_object, has_parent ? 1 : 0,
                         parents),
       "commit");
  ref(name, id);
  git_commit_free(parent);
  git_signature_free(who);
  git_tree_free(tree_object);
  return id;
}

git_oid GitFixture::commit(const std::map<std::string, std::string>& files, const std::string& message) {
  return commit(tree_of(files), message);
}

void GitFixture::ref(const std::string& name, const git_oid& id) {
  git_reference* made = nullptr;
  must(git_reference_create(&made, repository_, name.c_str(), &id, 1, nullptr), "make a ref");
  git_reference_free(made);
}

git_oid GitFixture::annotated_tag(const std::string& name, const git_oid& target) {
  git_object* object = nullptr;
  must(git_object_lookup(&object, repository_, &target, GIT_OBJECT_ANY), "read the tag's target");
  git_signature* who = nullptr;
  must(git_signature_new(&who, "Ada", "ada@example.org", 1'700'000'000, 0), "sign");
  git_oid id;
  must(git_tag_create(&id, repository_, name.c_str(), object, who, "a tag", 1), "tag");
  git_signature_free(who);
  git_object_free(object);
  return id;
}

std::string GitFixture::hex(const git_oid& id) {
  char text[GIT_OID_HEXSZ + 1] = {};
  git_oid_fmt(text, &id);
  return text;
}

}  // namespace micro::test
