#include "wallet/keystore/keystore.hpp"

#include <algorithm>
#include <system_error>

#include "wallet/disk/file_lock.hpp"
#include "wallet/disk/files.hpp"

namespace micro {
namespace {

constexpr std::string_view kSuffix = ".wallet.json";
constexpr std::string_view kCurrentFile = "current";
constexpr std::string_view kLockFile = "lock";
constexpr std::string_view kFirstAccount = "main";
constexpr std::size_t kMaxCurrentBytes = 2 * kMaxWalletNameChars + 2;

Result<FileLock> lock_folder(const std::filesystem::path& folder) {
  return FileLock::acquire(folder / kLockFile, "the keystore " + folder.string());
}

/// Wiped when it goes.
struct SealingKey {
  Hash key;
  SealingKey(const SealingKey&) = delete;
  SealingKey& operator=(const SealingKey&) = delete;
  explicit SealingKey(const Hash& from) : key(from) {}
  ~SealingKey() { wipe(key.data); }
};

Result<WalletAccount> derive_account(const WalletSecret& secret, std::string_view name, std::uint32_t index) {
  const DerivationPath path = DerivationPath::account(index);
  const HdKey root = TRY(secret.root());
  const HdKey key = TRY(root.derive(path));
  return WalletAccount{std::string(name), path, key.secret().public_key()};
}

const WalletAccount* find_account(const std::vector<WalletAccount>& accounts, std::string_view name) {
  const auto found = std::ranges::find(accounts, name, &WalletAccount::name);
  return found == accounts.end() ? nullptr : &*found;
}

bool has_path(const std::vector<WalletAccount>& accounts, const DerivationPath& path) {
  return std::ranges::find(accounts, path, &WalletAccount::path) != accounts.end();
}

std::unexpected<Error> no_account(std::string_view wallet, std::string_view account) {
  return fail(Fault::kNotFound, "wallet " + std::string(wallet) + " has no account " + std::string(account),
              "micro wallet list shows the accounts");
}

Status check_password(std::string_view password) {
  if (password.empty())
    return fail(Fault::kInvalid, "an empty password", "choose one; it protects the file on the disk");
  return {};
}

}  // namespace

Result<SecretKey> UnlockedWallet::key_of(std::string_view account) const {
  const WalletAccount* found = find_account(header_.accounts, account);
  if (found == nullptr) return no_account(header_.name, account);
  const HdKey root = TRY(secret_.root());
  const HdKey key = TRY(root.derive(found->path));
  if (key.secret().public_key() != found->key) {
    return fail(Fault::kCorrupt, "the key of account " + found->name + " is not the one that the wallet lists");
  }
  return key.secret();
}

Result<SecretBytes> UnlockedWallet::phrase() const {
  const Mnemonic mnemonic = TRY(secret_.mnemonic());
  return mnemonic.phrase();
}

Result<Keystore> Keystore::open(const std::filesystem::path& folder) {
  TRY(make_private_folder(folder));
  return Keystore(folder);
}

std::filesystem::path Keystore::file_of(std::string_view wallet) const {
  return folder_ / (std::string(wallet) + std::string(kSuffix));
}

Result<KeystoreFile> Keystore::load(std::string_view wallet) const {
  TRY(check_wallet_name(wallet));
  const auto path = file_of(wallet);
  const auto bytes = read_file(path, kMaxKeystoreBytes);
  if (!bytes && bytes.error().fault == Fault::kNotFound) {
    return fail(Fault::kNotFound, "there is no wallet named " + std::string(wallet),
                "micro wallet list shows the wallets, micro wallet new makes one");
  }
  if (!bytes) return std::unexpected(bytes.error());
  auto file = parse_keystore(as_text(*bytes));
  if (!file) {
    return fail(file.error().fault, path.string() + ": " + file.error().message, file.error().hint);
  }
  if (file->header.name != wallet) {
    return fail(Fault::kInvalid, path.string() + " holds the wallet " + file->header.name,
                "give the file its own name back");
  }
  return file;
}

Result<WalletInfo> Keystore::create(std::string_view name, const Mnemonic& mnemonic, std::string_view passphrase,
                                    std::string_view password, KdfCost cost, Random& random) {
  TRY(check_wallet_name(name));
  TRY(check_password(password));
  const auto lock = TRY(lock_folder(folder_));
  const WalletSecret secret = TRY(WalletSecret::make(mnemonic, passphrase));
  WalletHeader header;
  header.name = name;
  header.cost = cost;
  header.salt = random.draw<KdfSalt>();
  header.nonce = random.draw<AeadNonce>();
  header.accounts.push_back(TRY(derive_account(secret, kFirstAccount, 0)));
  const SealingKey key(TRY(derive_key(password, header.salt, cost)));
  const KeystoreFile file = seal_wallet(std::move(header), secret, key.key);
  const auto written = write_file_durably(file_of(name), as_bytes(format_keystore(file)), IfPresent::kRefuse);
  if (!written && written.error().fault == Fault::kRejected) {
    return fail(Fault::kRejected, "there is a wallet named " + std::string(name) + " already", "choose another name");
  }
  TRY(written);
  if (!current()) TRY(set_current({file.header.name, std::string(kFirstAccount)}));
  return WalletInfo{file.header.name, file.header.accounts};
}

Result<std::vector<WalletInfo>> Keystore::list() const {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
    const std::string file = it->path().filename().string();
    if (file.ends_with(kSuffix)) names.push_back(file.substr(0, file.size() - kSuffix.size()));
  }
  if (error) return fail(Fault::kIo, "cannot read " + folder_.string() + ": " + error.message());
  std::ranges::sort(names);
  std::vector<WalletInfo> out;
  for (const auto& name : names) out.push_back(TRY(info(name)));
  return out;
}

