#include "services/host/process/lines.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace micro {
namespace {

using ::testing::ElementsAre;

TEST(EscapeLine, PlainTextAndTabsStay) {
  EXPECT_EQ(escape_line("a\tb – ü 漢 🙂"), "a\tb – ü 漢 🙂");
}

TEST(EscapeLine, WhatCouldMoveATerminalIsSpelledOut) {
  EXPECT_EQ(escape_line("\x1b[2J"), "\\x1b[2J");
  EXPECT_EQ(escape_line("a\rb\b\x7f"), "a\\x0db\\x08\\x7f");
  EXPECT_EQ(escape_line(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(escape_line("\xc2\x9b"), "\\xc2\\x9b");           // C1: CSI in one character
  EXPECT_EQ(escape_line("\xe2\x80\xae"), "\\xe2\\x80\\xae");  // right-to-left override
  EXPECT_EQ(escape_line("\xff\xfe"), "\\xff\\xfe");
  EXPECT_EQ(escape_line("\xe2\x82"), "\\xe2\\x82");  // cut in the middle
}

TEST(LineSplitter, CutsAtNewlinesWhereverTheChunksEnd) {
  std::vector<std::string> lines;
  LineSplitter splitter([&](std::string_view line) { lines.emplace_back(line); });
  splitter.add("on");
  splitter.add("e\r\ntwo\n\nth");
  splitter.add("ree");
  splitter.finish();
  EXPECT_THAT(lines, ElementsAre("one", "two", "", "three"));
}

TEST(LineSplitter, AnEndlessLineIsCut) {
  std::vector<std::string> lines;
  LineSplitter splitter([&](std::string_view line) { lines.emplace_back(line); });
  splitter.add(std::string(kMaxLineBytes + 1, 'x') + "\n");
  EXPECT_THAT(lines, ElementsAre(std::string(kMaxLineBytes, 'x'), "x"));
}

}  // namespace
}  // namespace micro
