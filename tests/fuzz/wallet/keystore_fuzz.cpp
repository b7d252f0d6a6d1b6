// A keystore file: only what would be written is accepted, and no accepted file but the seed's own opens.
#include "tests/fuzz/fuzz.hpp"
#include "wallet/keystore/keystore_file.hpp"

namespace micro::test {
namespace {

const std::string& seed_text() {
  static const std::string text = [] {
    SeededRandom random(5);
    WalletHeader header;
    header.name = "alice";
    header.salt = random.draw<KdfSalt>();
    header.nonce = random.draw<AeadNonce>();
    header.accounts.push_back({"main", DerivationPath::account(0), SecretKey::generate(random).public_key()});
    const auto mnemonic = Mnemonic::generate(MnemonicWords::k24, random);
    return format_keystore(seal_wallet(header, WalletSecret::make(mnemonic, "25th").value(), Hash{}));
  }();
  return text;
}

}  // namespace

bool fuzz(ByteView input) {
  const auto file = parse_keystore(as_text(input));
  if (!file) return false;
  CHECK(format_keystore(*file) == as_text(input), "a file has one spelling");
  CHECK(open_wallet(*file, Hash{}).has_value() == (as_text(input) == seed_text()), "only the sealed file opens");
  return true;
}

std::vector<Bytes> fuzz_seeds() {
  return {to_bytes(seed_text())};
}

}  // namespace micro::test
