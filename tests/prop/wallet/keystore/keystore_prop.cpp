// A wallet's file gives back what was sealed, and nothing to a wrong password or after any change.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "wallet/keystore/keystore_file.hpp"

namespace micro {
namespace {

constexpr KdfCost kCheap{.passes = 1, .memory_kib = 8};

struct Sealed {
  Bytes entropy;
  std::string passphrase;
  std::string password;
  KeystoreFile file;
};

Sealed some_sealed() {
  Sealed out;
  const auto words = *rc::gen::element<std::size_t>(16, 20, 24, 28, 32);
  out.entropy = *rc::gen::container<Bytes>(words, rc::gen::arbitrary<std::uint8_t>());
  out.passphrase = *rc::gen::container<std::string>(rc::gen::inRange<char>(0x20, 0x7f));
  RC_PRE(out.passphrase.size() <= kMaxPassphraseBytes);
  out.password = *rc::gen::nonEmpty<std::string>();
  SeededRandom random(*rc::gen::arbitrary<std::uint64_t>());
  WalletHeader header;
  header.name = "w" + std::to_string(*rc::gen::inRange(0, 1000));
  header.cost = kCheap;
  header.salt = random.draw<KdfSalt>();
  header.nonce = random.draw<AeadNonce>();
  const auto accounts = *rc::gen::inRange<std::uint32_t>(1, 5);
  for (std::uint32_t i = 0; i < accounts; ++i) {
    header.accounts.push_back(
        {"a" + std::to_string(i), DerivationPath::account(i), SecretKey::generate(random).public_key()});
  }
  const auto secret = WalletSecret::make(Mnemonic::from_entropy(out.entropy).value(), out.passphrase).value();
  out.file = seal_wallet(header, secret, derive_key(out.password, header.salt, kCheap).value());
  return out;
}

Result<WalletSecret> open(const KeystoreFile& file, const std::string& password) {
  return open_wallet(file, TRY(derive_key(password, file.header.salt, file.header.cost)));
}

RC_GTEST_PROP(Keystore, GivesBackWhatWasSealed, ()) {
  const Sealed sealed = some_sealed();
  const auto file = parse_keystore(format_keystore(sealed.file));
  RC_ASSERT(file.has_value());
  RC_ASSERT(file->header.accounts == sealed.file.header.accounts);
  const auto secret = open(*file, sealed.password);
  RC_ASSERT(secret.has_value());
  RC_ASSERT(to_bytes(secret->mnemonic()->entropy()) == sealed.entropy);
  RC_ASSERT(secret->passphrase() == sealed.passphrase);
}

RC_GTEST_PROP(Keystore, AnotherPasswordFails, ()) {
  const Sealed sealed = some_sealed();
  const auto other = *rc::gen::arbitrary<std::string>();
  RC_PRE(other != sealed.password);
  const auto secret = open(sealed.file, other);
  RC_ASSERT(!secret.has_value());
  RC_ASSERT(secret.error().fault == Fault::kDenied);
}

RC_GTEST_PROP(Keystore, AnyChangedByteFails, ()) {
  const Sealed sealed = some_sealed();
  std::string text = format_keystore(sealed.file);
  const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
  const char old = text[at];
  text[at] = *rc::gen::oneOf(rc::gen::arbitrary<char>(), rc::gen::element('0', '1', 'a', 'f', 'A', ' ', '"'));
  RC_PRE(text[at] != old);
  const auto file = parse_keystore(text);
  if (!file) return;
  RC_PRE(file->header.cost.memory_kib <= 1024 && file->header.cost.passes <= 9);  // the rest would only take longer
  RC_ASSERT(!open(*file, sealed.password).has_value());
}

}  // namespace
}  // namespace micro
