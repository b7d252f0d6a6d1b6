#include "rpc/daemon/log_book.hpp"

#include "services/host/process/lines.hpp"

namespace micro {

namespace {

std::size_t bytes_of(const LogLine& line) {
  return sizeof line + line.source.size() + line.text.size();
}

}  // namespace

void LogBook::drop_oldest_line(Book& book) {
  const std::size_t bytes = bytes_of(book.lines.front());
  book.bytes -= bytes;
  bytes_ -= bytes;
  book.lines.pop_front();
}

/// For one more line of `version`, which keeps its book.
void LogBook::make_room(const VersionId& version) {
  while (bytes_ > kMaxLogBookBytes || books_.size() > kMaxLogVersions) {
    auto oldest = books_.end();
    for (auto it = books_.begin(); it != books_.end(); ++it) {
      if (it->first == version) continue;
      if (oldest == books_.end() || it->second.written < oldest->second.written) oldest = it;
    }
    if (oldest == books_.end()) return;
    bytes_ -= oldest->second.bytes;
    books_.erase(oldest);
  }
}

void LogBook::append(const VersionId& version, TimeMs time, std::string source, std::string_view text) {
  const std::lock_guard guard(mutex_);
  Book& book = books_[version];
  book.written = ++appends_;
  std::size_t start = 0;
  while (start < text.size()) {
    std::size_t end = text.find('\n', start);
    if (end == std::string_view::npos) end = text.size();
    LogLine line{book.next++, time, source, escape_line(text.substr(start, std::min(end - start, kMaxLogLineBytes)))};
    book.bytes += bytes_of(line);
    bytes_ += bytes_of(line);
    book.lines.push_back(std::move(line));
    while (book.lines.size() > kMaxLogLinesPerVersion || book.bytes > kMaxLogBytesPerVersion) drop_oldest_line(book);
    start = end + 1;
  }
  make_room(version);
}

std::vector<LogLine> LogBook::read(const VersionId& version, std::uint64_t after, std::size_t most) const {
  const std::lock_guard guard(mutex_);
  std::vector<LogLine> out;
  const auto it = books_.find(version);
  if (it == books_.end()) return out;
  for (auto line = it->second.lines.rbegin(); line != it->second.lines.rend() && out.size() < most; ++line) {
    if (line->cursor <= after) break;
    out.push_back(*line);
  }
  return {out.rbegin(), out.rend()};
}

}  // namespace micro
