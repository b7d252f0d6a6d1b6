// Signatures and hashes on all processors, beside processors × the rate of one.
#include <functional>
#include <numeric>
#include <thread>
#include <vector>

#include "chain/base/check.hpp"
#include "chain/crypto/ed25519.hpp"
#include "chain/crypto/hash.hpp"
#include "chain/crypto/secp256k1.hpp"
#include "tests/bench/bench.hpp"

namespace micro::bench {
namespace {

double rate_on_all(const std::function<void()>& work, unsigned processors) {
  std::vector<double> rates(processors);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < processors; ++i) threads.emplace_back([&, i] { rates[i] = rate(work); });
  for (auto& thread : threads) thread.join();
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

void measure(std::string_view name, const std::function<void()>& work) {
  const unsigned processors = std::max(1U, std::thread::hardware_concurrency());
  const double alone = rate(work);
  report(name, rate_on_all(work, processors), "1/s", alone * processors);
}

void run() {
  SeededRandom random(1);
  const SecretKey key = SecretKey::generate(random);
  const auto node = Ed25519Secret::generate(random);
  const Hash message = random.draw<Hash>();
  const auto parsed = ParsedKey::from(key.public_key()).value();
  const auto ecdsa = key.sign_ecdsa(message);
  const auto schnorr = key.sign_schnorr(message);
  const auto voucher_key = key.x_only_key();
  const auto ed25519 = node.sign(message);
  measure("verify_ecdsa", [&] { CHECK(parsed.verify_ecdsa(message, ecdsa), "valid"); });
  measure("sign_ecdsa", [&] { CHECK(key.sign_ecdsa(message) == ecdsa, "deterministic"); });
  measure("verify_voucher", [&] { CHECK(verify_schnorr(voucher_key, message, schnorr), "valid"); });
  measure("verify_ed25519", [&] { CHECK(verify_ed25519(node.public_key(), message, ed25519), "valid"); });
  measure("hash_trie_node", [&] { CHECK(!tagged_hash(domain::kTrieNode, {message, message}).is_zero(), "a hash"); });
}

}  // namespace
}  // namespace micro::bench

int main() {
  micro::bench::run();
}
