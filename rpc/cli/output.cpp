#include "rpc/cli/output.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "rpc/api/methods.hpp"
#include "wallet/tx/tx_text.hpp"

namespace micro {

namespace {

/// Columns that a text takes, counting each code point as one.
std::size_t width_of(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::ranges::count_if(utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string cell(const std::string& text) {
  return text.empty() ? "n/a" : printable(text);
}

void write_all(std::FILE* file, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), file);
}

}  // namespace

std::string format_table(const Table& table, bool plain) {
  if (table.rows.empty()) return {};
  std::vector<std::vector<std::string>> lines;
  if (!plain) lines.push_back(table.header);
  for (const auto& row : table.rows) {
    auto& line = lines.emplace_back();
    for (const auto& text : row) line.push_back(cell(text));
  }
  std::vector<std::size_t> widths(table.header.size(), 0);
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < widths.size() && i < line.size(); ++i)
      widths[i] = std::max(widths[i], width_of(line[i]));
  }
  std::string out;
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      out += line[i];
      if (i + 1 == line.size()) break;
      out += plain ? "\t" : std::string(widths[i] - width_of(line[i]) + 2, ' ');
    }
    out += '\n';
  }
  return out;
}

std::string format_duration(std::uint64_t ms) {
  const std::uint64_t s = ms / 1'000;
  const auto two = [](std::uint64_t big, const char* unit, std::uint64_t small, const char* small_unit) {
    std::string out = std::to_string(big) + " " + unit;
    if (small > 0) out += " " + std::to_string(small) + " " + small_unit;
    return out;
  };
  if (s >= 86'400) return two(s / 86'400, "d", s / 3'600 % 24, "h");
  if (s >= 3'600) return two(s / 3'600, "h", s / 60 % 60, "min");
  if (s >= 60) return two(s / 60, "min", s % 60, "s");
  return std::to_string(s) + " s";
}

std::string with_unit(std::string_view amount) {
  return std::string(amount) + " TOK";
}

std::string brief_address(std::string_view address) {
  if (address.size() <= 20) return std::string(address);
  return std::string(address.substr(0, 10)) + "…" + std::string(address.substr(address.size() - 6));
}

std::string brief_hex(std::string_view hex, std::size_t digits) {
  return std::string(hex.substr(0, digits));
}

Result<std::string> indent_json(std::string_view json) {
  if (!Json::accept(json)) return fail(Fault::kInvalid, "not JSON");
  std::string out;
  std::size_t depth = 0;
  const auto new_line = [&] {
    out += '\n';
    out.append(depth, '\t');
  };
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') continue;
    if (c == '"') {
      const std::size_t start = i++;
      for (; json[i] != '"'; ++i) i += json[i] == '\\' ? 1 : 0;
      out += json.substr(start, i - start + 1);
    } else if (c == '{' || c == '[') {
      const std::size_t next = json.find_first_not_of(" \t\r\n", i + 1);
      out += c;
      if (json[next] == '}' || json[next] == ']') {
        out += json[next];
        i = next;
        continue;
      }
      ++depth;
      new_line();
    } else if (c == '}' || c == ']') {
      --depth;
      new_line();
      out += c;
    } else if (c == ',') {
      out += c;
      new_line();
    } else {
      out += c == ':' ? std::string(": ") : std::string(1, c);
    }
  }
  return out;
}

void Output::line(std::string_view text) {
  clear_progress();
  write_all(stdout, text);
  write_all(stdout, "\n");
}

void Output::raw(std::string_view text) {
  clear_progress();
  write_all(stdout, text);
}

void Output::table(const Table& table) {
  raw(format_table(table, globals_.plain));
}

void Output::document(const Json& document) {
  line(json_text(document, 2));
}

void Output::item(const Json& item) {
  line(json_text(item));
  std::fflush(stdout);
}

bool Output::stderr_is_terminal() const {
  return ::isatty(STDERR_FILENO) == 1;
}

bool Output::colored() const {
  if (globals_.color == ColorMode::kAuto) return stderr_is_terminal() && !globals_.plain;
  return globals_.color == ColorMode::kAlways;
}

void Output::clear_progress() {
  if (!drawn_) return;
  write_all(stderr, "\r\x1b[K");
  drawn_ = false;
}

void Output::note(std::string_view text) {
  if (globals_.quiet || globals_.json) return;
  clear_progress();
  std::fflush(stdout);
  write_all(stderr, std::string(text) + "\n");
}

void Output::payment(const Json& paid) {
  if (globals_.quiet || !globals_.json) return;
  std::fflush(stdout);
  write_all(stderr, json_text(paid) + "\n");
}

void Output::progress(std::string_view text) {
  if (globals_.quiet || globals_.json || text == last_progress_) return;
  last_progress_ = text;
  const std::string safe = printable(text);
  if (stderr_is_terminal() && !globals_.plain) {
    write_all(stderr, "\r\x1b[K… " + safe.substr(0, 200));
    drawn_ = true;
  } else {
    write_all(stderr, safe + "\n");
  }
  std::fflush(stderr);
}

void Output::done(std::string_view what, std::string_view detail) {
  std::string text = colored() ? "\x1b[32m✓\x1b[0m " : "✓ ";
  text += std::string(what);
  if (!detail.empty()) text += std::string(what.size() < 10 ? 10 - what.size() : 1, ' ') + "  " + printable(detail);
  note(text);
}

Json error_document(const Error& error, Json data) {
  return Json{{"code", exit_code(error.fault)},
              {"name", fault_name(error.fault)},
              {"message", error.message},
              {"hint", error.hint},
              {"data", std::move(data)}};
}

void Output::error(const Error& error) {
  clear_progress();
  std::fflush(stdout);
  if (globals_.json) return write_all(stderr, json_text(error_document(error, data_)) + "\n");
  const std::string label = colored() ? "\x1b[31merror:\x1b[0m " : "error: ";
  write_all(stderr, label + printable(error.message) + "\n");
  if (!error.hint.empty() && !globals_.quiet) write_all(stderr, "hint: " + printable(error.hint) + "\n");
}

}  // namespace micro
