#include "services/build/builder/build_log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

namespace micro {

Result<BuildLog> BuildLog::open(const std::string& path, LineSink sink) {
  BuildLog out;
  out.fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
  if (out.fd_ < 0) return fail(Fault::kIo, "cannot write the log " + path + ": " + std::strerror(errno));
  out.sink_ = std::move(sink);
  return out;
}
BuildLog::BuildLog(BuildLog&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      bytes_(other.bytes_),
      cut_(other.cut_),
      sink_(std::move(other.sink_)),
      tail_(std::move(other.tail_)) {}
BuildLog::~BuildLog() {
  if (fd_ >= 0) ::close(fd_);
}

void BuildLog::write(std::string_view text) {
  // A full disk loses lines of the log; the build's own writes will report it.
  const std::string whole = std::string(text) + "\n";
  [[maybe_unused]] const ssize_t n = ::write(fd_, whole.data(), whole.size());
  bytes_ += whole.size();
  if (sink_) sink_(text);
}

void BuildLog::line(std::string_view text) {
  tail_.emplace_back(text);
  if (tail_.size() > kTailLines) tail_.pop_front();
  if (cut_) return;
  if (bytes_ + text.size() > kMaxBuildLogBytes) {
    cut_ = true;
    write("… the log is longer than " + std::to_string(kMaxBuildLogBytes >> 20) + " MiB: the rest is left out");
    return;
  }
  write(text);
}

std::string BuildLog::tail() const {
  std::string out;
  for (const auto& line : tail_) out += (out.empty() ? "" : "\n") + line;
  return out;
}

bool BuildLog::mentions(std::string_view text) const {
  return std::ranges::any_of(tail_, [&](const auto& line) { return line.find(text) != std::string::npos; });
}

Fault fault_of_build(const BuildLog& log, int code) {
  // Go and clang end with a status of their own when a compiler that they started is killed.
  const bool killed =
      code == 128 + SIGKILL || log.mentions("signal: killed") || log.mentions("unable to execute command: Killed");
  return killed ? Fault::kBusy : Fault::kInvalid;
}

}  // namespace micro
