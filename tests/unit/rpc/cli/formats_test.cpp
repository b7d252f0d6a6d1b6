#include <gtest/gtest.h>

#include "rpc/cli/capacity.hpp"
#include "rpc/cli/output.hpp"
#include "rpc/cli/service_names.hpp"

namespace micro {
namespace {

TEST(Table, AlignsColumnsAndShowsNothingWithoutRows) {
  Table table{{"ID", "ADDRESS", "STAKE"}, {}};
  EXPECT_EQ(format_table(table, false), "");
  table.rows = {{"n-1", "127.0.0.1:8085", "1"}, {"n-22", "é", ""}};
  EXPECT_EQ(format_table(table, false),
            "ID    ADDRESS         STAKE\n"
            "n-1   127.0.0.1:8085  1\n"
            "n-22  é               n/a\n");
  EXPECT_EQ(format_table(table, true), "n-1\t127.0.0.1:8085\t1\nn-22\té\tn/a\n");
}

TEST(Table, WhatOthersWroteDoesNotDriveTheTerminal) {
  const std::string text = format_table({{"NAME"}, {{"a\x1b[2Jb\n"}}}, false);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(std::ranges::count(text, '\n'), 2);
}

TEST(Duration, HasTwoUnitsAtMost) {
  EXPECT_EQ(format_duration(0), "0 s");
  EXPECT_EQ(format_duration(59'999), "59 s");
  EXPECT_EQ(format_duration(61'000), "1 min 1 s");
  EXPECT_EQ(format_duration(3'600'000), "1 h");
  EXPECT_EQ(format_duration(2'591'999'000), "29 d 23 h");
}

TEST(IndentJson, KeepsNumbersAndStringsAsTheyAre) {
  EXPECT_EQ(*indent_json(R"({"a":1.10,"b":[1e40,{}],"c":"x \" { , é","d":[ ]})"),
            "{\n\t\"a\": 1.10,\n\t\"b\": [\n\t\t1e40,\n\t\t{}\n\t],\n\t\"c\": \"x \\\" { , é\",\n\t\"d\": []\n}");
  EXPECT_EQ(*indent_json(" 5 "), "5");
  EXPECT_FALSE(indent_json("{\"a\":").has_value());
  EXPECT_FALSE(indent_json("").has_value());
}

TEST(ErrorDocument, NamesTheExitCode) {
  const Json json = error_document({Fault::kUnknownOutcome, "message", "hint"});
  EXPECT_EQ(json.dump(), R"({"code":8,"name":"unknown_outcome","message":"message","hint":"hint","data":{}})");
  EXPECT_EQ(error_document({Fault::kFunds, "m"}, Json{{"txid", "ab"}})["data"]["txid"], "ab");
}

TEST(Capacity, ReadsWhatPeopleWrite) {
  EXPECT_EQ(parse_cpu_milli("2"), 2'000u);
  EXPECT_EQ(parse_cpu_milli("0.5"), 500u);
  EXPECT_EQ(parse_cpu_milli("250m"), 250u);
  EXPECT_EQ(parse_mib("64"), 64u);
  EXPECT_EQ(parse_mib("512M"), 512u);
  EXPECT_EQ(parse_mib("4G"), 4'096u);
  EXPECT_EQ(parse_mib("1GiB"), 1'024u);
  for (const char* bad : {"", "-1", "x", "1.2345", "9999", "1,5"}) EXPECT_FALSE(parse_cpu_milli(bad)) << bad;
  for (const char* bad : {"", "4T", "-1G", "G", "99999999999", "4294967295G"}) EXPECT_FALSE(parse_mib(bad)) << bad;
  EXPECT_EQ(capacity_text({2'500, 4'096, 100}), "2.5cpu/4GiB/100MiB disk");
}

TEST(ServiceNames, SplitsAndEncodes) {
  EXPECT_EQ(service_ref("hello@abc").name, "hello");
  EXPECT_EQ(service_ref("hello@abc").ref, "abc");
  EXPECT_EQ(service_ref("hello").ref, "");
  EXPECT_EQ(url_component("a b/é&"), "a%20b%2F%C3%A9%26");
}

}  // namespace
}  // namespace micro
