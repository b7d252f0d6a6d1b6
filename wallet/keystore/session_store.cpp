#include "wallet/keystore/session_store.hpp"
#include "chain/codec/fields.hpp"

#include <algorithm>

#include "chain/base/check.hpp"
#include "chain/crypto/aead.hpp"
#include "wallet/disk/file_lock.hpp"
#include "wallet/disk/files.hpp"

namespace micro {
namespace {

constexpr std::string_view kMagic = "micro-sessions/1\n";
constexpr std::string_view kKeyFile = "machine.key";
constexpr std::string_view kSealedFile = "sessions.sealed";
constexpr std::string_view kSessionsLockFile = "sessions.lock";
constexpr std::size_t kMaxSealedSessionBytes = 1u << 20;

/// On disk. The public key is derived again when it is read.
struct StoredKey {
  Text<kMaxSessionLabelBytes> label;
  Address owner;
  SessionCaps caps;
  Hash secret;
  static constexpr auto kFields = fields<&StoredKey::label, &StoredKey::owner, &StoredKey::caps, &StoredKey::secret>;
};
using StoredKeys = List<StoredKey, kMaxSessionKeys>;

void wipe_secrets(StoredKeys& keys) {
  for (auto& key : keys) wipe(key.secret.data);
}

Result<Hash> load_machine_key(const std::filesystem::path& folder, Random& random) {
  const auto path = folder / kKeyFile;
  auto bytes = read_file(path, Hash::kSize);
  if (bytes) {
    TRY(check_private(path));
    auto key = Hash::from(*bytes);
    wipe(*bytes);
    if (!key) return fail(Fault::kCorrupt, path.string() + " is not a key", "restore it from a backup");
    return key;
  }
  if (bytes.error().fault != Fault::kNotFound) return std::unexpected(bytes.error());
  // A new key would silently orphan sealed ones.
  if (std::filesystem::exists(folder / kSealedFile)) {
    return fail(Fault::kCorrupt,
                path.string() + " is missing, and " + std::string(kSealedFile) + " cannot be opened without it",
                "restore it from a backup, or remove the sealed file, revoke its session keys and create new ones");
  }
  const Hash key = random.draw<Hash>();
  TRY(write_file_durably(path, key, IfPresent::kRefuse));
  return key;
}

Result<std::vector<SessionKey>> open_sealed(const std::filesystem::path& path, const Hash& machine_key) {
  const auto bytes = read_file(path, kMaxSealedSessionBytes);
  if (!bytes && bytes.error().fault == Fault::kNotFound) return std::vector<SessionKey>();
  if (!bytes) return std::unexpected(bytes.error());
  const ByteView file(*bytes);
  const ByteView magic = as_bytes(kMagic);
  const auto damaged = [&] {
    return fail(Fault::kCorrupt, path.string() + " is damaged or belongs to another machine key",
                "restore both files from one backup");
  };
  if (file.size() < magic.size() + AeadNonce::kSize || !std::ranges::equal(file.first(magic.size()), magic))
    return damaged();
  const AeadNonce nonce = TRY(AeadNonce::from(file.subspan(magic.size(), AeadNonce::kSize)));
  auto plain = aead_open(machine_key, nonce, magic, file.subspan(magic.size() + AeadNonce::kSize));
  if (!plain) return damaged();
  Decoder decoder(*plain);
  StoredKeys stored;
  const bool whole = decoder.get(stored).has_value() && decoder.finish().has_value();
  wipe(*plain);
  if (!whole) return damaged();
  std::vector<SessionKey> out;
  for (const auto& key : stored) {
    auto secret = SecretKey::from(key.secret);
    if (!secret) return damaged();
    out.push_back({key.label, key.owner, secret->public_key(), key.caps, std::move(*secret)});
  }
  wipe_secrets(stored);
  return out;
}

}  // namespace

GrantSessionKey SessionKey::grant() const {
  return {key, caps.expires, caps.per_call_cap, caps.window_cap, caps.window_epochs, caps.services};
}

Status SessionKey::allows(const ServiceId& service, Amount max_price, Epoch now) const {
  if (now >= caps.expires) {
    return fail(Fault::kDenied, "session key " + label + " ended with epoch " + caps.expires.text(),
                "micro wallet session create makes a new one");
  }
  if (!caps.services.empty() && std::ranges::find(caps.services, service) == caps.services.end()) {
    return fail(Fault::kDenied, "session key " + label + " is not allowed to pay this service");
  }
  if (max_price > caps.per_call_cap) {
    return fail(Fault::kFunds,
                "up to " + amount_text(max_price) + " for a call, but session key " + label + " allows " +
                    amount_text(caps.per_call_cap),
                "allow less for it with --max-price, or grant a key with a higher cap: micro wallet session create");
  }
  return {};
}

SecretKey SessionKey::voucher_key(const ChainId& chain, Nonce nonce) const {
  Hash seed;
  std::ranges::copy(secret.view(), seed.data.begin());
  for (std::uint8_t attempt = 0;; ++attempt) {
    Encoder material;
    material.put(chain).put(nonce).put(attempt);
    Hash scalar = keyed_hash(seed, domain::kVoucherKey, material.bytes());
    const auto derived = SecretKey::from(scalar);
    wipe(scalar.data);
    if (!derived) continue;  // one hash in 2¹²⁸ is not a scalar
    wipe(seed.data);
    return *derived;
  }
}

struct SessionStore::Impl {
  std::filesystem::path folder;
  FileLock lock;
  Hash machine_key;
  std::vector<SessionKey> keys;

