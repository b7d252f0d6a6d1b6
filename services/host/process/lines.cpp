#include "services/host/process/lines.hpp"

#include <array>
#include <cstdint>

#include "chain/codec/codec.hpp"

namespace micro {
namespace {

/// Bytes of the character that starts here, 1 when it is not valid UTF-8 (told apart by is_valid_utf8).
std::size_t character_bytes(std::string_view rest) {
  const auto lead = static_cast<unsigned char>(rest.front());
  std::size_t n = 1;
  if (lead >= 0xf0) {
    n = 4;
  } else if (lead >= 0xe0) {
    n = 3;
  } else if (lead >= 0xc2) {
    n = 2;
  }
  return n <= rest.size() && is_valid_utf8(rest.substr(0, n)) ? n : 1;
}

/// Characters that change how a terminal shows the others: C0, DEL, C1, and the bidirectional controls.
bool is_hostile(std::string_view c) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(c[i]); };
  if (c.size() == 1) return (at(0) < 0x20 && at(0) != '\t') || at(0) >= 0x7f;
  if (c.size() == 2) return at(0) == 0xc2 && at(1) < 0xa0;
  if (c.size() == 3 && at(0) == 0xe2) {
    const bool marks = at(1) == 0x80 && (at(2) == 0x8e || at(2) == 0x8f || (at(2) >= 0xa8 && at(2) <= 0xae));
    return marks || (at(1) == 0x81 && at(2) >= 0xa6 && at(2) <= 0xa9);
  }
  return false;
}

void append_escaped(std::string& out, std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const char byte : bytes) {
    const auto b = static_cast<unsigned char>(byte);
    out += "\\x";
    out += kDigits[b >> 4];
    out += kDigits[b & 15];
  }
}

}  // namespace

std::string escape_line(std::string_view line) {
  std::string out;
  out.reserve(line.size());
  while (!line.empty()) {
    const std::size_t n = character_bytes(line);
    if (is_hostile(line.substr(0, n))) {
      append_escaped(out, line.substr(0, n));
    } else {
      out += line.substr(0, n);
    }
    line.remove_prefix(n);
  }
  return out;
}

void LineSplitter::emit() {
  if (open_.ends_with('\r')) open_.pop_back();
  sink_(escape_line(open_));
  open_.clear();
}

void LineSplitter::add(std::string_view chunk) {
  for (const char c : chunk) {
    if (c == '\n') {
      emit();
      continue;
    }
    if (open_.size() == kMaxLineBytes) emit();
    open_ += c;
  }
}

void LineSplitter::finish() {
  if (!open_.empty()) emit();
}

}  // namespace micro
