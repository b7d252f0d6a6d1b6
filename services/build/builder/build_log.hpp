// A build's log: one escaped line at a time into a file that can be followed while it grows, and to whoever watches.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "chain/base/result.hpp"

namespace micro {

inline constexpr std::size_t kMaxBuildLogBytes = 4ULL << 20;
inline constexpr std::size_t kTailLines = 12;

using LineSink = std::function<void(std::string_view line)>;

class BuildLog {
 public:
  /// Starts the file anew. `sink` may be empty.
  static Result<BuildLog> open(const std::string& path, LineSink sink);
  BuildLog(BuildLog&& other) noexcept;
  BuildLog& operator=(BuildLog&&) = delete;
  ~BuildLog();

  /// Each line is in the file when this returns. After kMaxBuildLogBytes only the tail is still kept.
  void line(std::string_view text);
  /// The last lines, with line breaks.
  [[nodiscard]] std::string tail() const;
  /// True when some line has `text`; only the kept part is searched.
  [[nodiscard]] bool mentions(std::string_view text) const;

 private:
  BuildLog() = default;
  void write(std::string_view text);
  int fd_ = -1;
  std::size_t bytes_ = 0;
  bool cut_ = false;
  LineSink sink_;
  std::deque<std::string> tail_;
};

/// What a build that ended with this status (not 0) and this log means: kBusy when a compiler was killed from outside,
/// since then the machine had no memory left for it, else kInvalid, the source's own fault.
Fault fault_of_build(const BuildLog& log, int code);

}  // namespace micro
