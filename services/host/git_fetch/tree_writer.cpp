#include "services/host/git_fetch/tree_writer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <vector>

#include "services/host/process/lines.hpp"

namespace micro::git {
namespace {

constexpr std::size_t kMaxNameBytes = 255;
constexpr std::size_t kMaxLinkBytes = 1'024;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string mib(std::uint64_t bytes) {
  return bytes % (1 << 20) == 0 ? std::to_string(bytes >> 20) + " MiB" : std::to_string(bytes) + " bytes";
}

std::unexpected<Error> refuse(const std::string& path, const std::string& why, Fault fault = Fault::kInvalid) {
  return fail(fault, "the repository is refused: " + escape_line(path) + ": " + why);
}

class Writer {
 public:
  Writer(git_repository* repository, const Job& job) : repository_(repository), job_(job) {}

  /// From here on files are written; before, everything is only looked at, so that a refused tree costs no disk.
  void start_writing() {
    writing_ = true;
    written_ = {};
    links_.clear();
  }
  Status folder(git_tree* tree, const std::string& path, std::size_t depth);
  /// Links come last: while files are written nothing in the tree leads anywhere else.
  Status links();
  [[nodiscard]] Written written() const { return written_; }
  Status open_odb();

 private:
  struct Link {
    std::string path, target;
  };
  Status entry(git_tree* tree, std::size_t index, const std::string& folder_path, std::size_t depth);
  Status subfolder(const git_oid* id, const std::string& path, std::size_t depth);
  Status check_size(const git_oid* id, const std::string& path, std::uint64_t max_bytes);
  Result<Blob> blob(const git_oid* id, const std::string& path);
  Status file(const git_oid* id, const std::string& path, bool executable);
  Status link(const git_oid* id, const std::string& path, std::size_t depth);
  [[nodiscard]] std::string on_disk(const std::string& path) const { return job_.tree_dir + "/" + path; }

  git_repository* repository_;
  const Job& job_;
  bool writing_ = false;
  Odb odb_;
  Written written_;
  std::vector<Link> links_;
};

Status Writer::open_odb() {
  git_odb* odb = nullptr;
  if (const int rc = git_repository_odb(&odb, repository_); rc != 0)
    return git_fail(Fault::kIo, "cannot read objects", rc);
  odb_.reset(odb);
  return {};
}

Status Writer::folder(git_tree* tree, const std::string& path, std::size_t depth) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < git_tree_entrycount(tree); ++i) {
    const std::string_view name = git_tree_entry_name(git_tree_entry_byindex(tree, i));
    if (!seen.insert(lower(name)).second) {
      return refuse(path + std::string(name), "another entry has the same name up to upper and lower case");
    }
    TRY(entry(tree, i, path, depth));
  }
  return {};
}

Status Writer::entry(git_tree* tree, std::size_t index, const std::string& folder_path, std::size_t depth) {
  const git_tree_entry* item = git_tree_entry_byindex(tree, index);
  const std::string path = folder_path + git_tree_entry_name(item);
  if (const auto status = check_entry_name(git_tree_entry_name(item)); !status)
    return refuse(path, status.error().message);
  if (path.size() > job_.path_bytes) {
    return refuse(path.substr(0, 60) + "…", "the path is longer than " + std::to_string(job_.path_bytes) + " bytes",
                  Fault::kLimit);
  }
  if (++written_.entries > job_.entries) {
    return fail(Fault::kLimit, "the source has more than " + std::to_string(job_.entries) + " files and folders",
                "name a subfolder of the repository, as in host/owner/name/subdir");
  }
  const git_oid* id = git_tree_entry_id(item);
  switch (git_tree_entry_filemode(item)) {
    case GIT_FILEMODE_TREE:
      return subfolder(id, path, depth + 1);
    case GIT_FILEMODE_BLOB:
      return file(id, path, false);
    case GIT_FILEMODE_BLOB_EXECUTABLE:
      return file(id, path, true);
    case GIT_FILEMODE_LINK:
      return link(id, path, depth);
    case GIT_FILEMODE_COMMIT:
      return refuse(path, "it is a submodule, and submodules are not fetched; commit its files instead");
    default:
      return refuse(path, "it is neither file, folder nor link");
  }
}

Status Writer::subfolder(const git_oid* id, const std::string& path, std::size_t depth) {
  if (depth > job_.path_depth) {
    return refuse(path.substr(0, 60) + "…", "deeper than " + std::to_string(job_.path_depth) + " folders",
                  Fault::kLimit);
  }
  git_tree* tree = nullptr;
  if (const int rc = git_tree_lookup(&tree, repository_, id); rc != 0) return git_fail(Fault::kInvalid, path, rc);
  const Tree owner(tree);
  if (writing_ && ::mkdir(on_disk(path).c_str(), 0755) != 0)
    return fail(Fault::kIo, path + ": " + std::strerror(errno));
  return folder(tree, path + "/", depth);
}

