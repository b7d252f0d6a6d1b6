// One wallet as a file: "micro-keystore/1". JSON for people and tools to look at; what is secret in it is sealed with
// XChaCha20-Poly1305 under Argon2id of the password, and everything else is the seal's associated data.
#pragma once

#include <string>
#include <vector>

#include "chain/crypto/aead.hpp"
#include "chain/types/address.hpp"
#include "wallet/keys/hd_key.hpp"
#include "wallet/keys/mnemonic.hpp"

namespace micro {

inline constexpr std::size_t kMaxKeystoreBytes = 1u << 20;
inline constexpr std::size_t kMaxWalletAccounts = 256;
inline constexpr std::size_t kMaxWalletNameChars = 32;
/// A file that asks for more is refused before any memory is taken.
inline constexpr std::uint32_t kMaxKdfPasses = 32;
inline constexpr std::uint32_t kMaxKdfMemoryKib = 4u << 20;

struct WalletAccount {
  std::string name;
  DerivationPath path;
  PublicKey key;
  [[nodiscard]] Address address() const { return address_of(key); }
  bool operator==(const WalletAccount&) const = default;
};

/// What the file shows without the password. Nobody has vouched for it until the wallet is unlocked.
struct WalletHeader {
  std::string name;
  KdfCost cost;
  KdfSalt salt;
  AeadNonce nonce;
  std::vector<WalletAccount> accounts;  ///< at least one, names unique
};

struct KeystoreFile {
  WalletHeader header;
  Bytes sealed;
};

/// The secret part: entropy of the phrase and the BIP-39 passphrase.
class WalletSecret {
 public:
  static Result<WalletSecret> make(const Mnemonic& mnemonic, std::string_view passphrase);
  [[nodiscard]] Result<Mnemonic> mnemonic() const;
  [[nodiscard]] std::string_view passphrase() const;
  [[nodiscard]] Result<HdKey> root() const;

 private:
  friend Result<WalletSecret> open_wallet(const KeystoreFile&, const Hash&);
  friend KeystoreFile seal_wallet(WalletHeader, const WalletSecret&, const Hash&);
  explicit WalletSecret(SecretBytes packed) : packed_(std::move(packed)) {}
  SecretBytes packed_;  ///< u8 length of entropy ‖ entropy ‖ passphrase
};

/// 1 to 32 of a–z 0–9 - _, beginning with a letter or digit: safe as a file name and in a shell.
Status check_wallet_name(std::string_view name);
Status check_account_name(std::string_view name);

/// Accepts only what format_keystore writes, byte for byte: there are no two spellings of one file. kInvalid or kLimit.
Result<KeystoreFile> parse_keystore(std::string_view text);
std::string format_keystore(const KeystoreFile& file);

KeystoreFile seal_wallet(WalletHeader header, const WalletSecret& secret, const Hash& key);
/// kDenied for a wrong key and for any change of the file: the two cannot be told apart.
Result<WalletSecret> open_wallet(const KeystoreFile& file, const Hash& key);

}  // namespace micro
