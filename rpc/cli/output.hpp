// What commands print. stdout holds data only: a table, a line, or with --json one document. stderr holds progress,
// hints and errors.
#pragma once

#include <string>
#include <vector>

#include "genesis/json/strict_json.hpp"
#include "rpc/cli/globals.hpp"

namespace micro {

/// Left-aligned columns; without rows nothing is printed.
struct Table {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
};

/// Blank cells become "n/a"; what others wrote is made safe for a terminal. `plain`: tabs, no header.
std::string format_table(const Table& table, bool plain);
/// "29 d 23 h", "5 min", "12 s": two units at most.
std::string format_duration(std::uint64_t ms);
/// "12.500000 TOK"
std::string with_unit(std::string_view amount);
/// The same JSON text indented with tabs, its numbers untouched. kInvalid when it is not JSON.
Result<std::string> indent_json(std::string_view json);
/// "dmnet1qxtch…lgsy9p", "4f2c91ab…": enough to compare.
std::string brief_address(std::string_view address);
std::string brief_hex(std::string_view hex, std::size_t digits = 8);

class Output {
 public:
  explicit Output(const Globals& globals) : globals_(globals) {}

  [[nodiscard]] bool json() const { return globals_.json; }
  /// One line of data.
  void line(std::string_view text);
  void raw(std::string_view text);
  void table(const Table& table);
  /// With --json, indented; amounts in it are in its "unit".
  void document(const Json& document);
  /// One document of a stream.
  void item(const Json& item);

  /// stderr, for people; silent with --quiet and --json.
  void note(std::string_view text);
  /// stderr, with --json: what was paid, as one line of JSON.
  void payment(const Json& paid);
  /// A state that replaces the one before on a terminal, and is a line of its own elsewhere.
  void progress(std::string_view text);
  /// Ends the redrawn line: "✓ built  …".
  void done(std::string_view what, std::string_view detail);
  void error(const Error& error);
  /// Goes with every later error, in its `data`: what a script needs to find out what happened, like a txid.
  void remember(const std::string& key, std::string value) { data_[key] = std::move(value); }

  [[nodiscard]] bool stderr_is_terminal() const;
  [[nodiscard]] bool colored() const;

 private:
  void clear_progress();
  const Globals& globals_;
  std::string last_progress_;
  Json data_ = Json::object();
  bool drawn_ = false;
};

/// {code, name, message, hint, data}
Json error_document(const Error& error, Json data = Json::object());

}  // namespace micro
