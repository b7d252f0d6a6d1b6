// What people type about keys: phrases and derivation paths. What is accepted prints and reads back as the same value.
#include <algorithm>

#include "tests/fuzz/fuzz.hpp"
#include "wallet/keys/hd_key.hpp"
#include "wallet/keys/mnemonic.hpp"

namespace micro::test {
namespace {

bool fuzz_path(std::string_view text) {
  const auto path = DerivationPath::parse(text);
  if (!path) return false;
  CHECK(path->text() == text, "a path has one text");
  return true;
}

bool fuzz_phrase(std::string_view text) {
  const auto mnemonic = Mnemonic::parse(text);
  if (!mnemonic) return false;
  const auto again = Mnemonic::parse(mnemonic->phrase().text());
  CHECK(again.has_value() && std::ranges::equal(again->entropy(), mnemonic->entropy()), "a phrase reads back");
  return true;
}

}  // namespace

bool fuzz(ByteView input) {
  const bool is_path = fuzz_path(as_text(input));
  return fuzz_phrase(as_text(input)) || is_path;
}

std::vector<Bytes> fuzz_seeds() {
  return {to_bytes("m"), to_bytes("m/44'/60'/0'/0/7"),
          to_bytes("test test test test test test test test test test test junk"),
          to_bytes(" LEGAL winner thank year wave\nsausage worth useful legal winner thank yellow")};
}

}  // namespace micro::test
