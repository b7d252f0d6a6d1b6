#include "chain/codec/bech32m.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace micro::test {

bool fuzz(ByteView input) {
  const auto text = as_text(input);
  const auto data = bech32m_decode("dmnet", text);
  if (!data) return bech32m_split(text).has_value();
  const std::string again = bech32m_encode("dmnet", *data);
  CHECK(std::ranges::equal(again, text, [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b); }),
        "an address has one text, up to case");
  return true;
}

std::vector<Bytes> fuzz_seeds() {
  std::vector<Bytes> seeds;
  for (std::size_t size : {0U, 1U, 20U, 33U, 40U})
    seeds.push_back(to_bytes(bech32m_encode("dmnet", Bytes(size, 0x5a))));
  seeds.push_back(to_bytes(bech32m_encode("mnet", Bytes(33, 1))));
  return seeds;
}

}  // namespace micro::test
