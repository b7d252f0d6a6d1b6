#include "genesis/json/strict_json.hpp"

#include <gtest/gtest.h>

#include "genesis/json/base64.hpp"

namespace micro {
namespace {

void expect_refused(std::string_view text, std::string_view part, Fault fault = Fault::kInvalid) {
  const auto read = parse_json(text);
  ASSERT_FALSE(read.has_value()) << text;
  EXPECT_EQ(read.error().fault, fault) << text;
  EXPECT_NE(read.error().message.find(part), std::string::npos) << read.error().message;
}

TEST(StrictJson, ReadsIntegersExactly) {
  const auto json = parse_json(R"([0, -1, 18446744073709551615, -9223372036854775808])");
  ASSERT_TRUE(json.has_value());
  EXPECT_EQ((*json)[2].get<std::uint64_t>(), 18446744073709551615ULL);
  EXPECT_EQ((*json)[3].get<std::int64_t>(), std::numeric_limits<std::int64_t>::min());
}

TEST(StrictJson, KeepsTheOrderOfKeys) {
  EXPECT_EQ(parse_json(R"({"b":1,"a":{"d":[],"c":null}})")->dump(), R"({"b":1,"a":{"d":[],"c":null}})");
}

TEST(WriteJson, ShowsBytesThatAreNoTextInsteadOfThrowing) {
  EXPECT_EQ(json_text(Json{{"a", "x\xffy"}, {"b", {1, nullptr}}}), "{\"a\":\"x\uFFFDy\",\"b\":[1,null]}");
  EXPECT_EQ(json_text(Json{{"\xc3", "\xed\xa0\x80"}}).find('\xc3'), std::string::npos);
}

TEST(StrictJson, RefusesWhatOtherReadersRound) {
  expect_refused("18446744073709551616", "not an integer");
  expect_refused("1.0", "not an integer");
  expect_refused("1e3", "not an integer");
  expect_refused("-9223372036854775809", "not an integer");
}

TEST(StrictJson, RefusesEqualKeys) {
  expect_refused(R"({"a":1,"a":1})", "\"a\" stands twice");
  expect_refused(R"({"x":{"a":1,"b":2,"\u0061":3}})", "\"a\" stands twice");
  EXPECT_TRUE(parse_json(R"([{"a":1},{"a":1}])").has_value());
}

TEST(StrictJson, RefusesBrokenText) {
  expect_refused("", "line 1, column 1");
  expect_refused("{\n  \"a\": 1,\n}", "line 3, column 1");
  expect_refused("{} {}", "not JSON");
  expect_refused("\xEF\xBB\xBF{}", "byte order mark");
  expect_refused("\"\xff\"", "not JSON");
  expect_refused("[1,]", "not JSON");
  expect_refused("// x\n1", "not JSON");
  expect_refused("01", "not JSON");
  expect_refused("NaN", "not JSON");
}

TEST(StrictJson, BoundsDepthAndKeys) {
  const std::string deep(kMaxJsonDepth, '[');
  const std::string close(kMaxJsonDepth, ']');
  EXPECT_TRUE(parse_json(deep + close).has_value());
  expect_refused("[" + deep + close + "]", "deeper than 32", Fault::kLimit);
  std::string wide = "{";
  for (std::size_t i = 0; i <= kMaxJsonKeysPerObject; ++i) wide += "\"k" + std::to_string(i) + "\":1,";
  wide.back() = '}';
  expect_refused(wide, "more than 256 keys", Fault::kLimit);
}

TEST(Base64, HasOneTextForOneValue) {
  for (const std::string_view text : {"", "f", "fo", "foo", "foob"}) {
    EXPECT_EQ(as_text(*from_base64(to_base64(as_bytes(text)))), text);
  }
  EXPECT_EQ(to_base64(as_bytes("foob")), "Zm9vYg==");  // RFC 4648 §10
  for (const std::string_view text : {"Zm9vYg", "Zm9vYg=", "Zm9vYh==", "Zm9v Yg==", "Zm9vYg==\n", "Zm9-", "===="}) {
    EXPECT_FALSE(from_base64(text).has_value()) << text;
  }
}

TEST(JsonText, NeverThrows) {
  EXPECT_EQ(json_text(Json{{"a", "b"}}), R"({"a":"b"})");
  EXPECT_EQ(json_text(Json("\xff\xc3")), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
  EXPECT_TRUE(parse_json(json_text(Json("cut \xf0\x9f"))).has_value());
}

TEST(StrictJson, ErrorsQuotePrintableBytesOnly) {
  for (const char* text : {"{\"a\": \"\xff\xfe\"}", "\xf0\x9f\x98", "[1, \x01]"}) {
    const auto read = parse_json(text);
    ASSERT_FALSE(read.has_value());
    for (const char c : read.error().message) EXPECT_TRUE(c >= ' ' && c <= '~') << read.error().message;
  }
}

}  // namespace
}  // namespace micro
