// Frozen bytes of what nodes say while one catches up: golden.csv holds for each type the BLAKE2b-256 of the encodings
// of 64 fixed values; and one message of each kind spelled out.
#include "tests/gen/golden.hpp"

#include "tests/gen/p2p/sync_types.hpp"

namespace micro::p2p::sync {
namespace {

std::string zeros(std::size_t bytes) {
  return std::string(2 * bytes, '0');
}
std::string filled(std::size_t bytes, std::string_view digits) {
  std::string out;
  for (std::size_t n = 0; n < bytes; ++n) out += digits;
  return out;
}
Id id(std::uint8_t byte) {
  Id out;
  out.data.fill(byte);
  return out;
}

TEST(SyncGolden, EveryTypeEncodesToItsFrozenBytes) {
  std::map<std::string, std::string> now;
#define X(type) now[#type] = micro::test::golden<type>();
  MICRO_SYNC_TYPES(X)
#undef X
  micro::test::expect_golden(now);
}

// By hand, so that the codec, the generator and the table cannot all be wrong together.
TEST(SyncGolden, EachRequestIsSpelledOut) {
  const auto request = [](Ask ask) {
    return to_hex(encode(Request{.ask = std::move(ask), .want_bytes = 0x4000, .offset = 0x0102}));
  };
  const std::string tail = "0040000002010000";
  EXPECT_EQ(request(StatusAsk{}), "0100" + tail);
  EXPECT_EQ(request(HeadersAsk{.anchor = id(0xaa), .first = 5, .count = 7}),
            "0101" + filled(32, "aa") + "0500000000000000" + "07000000" + tail);
  EXPECT_EQ(request(HeadersByIdAsk{.ids = {id(1), id(2)}}),
            "0102"
            "02000000" +
                filled(32, "01") + filled(32, "02") + tail);
  EXPECT_EQ(request(BlocksAsk{.first = 258, .count = 1}),
            "0103"
            "0201000000000000"
            "01000000" +
                tail);
  EXPECT_EQ(request(BlocksByIdAsk{.ids = {id(3)}}),
            "0104"
            "01000000" +
                filled(32, "03") + tail);
  Key last;
  last.data.fill(0xff);
  EXPECT_EQ(request(StateAsk{.root = id(4), .first = {}, .last = last}),
            "0105" + filled(32, "04") + zeros(32) + filled(32, "ff") + tail);
}

TEST(SyncGolden, EachAnswerIsSpelledOut) {
  EXPECT_EQ(to_hex(encode(Answer{.body = Part{.total = 9, .bytes = Blob<kMaxWantBytes>(Bytes{1, 2})}})),
            "0100"
            "09000000"
            "02000000"
            "0102");
  EXPECT_EQ(to_hex(encode(Answer{.body = Refusal{.kind = RefusalKind::kBusy, .retry_ms = 200}})),
            "0101"
            "00"
            "c8000000");
  EXPECT_EQ(to_hex(encode(Answer{.body = Refusal{.kind = RefusalKind::kGone, .retry_ms = 0}})),
            "0101"
            "01"
            "00000000");
  EXPECT_EQ(to_hex(encode(StatusAnswer{.lowest = 1, .highest = 2, .head = id(5), .snapshots = {{2, id(5), id(6)}}})),
            "0100000000000000"
            "0200000000000000" +
                filled(32, "05") +
                "01000000"
                "0200000000000000" +
                filled(32, "05") + filled(32, "06"));
  EXPECT_EQ(to_hex(encode(
                HeadersAnswer{.headers = {HeaderBytes(Bytes{7})}, .proof = Blob<kMaxHeaderProofBytes>(Bytes{8, 9})})),
            "01000000"
            "01000000"
            "07"
            "02000000"
            "0809");
  EXPECT_EQ(to_hex(encode(HeadersByIdAnswer{.headers = {std::nullopt, HeaderBytes(Bytes{7})}})),
            "02000000"
            "00"
            "01"
            "01000000"
            "07");
  EXPECT_EQ(to_hex(encode(BlocksAnswer{.blocks = {BlockBytes(Bytes{7}), BlockBytes(Bytes{})}})),
            "02000000"
            "01000000"
            "07"
            "00000000");
  EXPECT_EQ(to_hex(encode(BlocksByIdAnswer{.blocks = {BlockBytes(Bytes{7}), std::nullopt}})),
            "02000000"
            "01"
            "01000000"
            "07"
            "00");
  EXPECT_EQ(to_hex(encode(StateAnswer{.covered = Key{id(9).data}, .range = Blob<kMaxStateBytes>(Bytes{1})})),
            filled(32, "09") +
                "01000000"
                "01");
}

TEST(SyncGolden, ProgressIsSpelledOut) {
  Progress progress;
  progress.anchor = id(1);
  progress.headers = {2, 3};
  progress.blocks = {4, 5};
  const std::string spans = "01" + filled(32, "01") +
                            "0200000000000000"
                            "0300000000000000"
                            "0400000000000000"
                            "0500000000000000";
  EXPECT_EQ(to_hex(encode(progress)), spans + "00");
  progress.state = StateProgress{.root = id(6), .missing = {KeyRange{Key{id(7).data}, Key{id(8).data}}}};
  EXPECT_EQ(to_hex(encode(progress)),
            spans + "01" + filled(32, "06") + "01000000" + filled(32, "07") + filled(32, "08"));
}

}  // namespace
}  // namespace micro::p2p::sync
