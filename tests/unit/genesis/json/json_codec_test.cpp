#include "genesis/json/json_codec.hpp"

#include <gtest/gtest.h>

#include "genesis/json/genesis_names.hpp"

namespace micro {
namespace {

struct Inner {
  Amount amount;
  std::optional<Epoch> epoch;
  bool operator==(const Inner&) const = default;
  MICRO_JSON(Inner, amount, epoch)
};
struct First {
  std::uint8_t small = 0;
  bool operator==(const First&) const = default;
  MICRO_JSON(First, small)
};
using Choice = std::variant<First, Inner>;
struct Outer {
  std::uint64_t wide = 0;
  bool flag = false;
  Hash hash;
  Blob<8> blob;
  std::string text;
  Address address;
  NetworkKind kind = NetworkKind::kMain;
  std::vector<Inner> list;
  Choice choice;
  bool operator==(const Outer&) const = default;
  MICRO_JSON(Outer, wide, flag, hash, blob, text, address, kind, list, choice)
};

}  // namespace

template <>
struct JsonVariant<Choice> {
  static std::string_view name(std::size_t index) { return index == 0 ? "First" : "Second"; }
};

namespace {

Outer sample() {
  Outer o;
  o.wide = 18446744073709551615ULL;
  o.flag = true;
  o.hash.data.fill(0xab);
  o.blob = Blob<8>(Bytes{1, 2, 3});
  o.text = "é\n";
  o.address.data.fill(7);
  o.kind = NetworkKind::kTest;
  o.list = {{Amount(12'500'000), Epoch(3)}, {Amount(1), std::nullopt}};
  o.choice = Inner{Amount(5), Epoch(1)};
  return o;
}

const JsonContext kContext{NetworkKind::kTest};

TEST(JsonCodec, WritesLargeNumbersAndAmountsAsText) {
  const Json json = to_json(kContext, sample());
  EXPECT_EQ(json["wide"].dump(), "\"18446744073709551615\"");
  EXPECT_EQ(json["list"].dump(), R"([{"amount":"12.500000","epoch":3},{"amount":"0.000001"}])");
  EXPECT_EQ(json["choice"].dump(), R"({"kind":"Second","amount":"0.000005","epoch":1})");
  EXPECT_TRUE(json["address"].get<std::string>().starts_with("tmnet1"));
}

TEST(JsonCodec, ReadsBackWhatItWrites) {
  const auto back = from_json<Outer>(kContext, *parse_json(to_json(kContext, sample()).dump()));
  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(*back, sample());
}

TEST(JsonCodec, NamesThePlaceOfAnError) {
  const Json good = to_json(kContext, sample());
  const auto refused = [&](auto change, const std::string& message) {
    Json bad = good;
    change(bad);
    const auto read = from_json<Outer>(kContext, bad);
    ASSERT_FALSE(read.has_value()) << bad.dump();
    EXPECT_TRUE(read.error().message.starts_with(message)) << read.error().message;
  };
  refused([](Json& j) { j["list"][1]["amount"] = 5; }, "list[1].amount: expected text");
  refused([](Json& j) { j["list"][1]["amount"] = "-5"; }, "list[1].amount: \"-5\" is not an amount");
  refused([](Json& j) { j["wide"] = 5; }, "wide: expected a number of 64 bits as text");
  refused([](Json& j) { j["wide"] = "05"; }, "wide: \"05\" is not");
  refused([](Json& j) { j["wide"] = "18446744073709551616"; }, "wide: ");
  refused([](Json& j) { j["hash"] = "ab"; }, "hash: expected 32 bytes");
  refused([](Json& j) { j["blob"] = "AAAAAAAAAAAA"; }, "blob: more than 8 bytes");
  refused([](Json& j) { j["kind"] = "staging"; }, "kind: \"staging\" is not one of main, test, dev");
  refused([](Json& j) { j["flag"] = 1; }, "flag: expected true or false");
  refused([](Json& j) { j["choice"]["kind"] = "Third"; }, "choice: unknown kind \"Third\"");
  refused([](Json& j) { j["choice"]["x"] = 1; }, "choice: unknown key \"x\"");
  refused([](Json& j) { j.erase("text"); }, "text: is missing");
  refused([](Json& j) { j["extra"] = 1; }, "unknown key \"extra\"");
  refused([](Json& j) { j["address"] = address_text(NetworkKind::kMain, {}); }, "address: ");
  refused([](Json& j) { j = Json::array(); }, "expected an object");
  refused([](Json& j) { j["choice"] = Json{{"kind", "First"}, {"small", 256}}; },
          "choice.small: expected a whole number");
}

}  // namespace
}  // namespace micro
