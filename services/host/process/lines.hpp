// Turns what a foreign program prints into lines that are safe to show: a compiler's output carries text of the source.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace micro {

inline constexpr std::size_t kMaxLineBytes = 4'096;

/// Control bytes, C1 and bidirectional controls and bytes that are not UTF-8 become \xNN; tabs stay.
std::string escape_line(std::string_view line);

/// Cuts a stream into escaped lines; a line longer than kMaxLineBytes is cut into several.
class LineSplitter {
 public:
  explicit LineSplitter(std::function<void(std::string_view line)> sink) : sink_(std::move(sink)) {}
  void add(std::string_view chunk);
  /// The last line, if it had no end.
  void finish();

 private:
  void emit();
  std::function<void(std::string_view)> sink_;
  std::string open_;
};

}  // namespace micro
