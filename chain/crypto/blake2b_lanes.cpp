#include "chain/crypto/blake2b_lanes.hpp"

#include <array>
#include <cstring>
#include <utility>

namespace micro::blake2b {

namespace {

constexpr std::array<std::uint64_t, 8> kIv{0x6a09'e667'f3bc'c908, 0xbb67'ae85'84ca'a73b, 0x3c6e'f372'fe94'f82b,
                                           0xa54f'f53a'5f1d'36f1, 0x510e'527f'ade6'82d1, 0x9b05'688c'2b3e'6c1f,
                                           0x1f83'd9ab'fb41'bd6b, 0x5be0'cd19'137e'2179};
constexpr std::uint64_t kParameters = 0x0101'0020;  ///< 32 bytes of hash, no key, fanout and depth 1
constexpr std::size_t kRounds = 12;
constexpr std::array<std::array<std::uint8_t, kBlockWords>, 10> kSigma{{
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
}};

template <std::size_t N>
struct Vector {
  using type __attribute__((vector_size(8 * N))) = std::uint64_t;
};

// Everything below is inlined into the functions that name a width: vectors are only handed on by reference, and the
// same source serves all of them.

template <class V>
[[gnu::always_inline]] inline void mix(V& a, V& b, V& c, V& d, const V& x, const V& y) {
  a += b + x;
  d ^= a;
  d = (d >> 32) | (d << 32);
  c += d;
  b ^= c;
  b = (b >> 24) | (b << 40);
  a += b + y;
  d ^= a;
  d = (d >> 16) | (d << 48);
  c += d;
  b ^= c;
  b = (b >> 63) | (b << 1);
}

template <std::size_t R, class V>
[[gnu::always_inline]] inline void round(V* v, const V* m) {
  constexpr auto s = kSigma[R % kSigma.size()];
  mix(v[0], v[4], v[8], v[12], m[s[0]], m[s[1]]);
  mix(v[1], v[5], v[9], v[13], m[s[2]], m[s[3]]);
  mix(v[2], v[6], v[10], v[14], m[s[4]], m[s[5]]);
  mix(v[3], v[7], v[11], v[15], m[s[6]], m[s[7]]);
  mix(v[0], v[5], v[10], v[15], m[s[8]], m[s[9]]);
  mix(v[1], v[6], v[11], v[12], m[s[10]], m[s[11]]);
  mix(v[2], v[7], v[8], v[13], m[s[12]], m[s[13]]);
  mix(v[3], v[4], v[9], v[14], m[s[14]], m[s[15]]);
}

template <class V, std::size_t... R>
[[gnu::always_inline]] inline void all_rounds(V* v, const V* m, std::index_sequence<R...>) {
  (round<R>(v, m), ...);
}

template <std::size_t N>
[[gnu::always_inline]] inline void hash_lanes(const std::uint64_t* words, std::size_t blocks,
                                              const std::uint64_t* sizes, std::uint64_t* out) {
  using V = typename Vector<N>::type;
  const V zero{};
  V h[8];
  for (std::size_t i = 0; i < 8; ++i) h[i] = zero + kIv[i];
  h[0] ^= kParameters;
  for (std::size_t block = 0; block < blocks; ++block) {
    const bool last = block + 1 == blocks;
    V m[kBlockWords];
    std::memcpy(m, words + block * kBlockWords * N, sizeof m);
    V counter = zero + (block + 1) * kBlockBytes;
    if (last) std::memcpy(&counter, sizes, sizeof counter);
    V v[16];
    for (std::size_t i = 0; i < 8; ++i) {
      v[i] = h[i];
      v[8 + i] = zero + kIv[i];
    }
    v[12] ^= counter;
    if (last) v[14] = ~v[14];
    all_rounds(v, m, std::make_index_sequence<kRounds>{});
    for (std::size_t i = 0; i < 8; ++i) h[i] ^= v[i] ^ v[8 + i];
  }
  std::memcpy(out, h, 4 * sizeof(V));
}

void portable(const std::uint64_t* words, std::size_t blocks, const std::uint64_t* sizes, std::uint64_t* out) {
  hash_lanes<1>(words, blocks, sizes, out);
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] void avx2(const std::uint64_t* words, std::size_t blocks, const std::uint64_t* sizes,
                                  std::uint64_t* out) {
  hash_lanes<4>(words, blocks, sizes, out);
}

[[gnu::target("avx512f")]] void avx512(const std::uint64_t* words, std::size_t blocks, const std::uint64_t* sizes,
                                       std::uint64_t* out) {
  hash_lanes<8>(words, blocks, sizes, out);
}

#endif

}  // namespace

Lanes one_lane() {
  return {1, portable};
}

#if defined(__x86_64__)
Lanes four_lanes() {
  return __builtin_cpu_supports("avx2") != 0 ? Lanes{4, avx2} : Lanes{};
}
Lanes eight_lanes() {
  return __builtin_cpu_supports("avx512f") != 0 ? Lanes{8, avx512} : Lanes{};
}
#else
Lanes four_lanes() {
  return {};
}
Lanes eight_lanes() {
  return {};
}
#endif

Lanes best_lanes() {
  static const Lanes best = [] {
    const Lanes eight = eight_lanes();
    return eight.kernel != nullptr ? eight : four_lanes();
  }();
  return best;
}

}  // namespace micro::blake2b
