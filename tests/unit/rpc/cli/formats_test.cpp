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
}

TEST(Capacity, ReadsWhatPeopleWrite) {
  EXPECT_EQ(parse_capacity("cpu=2,mem=4G,disk=20G"), (Capacity{2'000, 4'096, 20'480}));
  EXPECT_EQ(parse_capacity("mem=512M,cpu=0.5"), (Capacity{500, 512, 0}));
  EXPECT_EQ(parse_capacity("cpu=250m,mem=1GiB"), (Capacity{250, 1'024, 0}));
  EXPECT_EQ(parse_mib("64"), 64u);
  for (const char* bad : {"", "cpu=2", "mem=1G", "cpu=2,mem=4T", "cpu=-1,mem=1G", "cpu=2,mem=", "cpu=1.2345,mem=1",
                          "x=1,cpu=1,mem=1", "cpu=9999,mem=1", "cpu=1,mem=99999999999", "cpu=1,mem=4294967295G"}) {
    EXPECT_FALSE(parse_capacity(bad).has_value()) << bad;
  }
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