Status Writer::check_size(const git_oid* id, const std::string& path, std::uint64_t max_bytes) {
  std::size_t bytes = 0;
  git_object_t type = GIT_OBJECT_INVALID;
  if (const int rc = git_odb_read_header(&bytes, &type, odb_.get(), id); rc != 0)
    return git_fail(Fault::kInvalid, path, rc);
  if (type != GIT_OBJECT_BLOB) return refuse(path, "its content is not a file");
  if (bytes > max_bytes) {
    return refuse(path, std::to_string(bytes) + " bytes, the limit for one file is " + mib(max_bytes), Fault::kLimit);
  }
  if (written_.bytes + bytes > job_.tree_bytes) {
    return fail(Fault::kLimit, "the source is larger than " + mib(job_.tree_bytes) + " at " + escape_line(path),
                "name a subfolder of the repository, as in host/owner/name/subdir");
  }
  written_.bytes += bytes;
  return {};
}

Result<Blob> Writer::blob(const git_oid* id, const std::string& path) {
  git_blob* out = nullptr;
  if (const int rc = git_blob_lookup(&out, repository_, id); rc != 0) return git_fail(Fault::kInvalid, path, rc);
  return Blob(out);
}

Status write_all(int fd, const char* data, std::size_t bytes) {
  while (bytes > 0) {
    const ssize_t n = ::write(fd, data, bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(Fault::kIo, std::strerror(errno));
    data += n;
    bytes -= static_cast<std::size_t>(n);
  }
  return {};
}

Status Writer::file(const git_oid* id, const std::string& path, bool executable) {
  TRY(check_size(id, path, job_.file_bytes));
  if (!writing_) return {};
  const Blob content = TRY(blob(id, path));
  const mode_t mode = executable ? 0755 : 0644;
  const int fd = ::open(on_disk(path).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  if (fd < 0) return fail(Fault::kIo, "cannot write " + path + ": " + std::strerror(errno));
  const auto* data = static_cast<const char*>(git_blob_rawcontent(content.get()));
  const Status written = write_all(fd, data, static_cast<std::size_t>(git_blob_rawsize(content.get())));
  ::close(fd);
  if (!written) return fail(Fault::kIo, "cannot write " + path + ": " + written.error().message);
  return {};
}

Status Writer::link(const git_oid* id, const std::string& path, std::size_t depth) {
  TRY(check_size(id, path, kMaxLinkBytes));
  const Blob content = TRY(blob(id, path));
  const std::string target(static_cast<const char*>(git_blob_rawcontent(content.get())),
                           static_cast<std::size_t>(git_blob_rawsize(content.get())));
  if (const auto status = check_link_target(target, depth); !status) return refuse(path, status.error().message);
  links_.push_back({path, target});
  return {};
}

Status Writer::links() {
  for (const auto& link : links_) {
    if (::symlink(link.target.c_str(), on_disk(link.path).c_str()) != 0) {
      return fail(Fault::kIo, "cannot link " + link.path + ": " + std::strerror(errno));
    }
  }
  return {};
}

}  // namespace

Status check_entry_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes) return fail(Fault::kInvalid, "a name must have 1 to 255 bytes");
  if (name == "." || name == "..") return fail(Fault::kInvalid, "the name would lead out of its folder");
  const std::string low = lower(name);
  if (low == ".git" || low == "git~1") return fail(Fault::kInvalid, "the name would be read as git's own folder");
  const auto bad = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '/' || c == '\\'; };
  if (std::ranges::any_of(name, bad))
    return fail(Fault::kInvalid, "the name has a control character, a slash or a backslash");
  if (!is_valid_utf8(name)) return fail(Fault::kInvalid, "the name is not UTF-8");
  return {};
}

Status check_link_target(std::string_view target, std::size_t depth) {
  if (target.empty() || target.size() > kMaxLinkBytes)
    return fail(Fault::kInvalid, "the link's target has no fitting length");
  if (target.find('\0') != std::string_view::npos) return fail(Fault::kInvalid, "the link's target has a zero byte");
  if (target.front() == '/')
    return fail(Fault::kInvalid, "the link points outside the source, to " + escape_line(target));
  std::size_t ups = 0;
  bool down = false;
  while (true) {
    const std::size_t slash = target.find('/');
    const std::string_view part = target.substr(0, slash);
    if (part == "..") {
      // After a name that may itself be a link, ".." could climb higher than the text shows.
      if (down) return fail(Fault::kInvalid, "the link's target has '..' after a name");
      if (++ups > depth) return fail(Fault::kInvalid, "the link points outside the source");
    } else if (!part.empty() && part != ".") {
      down = true;
    }
    if (slash == std::string_view::npos) return {};
    target.remove_prefix(slash + 1);
  }
}

Result<Written> write_tree(git_repository* repository, git_tree* top, const Job& job) {
  Writer writer(repository, job);
  TRY(writer.open_odb());
  TRY(writer.folder(top, "", 0));
  writer.start_writing();
  TRY(writer.folder(top, "", 0));
  TRY(writer.links());
  return writer.written();
}

}  // namespace micro::git
