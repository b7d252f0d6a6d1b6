// Gets one commit's tree of a public repository onto the disk. libgit2 works in a child process that is killed when it
// is over any limit; files are written by us from the objects, so no filter, hook, submodule or LFS ever runs.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "chain/base/result.hpp"
#include "chain/types/ids.hpp"
#include "services/build/source/source.hpp"

namespace micro {

struct FetchLimits {
  std::uint64_t repo_bytes = 256ULL << 20;  ///< on disk, all history of the fetched ref
  std::uint64_t tree_bytes = 64ULL << 20;   ///< sum of the files written
  std::uint64_t file_bytes = 32ULL << 20;   ///< one file
  std::uint32_t entries = 20'000;           ///< files, links and folders
  std::uint32_t path_depth = 32;            ///< folders above a file
  std::uint32_t path_bytes = 512;           ///< from the tree's top
  std::uint64_t memory_bytes = 2ULL << 30;  ///< address space of the child
  std::uint64_t wall_ms = 180'000;
};

struct FetchRequest {
  Source source;
  std::string cache_dir;  ///< bare clones live in cache_dir/git; made when missing
  std::string tree_dir;   ///< must not exist; made, and removed again on an error
  FetchLimits limits;
  std::string ca_file;  ///< certificates to trust; "" is the system's
  /// https hosts may have addresses that are not public, in the builder's own network for example. Plain http is for
  /// loopback addresses in any case.
  bool private_hosts = false;
  std::string program = "/proc/self/exe";  ///< started with kGitFetchCommand; its main calls git_fetch_child_main
};

struct FetchedSource {
  CommitId commit;
  std::uint64_t commit_time_s = 0;  ///< since 1970, committer's clock
  std::string subject;              ///< first line of the message, escaped
  std::string repo;                 ///< as in the source; for a path "file:///absolute/root"
  std::string subdir;               ///< as in the source; for a path its place in the repository
  std::string ref;                  ///< what it resolved through: "refs/heads/main", "HEAD", or the commit
  std::string tree_dir;             ///< holds the files of subdir
  std::uint64_t tree_bytes = 0;
  std::uint32_t entries = 0;
  bool uncommitted_changes = false;  ///< a local work tree differs from the commit that was taken
};

inline constexpr std::string_view kGitFetchCommand = "__git_fetch";

/// Blocks. `on_line` gets progress in lines for people. A commit that is already in the cache needs no network.
/// Errors: kNotFound (repository, ref or folder), kDenied (private, redirect, bad certificate, an
/// address that is not public), kUnreachable, kLimit
/// (which one), kInvalid (a tree that is refused, with path and reason), kBusy, kInterrupted, kIo.
Result<FetchedSource> git_fetch(const FetchRequest& request, const std::function<void(std::string_view)>& on_line = {},
                                std::stop_token stop = {});

/// What `main` runs when argv[1] is kGitFetchCommand.
int git_fetch_child_main(int argc, char** argv);

}  // namespace micro
