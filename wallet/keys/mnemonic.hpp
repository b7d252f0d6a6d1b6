// The words a person writes down: BIP-39 with the English list.
#pragma once

#include <string_view>

#include "chain/base/random.hpp"
#include "wallet/keys/secret_bytes.hpp"

namespace micro {

enum class MnemonicWords : std::uint8_t { k12 = 12, k24 = 24 };

inline constexpr std::size_t kMaxPassphraseBytes = 256;

class Mnemonic {
 public:
  static Mnemonic generate(MnemonicWords words, Random& random);
  /// 16, 20, 24, 28 or 32 bytes: 12, 15, 18, 21 or 24 words.
  static Result<Mnemonic> from_entropy(ByteView entropy);
  /// Any case and any white space between the words. kInvalid names the place of a wrong word and never the word: an
  /// error may end in a log.
  static Result<Mnemonic> parse(std::string_view phrase);

  /// Lower-case words with one space between them.
  [[nodiscard]] SecretBytes phrase() const;
  [[nodiscard]] ByteView entropy() const { return entropy_.view(); }
  [[nodiscard]] std::size_t word_count() const { return entropy_.size() * 3 / 4; }
  /// The 64-byte seed of BIP-32: PBKDF2-HMAC-SHA512, 2048 rounds. BIP-39 wants the passphrase in Unicode NFKD;
  /// printable ASCII is its own NFKD, and other passphrases are refused (kInvalid), for two systems may compose them
  /// differently.
  [[nodiscard]] Result<SecretBytes> seed(std::string_view passphrase = {}) const;

 private:
  explicit Mnemonic(SecretBytes entropy) : entropy_(std::move(entropy)) {}
  SecretBytes entropy_;
};

/// kInvalid for a passphrase that Mnemonic::seed would refuse.
Status check_passphrase(std::string_view passphrase);

/// The word at 0 … 2047 of the English list.
std::string_view mnemonic_word(std::size_t index);

}  // namespace micro
