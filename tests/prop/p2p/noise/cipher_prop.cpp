// Both libraries that seal and open say the same, at every length and with any header.
#include "p2p/noise/cipher.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <sodium.h>

#include "tests/gen/p2p/noise_pair.hpp"

namespace micro::p2p {
namespace {

Bytes by_libsodium(const Hash& key, std::uint64_t counter, ByteView header, ByteView plain) {
  std::array<std::uint8_t, 12> nonce{};
  for (std::size_t at = 0; at < 8; ++at) nonce[4 + at] = static_cast<std::uint8_t>(counter >> (8 * at));
  Bytes out(plain.size() + kNoiseTagBytes);
  crypto_aead_chacha20poly1305_ietf_encrypt(out.data(), nullptr, plain.data(), plain.size(), header.data(),
                                            header.size(), nullptr, nonce.data(), key.data.data());
  return out;
}

RC_GTEST_PROP(NoiseCipher, SaysWhatLibsodiumSaysAtEveryLength, ()) {
  const Hash key = test::filled(*rc::gen::arbitrary<std::uint8_t>());
  NoiseCipher sealing(key);
  NoiseCipher opening(key);
  const int messages = *rc::gen::inRange(1, 8);
  for (std::uint64_t counter = 0; counter < static_cast<std::uint64_t>(messages); ++counter) {
    const auto size = *rc::gen::oneOf(rc::gen::inRange<std::size_t>(0, 2 * kLongMessageBytes),
                                      rc::gen::element<std::size_t>(255, 256, 257, 4'096, 65'519));
    Bytes plain(size);
    for (std::size_t at = 0; at < size; ++at) plain[at] = static_cast<std::uint8_t>(at * 7 + counter);
    const Bytes header(*rc::gen::inRange<std::size_t>(0, 40), 9);
    Bytes sealed = plain;  // in place
    sealed.resize(size + kNoiseTagBytes);
    sealing.seal(header, ByteView(sealed).first(size), sealed.data());
    RC_ASSERT(sealed == by_libsodium(key, counter, header, plain));
    Bytes changed = sealed;
    changed[*rc::gen::inRange<std::size_t>(0, changed.size())] ^= 4;
    RC_ASSERT(!opening.open(header, changed));
    const auto opened = opening.open(header, sealed);  // a failure used up no number
    RC_ASSERT(opened.has_value() && std::ranges::equal(*opened, plain));
  }
}

// The keys of the copy live on by themselves.
TEST(NoiseCipher, ACopyGoesOnWhereTheFirstWas) {
  NoiseCipher first(test::filled(1));
  Bytes out(1'000 + kNoiseTagBytes);
  first.seal({}, Bytes(1'000), out.data());
  NoiseCipher second(first);
  Bytes again(out.size());
  first.seal({}, Bytes(1'000), out.data());
  second.seal({}, Bytes(1'000), again.data());
  EXPECT_EQ(out, again);
  second = NoiseCipher(test::filled(1));
  first = second;
  first.seal({}, Bytes(1'000), out.data());
  second.seal({}, Bytes(1'000), again.data());
  EXPECT_EQ(out, again);
}

}  // namespace
}  // namespace micro::p2p
