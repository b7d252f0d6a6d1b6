#include "wallet/keys/mnemonic.hpp"

#include <botan/exceptn.h>
#include <botan/pwdhash.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "chain/base/check.hpp"
#include "chain/crypto/hash.hpp"

namespace micro {

extern const std::string_view kBip39English;  // made from bip39_english.txt by the build

namespace {

constexpr std::size_t kListWords = 2048;
constexpr std::size_t kBitsPerWord = 11;
constexpr std::size_t kMaxWordChars = 8;
constexpr std::size_t kMaxWords = 24;
constexpr std::size_t kSeedBytes = 64;
constexpr std::size_t kSeedRounds = 2048;
constexpr std::string_view kSaltPrefix = "mnemonic";
constexpr std::string_view kCountHint = "a phrase has 12, 15, 18, 21 or 24 words";

using WordList = std::array<std::string_view, kListWords>;

const WordList& words() {
  static const WordList list = [] {
    WordList out;
    std::string_view rest = kBip39English;
    for (auto& word : out) {
      const std::size_t end = rest.find('\n');
      CHECK(end != std::string_view::npos && end > 0 && end <= kMaxWordChars, "2048 words, each on a line");
      word = rest.substr(0, end);
      rest.remove_prefix(end + 1);
    }
    CHECK(rest.empty() && std::ranges::is_sorted(out), "2048 words in order");
    return out;
  }();
  return list;
}

bool is_entropy_size(std::size_t bytes) {
  return bytes >= 16 && bytes <= 32 && bytes % 4 == 0;
}

bool bit_of(ByteView bytes, std::size_t index) {
  return (bytes[index / 8] >> (7 - index % 8) & 1) != 0;
}

// The words' numbers: entropy ‖ its first SHA-256 bits, in groups of eleven.
std::vector<std::size_t> indices_of(ByteView entropy) {
  const Hash digest = sha256(entropy);
  const std::size_t entropy_bits = entropy.size() * 8;
  std::vector<std::size_t> out(entropy.size() * 3 / 4);
  for (std::size_t i = 0; i < out.size() * kBitsPerWord; ++i) {
    const bool bit = i < entropy_bits ? bit_of(entropy, i) : bit_of(digest, i - entropy_bits);
    out[i / kBitsPerWord] = out[i / kBitsPerWord] << 1 | static_cast<std::size_t>(bit);
  }
  return out;
}

void wipe_indices(std::vector<std::size_t>& indices) {
  wipe({reinterpret_cast<std::uint8_t*>(indices.data()), indices.size() * sizeof(std::size_t)});
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::optional<std::size_t> index_of(std::string_view typed) {
  std::array<char, kMaxWordChars> lower{};
  if (typed.size() > lower.size()) return std::nullopt;
  std::ranges::transform(typed, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  const auto at = std::ranges::lower_bound(words(), std::string_view(lower.data(), typed.size()));
  if (at == words().end() || *at != std::string_view(lower.data(), typed.size())) return std::nullopt;
  return static_cast<std::size_t>(at - words().begin());
}

Result<std::vector<std::size_t>> read_words(std::string_view phrase) {
  std::vector<std::size_t> out;
  out.reserve(kMaxWords);  // no copies of the phrase are left behind by growing
  std::size_t unknown = 0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < phrase.size();) {
    if (is_space(phrase[i])) {
      ++i;
      continue;
    }
    const auto end = std::find_if(phrase.begin() + static_cast<std::ptrdiff_t>(i), phrase.end(), is_space);
    const auto size = static_cast<std::size_t>(end - phrase.begin()) - i;
    if (++count > kMaxWords) return fail(Fault::kInvalid, "more than 24 words", std::string(kCountHint));
    const auto index = index_of(phrase.substr(i, size));
    if (!index && unknown == 0) unknown = count;
    out.push_back(index.value_or(0));
    i += size;
  }
  if (count < 12 || count % 3 != 0) {
    return fail(Fault::kInvalid, std::to_string(count) + " words", std::string(kCountHint));
  }
  if (unknown != 0) {
    return fail(Fault::kInvalid, "word " + std::to_string(unknown) + " is not in the BIP-39 English list",
                "look for a spelling mistake; the first four letters tell every word of the list from the others");
  }
  return out;
}

}  // namespace

std::string_view mnemonic_word(std::size_t index) {
  CHECK(index < kListWords, "a word of the list");
  return words()[index];
}

Mnemonic Mnemonic::generate(MnemonicWords count, Random& random) {
  SecretBytes entropy(count == MnemonicWords::k12 ? 16U : 32U);
  random.fill(entropy.writable());
  return Mnemonic(std::move(entropy));
}

Result<Mnemonic> Mnemonic::from_entropy(ByteView entropy) {
  if (!is_entropy_size(entropy.size())) {
    return fail(Fault::kInvalid, "entropy of " + std::to_string(entropy.size()) + " bytes",
                "16, 20, 24, 28 or 32 bytes");
  }
  return Mnemonic(SecretBytes::copy_of(entropy));
}

Result<Mnemonic> Mnemonic::parse(std::string_view phrase) {
  std::vector<std::size_t> indices = TRY(read_words(phrase));
  SecretBytes entropy(indices.size() * 4 / 3);
  for (std::size_t i = 0; i < entropy.size() * 8; ++i) {
    const std::size_t bit = indices[i / kBitsPerWord] >> (kBitsPerWord - 1 - i % kBitsPerWord) & 1;
    entropy.writable()[i / 8] = static_cast<std::uint8_t>(static_cast<std::size_t>(entropy.view()[i / 8]) << 1 | bit);
  }
  std::vector<std::size_t> expected = indices_of(entropy.view());
  const bool same = expected == indices;
  wipe_indices(expected);
  wipe_indices(indices);
  if (!same) {
    return fail(Fault::kInvalid, "every word is in the list, but the phrase's checksum does not match",
                "a word was taken for another one, or two are swapped");
  }
  return Mnemonic(std::move(entropy));
}

SecretBytes Mnemonic::phrase() const {
  SecretBytes out(kMaxWords * (kMaxWordChars + 1));
  std::vector<std::size_t> indices = indices_of(entropy_.view());
  std::size_t size = 0;
  for (const std::size_t index : indices) {
    if (size > 0) out.writable()[size++] = ' ';
    std::ranges::copy(as_bytes(words()[index]), out.writable().begin() + static_cast<std::ptrdiff_t>(size));
    size += words()[index].size();
  }
  wipe_indices(indices);
  out.shrink(size);
  return out;
}

Status check_passphrase(std::string_view passphrase) {
  if (passphrase.size() > kMaxPassphraseBytes) {
    return fail(Fault::kInvalid,
                "the passphrase is longer than " + std::to_string(kMaxPassphraseBytes) + " characters");
  }
  if (!std::ranges::all_of(passphrase, [](char c) { return c >= 0x20 && c < 0x7f; })) {
    return fail(Fault::kInvalid, "the passphrase has characters that are not printable ASCII",
                "letters with accents and other scripts have several encodings; use plain letters, digits and signs");
  }
  return {};
}

Result<SecretBytes> Mnemonic::seed(std::string_view passphrase) const {
  TRY(check_passphrase(passphrase));
  const SecretBytes password = phrase();
  SecretBytes salt(kSaltPrefix.size() + passphrase.size());
  std::ranges::copy(as_bytes(kSaltPrefix), salt.writable().begin());
  std::ranges::copy(as_bytes(passphrase), salt.writable().begin() + kSaltPrefix.size());
  SecretBytes out(kSeedBytes);
  try {
    const auto family = Botan::PasswordHashFamily::create_or_throw("PBKDF2(SHA-512)");
    const auto hash = family->from_params(kSeedRounds);
    hash->derive_key(out.writable().data(), out.size(), password.text().data(), password.size(), salt.view().data(),
                     salt.size());
  } catch (const Botan::Exception& e) {
    return fail(Fault::kInternal, std::string("PBKDF2: ") + e.what());
  }
  return out;
}

}  // namespace micro
