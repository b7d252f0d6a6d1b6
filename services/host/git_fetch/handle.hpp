// Owning handles of libgit2's objects and its last error as text. Only this folder includes git2.h.
#pragma once

#include <git2.h>

#include <memory>
#include <string>

#include "chain/base/result.hpp"

namespace micro::git {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
using Repository = std::unique_ptr<git_repository, Freer<git_repository_free>>;
using Remote = std::unique_ptr<git_remote, Freer<git_remote_free>>;
using Commit = std::unique_ptr<git_commit, Freer<git_commit_free>>;
using Object = std::unique_ptr<git_object, Freer<git_object_free>>;
using Tree = std::unique_ptr<git_tree, Freer<git_tree_free>>;
using TreeEntry = std::unique_ptr<git_tree_entry, Freer<git_tree_entry_free>>;
using Blob = std::unique_ptr<git_blob, Freer<git_blob_free>>;
using Odb = std::unique_ptr<git_odb, Freer<git_odb_free>>;
using Reference = std::unique_ptr<git_reference, Freer<git_reference_free>>;
using StatusList = std::unique_ptr<git_status_list, Freer<git_status_list_free>>;

std::string last_error();

/// "what: libgit2's words". A damaged object is kCorrupt whatever the caller says.
std::unexpected<Error> git_fail(Fault fault, const std::string& what, int rc = GIT_ERROR);

}  // namespace micro::git
