#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "services/build/detect/detect.hpp"
#include "services/build/source/source.hpp"
#include "services/build/strip/strip.hpp"

namespace micro {
namespace {

std::string word() {
  return *rc::gen::nonEmpty(rc::gen::resize(8, rc::gen::container<std::string>(rc::gen::inRange('a', '{'))));
}

RC_GTEST_PROP(Source, WhatIsPrintedReadsBack, ()) {
  std::string text = "https://" + word() + "." + word() + "/" + word() + "/" + word();
  const auto folders = *rc::gen::inRange(0, 5);
  for (int i = 0; i < folders; ++i) text += "/" + word();
  if (*rc::gen::arbitrary<bool>()) text += "@" + word();
  const auto source = parse_source(text, {});
  if (!source) return;  // "local", a name that ends in .lock and the like
  RC_ASSERT(source->text() == text);
  RC_ASSERT(parse_source(source->text(), {}).value() == *source);
  RC_ASSERT(make_source(source->repo, source->subdir, source->ref, {}).value() == *source);
}

RC_GTEST_PROP(Source, NothingButPublicHttpsPassesOnANetwork, (const std::string& text)) {
  const auto source = parse_source(text, {});
  if (source) RC_ASSERT(source->kind == SourceKind::kHttps && source->repo.starts_with("https://"));
}

RC_GTEST_PROP(Strip, IsIdempotentAndKeepsEveryOtherSection, ()) {
  Bytes module = {0, 'a', 's', 'm', 1, 0, 0, 0}, wanted = module;
  const auto sections = *rc::gen::inRange(0, 12);
  for (int i = 0; i < sections; ++i) {
    const auto id = *rc::gen::inRange<std::uint8_t>(0, 13);
    const auto content = *rc::gen::arbitrary<std::vector<std::uint8_t>>();
    Bytes section = {id};
    for (std::size_t n = content.size();; n >>= 7) {
      const bool more = n >= 0x80;
      section.push_back(static_cast<std::uint8_t>((n & 0x7f) | (more ? 0x80 : 0)));
      if (!more) break;
    }
    section.insert(section.end(), content.begin(), content.end());
    module.insert(module.end(), section.begin(), section.end());
    if (id != 0) wanted.insert(wanted.end(), section.begin(), section.end());
  }
  const Bytes stripped = strip_custom_sections(module).value();
  RC_ASSERT(stripped == wanted);
  RC_ASSERT(strip_custom_sections(stripped).value() == stripped);
}

RC_GTEST_PROP(Detect, TheOrderOfTheListingDoesNotMatter, ()) {
  auto files = *rc::gen::unique<std::vector<std::string>>(
      rc::gen::element<std::string>("main.c", "main.cc", "a.c", "b.cpp", "go.mod", "main.go", "Cargo.toml", "Makefile",
                                    "sub/main.c", "cmd/x/main.go", "README.md"));
  const auto first = detect({files, std::nullopt});
  std::ranges::reverse(files);
  const auto second = detect({files, std::nullopt});
  RC_ASSERT(first.has_value() == second.has_value());
  if (first) {
    RC_ASSERT(first->plan == second->plan);
    RC_ASSERT(decode<BuildPlan>(encode(first->plan)).value() == first->plan);
  } else {
    RC_ASSERT(first.error() == second.error());
  }
}

}  // namespace
}  // namespace micro
