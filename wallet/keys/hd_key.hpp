// A tree of keys from one seed: BIP-32, private derivation only. Accounts are m/44'/60'/0'/0/i, the path that wallets
// for Ethereum use, so the same phrase shows the same keys there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "chain/crypto/secp256k1.hpp"
#include "wallet/keys/secret_bytes.hpp"

namespace micro {

inline constexpr std::uint32_t kHardened = 0x8000'0000;
inline constexpr std::size_t kMaxPathSteps = 10;

/// Steps from the root; a hardened step has kHardened set.
struct DerivationPath {
  std::vector<std::uint32_t> steps;

  bool operator==(const DerivationPath&) const = default;
  /// "m", "m/44'/60'/0'/0/7"; only ' marks a hardened step. One text for one path: no leading zeros.
  static Result<DerivationPath> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
  /// m/44'/60'/0'/0/index; index below 2³¹.
  static DerivationPath account(std::uint32_t index);
};

class HdKey {
 public:
  /// The root for a seed of 16 to 64 bytes. kInvalid for another length, and for the one seed in 2¹²⁷ without a key.
  static Result<HdKey> from_seed(ByteView seed);
  [[nodiscard]] Result<HdKey> child(std::uint32_t step) const;
  [[nodiscard]] Result<HdKey> derive(const DerivationPath& path) const;

  [[nodiscard]] const SecretKey& secret() const { return secret_; }
  [[nodiscard]] const Hash& chain_code() const { return chain_code_; }

 private:
  HdKey(SecretKey secret, const Hash& chain_code) : secret_(std::move(secret)), chain_code_(chain_code) {}
  SecretKey secret_;
  Hash chain_code_;
};

}  // namespace micro
