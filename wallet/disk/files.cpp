#include "wallet/disk/files.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "wallet/disk/file_descriptor.hpp"

namespace micro {
namespace {

constexpr mode_t kPrivateFile = 0600;
constexpr mode_t kPrivateFolder = 0700;
constexpr mode_t kOthers = 0077;

Fault fault_of(int error) {
  switch (error) {
    case ENOENT:
      return Fault::kNotFound;
    case EACCES:
    case EPERM:
      return Fault::kDenied;
    default:
      return Fault::kIo;
  }
}

Status write_all(int fd, ByteView bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_with_errno("cannot write", path);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Status rename_into_place(const std::filesystem::path& from, const std::filesystem::path& to, IfPresent if_present) {
  const unsigned flags = if_present == IfPresent::kRefuse ? RENAME_NOREPLACE : 0;
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags) == 0) return {};
  const int error = errno;
  ::unlink(from.c_str());
  if (error == EEXIST) return fail(Fault::kRejected, to.string() + " already exists");
  errno = error;
  return fail_with_errno("cannot rename to", to);
}

}  // namespace

std::unexpected<Error> fail_with_errno(std::string_view doing, const std::filesystem::path& path) {
  const int error = errno;
  return fail(fault_of(error), std::string(doing) + " " + path.string() + ": " +
                                   std::error_code(error, std::system_category()).message());
}

Status make_private_folder(const std::filesystem::path& folder) {
  struct stat info{};
  if (::stat(folder.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) return {};
    return fail(Fault::kIo, folder.string() + " is not a folder");
  }
  if (folder.has_parent_path() && folder.parent_path() != folder) TRY(make_private_folder(folder.parent_path()));
  if (::mkdir(folder.c_str(), kPrivateFolder) != 0 && errno != EEXIST) return fail_with_errno("cannot create", folder);
  return sync_folder(folder.has_parent_path() ? folder.parent_path() : ".");
}

Result<Bytes> read_file(const std::filesystem::path& path, std::size_t max_bytes) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return fail_with_errno("cannot open", path);
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return fail_with_errno("cannot read", path);
  if (!S_ISREG(info.st_mode)) return fail(Fault::kIo, path.string() + " is not a file");
  Bytes out;
  std::array<std::uint8_t, 65'536> chunk{};
  for (;;) {
    const ssize_t got = ::read(file.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_with_errno("cannot read", path);
    if (got == 0) return out;
    if (out.size() + static_cast<std::size_t>(got) > max_bytes) {
      return fail(Fault::kLimit, path.string() + " is longer than " + std::to_string(max_bytes) + " bytes");
    }
    out.insert(out.end(), chunk.begin(), chunk.begin() + got);
  }
}

Status check_private(const std::filesystem::path& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return fail_with_errno("cannot read", path);
  if ((info.st_mode & kOthers) == 0) return {};
  return fail(Fault::kDenied, path.string() + " can be read or changed by other users",
              "run: chmod 600 " + path.string());
}

Status write_file_durably(const std::filesystem::path& path, ByteView bytes, IfPresent if_present) {
  const std::filesystem::path beside = path.string() + ".new";
  {
    const FileDescriptor file(
        ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, kPrivateFile));
    if (!file.is_open()) return fail_with_errno("cannot create", beside);
    // A leftover of a crash may have another mode.
    if (::fchmod(file.get(), kPrivateFile) != 0) return fail_with_errno("cannot protect", beside);
    TRY(write_all(file.get(), bytes, beside));
    if (::fsync(file.get()) != 0) return fail_with_errno("cannot sync", beside);
  }
  TRY(rename_into_place(beside, path, if_present));
  return sync_folder(path.has_parent_path() ? path.parent_path() : ".");
}

Status sync_folder(const std::filesystem::path& folder) {
  const FileDescriptor file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!file.is_open()) return fail_with_errno("cannot open", folder);
  if (::fsync(file.get()) != 0) return fail_with_errno("cannot sync", folder);
  return {};
}

}  // namespace micro
