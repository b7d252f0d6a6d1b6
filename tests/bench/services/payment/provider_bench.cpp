// Paid calls a second through the provider alone, on one thread: look-up, checks, the voucher's signature, records, the
// receipt's signature. The disk is memory and a run takes no time; the limit is one verification and one signature a
// call.
#include "tests/bench/bench.hpp"
#include "tests/gen/services/payment_rig.hpp"

namespace micro::payment {
namespace {

double limit(const Rig& rig) {
  NaivePayer payer = rig.payer();
  const CallRequest request = rig.request();
  const SignedVoucher paid = payer.sign(request, Amount(5'000));
  CallReceipt receipt;
  return bench::rate([&] {
    if (!verify_voucher(rig.record.vkey, paid.voucher, paid.signature)) std::abort();
    ++receipt.seq;
    if (sign_receipt(rig.config.node_key, receipt).is_zero()) std::abort();
  });
}

double calls_a_second(bool checked_elsewhere) {
  constexpr std::size_t kCalls = 20'000;
  Rig rig;
  rig.record.deposit = Amount(1'000'000'000'000);
  rig.send(ChannelSeen{rig.record, rig.record.end});
  const CallRequest request = rig.request();
  // What the payer will sign is known beforehand: each call costs the same.
  std::vector<SignedVoucher> vouchers;
  constexpr std::uint64_t kCharge = 1'006;
  for (std::size_t i = 0; i < kCalls; ++i) {
    const Voucher v{rig.record.channel, 0, i + 1, Amount(i * kCharge + 5'000), request_hash(request.record),
                    TimeMs(~0ULL)};
    vouchers.push_back({v, sign_voucher(NaivePayer::vkey(), v)});
  }
  const auto start = std::chrono::steady_clock::now();
  for (const SignedVoucher& paid : vouchers) {
    rig.answers.clear();
    rig.send(CallArrived{rig.next_id++, paid, request, filled<CodeHash>(8), checked_elsewhere});
    if (rig.runs.empty()) std::abort();
    rig.finish_run();
    if (rig.answers.begin()->second.status != 200) std::abort();
  }
  return static_cast<double>(kCalls) / bench::seconds_since(start);
}

}  // namespace
}  // namespace micro::payment

int main() {
  using namespace micro;
  const double most = payment::limit(payment::Rig());
  bench::report("paid_calls", payment::calls_a_second(false), "1/s", most);
  bench::report("paid_calls_checked_elsewhere", payment::calls_a_second(true), "1/s", most);
  return 0;
}
