#include "rpc/demo/example_repo.hpp"

#include <git2.h>

#include <memory>

namespace micro {
namespace {

namespace fs = std::filesystem;

template <class T>
using Owned = std::unique_ptr<T, void (*)(T*)>;

Status git(int code, std::string_view what) {
  if (code >= 0) return {};
  const git_error* error = git_error_last();
  return fail(Fault::kIo, std::string(what) + ": " + (error != nullptr ? error->message : "git failed"));
}

struct GitSession {
  GitSession() { git_libgit2_init(); }
  ~GitSession() { git_libgit2_shutdown(); }
};

Result<std::string> commit_index(git_repository* repo, const std::string& message) {
  git_index* raw_index = nullptr;
  TRY(git(git_repository_index(&raw_index, repo), "index"));
  const Owned<git_index> index(raw_index, git_index_free);
  TRY(git(git_index_add_all(index.get(), nullptr, GIT_INDEX_ADD_DEFAULT, nullptr, nullptr), "add"));
  TRY(git(git_index_write(index.get()), "write index"));
  git_oid tree_id;
  TRY(git(git_index_write_tree(&tree_id, index.get()), "write tree"));
  git_tree* raw_tree = nullptr;
  TRY(git(git_tree_lookup(&raw_tree, repo, &tree_id), "tree"));
  const Owned<git_tree> tree(raw_tree, git_tree_free);

  git_signature* raw_author = nullptr;
  TRY(git(git_signature_now(&raw_author, "An Author", "author@example.invalid"), "signature"));
  const Owned<git_signature> author(raw_author, git_signature_free);

  git_oid head;
  Owned<git_commit> parent(nullptr, git_commit_free);
  if (git_reference_name_to_id(&head, repo, "HEAD") == 0) {
    git_commit* raw_parent = nullptr;
    TRY(git(git_commit_lookup(&raw_parent, repo, &head), "parent"));
    parent.reset(raw_parent);
  }
  const git_commit* parents[] = {parent.get()};
  git_oid commit;
  TRY(git(git_commit_create(&commit, repo, "HEAD", author.get(), author.get(), nullptr, message.c_str(), tree.get(),
                            parent ? 1 : 0, parents),
          "commit"));
  return std::string(git_oid_tostr_s(&commit));
}

}  // namespace

Result<std::string> start_repository(const fs::path& repo, const fs::path& source, const std::string& message) {
  const GitSession session;
  std::error_code error;
  fs::create_directories(repo, error);
  fs::copy(source, repo, fs::copy_options::recursive, error);
  if (error) return fail(Fault::kIo, "cannot copy " + source.string() + ": " + error.message());
  git_repository* raw = nullptr;
  TRY(git(git_repository_init(&raw, repo.c_str(), 0), "init"));
  const Owned<git_repository> made(raw, git_repository_free);
  return commit_index(made.get(), message);
}

Result<std::string> commit_all(const fs::path& repo, const std::string& message) {
  const GitSession session;
  git_repository* raw = nullptr;
  TRY(git(git_repository_open(&raw, repo.c_str()), "open"));
  const Owned<git_repository> opened(raw, git_repository_free);
  return commit_index(opened.get(), message);
}

}  // namespace micro
