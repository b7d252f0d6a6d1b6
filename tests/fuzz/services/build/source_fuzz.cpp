// What a person or a ledger record says about where a source is.
#include "services/build/source/source.hpp"

#include "tests/fuzz/fuzz.hpp"

namespace micro::test {
namespace {

constexpr SourceRules kNetwork{};
constexpr SourceRules kDev{.allow_local = true, .allow_loopback_http = true};

void check_remote(const Source& source) {
  CHECK((source.repo + "/").find("/../") == std::string::npos && source.repo.find('@') == std::string::npos,
        "no tricks in a URL");
  CHECK(check_subdir(source.subdir).has_value(), "the subdirectory stays inside");
  if (!source.ref.empty()) CHECK(check_ref(source.ref).has_value(), "the ref is one of git's");
}

}  // namespace

bool fuzz(ByteView input) {
  const auto text = as_text(input);
  const auto open = parse_source(text, kNetwork);
  if (open) {
    CHECK(open->kind == SourceKind::kHttps && open->repo.starts_with("https://"), "a network takes public https only");
    check_remote(*open);
    // A folder that is really named tree reads like a browser's address; such a source is shown, not typed again.
    CHECK(open->subdir.starts_with("tree") || parse_source(open->text(), kNetwork) == open, "what is shown reads back");
  }
  const auto dev = parse_source(text, kDev);
  CHECK(!open || dev == open, "local rules add, they change nothing");
  if (dev && dev->kind != SourceKind::kLocal) check_remote(*dev);
  return dev.has_value();
}

std::vector<Bytes> fuzz_seeds() {
  std::vector<Bytes> seeds;
  for (const char* text :
       {"https://github.com/o/r", "github.com/o/r/sub/dir@main", "https://example.org/a/b/c.git/x@v1.2",
        "https://github.com/o/r/tree/main/sub", "http://127.0.0.1:8080/o/r", "file:///tmp/x@0123456789abcdef", "./here",
        "https://example.org/o/r@refs/tags/v1"}) {
    seeds.push_back(to_bytes(std::string_view(text)));
  }
  return seeds;
}

}  // namespace micro::test
