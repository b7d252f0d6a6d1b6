#include "rpc/daemon/log_book.hpp"

#include <gtest/gtest.h>

namespace micro {
namespace {

VersionId version_of(std::uint32_t n) {
  VersionId id;
  for (std::size_t i = 0; i < 4; ++i) id.data[i] = static_cast<std::uint8_t>(n >> (8 * i));
  return id;
}
void append(LogBook& book, std::uint32_t version, std::string_view text) {
  book.append(version_of(version), TimeMs(1), "call 1", text);
}
std::vector<LogLine> lines_of(const LogBook& book, std::uint32_t version, std::uint64_t after = 0) {
  return book.read(version_of(version), after, 100'000);
}

TEST(LogBook, KeepsLinesInOrderForFollowers) {
  LogBook book;
  append(book, 1, "one\ntwo\n");
  append(book, 2, "other");
  append(book, 1, "three");
  const auto all = lines_of(book, 1);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].text, "one");
  EXPECT_EQ(all[2].text, "three");
  const auto later = lines_of(book, 1, all[1].cursor);
  ASSERT_EQ(later.size(), 1U);
  EXPECT_EQ(later[0].text, "three");
  EXPECT_EQ(book.read(version_of(1), 0, 2).front().text, "two") << "the newest when there are more";
  EXPECT_TRUE(lines_of(book, 3).empty());
}

TEST(LogBook, WhatAServiceWritesCannotDriveATerminalOrBreakJson) {
  LogBook book;
  append(book, 1,
         "a\x1b[2J\tb\xff\xc2\x9b"
         "c\xe2\x80\xae");
  EXPECT_EQ(lines_of(book, 1)[0].text, "a\\x1b[2J\tb\\xff\\xc2\\x9bc\\xe2\\x80\\xae");
}

TEST(LogBook, AFloodPushesOutItsOwnLinesOnly) {
  LogBook book;
  append(book, 1, "kept");
  for (std::uint32_t i = 0; i < 3 * kMaxLogLinesPerVersion; ++i) append(book, 2, std::to_string(i));
  EXPECT_EQ(lines_of(book, 1)[0].text, "kept");
  EXPECT_LE(lines_of(book, 2).size(), kMaxLogLinesPerVersion);
  EXPECT_EQ(lines_of(book, 2).back().text, std::to_string(3 * kMaxLogLinesPerVersion - 1));
  append(book, 3, std::string(10 * kMaxLogBytesPerVersion, 'x'));
  append(book, 3, "end");
  for (int i = 0; i < 1'000; ++i)
    append(book, 3, std::string(kMaxLogLineBytes, '\x01'));  // escaped, four times as long
  std::size_t bytes = 0;
  for (const LogLine& line : lines_of(book, 3)) bytes += line.text.size();
  EXPECT_LE(bytes, kMaxLogBytesPerVersion);
  EXPECT_GT(bytes, kMaxLogBytesPerVersion / 2);
}

TEST(LogBook, AllBooksTogetherAreLimitedAndTheIdlestGoesFirst) {
  LogBook book;
  const std::string full(kMaxLogLineBytes, 'x');
  const auto fill = [&](std::uint32_t version) {
    for (std::size_t bytes = 0; bytes < kMaxLogBytesPerVersion; bytes += full.size()) append(book, version, full);
  };
  const std::uint32_t many = 2 * kMaxLogBookBytes / kMaxLogBytesPerVersion;
  for (std::uint32_t version = 1; version <= many; ++version) {
    fill(version);
    append(book, 1, "still here");
  }
  std::size_t bytes = 0;
  for (std::uint32_t version = 1; version <= many; ++version) {
    for (const LogLine& line : lines_of(book, version)) bytes += line.text.size();
  }
  EXPECT_LE(bytes, kMaxLogBookBytes);
  EXPECT_FALSE(lines_of(book, 1).empty());
  EXPECT_TRUE(lines_of(book, 2).empty());
  EXPECT_FALSE(lines_of(book, many).empty());
  for (std::uint32_t version = 1; version <= kMaxLogVersions + 10; ++version) append(book, 10'000 + version, "x");
  EXPECT_TRUE(lines_of(book, many).empty());
  EXPECT_FALSE(lines_of(book, 10'000 + kMaxLogVersions).empty());
}

}  // namespace
}  // namespace micro
