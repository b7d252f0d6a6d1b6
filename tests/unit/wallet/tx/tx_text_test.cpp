#include "wallet/tx/tx_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

namespace micro {
namespace {

template <std::size_t I = 0, class F>
void for_each_kind(F&& f) {
  if constexpr (I < kTxKinds) {
    f(Payload(std::in_place_index<I>));
    for_each_kind<I + 1>(std::forward<F>(f));
  }
}

TEST(TxText, SaysEverythingAboutATransfer) {
  TxBody body;
  Transfer transfer;
  transfer.to.data.fill(9);
  transfer.amount = Amount(12'500'000);
  transfer.memo.assign("for tea");
  body.payload = transfer;
  body.nonce = Nonce(4);
  body.max_fee = Amount(350);
  body.valid_until = Height(1'050);
  const std::string text = render_rows(describe_tx(NetworkKind::kDev, body));
  for (const auto& part :
       {std::string("Transfer"), address_text(NetworkKind::kDev, transfer.to), std::string("12.500000"),
        std::string("for tea"), std::string("0.000350"), std::string("1050")}) {
    EXPECT_THAT(text, testing::HasSubstr(part));
  }
}

TEST(TxText, NamesEveryKind) {
  std::size_t kinds = 0;
  for_each_kind([&](const Payload& payload) {
    TxBody body;
    body.payload = payload;
    const auto rows = describe_tx(NetworkKind::kMain, body);
    ASSERT_GE(rows.size(), 6U);
    EXPECT_EQ(rows[0].value, tx_kind_name(payload.index()));
    ++kinds;
  });
  EXPECT_EQ(kinds, kTxKinds);
}

TEST(TxText, TextOfOthersCannotMoveTheCursorOrReorderTheLine) {
  EXPECT_EQ(printable("plain caf\xc3\xa9 \xf0\x9f\x99\x82"), "plain caf\xc3\xa9 \xf0\x9f\x99\x82");
  EXPECT_EQ(printable("a\x1b[2Jb\n"), "a\\u{001b}[2Jb\\u{000a}");
  EXPECT_EQ(printable("x\xe2\x80\xaey"), "x\\u{202e}y");
  EXPECT_EQ(printable("\xc2\x9b"), "\\u{009b}");
  EXPECT_EQ(printable("\xff"), "0xff");
}

}  // namespace
}  // namespace micro
