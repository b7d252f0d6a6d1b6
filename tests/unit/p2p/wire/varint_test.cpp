#include "p2p/wire/varint.hpp"

#include <gtest/gtest.h>

namespace micro::p2p {
namespace {

TEST(Varint, ReadsTheExamplesOfTheSpecification) {
  for (const auto& [hex, value] :
       std::initializer_list<std::pair<const char*, std::uint64_t>>{{"00", 0},
                                                                    {"01", 1},
                                                                    {"7f", 127},
                                                                    {"8001", 128},
                                                                    {"ff01", 255},
                                                                    {"ac02", 300},
                                                                    {"808001", 16384},
                                                                    {"ffffffffffffffff7f", (1ULL << 63) - 1}}) {
    const Bytes bytes = from_hex(hex).value();
    const auto read = read_whole_varint(bytes);
    ASSERT_TRUE(read) << hex;
    EXPECT_EQ(read->value, value);
    EXPECT_EQ(read->bytes, bytes.size());
    Bytes written;
    append_varint(written, value);
    EXPECT_EQ(written, bytes);
  }
}

TEST(Varint, RefusesLongFormsAndTooManyBytes) {
  EXPECT_FALSE(read_varint(from_hex("8000").value()));
  EXPECT_FALSE(read_varint(from_hex("ff8000").value()));
  EXPECT_FALSE(read_varint(from_hex("ffffffffffffffffff01").value()));
  EXPECT_FALSE(read_varint(from_hex("ffffffffffffffffff").value()));
}

TEST(Varint, WaitsForMissingBytes) {
  const auto empty = read_varint({});
  ASSERT_TRUE(empty);
  EXPECT_FALSE(empty->has_value());
  const auto half = read_varint(from_hex("ff").value());
  ASSERT_TRUE(half);
  EXPECT_FALSE(half->has_value());
  EXPECT_FALSE(read_whole_varint(from_hex("ff").value()));
}

}  // namespace
}  // namespace micro::p2p
