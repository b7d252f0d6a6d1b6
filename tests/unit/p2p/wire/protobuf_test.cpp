#include "p2p/wire/protobuf.hpp"

#include <gtest/gtest.h>

namespace micro::p2p {
namespace {

TEST(Protobuf, WritesWhatTheFormatSays) {
  ProtoWriter writer;
  writer.varint(1, 150);
  writer.text(2, "testing");
  EXPECT_EQ(to_hex(writer.view()), "0896011207" + to_hex(as_bytes("testing")));
}

TEST(Protobuf, ReadsEveryKindAndSkipsFixedOnes) {
  const Bytes message = from_hex(
                            "08ffffffffffffffffff01"
                            "1203616263"
                            "190102030405060708"
                            "2501020304")
                            .value();
  ProtoReader reader(message);
  const auto number = reader.next().value();
  EXPECT_EQ(number->value, UINT64_MAX);
  EXPECT_EQ(as_text(reader.next().value()->bytes), "abc");
  EXPECT_EQ(reader.next().value()->kind, ProtoField::Kind::kFixed);
  EXPECT_EQ(reader.next().value()->number, 4U);
  EXPECT_FALSE(reader.next().value().has_value());
}

TEST(Protobuf, RefusesWhatReachesBeyondTheMessage) {
  for (const char* hex : {"08", "0880", "1205616263", "0b", "00", "0900", "08ffffffffffffffffff02", "0f"}) {
    const Bytes message = from_hex(hex).value();
    EXPECT_FALSE(ProtoReader(message).next()) << hex;
  }
}

TEST(Protobuf, AFieldOfAnotherKindIsNoValue) {
  const Bytes message = from_hex("0801").value();
  const auto field = ProtoReader(message).next().value();
  EXPECT_FALSE(proto_bytes(*field));
  EXPECT_EQ(proto_number(*field).value(), 1U);
}

}  // namespace
}  // namespace micro::p2p
