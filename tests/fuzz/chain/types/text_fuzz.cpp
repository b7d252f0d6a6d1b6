// Text that people type: amounts and addresses. What is accepted prints and reads back as the same value.
#include "chain/types/address.hpp"
#include "chain/types/amount.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace micro::test {
namespace {

bool fuzz_amount(std::string_view text) {
  const auto amount = parse_amount(text);
  if (!amount) return false;
  CHECK(parse_amount(amount_text(*amount)) == amount, "an amount reads back");
  return true;
}

bool fuzz_address(std::string_view text) {
  const auto address = parse_address(NetworkKind::kDev, text);
  if (!address) return false;
  CHECK(parse_address(NetworkKind::kDev, address_text(NetworkKind::kDev, *address)) == address,
        "an address reads back");
  return true;
}

}  // namespace

bool fuzz(ByteView input) {
  const auto text = as_text(input);
  const bool is_amount = fuzz_amount(text);
  return fuzz_address(text) || is_amount;
}

std::vector<Bytes> fuzz_seeds() {
  Address address;
  address.data.fill(0x77);
  return {to_bytes("0"), to_bytes("12.5"), to_bytes("0.000001"), to_bytes("4611686018427.387904"),
          to_bytes(address_text(NetworkKind::kDev, address))};
}

}  // namespace micro::test
