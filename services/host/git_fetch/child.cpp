// The child: reads a job, limits itself, does it, writes an answer.
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "services/build/source/source.hpp"
#include "services/host/git_fetch/confine.hpp"
#include "services/host/git_fetch/git_fetch.hpp"
#include "services/host/git_fetch/remote.hpp"
#include "services/host/git_fetch/socket_stream.hpp"
#include "services/host/git_fetch/tree_writer.hpp"
#include "services/host/process/lines.hpp"

namespace micro {
namespace git {
namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kSanitized = true;  // the sanitizer's own shadow is terabytes; the parent still watches what is resident
#else
constexpr bool kSanitized = false;
#endif
#else
constexpr bool kSanitized = false;
#endif

constexpr std::size_t kMaxJobBytes = 64 * 1'024;
constexpr std::size_t kObjectCacheBytes = 32ULL << 20;
constexpr rlim_t kMaxOpenFiles = 256;
constexpr const char* kSystemCertificates = "/etc/ssl/certs/ca-certificates.crt";

Status limit(__rlimit_resource which, rlim_t value) {
  const rlimit both{.rlim_cur = value, .rlim_max = value};
  if (::setrlimit(which, &both) != 0)
    return fail(Fault::kIo, std::string("cannot limit the fetch: ") + std::strerror(errno));
  return {};
}

Status limit_self(const Job& job) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::umask(022);
  TRY(limit(RLIMIT_CORE, 0));
  if (!kSanitized) TRY(limit(RLIMIT_AS, job.memory_bytes));
  TRY(limit(RLIMIT_FSIZE, std::max(job.repo_bytes, job.file_bytes)));
  TRY(limit(RLIMIT_CPU, job.cpu_s));
  TRY(limit(RLIMIT_NOFILE, kMaxOpenFiles));
  return confine(job);
}

/// Nothing of the machine's or the user's git configuration counts: it could rewrite addresses or name helpers.
Status set_up_libgit2(const Job& job) {
  if (git_libgit2_init() < 0) return git_fail(Fault::kInternal, "libgit2 does not start");
  for (const int level :
       {GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL}) {
    if (git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "") < 0)
      return git_fail(Fault::kInternal, "libgit2's settings");
  }
  git_libgit2_opts(GIT_OPT_SET_TEMPLATE_PATH, "");
  // A local repository may belong to another account; nothing of it is ever run.
  git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
  git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, static_cast<ssize_t>(kObjectCacheBytes));
  const std::string certificates = job.ca_file.empty() ? kSystemCertificates : std::string(job.ca_file);
  if (git_libgit2_opts(GIT_OPT_SET_SSL_CERT_LOCATIONS, certificates.c_str(), nullptr) < 0 && !job.ca_file.empty()) {
    return git_fail(Fault::kInvalid, "cannot read the certificates in " + certificates);
  }
  const bool https = job.kind == static_cast<std::uint8_t>(SourceKind::kHttps);
  const AddressRule of_https = job.private_hosts ? AddressRule::kAny : AddressRule::kPublicOnly;
  return use_judged_sockets(job.repo, https ? of_https : AddressRule::kLoopbackOnly);
}

Result<Tree> tree_at(const Located& located) {
  git_tree* top = nullptr;
  if (const int rc = git_commit_tree(&top, located.commit.get()); rc != 0)
    return git_fail(Fault::kInvalid, "the commit's tree", rc);
  Tree tree(top);
  if (located.subdir.empty()) return tree;
  git_tree_entry* found = nullptr;
  const int rc = git_tree_entry_bypath(&found, top, located.subdir.c_str());
  if (rc == GIT_ENOTFOUND)
    return fail(Fault::kNotFound, "the commit has no folder '" + escape_line(located.subdir) + "'");
  if (rc != 0) return git_fail(Fault::kInvalid, "the folder " + located.subdir, rc);
  const TreeEntry entry(found);
  if (git_tree_entry_type(found) != GIT_OBJECT_TREE) {
    return fail(Fault::kInvalid, "'" + escape_line(located.subdir) + "' is not a folder",
                "name the folder that holds it");
  }
  git_tree* sub = nullptr;
  if (git_tree_lookup(&sub, located.repository.get(), git_tree_entry_id(found)) != 0) {
    return git_fail(Fault::kCorrupt, "the folder " + located.subdir);
  }
  return Tree(sub);
}

std::string subject_of(git_commit* commit) {
  const char* summary = git_commit_summary(commit);
  if (summary == nullptr) return "";
  return escape_line(std::string_view(summary).substr(0, kMaxSubjectBytes));
}

Result<Fetched> work(const Job& job) {
  TRY(limit_self(job));
  TRY(set_up_libgit2(job));
  const bool local = job.kind == static_cast<std::uint8_t>(SourceKind::kLocal);
  const Located located = TRY(local ? locate_local(job) : locate_remote(job));
  const Tree tree = TRY(tree_at(located));
  const Written written = TRY(write_tree(located.repository.get(), tree.get(), job));
  Fetched out;
  const git_oid* id = git_commit_id(located.commit.get());
  out.commit = TRY(CommitId::from({id->id, CommitId::kSize}));
  const git_time_t time = git_commit_time(located.commit.get());
  out.commit_time_s = time < 0 ? 0 : static_cast<std::uint64_t>(time);
  out.subject = Text<4 * kMaxSubjectBytes>(subject_of(located.commit.get()));
  out.repo = Path(located.repo);
  out.subdir = Path(located.subdir);
  out.ref = Path(located.ref);
  out.tree_bytes = written.bytes;
  out.entries = written.entries;
  out.uncommitted_changes = located.uncommitted_changes;
  return out;
}

Result<Job> read_job() {
  Bytes bytes;
  std::array<std::uint8_t, 4'096> chunk;
  while (const auto n = std::fread(chunk.data(), 1, chunk.size(), stdin)) {
    bytes.insert(bytes.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(n));
    if (bytes.size() > kMaxJobBytes) return fail(Fault::kInvalid, "the job is too long");
  }
  return decode<Job>(bytes);
}

Answer failure(const Error& error) {
  Failure out;
  out.fault = static_cast<std::uint8_t>(error.fault);
  out.message = Text<kMaxMessageBytes>(error.message.substr(0, kMaxMessageBytes));
  out.hint = Text<kMaxMessageBytes>(error.hint.substr(0, kMaxMessageBytes));
  return out;
}

}  // namespace
}  // namespace git

int git_fetch_child_main(int, char**) {
  const auto job = git::read_job();
  auto done = job ? git::work(*job) : Result<git::Fetched>(std::unexpected(job.error()));
  const git::Answer answer = done ? git::Answer(std::move(*done)) : git::failure(done.error());
  const Bytes bytes = encode(answer);
  const bool sent = std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size() && std::fflush(stdout) == 0;
  ::_exit(sent ? 0 : 1);  // no destructors: libgit2's shutdown has nothing left to save
}

}  // namespace micro
