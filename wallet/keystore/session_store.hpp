// The session keys of a node. The gateway signs while nobody is there to type a password, so these keys are sealed
// under a key in a file beside them (0600): that keeps them out of backups of single files and out of dumps, and no
// more. What such a key can do is bounded by the ledger: only channels, only within its caps.
#pragma once

#include <filesystem>
#include <vector>

#include "chain/codec/codec.hpp"
#include "chain/types/address.hpp"
#include "chain/types/amount.hpp"
#include "chain/types/transaction.hpp"
#include "wallet/keys/secret_bytes.hpp"

namespace micro {

inline constexpr std::size_t kMaxSessionKeys = 64;
inline constexpr std::size_t kMaxSessionLabelBytes = 32;

/// The caps as granted on the ledger, which enforces them; kept here to refuse early and to say why.
struct SessionCaps {
  Epoch expires;
  Amount per_call_cap;
  Amount window_cap;
  std::uint32_t window_epochs = 0;
  List<ServiceId, kMaxSessionServices> services;  ///< empty: any
  /// The owner lets callers without a wallet of their own pay with this key.
  bool gateway_may_pay = false;
  static constexpr auto kFields =
      fields<&SessionCaps::expires, &SessionCaps::per_call_cap, &SessionCaps::window_cap, &SessionCaps::window_epochs,
             &SessionCaps::services, &SessionCaps::gateway_may_pay>;
  bool operator==(const SessionCaps&) const = default;
};

struct SessionKey {
  Text<kMaxSessionLabelBytes> label;
  Address owner;  ///< the account that pays
  PublicKey key;
  SessionCaps caps;
  SecretKey secret;

  [[nodiscard]] Address address() const { return address_of(key); }
  /// The GrantSessionKey that the owner signs.
  [[nodiscard]] GrantSessionKey grant() const;
  /// kDenied after its end and for a service that is not on its list, kFunds above the cap of one call.
  [[nodiscard]] Status allows(const ServiceId& service, Amount max_price, Epoch now) const;
  /// The key that signs the vouchers of the channel which this session key opens with the transaction of number
  /// `nonce`: a fresh one a channel, and found again when every file but the sealed keys is lost.
  [[nodiscard]] SecretKey voucher_key(const ChainId& chain, Nonce nonce) const;
};

class SessionStore {
 public:
  /// Makes the folder and the machine's key when there are none. kBusy while another process has it open, kDenied when
  /// the key's file can be read by others, kCorrupt when the sealed file does not open with it.
  static Result<SessionStore> open(const std::filesystem::path& folder, Random& random);
  SessionStore(SessionStore&&) noexcept;
  SessionStore& operator=(SessionStore&&) noexcept;
  ~SessionStore();

  /// A fresh key, on disk when this returns. It can do nothing until the owner's grant is on the ledger.
  Result<SessionKey> create(std::string_view label, const Address& owner, const SessionCaps& caps, Random& random);
  [[nodiscard]] const std::vector<SessionKey>& list() const;
  /// kNotFound when there is none.
  [[nodiscard]] Result<SessionKey> find(const Address& key) const;
  /// The first key of `owner` that allows the call (any owner's when there is none given and its caps let the gateway
  /// pay).
  [[nodiscard]] Result<SessionKey> choose(const std::optional<Address>& owner, const ServiceId& service,
                                          Amount max_price, Epoch now) const;
  /// After revocation or expiry, and once its channels are closed.
  Status forget(const Address& key, Random& random);

 private:
  struct Impl;
  explicit SessionStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace micro
