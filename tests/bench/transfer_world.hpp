// What the benchmarks of transfers share: accounts with keys, signed transfers, and what bare verification reaches.
#pragma once

#include <cstdlib>
#include <functional>

#include "chain/crypto/ed25519.hpp"
#include "chain/crypto/secp256k1.hpp"
#include "chain/types/genesis.hpp"
#include "tests/bench/bench.hpp"

namespace micro::bench {

/// The value, or the end of the benchmark with the reason.
template <class T>
T must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "benchmark: %s\n", result.error().message.c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

/// Of all threads of the process.
double cpu_seconds();
/// Of the calling thread.
double thread_cpu_seconds();
/// Peak memory of the process.
double peak_mib();

/// `name` is what a profiler shows the threads as.
void on_all_cores(const char* name, const std::function<void(std::size_t core)>& work);

struct WorldSize {
  std::size_t accounts = 0;
  std::size_t senders = 0;  ///< of them, with keys
  std::size_t transfers = 0;
  std::size_t validators = 1;
};

struct World {
  Genesis genesis;
  std::vector<Ed25519Secret> validators;  ///< in the order of the set
  std::vector<SecretKey> keys;            ///< of the senders
  std::vector<Address> addresses;         ///< senders first
  std::vector<Bytes> transfers;           ///< encoded; number i is of sender i modulo senders, in nonce order
};
World make_world(const WorldSize& size);

/// Transfers never run out of time, so the last height that one may be included at carries its number.
std::size_t number_of(const SignedTx& transfer);

/// Verifications a second of all cores together, with keys parsed before.
struct Verifying {
  double per_second = 0;
  double cpu_seconds = 0;  ///< of one verification
};
Verifying verify_rate(const World& world, double seconds);

}  // namespace micro::bench
