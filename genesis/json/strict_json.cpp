#include "genesis/json/strict_json.hpp"

#include <algorithm>

namespace micro {

namespace {

/// Line and column, both from 1, of a byte offset.
std::string place_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = static_cast<std::size_t>(std::ranges::count(before, '\n')) + 1;
  const std::size_t newline = before.rfind('\n');
  const std::size_t column = newline == std::string_view::npos ? before.size() : before.size() - newline - 1;
  return "line " + std::to_string(line) + ", column " + std::to_string(std::max<std::size_t>(column, 1));
}

/// Builds the document; the first breach of a rule stops the parser.
class StrictSax {
 public:
  using number_integer_t = Json::number_integer_t;
  using number_unsigned_t = Json::number_unsigned_t;
  using number_float_t = Json::number_float_t;
  using string_t = Json::string_t;
  using binary_t = Json::binary_t;

  explicit StrictSax(std::string_view text) : text_(text) {}

  bool null() { return add(nullptr); }
  bool boolean(bool v) { return add(v); }
  bool number_integer(number_integer_t v) { return add(v); }
  bool number_unsigned(number_unsigned_t v) { return add(v); }
  bool number_float(number_float_t, const string_t& token) {
    return refuse(Fault::kInvalid, "the number " + token.substr(0, 40) + " is not an integer of 64 bits",
                  "write amounts and large numbers as text: \"12.5\"");
  }
  bool string(string_t& v) { return add(std::move(v)); }
  bool binary(binary_t&) { return refuse(Fault::kInvalid, "binary data"); }

  bool start_object(std::size_t) { return open(Json::object()); }
  bool end_object() { return close(); }
  bool start_array(std::size_t) { return open(Json::array()); }
  bool end_array() { return close(); }

  bool key(string_t& name) {
    Json& object = *stack_.back();
    if (object.contains(name)) return refuse(Fault::kInvalid, "the key \"" + name.substr(0, 80) + "\" stands twice");
    if (object.size() >= kMaxJsonKeysPerObject) {
      return refuse(Fault::kLimit, "more than " + std::to_string(kMaxJsonKeysPerObject) + " keys in one object");
    }
    slot_ = &object[std::move(name)];
    return true;
  }

  bool parse_error(std::size_t position, const std::string& token, const nlohmann::detail::exception&) {
    std::string near = token.substr(token.size() > 20 ? token.size() - 20 : 0);
    std::ranges::replace_if(near, [](char c) { return c < ' ' || c > '~'; }, '?');  // it may be cut within a letter
    error_ =
        Error{Fault::kInvalid, "not JSON at " + place_of(text_, position) + (near.empty() ? "" : ", near " + near), {}};
    return false;
  }

  Result<Json> take() {
    if (error_) return std::unexpected(std::move(*error_));
    return std::move(root_);
  }

 private:
  bool refuse(Fault fault, std::string message, std::string hint = {}) {
    error_ = Error{fault, std::move(message), std::move(hint)};
    return false;
  }
  /// Where the next value goes: the document, the end of an array, or the key just read.
  Json* place(Json value) {
    if (stack_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Json& top = *stack_.back();
    if (top.is_array()) {
      top.push_back(std::move(value));
      return &top.back();
    }
    *slot_ = std::move(value);
    return slot_;
  }
  bool add(Json value) {
    place(std::move(value));
    return true;
  }
  bool open(Json value) {
    if (stack_.size() >= kMaxJsonDepth) {
      return refuse(Fault::kLimit, "deeper than " + std::to_string(kMaxJsonDepth) + " levels");
    }
    stack_.push_back(place(std::move(value)));
    return true;
  }
  bool close() {
    stack_.pop_back();
    return true;
  }

  std::string_view text_;
  Json root_;
  // Pointers stay valid: a container grows only while it is the innermost open one.
  std::vector<Json*> stack_;
  Json* slot_ = nullptr;
  std::optional<Error> error_;
};

}  // namespace

std::string json_text(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

Result<Json> parse_json(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) return fail(Fault::kInvalid, "not JSON: begins with a byte order mark");
  StrictSax sax(text);
  Json::sax_parse(text, &sax);
  return sax.take();
}

}  // namespace micro
