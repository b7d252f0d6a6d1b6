// What services and builds wrote: the newest lines of each version, in memory, with cursors that a follower resumes
// from. A flood pushes out the flooder's own older lines only; when all books together are too large, the one that
// nothing was written into for the longest time goes.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "chain/types/ids.hpp"

namespace micro {

inline constexpr std::size_t kMaxLogLinesPerVersion = 4'096;
inline constexpr std::size_t kMaxLogLineBytes = 4'096;
inline constexpr std::size_t kMaxLogBytesPerVersion = 512 * 1'024;
inline constexpr std::size_t kMaxLogBookBytes = 128ULL * 1'024 * 1'024;  ///< of all versions together
inline constexpr std::size_t kMaxLogVersions = 1'024;

struct LogLine {
  std::uint64_t cursor = 0;  ///< ascending in one version's book
  TimeMs time;
  std::string source;  ///< "build", "call 3f2a…" or "node"
  std::string text;    ///< one line that is safe to print
};

/// Safe to use from several threads.
class LogBook {
 public:
  void append(const VersionId& version, TimeMs time, std::string source, std::string_view text);
  /// Up to `most` lines with a cursor above `after`, the newest when there are more.
  [[nodiscard]] std::vector<LogLine> read(const VersionId& version, std::uint64_t after, std::size_t most) const;

 private:
  struct Book {
    std::uint64_t next = 1;
    std::uint64_t written = 0;  // when, counted in appends
    std::size_t bytes = 0;
    std::deque<LogLine> lines;
  };
  void drop_oldest_line(Book& book);
  void make_room(const VersionId& version);

  mutable std::mutex mutex_;
  std::map<VersionId, Book> books_;
  std::uint64_t appends_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace micro
