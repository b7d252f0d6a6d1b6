#include "services/build/detect/manifest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace micro {
namespace {

using ::testing::HasSubstr;

Error refused(std::string_view text) {
  auto manifest = parse_manifest(text);
  EXPECT_FALSE(manifest.has_value()) << text;
  return manifest ? Error{} : manifest.error();
}

TEST(Manifest, ReadsEveryKey) {
  const auto m =
      parse_manifest(R"({"name":"word-stats","description":"Counts","language":"c++","sources":["./a.cc","b/c.cc"],
    "memory_mib":16,"stack_kib":128,"price":"0.0025","endpoints":[{"method":"POST","path":"/count","description":"d",
    "request":{"type":"string","b":1,"a":2},"response":{"type":"object"}}]})");
  ASSERT_TRUE(m.has_value()) << m.error().message;
  EXPECT_EQ(m->name, "word-stats");
  EXPECT_EQ(m->language, Language::kCpp);
  EXPECT_EQ(m->sources, (std::vector<std::string>{"a.cc", "b/c.cc"}));
  EXPECT_EQ(m->memory_mib, 16u);
  EXPECT_EQ(m->stack_kib, 128u);
  EXPECT_EQ(m->price, Amount(2'500));
  ASSERT_EQ(m->endpoints.size(), 1u);
  EXPECT_EQ(m->endpoints[0].request, R"({"a":2,"b":1,"type":"string"})");
}

TEST(Manifest, EmptyObjectSaysNothing) {
  const auto m = parse_manifest("{}");
  ASSERT_TRUE(m.has_value());
  EXPECT_EQ(*m, Manifest{});
}

TEST(Manifest, UnknownAndDuplicateKeysAreRefusedByName) {
  EXPECT_THAT(refused(R"({"nmae":"x"})").message, HasSubstr("\"nmae\""));
  EXPECT_THAT(refused(R"({"name":"x","name":"y"})").message, HasSubstr("\"name\" appears twice"));
  EXPECT_THAT(refused(R"({"endpoints":[{"method":"GET","path":"/","request":{"a":1,"a":2}}]})").message,
              HasSubstr("twice"));
  EXPECT_THAT(refused(R"({"endpoints":[{"method":"GET","path":"/","x":1}]})").message, HasSubstr("\"x\""));
}

TEST(Manifest, EqualKeysInDifferentObjectsAreFine) {
  EXPECT_TRUE(
      parse_manifest(R"({"endpoints":[{"method":"GET","path":"/a"},{"method":"GET","path":"/b"}]})").has_value());
}

TEST(Manifest, WrongTypesAndRangesAreRefused) {
  for (const auto* text : {R"([])",
                           R"({)",
                           R"("x")",
                           R"({"name":1})",
                           R"({"name":"Has Space"})",
                           R"({"name":"-x"})",
                           R"({"name":"x-"})",
                           R"({"language":"rust"})",
                           R"({"memory_mib":0})",
                           R"({"memory_mib":-1})",
                           R"({"memory_mib":1.5})",
                           R"({"memory_mib":257})",
                           R"({"memory_mib":18446744073709551616})",
                           R"({"stack_kib":3})",
                           R"({"stack_kib":65537})",
                           R"({"stack_kib":"64"})",
                           R"({"price":1})",
                           R"({"price":"-1"})",
                           R"({"price":"1e3"})",
                           R"({"sources":[]})",
                           R"({"sources":["../x.c"]})",
                           R"({"sources":["/x.c"]})",
                           R"({"sources":["a.c","./a.c"]})",
                           R"({"sources":"a.c"})",
                           R"({"endpoints":{}})",
                           R"({"endpoints":[{"path":"/"}]})",
                           R"({"endpoints":[{"method":"GET","path":"x"}]})",
                           R"({"description":"a\u0007b"})",
                           R"({} {})"}) {
    EXPECT_THAT(refused(text).message, HasSubstr("micro.json: ")) << text;
  }
}

TEST(Manifest, SizeAndDepthAreLimited) {
  EXPECT_EQ(refused(std::string(kMaxManifestBytes + 1, ' ')).fault, Fault::kLimit);
  std::string deep = R"({"endpoints":[{"method":"GET","path":"/","request":)";
  for (int i = 0; i < 40; ++i) deep += R"({"a":)";
  deep += "1" + std::string(40, '}') + "}]}";
  EXPECT_EQ(refused(deep).fault, Fault::kLimit);
}

}  // namespace
}  // namespace micro
