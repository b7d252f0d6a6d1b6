// Records of a payer's log, and what a host sends in a corrective 402. The first byte chooses. Folding any entries into
// a lane ends in a state or an error, and a state continues from its own compacted log.
#include "tests/fuzz/fuzz.hpp"
#include "tests/gen/model_host.hpp"
#include "wallet/payer/lane.hpp"

namespace micro::test {
namespace {

const PaymentWorld& world() {
  static const PaymentWorld made;
  return made;
}

bool fuzz_entries(ByteView input) {
  if (!fuzz_decode<EntryRecord>(input)) return false;
  const auto record = decode<EntryRecord>(input).value();
  const auto lane = PayerLane::restore(world().channel, 0, {record.entries.begin(), record.entries.end()});
  if (!lane) return true;
  const auto again = PayerLane::restore(world().channel, 0, lane->compacted());
  CHECK(again.has_value() && again->settled() == lane->settled() && again->pending() == lane->pending(),
        "a lane continues from its compacted log");
  return true;
}

bool fuzz_proof(ByteView input) {
  if (!fuzz_decode<LaneProof>(input)) return false;
  const auto lane = PayerLane::restore(world().channel, 0, {PayerLane::opening(world().channel, 0)}).value();
  const auto judged = lane.judge_proof(decode<LaneProof>(input).value());
  if (!judged) return true;
  PayerLane next = lane;
  CHECK(next.apply(*judged).has_value(), "what was judged follows");
  return true;
}

}  // namespace

bool fuzz(ByteView input) {
  if (input.empty()) return false;
  return input[0] == 0 ? fuzz_entries(input.subspan(1)) : fuzz_proof(input.subspan(1));
}

std::vector<Bytes> fuzz_seeds() {
  PaymentWorld here;
  const Bytes body = to_bytes("hello");
  EntryRecord record;
  record.entries.emplace_back(PayerLane::opening(here.channel, 0));
  auto lane = PayerLane::restore(here.channel, 0, {record.entries.begin(), record.entries.end()}).value();
  const auto call = lane.prepare(here.vkey, here.order(body), here.deposit, Amount()).value();
  record.entries.emplace_back(call);
  CHECK(lane.apply(call).has_value(), "a voucher follows");
  const auto reply = here.host.receive(call.call).reply.value();
  const auto judged = lane.judge(reply.answer());
  for (const auto& entry : judged->entries) record.entries.push_back(entry);
  const auto tagged = [](std::uint8_t kind, const Bytes& bytes) {
    Bytes out{kind};
    out.insert(out.end(), bytes.begin(), bytes.end());
    return out;
  };
  return {tagged(0, encode(record)), tagged(1, encode(here.host.proof(0).value()))};
}

}  // namespace micro::test
