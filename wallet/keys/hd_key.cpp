#include "wallet/keys/hd_key.hpp"

#include <sodium.h>

#include <charconv>
#include <cstring>

#include "chain/base/check.hpp"

namespace micro {
namespace {

constexpr std::string_view kRootKey = "Bitcoin seed";  // the constant of BIP-32, whatever the chain
constexpr std::size_t kHalf = 32;

// HMAC-SHA512 as BIP-32 uses it: the left half is a scalar, the right half a chain code.
SecretBytes hmac_sha512(ByteView key, std::initializer_list<ByteView> parts) {
  SecretBytes out(crypto_auth_hmacsha512_BYTES);
  crypto_auth_hmacsha512_state state;
  crypto_auth_hmacsha512_init(&state, key.data(), key.size());
  for (const ByteView part : parts) crypto_auth_hmacsha512_update(&state, part.data(), part.size());
  crypto_auth_hmacsha512_final(&state, out.writable().data());
  sodium_memzero(&state, sizeof state);
  return out;
}

Hash right_half(const SecretBytes& bytes) {
  Hash out;
  std::memcpy(out.data.data(), bytes.view().data() + kHalf, kHalf);
  return out;
}

Result<std::uint32_t> parse_step(std::string_view text) {
  const bool hardened = text.ends_with('\'');
  if (hardened) text.remove_suffix(1);
  std::uint32_t index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  const bool canonical = text.size() == 1 || !text.starts_with('0');
  if (error != std::errc() || end != text.data() + text.size() || index >= kHardened || !canonical) {
    return fail(Fault::kInvalid, "\"" + std::string(text) + "\" is not a step of a derivation path",
                "a path looks like m/44'/60'/0'/0/0");
  }
  return hardened ? index | kHardened : index;
}

}  // namespace

Result<DerivationPath> DerivationPath::parse(std::string_view text) {
  if (!text.starts_with('m')) return fail(Fault::kInvalid, "a derivation path begins with m", "like m/44'/60'/0'/0/0");
  text.remove_prefix(1);
  DerivationPath out;
  while (!text.empty()) {
    if (!text.starts_with('/')) return fail(Fault::kInvalid, "steps of a derivation path are separated by /");
    text.remove_prefix(1);
    const std::string_view step = text.substr(0, text.find('/'));
    if (out.steps.size() == kMaxPathSteps) {
      return fail(Fault::kLimit, "a derivation path of more than " + std::to_string(kMaxPathSteps) + " steps");
    }
    out.steps.push_back(TRY(parse_step(step)));
    text.remove_prefix(step.size());
  }
  return out;
}

std::string DerivationPath::text() const {
  std::string out = "m";
  for (const std::uint32_t step : steps) {
    out += "/" + std::to_string(step & ~kHardened);
    if ((step & kHardened) != 0) out += "'";
  }
  return out;
}

DerivationPath DerivationPath::account(std::uint32_t index) {
  CHECK(index < kHardened, "an account index below 2^31");
  return {{44 | kHardened, 60 | kHardened, 0 | kHardened, 0, index}};
}

Result<HdKey> HdKey::from_seed(ByteView seed) {
  if (seed.size() < 16 || seed.size() > 64) return fail(Fault::kInvalid, "a seed has 16 to 64 bytes");
  const SecretBytes digest = hmac_sha512(as_bytes(kRootKey), {seed});
  return HdKey(TRY(SecretKey::from(digest.view().first(kHalf))), right_half(digest));
}

Result<HdKey> HdKey::child(std::uint32_t step) const {
  const std::array<std::uint8_t, 4> index = {static_cast<std::uint8_t>(step >> 24),
                                             static_cast<std::uint8_t>(step >> 16),
                                             static_cast<std::uint8_t>(step >> 8), static_cast<std::uint8_t>(step)};
  const std::array<std::uint8_t, 1> zero = {0};
  const PublicKey open = secret_.public_key();
  const SecretBytes digest = (step & kHardened) != 0
                                 ? hmac_sha512(chain_code_, {ByteView(zero), secret_.view(), ByteView(index)})
                                 : hmac_sha512(chain_code_, {open.view(), ByteView(index)});
  return HdKey(TRY(secret_.tweak_add(digest.view().first(kHalf))), right_half(digest));
}

Result<HdKey> HdKey::derive(const DerivationPath& path) const {
  HdKey key = *this;
  for (const std::uint32_t step : path.steps) key = TRY(key.child(step));
  return key;
}

}  // namespace micro