Result<WalletInfo> Keystore::info(std::string_view wallet) const {
  KeystoreFile file = TRY(load(wallet));
  return WalletInfo{std::move(file.header.name), std::move(file.header.accounts)};
}

Result<UnlockedWallet> Keystore::unlock(std::string_view wallet, std::string_view password) const {
  TRY(check_wallet_name(wallet));
  KeystoreFile file = TRY(load(wallet));
  TRY(check_private(file_of(wallet)));
  const SealingKey key(TRY(derive_key(password, file.header.salt, file.header.cost)));
  WalletSecret secret = TRY(open_wallet(file, key.key));
  return UnlockedWallet(std::move(file.header), std::move(secret));
}

Result<WalletAccount> Keystore::add_account(std::string_view wallet, std::string_view account,
                                            std::string_view password, Random& random) {
  TRY(check_account_name(account));
  const auto lock = TRY(lock_folder(folder_));
  KeystoreFile file = TRY(load(wallet));
  const SealingKey key(TRY(derive_key(password, file.header.salt, file.header.cost)));
  const WalletSecret secret = TRY(open_wallet(file, key.key));
  if (find_account(file.header.accounts, account) != nullptr) {
    return fail(Fault::kRejected, "there is an account named " + std::string(account) + " already",
                "choose another name");
  }
  if (file.header.accounts.size() == kMaxWalletAccounts) return fail(Fault::kLimit, "the wallet is full of accounts");
  std::uint32_t index = 0;
  while (has_path(file.header.accounts, DerivationPath::account(index))) ++index;
  file.header.accounts.push_back(TRY(derive_account(secret, account, index)));
  file.header.nonce = random.draw<AeadNonce>();
  const KeystoreFile next = seal_wallet(std::move(file.header), secret, key.key);
  TRY(write_file_durably(file_of(wallet), as_bytes(format_keystore(next)), IfPresent::kReplace));
  return next.header.accounts.back();
}

Status Keystore::change_password(std::string_view wallet, std::string_view old_password, std::string_view new_password,
                                 KdfCost cost, Random& random) {
  TRY(check_password(new_password));
  const auto lock = TRY(lock_folder(folder_));
  const UnlockedWallet open = TRY(unlock(wallet, old_password));
  WalletHeader header = open.header();
  header.cost = cost;
  header.salt = random.draw<KdfSalt>();
  header.nonce = random.draw<AeadNonce>();
  const SealingKey key(TRY(derive_key(new_password, header.salt, cost)));
  const KeystoreFile next = seal_wallet(std::move(header), open.secret(), key.key);
  return write_file_durably(file_of(wallet), as_bytes(format_keystore(next)), IfPresent::kReplace);
}

Status Keystore::set_current(const CurrentAccount& current) const {
  return write_file_durably(folder_ / kCurrentFile, as_bytes(current.wallet + "/" + current.account + "\n"),
                            IfPresent::kReplace);
}

Status Keystore::use(std::string_view wallet, std::optional<std::string_view> account) {
  const auto lock = TRY(lock_folder(folder_));
  const WalletInfo found = TRY(info(wallet));
  const std::string name(account.value_or(found.accounts.front().name));
  if (find_account(found.accounts, name) == nullptr) return no_account(wallet, name);
  return set_current({found.name, name});
}

Result<CurrentAccount> Keystore::current() const {
  const auto bytes = read_file(folder_ / kCurrentFile, kMaxCurrentBytes);
  if (!bytes && bytes.error().fault != Fault::kNotFound) return std::unexpected(bytes.error());
  const std::string_view text = bytes ? as_text(*bytes) : std::string_view();
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos || !text.ends_with('\n')) {
    return fail(Fault::kNotFound, "no account is chosen",
                "micro wallet new makes one, micro wallet use NAME chooses one");
  }
  CurrentAccount out{std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
  out.account.pop_back();
  TRY(check_wallet_name(out.wallet));
  TRY(check_account_name(out.account));
  return out;
}

Result<WalletAccount> Keystore::current_account() const {
  const CurrentAccount chosen = TRY(current());
  const WalletInfo wallet = TRY(info(chosen.wallet));
  const WalletAccount* account = find_account(wallet.accounts, chosen.account);
  if (account == nullptr) return no_account(chosen.wallet, chosen.account);
  return *account;
}

}  // namespace micro
