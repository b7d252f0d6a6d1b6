// JSON from anywhere: what is accepted has no second reading.
#include "genesis/json/strict_json.hpp"

#include "genesis/json/base64.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace micro::test {
namespace {

void check_value(const Json& json, std::size_t depth) {
  CHECK(depth <= kMaxJsonDepth, "no deeper than allowed");
  CHECK(!json.is_number_float(), "no floats");
  if (json.is_object()) CHECK(json.size() <= kMaxJsonKeysPerObject, "no more keys than allowed");
  if (json.is_structured()) {
    for (const auto& item : json) check_value(item, depth + 1);
  }
}

}  // namespace

bool fuzz(ByteView input) {
  const auto bytes = from_base64(as_text(input));
  if (bytes) CHECK(to_base64(*bytes) == as_text(input), "one text for one value");
  const auto json = parse_json(as_text(input));
  if (!json) return bytes.has_value();
  check_value(*json, 0);
  CHECK(parse_json(json->dump()) == json, "what is written reads back");
  return true;
}

std::vector<Bytes> fuzz_seeds() {
  std::vector<Bytes> seeds;
  for (const char* text :
       {"{}", "[]", "null", "true", R"({"a": [1, -2, {"b": "c\u00e9\n"}], "d": 18446744073709551615})",
        "[[[[[[[[]]]]]]]]", "-9223372036854775808", "AAEC/+8=", "\"\\ud83d\\ude00\""}) {
    seeds.push_back(to_bytes(std::string_view(text)));
  }
  return seeds;
}

}  // namespace micro::test
