#include "services/wasm/texts/texts.hpp"

#include <gtest/gtest.h>

namespace micro::wasm {
namespace {

using List = std::vector<std::string_view>;

TEST(Texts, AreKeptInOrderEmptyOnesToo) {
  Texts texts = Texts::of({"prog", "", "-x"});
  texts.add_variable("A", "b=c");
  EXPECT_EQ(texts.list(), (List{"prog", "", "-x", "A=b=c"}));
  EXPECT_EQ(texts.size(), 4U);
  EXPECT_EQ(as_text(texts.bytes()), std::string_view("prog\0\0-x\0A=b=c\0", 15));
  EXPECT_TRUE(Texts().list().empty());
}

TEST(Texts, ATextCannotBecomeTwo) {
  Texts texts;
  texts.add(std::string_view("a\0b", 3));
  texts.add_variable("PATH_INFO", std::string_view("/\0REMOTE_USER=root", 18));
  EXPECT_EQ(texts.list(), (List{"a", "PATH_INFO=/"}));
  EXPECT_EQ(texts.size(), 2U);
}

TEST(Texts, WhatWasTakenIsParsedAgainAndATornEndIsRefused) {
  const Texts texts = Texts::of({"a", "", "\xff"});
  EXPECT_EQ(Texts::parse(Texts(texts).take()).value(), texts);
  EXPECT_EQ(Texts::parse({}).value(), Texts());
  EXPECT_FALSE(Texts::parse(to_bytes("a")));
  EXPECT_FALSE(Texts::parse(Bytes{'a', 0, 'b'}));
}

}  // namespace
}  // namespace micro::wasm
