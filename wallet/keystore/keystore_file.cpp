#include "wallet/keystore/keystore_file.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "chain/base/check.hpp"

namespace micro {
namespace {

using nlohmann::json;

constexpr std::string_view kFormat = "micro-keystore/1";
constexpr std::string_view kKdf = "argon2id";
constexpr std::string_view kCipher = "xchacha20-poly1305";
constexpr std::size_t kMaxSealedBytes = 1024;

std::unexpected<Error> not_a_keystore(const std::string& why) {
  return fail(Fault::kInvalid, "not a " + std::string(kFormat) + " file: " + why, "restore it from a backup");
}

Result<std::string> get_text(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return not_a_keystore(std::string("\"") + key + "\" is missing");
  return found->get<std::string>();
}

Result<std::uint32_t> get_u32(const json& object, const char* key, std::uint32_t max) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_unsigned()) {
    return not_a_keystore(std::string("\"") + key + "\" is missing");
  }
  const auto value = found->get<std::uint64_t>();
  if (value == 0 || value > max) {
    return fail(Fault::kLimit,
                std::string("\"") + key + "\" is " + std::to_string(value) + ", the limit is " + std::to_string(max));
  }
  return static_cast<std::uint32_t>(value);
}

Result<json> get_object(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_object()) return not_a_keystore(std::string("\"") + key + "\" is missing");
  return *found;
}

json header_json(const WalletHeader& header) {
  json accounts = json::array();
  for (const auto& account : header.accounts) {
    accounts.push_back({{"address", account.address().hex()},
                        {"name", account.name},
                        {"path", account.path.text()},
                        {"public_key", account.key.hex()}});
  }
  return {{"format", kFormat},
          {"name", header.name},
          {"accounts", std::move(accounts)},
          {"kdf",
           {{"name", kKdf},
            {"passes", header.cost.passes},
            {"memory_kib", header.cost.memory_kib},
            {"salt", header.salt.hex()}}},
          {"cipher", {{"name", kCipher}, {"nonce", header.nonce.hex()}}}};
}

// Everything but the sealed part, so that no name, path, address or cost can be exchanged.
Bytes associated_data(const WalletHeader& header) {
  return to_bytes(header_json(header).dump());
}

Result<WalletAccount> parse_account(const json& value) {
  if (!value.is_object()) return not_a_keystore("an account is not an object");
  WalletAccount out;
  out.name = TRY(get_text(value, "name"));
  TRY(check_account_name(out.name));
  out.path = TRY(DerivationPath::parse(TRY(get_text(value, "path"))));
  out.key = TRY(PublicKey::parse(TRY(get_text(value, "public_key"))));
  return out;
}

Status parse_accounts(const json& root, WalletHeader& header) {
  const auto accounts = root.find("accounts");
  if (accounts == root.end() || !accounts->is_array() || accounts->empty()) return not_a_keystore("it has no accounts");
  if (accounts->size() > kMaxWalletAccounts) return fail(Fault::kLimit, "too many accounts in one wallet");
  std::set<std::string> names;
  for (const auto& value : *accounts) {
    header.accounts.push_back(TRY(parse_account(value)));
    if (!names.insert(header.accounts.back().name).second) return not_a_keystore("two accounts have one name");
  }
  return {};
}

Result<KeystoreFile> read_fields(const json& root) {
  if (TRY(get_text(root, "format")) != kFormat) return not_a_keystore("another format or a newer version");
  KeystoreFile out;
  out.header.name = TRY(get_text(root, "name"));
  TRY(check_wallet_name(out.header.name));
  TRY(parse_accounts(root, out.header));
  const json kdf = TRY(get_object(root, "kdf"));
  const json cipher = TRY(get_object(root, "cipher"));
  if (TRY(get_text(kdf, "name")) != kKdf || TRY(get_text(cipher, "name")) != kCipher) {
    return not_a_keystore("it uses unknown cryptography");
  }
  out.header.cost.passes = TRY(get_u32(kdf, "passes", kMaxKdfPasses));
  out.header.cost.memory_kib = TRY(get_u32(kdf, "memory_kib", kMaxKdfMemoryKib));
  out.header.salt = TRY(KdfSalt::parse(TRY(get_text(kdf, "salt"))));
  out.header.nonce = TRY(AeadNonce::parse(TRY(get_text(cipher, "nonce"))));
  out.sealed = TRY(from_hex(TRY(get_text(root, "sealed"))));
  if (out.sealed.size() > kMaxSealedBytes) return fail(Fault::kLimit, "the sealed part is too long");
  return out;
}

