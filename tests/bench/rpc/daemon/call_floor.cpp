// What no paid call can do without, one after the other: three synced writes (the payer's voucher, the provider's
// ACCEPTED, the provider's DONE) and four operations with keys (sign and check the voucher, sign and check the
// receipt). Prints in microseconds what each takes when nothing disturbs it: nine samples of ten took longer.
//   call_floor FOLDER    a folder on the disk that the node writes to
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "chain/economy/voucher.hpp"
#include "tests/bench/bench.hpp"
#include "wallet/disk/append_log.hpp"

namespace micro {
namespace {

constexpr std::size_t kSamples = 300;
constexpr std::size_t kRecordBytes = 512;  // about what a voucher with its request takes

template <class T>
T must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "call_floor: %s\n", result.error().message.c_str());
    std::exit(1);
  }
  return std::move(*result);
}

template <class Work>
double undisturbed_us(Work&& work) {
  std::vector<double> samples;
  for (std::size_t i = 0; i < kSamples; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    samples.push_back(1e6 * bench::seconds_since(start));
  }
  std::ranges::nth_element(samples, samples.begin() + kSamples / 10);
  return samples[kSamples / 10];
}

void run(const std::filesystem::path& folder) {
  std::vector<Bytes> records;
  AppendLog log = must(AppendLog::open(folder / "call_floor.log", records));
  const Bytes record(kRecordBytes, 7);
  const double sync = undisturbed_us([&] {
    if (const Status written = log.append(record); !written) must<int>(std::unexpected(written.error()));
  });
  SeededRandom random(1);
  const SecretKey payer = SecretKey::generate(random);
  const auto host = Ed25519Secret::generate(random);
  Voucher voucher;
  CallReceipt receipt;
  const double signatures = undisturbed_us([&] {
    ++voucher.seq;
    ++receipt.seq;
    const auto paid = sign_voucher(payer, voucher);
    const auto answered = sign_receipt(host, receipt);
    if (!verify_voucher(payer.x_only_key(), voucher, paid)) std::abort();
    if (!verify_receipt(host.public_key(), receipt, answered)) std::abort();
  });
  std::printf("{\"sync_us\": %.2f, \"signatures_us\": %.2f}\n", sync, signatures);
  std::filesystem::remove(folder / "call_floor.log");
}

}  // namespace
}  // namespace micro

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: call_floor FOLDER\n");
    return 2;
  }
  micro::run(argv[1]);
}
