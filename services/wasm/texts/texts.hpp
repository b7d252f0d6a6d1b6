// Arguments or environment of a program, in one piece of memory from the request to the guest.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include "chain/base/bytes.hpp"

namespace micro::wasm {

/// Texts in a row, each ended by a NUL. A text ends at its first NUL, as C reads it, so nothing that is added becomes
/// two. Any bytes otherwise: a decoded path need not be UTF-8.
class Texts {
 public:
  using Variable = std::pair<std::string_view, std::string_view>;

  static Texts of(std::initializer_list<std::string_view> texts) {
    Texts out;
    for (const std::string_view text : texts) out.add(text);
    return out;
  }
  static Texts of_variables(std::initializer_list<Variable> variables) {
    Texts out;
    for (const auto& [name, value] : variables) out.add_variable(name, value);
    return out;
  }
  /// What take() gave. kInvalid when the last text has no end.
  static Result<Texts> parse(Bytes bytes) {
    if (!bytes.empty() && bytes.back() != 0) return fail(Fault::kInvalid, "a text has no end");
    Texts out;
    out.size_ = static_cast<std::size_t>(std::ranges::count(bytes, std::uint8_t{0}));
    out.bytes_ = std::move(bytes);
    return out;
  }
  Bytes take() && { return std::move(bytes_); }

  void add(std::string_view text) {
    append(text);
    end();
  }
  /// "name=value".
  void add_variable(std::string_view name, std::string_view value) {
    append(name);
    bytes_.push_back('=');
    append(value);
    end();
  }
  void reserve(std::size_t bytes) { bytes_.reserve(bytes); }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] const Bytes& bytes() const { return bytes_; }
  [[nodiscard]] std::vector<std::string_view> list() const {
    std::vector<std::string_view> out;
    for (std::string_view rest = as_text(bytes_); !rest.empty();) {
      out.push_back(rest.substr(0, rest.find('\0')));
      rest.remove_prefix(out.back().size() + 1);
    }
    return out;
  }
  bool operator==(const Texts&) const = default;

 private:
  void append(std::string_view text) {
    const ByteView raw = as_bytes(text.substr(0, text.find('\0')));
    bytes_.insert(bytes_.end(), raw.begin(), raw.end());
  }
  void end() {
    bytes_.push_back(0);
    ++size_;
  }
  Bytes bytes_;
  std::size_t size_ = 0;
};

}  // namespace micro::wasm
