// What parent and child say to each other: one job on stdin, one answer on stdout.
#pragma once

#include "chain/codec/codec.hpp"
#include "chain/types/ids.hpp"

namespace micro::git {

inline constexpr std::size_t kMaxPathBytes = 4'096;
inline constexpr std::size_t kMaxMessageBytes = 8'192;
inline constexpr std::size_t kMaxSubjectBytes = 200;
inline constexpr std::size_t kMaxAnswerBytes = 64 * 1'024;
using Path = Text<kMaxPathBytes>;

struct Job {
  std::uint8_t kind = 0;  ///< SourceKind
  Path repo;
  Path subdir;
  Path ref;
  Path repo_dir;  ///< bare clone; unused for a path
  Path tree_dir;
  Path ca_file;
  bool private_hosts = false;
  std::uint64_t repo_bytes = 0;
  std::uint64_t tree_bytes = 0;
  std::uint64_t file_bytes = 0;
  std::uint32_t entries = 0;
  std::uint32_t path_depth = 0;
  std::uint32_t path_bytes = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t cpu_s = 0;
  static constexpr auto kFields =
      fields<&Job::kind, &Job::repo, &Job::subdir, &Job::ref, &Job::repo_dir, &Job::tree_dir, &Job::ca_file,
             &Job::private_hosts, &Job::repo_bytes, &Job::tree_bytes, &Job::file_bytes, &Job::entries, &Job::path_depth,
             &Job::path_bytes, &Job::memory_bytes, &Job::cpu_s>;
};

struct Failure {
  std::uint8_t fault = 0;
  Text<kMaxMessageBytes> message;
  Text<kMaxMessageBytes> hint;
  static constexpr auto kFields = fields<&Failure::fault, &Failure::message, &Failure::hint>;
};

struct Fetched {
  CommitId commit;
  std::uint64_t commit_time_s = 0;
  Text<4 * kMaxSubjectBytes> subject;
  Path repo;
  Path subdir;
  Path ref;
  std::uint64_t tree_bytes = 0;
  std::uint32_t entries = 0;
  bool uncommitted_changes = false;
  static constexpr auto kFields =
      fields<&Fetched::commit, &Fetched::commit_time_s, &Fetched::subject, &Fetched::repo, &Fetched::subdir,
             &Fetched::ref, &Fetched::tree_bytes, &Fetched::entries, &Fetched::uncommitted_changes>;
};

using Answer = std::variant<Failure, Fetched>;

}  // namespace micro::git
