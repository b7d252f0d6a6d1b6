#include "tests/bench/transfer_world.hpp"

#include <pthread.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "chain/base/clock.hpp"
#include "chain/codec/codec.hpp"
#include "chain/types/address.hpp"

namespace micro::bench {
namespace {

constexpr std::uint64_t kFirstValidUntil = 1'000'000;
constexpr std::size_t kVerifyCases = 1'024;

std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58'476d'1ce4'e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d0'49bb'1331'11ebULL;
  return x ^ (x >> 31);
}

Hash nth_hash(std::uint64_t n) {
  Encoder e;
  e.put(n);
  return blake2b_256(e.bytes());
}

double seconds_of(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

Bytes nth_transfer(const World& w, const ChainId& chain, std::size_t i) {
  const std::size_t from = i % w.keys.size();
  const std::size_t others = w.addresses.size() - 1;
  TxBody body;
  body.chain = chain;
  body.sender = w.addresses[from];
  body.nonce = Nonce(i / w.keys.size());
  body.valid_until = Height(kFirstValidUntil + i);
  body.max_fee = Amount(1'000 + mix(i) % 1'000);
  body.payload = Transfer{w.addresses[(from + 1 + mix(i) % others) % w.addresses.size()], Amount(1 + i % 1'000), {}};
  return encode(sign_tx(std::move(body), w.keys[from]));
}

}  // namespace

double cpu_seconds() {
  return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

double thread_cpu_seconds() {
  return seconds_of(CLOCK_THREAD_CPUTIME_ID);
}

double peak_mib() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);  // ru_maxrss: KiB
  return static_cast<double>(used.ru_maxrss) / 1'024;
}

void on_all_cores(const char* name, const std::function<void(std::size_t)>& work) {
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < std::thread::hardware_concurrency(); ++i) {
    ::pthread_setname_np(threads.emplace_back(work, i).native_handle(), name);
  }
  for (std::thread& thread : threads) thread.join();
}

World make_world(const WorldSize& size) {
  World w;
  const std::size_t senders = std::min(size.senders, size.accounts);
  w.keys.resize(senders);
  w.addresses.resize(size.accounts);
  std::atomic<std::size_t> next = 0;
  on_all_cores("setup", [&](std::size_t) {
    for (std::size_t i = next++; i < size.accounts; i = next++) {
      if (i >= senders) {
        w.addresses[i] = nth_hash(i).as<Address>();
        continue;
      }
      w.keys[i] = must(SecretKey::from(nth_hash(i)));
      w.addresses[i] = address_of(w.keys[i].public_key());
    }
  });
  Genesis& g = w.genesis;
  g.network = Text<kMaxNetworkNameBytes>("bench");
  g.time = SystemClock().wall();
  g.params.bucket_epochs = 86'400;
  for (const Address& a : w.addresses) g.accounts.push_back({a, Amount(1'000 * kMicroPerToken)});
  std::ranges::sort(g.accounts, {}, &GenesisAccount::address);
  for (std::size_t i = 0; i < size.validators; ++i) w.validators.push_back(Ed25519Secret::from_seed(nth_hash(~i)));
  std::ranges::sort(w.validators, {}, &Ed25519Secret::public_key);
  for (const Ed25519Secret& key : w.validators) g.validators.members.push_back({key.public_key(), 1});
  const ChainId chain = chain_id(g);
  w.transfers.resize(size.transfers);
  next = 0;
  on_all_cores("setup", [&](std::size_t) {
    for (std::size_t i = next++; i < size.transfers; i = next++) w.transfers[i] = nth_transfer(w, chain, i);
  });
  return w;
}

std::size_t number_of(const SignedTx& transfer) {
  return static_cast<std::size_t>(transfer.body.valid_until.value - kFirstValidUntil);
}

Verifying verify_rate(const World& w, double seconds) {
  struct Case {
    ParsedKey key;
    Hash message;
    EcdsaSignature signature;
  };
  std::vector<Case> cases;
  for (std::size_t i = 0; i < std::min(w.transfers.size(), kVerifyCases); ++i) {
    const auto tx = must(decode<SignedTx>(w.transfers[i]));
    cases.push_back({must(ParsedKey::from(tx.key)), tx_signing_hash(tx.body), tx.signature});
  }
  std::vector<double> rates(std::thread::hardware_concurrency());
  std::atomic<std::uint64_t> done = 0;
  const double cpu = cpu_seconds();
  on_all_cores("verify", [&](std::size_t core) {
    std::size_t i = core;
    rates[core] = rate(
        [&] {
          ++done;
          const Case& c = cases[i++ % cases.size()];
          if (!c.key.verify_ecdsa(c.message, c.signature)) std::abort();
        },
        seconds);
  });
  Verifying out;
  for (const double r : rates) out.per_second += r;
  out.cpu_seconds = (cpu_seconds() - cpu) / static_cast<double>(done.load());
  return out;
}

}  // namespace micro::bench
