#include "rpc/daemon/log_book.hpp"

#include <fmt/format.h>

namespace micro {

std::string escape_controls(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto b = static_cast<unsigned char>(c);
    if ((b < 0x20 && c != '\t') || b == 0x7f) {
      out += fmt::format("\\x{:02x}", b);
    } else {
      out.push_back(c);
    }
  }
  return out;
}

void LogBook::append(const VersionId& version, TimeMs time, std::string source, std::string_view text) {
  const std::lock_guard guard(mutex_);
  if (!books_.contains(version) && books_.size() >= kMaxLogVersions) books_.erase(books_.begin());
  Book& book = books_[version];
  std::size_t start = 0;
  while (start < text.size()) {
    std::size_t end = text.find('\n', start);
    if (end == std::string_view::npos) end = text.size();
    const std::string_view line = text.substr(start, std::min(end - start, kMaxLogLineBytes));
    book.lines.push_back({book.next++, time, source, escape_controls(line)});
    if (book.lines.size() > kMaxLogLinesPerVersion) book.lines.pop_front();
    start = end + 1;
  }
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
