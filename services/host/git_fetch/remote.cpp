#include "services/host/git_fetch/remote.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <optional>
#include <vector>

#include "services/build/source/source.hpp"
#include "services/host/git_fetch/socket_stream.hpp"
#include "services/host/process/lines.hpp"

namespace micro::git {
namespace {

constexpr std::uint64_t kSayEveryBytes = 4ULL << 20;
constexpr std::size_t kMaxAdvertisedRefs = 200'000;
constexpr std::size_t kMaxNamesInHint = 8;
constexpr std::string_view kFetchedRef = "refs/micro/fetched";

/// What the callbacks of one connection share.
struct Session {
  const Job* job = nullptr;
  bool asked_for_secret = false;
  bool over_limit = false;
  std::uint64_t said_bytes = 0;
};

int on_credentials(git_credential**, const char*, const char*, unsigned, void* payload) {
  static_cast<Session*>(payload)->asked_for_secret = true;
  return GIT_EAUTH;
}

int on_progress(const git_indexer_progress* stats, void* payload) {
  auto& session = *static_cast<Session*>(payload);
  if (stats->received_bytes > session.job->repo_bytes) {
    session.over_limit = true;
    return GIT_EUSER;
  }
  if (stats->received_bytes >= session.said_bytes + kSayEveryBytes) {
    session.said_bytes = stats->received_bytes;
    say("received " + std::to_string(stats->received_bytes >> 20) + " MiB, " + std::to_string(stats->received_objects) +
        " of " + std::to_string(stats->total_objects) + " objects");
  }
  return 0;
}

git_remote_callbacks callbacks_for(Session& session) {
  git_remote_callbacks callbacks;
  git_remote_init_callbacks(&callbacks, GIT_REMOTE_CALLBACKS_VERSION);
  callbacks.credentials = on_credentials;
  callbacks.transfer_progress = on_progress;
  callbacks.payload = &session;
  return callbacks;
}

std::unexpected<Error> network_fail(const Session& session, int rc) {
  const std::string url(session.job->repo);
  if (session.over_limit) {
    return fail(Fault::kLimit,
                url + " is larger than " + std::to_string(session.job->repo_bytes >> 20) + " MiB with its history",
                "publish the service from a smaller repository");
  }
  if (session.asked_for_secret) {
    return fail(Fault::kDenied, url + " asks for a password: it is private or does not exist",
                "check the address; only public repositories are fetched");
  }
  if (!refused_address().empty()) {
    return fail(Fault::kDenied,
                url + " leads to " + refused_address() + ", which is not an address that everyone can reach",
                "publish the repository on a public host");
  }
  const std::string why = last_error();
  const git_error* error = git_error_last();
  if (rc == GIT_ECERTIFICATE || (error != nullptr && error->klass == GIT_ERROR_SSL)) {
    return fail(Fault::kDenied, url + ": the server's certificate is not trusted: " + why);
  }
  if (why.find("redirect") != std::string::npos) {
    return fail(Fault::kDenied, url + " redirects elsewhere, which is not followed",
                "give the address that the repository has now (some hosts need it with .git at the end)");
  }
  if (why.find("404") != std::string::npos) return fail(Fault::kNotFound, "there is no repository at " + url);
  return git_fail(Fault::kUnreachable, "cannot fetch " + url, rc);
}

struct Head {
  std::string name;
  git_oid id;
};

struct Heads {
  std::vector<Head> all;
  [[nodiscard]] const Head* find(const std::string& name) const {
    const auto it = std::ranges::find(all, name, &Head::name);
    return it == all.end() ? nullptr : &*it;
  }
  /// A tag's own object, or what it stands for.
  [[nodiscard]] git_oid peeled(const Head& head) const {
    const Head* commit = find(head.name + "^{}");
    return commit == nullptr ? head.id : commit->id;
  }
  [[nodiscard]] std::string some_names() const {
    std::string out;
    std::size_t n = 0;
    for (const auto& head : all) {
      std::string_view name = head.name;
      if (name.ends_with("^{}") || !(name.starts_with("refs/heads/") || name.starts_with("refs/tags/"))) continue;
      if (n++ == kMaxNamesInHint) return out + ", …";
      name.remove_prefix(name.starts_with("refs/heads/") ? 11 : 10);
      out += (out.empty() ? "" : ", ") + escape_line(name);
    }
    return out.empty() ? "nothing" : out;
  }
};

/// The ref that a person's word means; nothing when it can only be a commit.
Result<std::optional<Head>> pick(const Heads& heads, const std::string& ref) {
  if (ref.empty()) {
    const Head* head = heads.find("HEAD");
    if (head == nullptr)
      return fail(Fault::kNotFound, "the repository is empty or has no default branch", "name a branch: SOURCE@branch");
    return *head;
  }
  if (ref.starts_with("refs/") || ref == "HEAD") {
    const Head* head = heads.find(ref);
    if (head != nullptr) return *head;
  }
  const Head* branch = heads.find("refs/heads/" + ref);
  const Head* tag = heads.find("refs/tags/" + ref);
  if (branch != nullptr && tag != nullptr) {
    const git_oid a = heads.peeled(*branch), b = heads.peeled(*tag);
    if (git_oid_equal(&a, &b) == 0) {
      return fail(Fault::kInvalid, "'" + ref + "' is a branch and a tag of different commits",
                  "say @refs/heads/" + ref + " or @refs/tags/" + ref);
    }
  }
  if (branch != nullptr) return *branch;
  if (tag != nullptr) return *tag;
  if (!looks_like_commit(ref)) {
    return fail(Fault::kNotFound, "there is no branch, tag or commit '" + ref + "'",
                "there are: " + heads.some_names());
  }
  return std::nullopt;
}

Result<std::optional<Commit>> commit_by_hex(git_repository* repository, const std::string& hex) {
  git_oid prefix;
  if (git_oid_fromstrn(&prefix, hex.data(), hex.size()) != 0) return fail(Fault::kInvalid, "'" + hex + "' is not hex");
  git_object* object = nullptr;
  const int rc = git_object_lookup_prefix(&object, repository, &prefix, hex.size(), GIT_OBJECT_ANY);
  if (rc == GIT_ENOTFOUND) return std::nullopt;
  if (rc == GIT_EAMBIGUOUS)
    return fail(Fault::kInvalid, "several objects start with '" + hex + "'", "give more digits");
  if (rc != 0) return git_fail(Fault::kInvalid, "cannot read " + hex, rc);
  const Object owner(object);
  return TRY(commit_of(repository, *git_object_id(object)));
}

class RemoteFetch {
 public:
  RemoteFetch(const Job& job, git_repository* repository) : job_(job), repository_(repository) { session_.job = &job; }

