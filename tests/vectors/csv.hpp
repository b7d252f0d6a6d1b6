// Reads the small tables of test vectors. The build passes each test the folder of its sources.
#pragma once

#include <fstream>
#include <string>
#include <vector>

namespace micro::test {

/// Rows of fields separated by commas; lines that begin with # are comments. Empty when the file cannot be read, which
/// tests must refuse.
inline std::vector<std::vector<std::string>> read_csv(const std::string& name) {
  std::ifstream file(std::string(MICRO_VECTORS) + "/" + name);
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    std::vector<std::string> fields(1);
    for (const char c : line) {
      if (c == ',') {
        fields.emplace_back();
      } else {
        fields.back().push_back(c);
      }
    }
    rows.push_back(std::move(fields));
  }
  return rows;
}

}  // namespace micro::test