  Impl(std::filesystem::path where, FileLock held, const Hash& key, std::vector<SessionKey> found)
      : folder(std::move(where)), lock(std::move(held)), machine_key(key), keys(std::move(found)) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { wipe(machine_key.data); }

  Status save(const std::vector<SessionKey>& next, Random& random) const {
    StoredKeys stored;
    stored.reserve(next.size());
    for (const auto& key : next) {
      StoredKey item{key.label, key.owner, key.caps, {}};
      std::ranges::copy(key.secret.view(), item.secret.data.begin());
      stored.push_back(item);
      wipe(item.secret.data);
    }
    Bytes plain = encode(stored);
    wipe_secrets(stored);
    const auto nonce = random.draw<AeadNonce>();
    const Bytes sealed = aead_seal(machine_key, nonce, as_bytes(kMagic), plain);
    wipe(plain);
    Bytes file = to_bytes(kMagic);
    file.insert(file.end(), nonce.data.begin(), nonce.data.end());
    file.insert(file.end(), sealed.begin(), sealed.end());
    return write_file_durably(folder / kSealedFile, file, IfPresent::kReplace);
  }
};

SessionStore::SessionStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SessionStore::SessionStore(SessionStore&&) noexcept = default;
SessionStore& SessionStore::operator=(SessionStore&&) noexcept = default;
SessionStore::~SessionStore() = default;

Result<SessionStore> SessionStore::open(const std::filesystem::path& folder, Random& random) {
  TRY(make_private_folder(folder));
  FileLock lock = TRY(FileLock::acquire(folder / kSessionsLockFile, "the session keys in " + folder.string()));
  Hash machine_key = TRY(load_machine_key(folder, random));
  auto keys = open_sealed(folder / kSealedFile, machine_key);
  if (!keys) return std::unexpected(keys.error());
  auto impl = std::make_unique<Impl>(folder, std::move(lock), machine_key, std::move(*keys));
  wipe(machine_key.data);
  return SessionStore(std::move(impl));
}

Result<SessionKey> SessionStore::create(std::string_view label, const Address& owner, const SessionCaps& caps,
                                        Random& random) {
  if (label.empty() || label.size() > kMaxSessionLabelBytes || !is_valid_utf8(label)) {
    return fail(Fault::kInvalid, "a session key's label has 1 to 32 bytes of text");
  }
  if (impl_->keys.size() == kMaxSessionKeys) {
    return fail(Fault::kLimit, std::to_string(kMaxSessionKeys) + " session keys already",
                "micro wallet session revoke removes one");
  }
  SecretKey secret = SecretKey::generate(random);
  SessionKey made{Text<kMaxSessionLabelBytes>(std::string(label)), owner, secret.public_key(), caps, std::move(secret)};
  std::vector<SessionKey> next = impl_->keys;
  next.push_back(made);
  TRY(impl_->save(next, random));
  impl_->keys = std::move(next);
  return made;
}

const std::vector<SessionKey>& SessionStore::list() const {
  return impl_->keys;
}

Result<SessionKey> SessionStore::find(const Address& key) const {
  const auto found = std::ranges::find(impl_->keys, key, &SessionKey::address);
  if (found == impl_->keys.end()) {
    return fail(Fault::kNotFound, "this node does not hold that session key",
                "micro wallet session list shows its keys");
  }
  return *found;
}

Result<SessionKey> SessionStore::choose(const std::optional<Address>& owner, const ServiceId& service, Amount max_price,
                                        Epoch now) const {
  std::optional<Error> reason;
  for (const auto& key : impl_->keys) {
    if (owner ? key.owner != *owner : !key.caps.gateway_may_pay) continue;
    const auto allowed = key.allows(service, max_price, now);
    if (allowed) return key;
    if (!reason) reason = allowed.error();
  }
  if (reason) return std::unexpected(*reason);
  return fail(Fault::kDenied, "this node holds no session key that may pay for the call",
              "micro wallet session create makes one");
}

Status SessionStore::forget(const Address& key, Random& random) {
  std::vector<SessionKey> next = impl_->keys;
  if (std::erase_if(next, [&](const SessionKey& k) { return k.address() == key; }) == 0) {
    return fail(Fault::kNotFound, "this node does not hold that session key");
  }
  TRY(impl_->save(next, random));
  impl_->keys = std::move(next);
  return {};
}

}  // namespace micro
