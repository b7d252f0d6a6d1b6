// The wallets of one person: a private folder with a file for each, and the account that commands use by default.
#pragma once

#include <filesystem>
#include <optional>

#include "wallet/keystore/keystore_file.hpp"

namespace micro {

struct WalletInfo {
  std::string name;
  std::vector<WalletAccount> accounts;
};

/// Which account a command uses when it names none.
struct CurrentAccount {
  std::string wallet;
  std::string account;
  bool operator==(const CurrentAccount&) const = default;
};

/// A wallet whose password was right. Keep it no longer than the command that needs it.
class UnlockedWallet {
 public:
  UnlockedWallet(WalletHeader header, WalletSecret secret) : header_(std::move(header)), secret_(std::move(secret)) {}
  [[nodiscard]] const std::vector<WalletAccount>& accounts() const { return header_.accounts; }
  /// kNotFound when the wallet has no such account.
  [[nodiscard]] Result<SecretKey> key_of(std::string_view account) const;
  /// The words, to write down.
  [[nodiscard]] Result<SecretBytes> phrase() const;
  [[nodiscard]] const WalletSecret& secret() const { return secret_; }
  [[nodiscard]] const WalletHeader& header() const { return header_; }

 private:
  WalletHeader header_;
  WalletSecret secret_;
};

/// Every change is whole or absent after a crash. Several processes may use one folder.
class Keystore {
 public:
  /// Makes the folder (0700) when there is none.
  static Result<Keystore> open(const std::filesystem::path& folder);

  /// Seals the phrase under the password with one account, "main". The first wallet becomes the current one.
  /// kRejected when the name is taken, kInvalid for a bad name, passphrase or an empty password.
  Result<WalletInfo> create(std::string_view name, const Mnemonic& mnemonic, std::string_view passphrase,
                            std::string_view password, KdfCost cost, Random& random);
  /// By name, ascending. A damaged file is an error that names it.
  [[nodiscard]] Result<std::vector<WalletInfo>> list() const;
  [[nodiscard]] Result<WalletInfo> info(std::string_view wallet) const;
  /// About half a second at the default cost. kDenied when the password is wrong or the file was changed.
  [[nodiscard]] Result<UnlockedWallet> unlock(std::string_view wallet, std::string_view password) const;
  /// The next path m/44'/60'/0'/0/i that no account of the wallet has.
  Result<WalletAccount> add_account(std::string_view wallet, std::string_view account, std::string_view password,
                                    Random& random);
  Status change_password(std::string_view wallet, std::string_view old_password, std::string_view new_password,
                         KdfCost cost, Random& random);

  /// Without `account`: the wallet's first.
  Status use(std::string_view wallet, std::optional<std::string_view> account);
  /// kNotFound, with what to do, when nothing is chosen or the chosen wallet is gone.
  [[nodiscard]] Result<CurrentAccount> current() const;
  [[nodiscard]] Result<WalletAccount> current_account() const;

 private:
  explicit Keystore(std::filesystem::path folder) : folder_(std::move(folder)) {}
  [[nodiscard]] std::filesystem::path file_of(std::string_view wallet) const;
  [[nodiscard]] Result<KeystoreFile> load(std::string_view wallet) const;
  Status set_current(const CurrentAccount& current) const;
  std::filesystem::path folder_;
};

}  // namespace micro