Status check_name(std::string_view name, std::string_view kind) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const bool good = !name.empty() && name.size() <= kMaxWalletNameChars && plain(name.front()) &&
                    std::ranges::all_of(name, [&](char c) { return plain(c) || c == '-' || c == '_'; });
  if (good) return {};
  return fail(Fault::kInvalid, "that is not a name for " + std::string(kind),
              "1 to 32 of a-z, 0-9, - and _, beginning with a letter or digit");
}

}  // namespace

Status check_wallet_name(std::string_view name) {
  return check_name(name, "a wallet");
}
Status check_account_name(std::string_view name) {
  return check_name(name, "an account");
}

Result<WalletSecret> WalletSecret::make(const Mnemonic& mnemonic, std::string_view passphrase) {
  TRY(check_passphrase(passphrase));
  const ByteView entropy = mnemonic.entropy();
  SecretBytes packed(1 + entropy.size() + passphrase.size());
  packed.writable()[0] = static_cast<std::uint8_t>(entropy.size());
  std::ranges::copy(entropy, packed.writable().begin() + 1);
  std::ranges::copy(as_bytes(passphrase), packed.writable().begin() + 1 + static_cast<std::ptrdiff_t>(entropy.size()));
  return WalletSecret(std::move(packed));
}

Result<Mnemonic> WalletSecret::mnemonic() const {
  return Mnemonic::from_entropy(packed_.view().subspan(1, packed_.view()[0]));
}

std::string_view WalletSecret::passphrase() const {
  return packed_.text().substr(1 + packed_.view()[0]);
}

Result<HdKey> WalletSecret::root() const {
  const SecretBytes seed = TRY(TRY(mnemonic()).seed(passphrase()));
  return HdKey::from_seed(seed.view());
}

Result<KeystoreFile> parse_keystore(std::string_view text) {
  if (text.size() > kMaxKeystoreBytes) return fail(Fault::kLimit, "a keystore file is never that long");
  const json root = json::parse(text, nullptr, false);
  if (!root.is_object()) return not_a_keystore("it is not a JSON object");
  KeystoreFile out = TRY(read_fields(root));
  // Also refuses repeated and unknown keys, and an address that is not the public key's.
  if (format_keystore(out) != text) return not_a_keystore("it was edited or is damaged");
  return out;
}

std::string format_keystore(const KeystoreFile& file) {
  json root = header_json(file.header);
  root["sealed"] = to_hex(file.sealed);
  return root.dump(2) + "\n";
}

KeystoreFile seal_wallet(WalletHeader header, const WalletSecret& secret, const Hash& key) {
  KeystoreFile out;
  out.sealed = aead_seal(key, header.nonce, associated_data(header), secret.packed_.view());
  out.header = std::move(header);
  return out;
}

Result<WalletSecret> open_wallet(const KeystoreFile& file, const Hash& key) {
  auto plain = aead_open(key, file.header.nonce, associated_data(file.header), file.sealed);
  if (!plain) {
    return fail(Fault::kDenied, "the password is wrong, or the file was changed",
                "try the password again; with the phrase the wallet can be imported anew");
  }
  SecretBytes packed = SecretBytes::copy_of(*plain);
  wipe(*plain);
  // Only this program seals, so a bad inside is damage that the seal did not catch or a newer program's.
  if (packed.size() < 1 || packed.view()[0] + 1U > packed.size())
    return not_a_keystore("its inside is of another kind");
  WalletSecret secret(std::move(packed));
  TRY(secret.mnemonic());
  TRY(check_passphrase(secret.passphrase()));
  return secret;
}

}  // namespace micro