  Status connect();
  Result<Heads> heads();
  Status fetch(const std::vector<std::string>& refspecs);

 private:
  const Job& job_;
  git_repository* repository_;
  Session session_;
  Remote remote_;
};

Status RemoteFetch::connect() {
  git_remote* remote = nullptr;
  if (const int rc = git_remote_create_anonymous(&remote, repository_, job_.repo.c_str()); rc != 0) {
    return git_fail(Fault::kInvalid, "cannot use " + job_.repo, rc);
  }
  remote_.reset(remote);
  git_remote_connect_options options;
  git_remote_connect_options_init(&options, GIT_REMOTE_CONNECT_OPTIONS_VERSION);
  options.callbacks = callbacks_for(session_);
  options.follow_redirects = GIT_REMOTE_REDIRECT_NONE;
  // Loopback stays on the machine; everything else may have to pass the proxy that the machine's owner set.
  options.proxy_opts.type =
      job_.kind == static_cast<std::uint8_t>(SourceKind::kHttps) ? GIT_PROXY_AUTO : GIT_PROXY_NONE;
  const int rc = git_remote_connect_ext(remote_.get(), GIT_DIRECTION_FETCH, &options);
  if (rc != 0) return network_fail(session_, rc);
  return {};
}

Result<Heads> RemoteFetch::heads() {
  const git_remote_head** list = nullptr;
  std::size_t n = 0;
  if (const int rc = git_remote_ls(&list, &n, remote_.get()); rc != 0) return network_fail(session_, rc);
  if (n > kMaxAdvertisedRefs)
    return fail(Fault::kLimit, "the repository has more than " + std::to_string(kMaxAdvertisedRefs) + " refs");
  Heads out;
  for (std::size_t i = 0; i < n; ++i) out.all.push_back({list[i]->name, list[i]->oid});
  return out;
}

Status RemoteFetch::fetch(const std::vector<std::string>& refspecs) {
  std::vector<char*> pointers;
  for (const auto& spec : refspecs) pointers.push_back(const_cast<char*>(spec.c_str()));
  const git_strarray specs{.strings = pointers.data(), .count = pointers.size()};
  git_fetch_options options;
  git_fetch_options_init(&options, GIT_FETCH_OPTIONS_VERSION);
  options.callbacks = callbacks_for(session_);
  options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
  options.update_fetchhead = 0;
  options.follow_redirects = GIT_REMOTE_REDIRECT_NONE;
  options.proxy_opts.type =
      job_.kind == static_cast<std::uint8_t>(SourceKind::kHttps) ? GIT_PROXY_AUTO : GIT_PROXY_NONE;
  const int rc = git_remote_fetch(remote_.get(), &specs, &options, nullptr);
  if (rc != 0) return network_fail(session_, rc);
  return {};
}

Result<Repository> open_clone(const std::string& path) {
  git_repository* repository = nullptr;
  int rc = git_repository_open_bare(&repository, path.c_str());
  if (rc == GIT_ENOTFOUND) rc = git_repository_init(&repository, path.c_str(), 1);
  if (rc != 0) return git_fail(Fault::kCorrupt, "cannot open the cached clone", rc);
  return Repository(repository);
}

}  // namespace

void say(const std::string& line) {
  std::fprintf(stderr, "%s\n", line.c_str());
}

Result<Commit> commit_of(git_repository* repository, const git_oid& id) {
  git_object* object = nullptr;
  int rc = git_object_lookup(&object, repository, &id, GIT_OBJECT_ANY);
  if (rc != 0) return git_fail(Fault::kCorrupt, "the fetched commit is missing", rc);
  const Object owner(object);
  git_object* peeled = nullptr;
  rc = git_object_peel(&peeled, object, GIT_OBJECT_COMMIT);
  if (rc != 0) return git_fail(Fault::kInvalid, "the ref does not lead to a commit", rc);
  return Commit(reinterpret_cast<git_commit*>(peeled));
}

Result<Located> locate_remote(const Job& job) {
  Located out;
  out.repository = TRY(open_clone(job.repo_dir));
  out.repo = job.repo;
  out.subdir = job.subdir;
  git_repository* repository = out.repository.get();
  const bool is_full_hex = looks_like_commit(job.ref) && job.ref.size() == 40;
  if (is_full_hex) {
    if (auto cached = TRY(commit_by_hex(repository, job.ref))) {
      say("commit " + job.ref.substr(0, 12) + " is in the cache");
      out.commit = std::move(*cached);
      out.ref = job.ref;
      return out;
    }
  }
  RemoteFetch remote(job, repository);
  say("asking " + job.repo);
  TRY(remote.connect());
  const Heads heads = TRY(remote.heads());
  if (const auto head = TRY(pick(heads, job.ref))) {
    out.ref = head->name;
    const git_oid wanted = heads.peeled(*head);
    git_object* have = nullptr;
    const bool cached = git_object_lookup(&have, repository, &wanted, GIT_OBJECT_COMMIT) == 0;
    const Object owner(have);
    if (!cached) TRY(remote.fetch({"+" + head->name + ":" + std::string(kFetchedRef)}));
    out.commit = TRY(commit_of(repository, wanted));
    return out;
  }
  // Servers rarely hand out a commit by its name, so everything that branches and tags reach is fetched.
  TRY(remote.fetch({"+refs/heads/*:refs/micro/heads/*", "+refs/tags/*:refs/micro/tags/*"}));
  auto commit = TRY(commit_by_hex(repository, job.ref));
  if (!commit) return fail(Fault::kNotFound, "no branch or tag of the repository reaches the commit " + job.ref);
  out.commit = std::move(*commit);
  out.ref = job.ref;
  return out;
}

namespace {

bool has_uncommitted_changes(git_repository* repository, const std::string& subdir) {
  git_status_options options;
  git_status_options_init(&options, GIT_STATUS_OPTIONS_VERSION);
  options.show = GIT_STATUS_SHOW_INDEX_AND_WORKDIR;
  options.flags =
      GIT_STATUS_OPT_INCLUDE_UNTRACKED | GIT_STATUS_OPT_EXCLUDE_SUBMODULES | GIT_STATUS_OPT_DISABLE_PATHSPEC_MATCH;
  std::string path = subdir;
  char* strings = path.data();
  if (!subdir.empty()) options.pathspec = {.strings = &strings, .count = 1};
  git_status_list* list = nullptr;
  if (git_status_list_new(&list, repository, &options) != 0) return false;
  const StatusList owner(list);
  return git_status_list_entrycount(list) > 0;
}

Result<std::string> real_path(const std::string& path) {
  char* found = ::realpath(path.c_str(), nullptr);
  if (found == nullptr)
    return fail(Fault::kNotFound, "there is no folder " + escape_line(path) + ": " + std::strerror(errno));
  std::string out(found);
  std::free(found);  // NOLINT: realpath allocates
  return out;
}

}  // namespace

Result<Located> locate_local(const Job& job) {
  const std::string path = TRY(real_path(job.repo));
  git_repository* repository = nullptr;
  if (git_repository_open_ext(&repository, path.c_str(), GIT_REPOSITORY_OPEN_CROSS_FS, nullptr) != 0) {
    return fail(Fault::kNotFound, escape_line(path) + " is not in a git repository",
                "run there: git init && git add . && git commit -m first");
  }
  Located out;
  out.repository.reset(repository);
  const char* work_tree = git_repository_workdir(repository);
  std::string root = TRY(real_path(work_tree != nullptr ? work_tree : git_repository_path(repository)));
  if (work_tree != nullptr && path != root) {
    if (!path.starts_with(root + "/")) return fail(Fault::kInvalid, path + " is git's own folder, not the work tree");
    out.subdir = path.substr(root.size() + 1);
  }
  if (!job.subdir.empty()) out.subdir += (out.subdir.empty() ? "" : "/") + job.subdir;
  out.repo = "file://" + root;
  out.ref = job.ref.empty() ? "HEAD" : std::string(job.ref);
  git_object* object = nullptr;
  const int rc = git_revparse_single(&object, repository, out.ref.c_str());
  if (rc != 0 && job.ref.empty())
    return fail(Fault::kNotFound, root + " has no commit yet", "run there: git add . && git commit -m first");
  if (rc != 0) return fail(Fault::kNotFound, "there is no branch, tag or commit '" + out.ref + "' in " + root);
  const Object owner(object);
  out.commit = TRY(commit_of(repository, *git_object_id(object)));
  if (work_tree != nullptr && job.ref.empty())
    out.uncommitted_changes = has_uncommitted_changes(repository, out.subdir);
  return out;
}

}  // namespace micro::git
