// Damaged books and hostile callers. The input is a set of books and vouchers: the books are recovered, then the
// vouchers arrive. Whatever is in them, nobody without the channel's key gets a run, a receipt or a write.
#include "chain/codec/fields.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/gen/services/payment_rig.hpp"

namespace micro::test {
namespace {

using namespace payment;

constexpr std::size_t kMaxEntries = 8;

struct Entry {
  Blob<64> key;
  Blob<8'192> value;
  static constexpr auto kFields = fields<&Entry::key, &Entry::value>;
};
struct Attempt {
  SignedVoucher paid;
  CallRequest request;
  static constexpr auto kFields = fields<&Attempt::paid, &Attempt::request>;
};
struct Input {
  List<Entry, kMaxEntries> books;
  List<Attempt, kMaxEntries> attempts;
  static constexpr auto kFields = fields<&Input::books, &Input::attempts>;
};

/// A channel whose key nobody has: the hash of something as an x coordinate.
ChannelRecord locked(ChannelRecord record) {
  record.vkey = sha256(as_bytes("nobody")).as<XOnlyKey>();
  return record;
}

void check_effects(const Effects& effects) {
  for (const auto& effect : effects) {
    const auto* respond = std::get_if<Respond>(&effect);
    CHECK(respond != nullptr, "a voucher without a valid signature changed something");
    CHECK(respond->answer.status >= 400, "a voucher without a valid signature was served");
  }
}

}  // namespace

bool fuzz(ByteView bytes) {
  const auto input = decode<Input>(bytes);
  if (!input) return false;
  Rig rig(2);
  std::vector<Write> writes;
  for (const Entry& e : input->books) {
    if (!e.key.empty() && e.key[0] != 'm') writes.push_back({to_bytes(ByteView(e.key)), to_bytes(ByteView(e.value))});
  }
  CHECK(rig.store.write(writes).has_value(), "memory holds everything");
  Provider provider(rig.config, rig.store);
  if (!provider.recover(*rig.meta())) return false;
  static_cast<void>(provider.on(TipAdvanced{rig.epoch, rig.now, rig.config.params.price_per_mgas}, rig.now));
  const ChannelRecord record = locked(rig.record);
  static_cast<void>(provider.on(ChannelSeen{record, record.end}, rig.now));
  CallId id = 1;
  for (const Attempt& a : input->attempts) {
    CallArrived call{id++, a.paid, a.request, filled<CodeHash>(8), false};
    // What the books already hold under these very bytes is given again: that is what they are for.
    const auto stored = rig.store.get(lane_key(RecordKind::kEnded, a.paid.voucher.channel, a.paid.voucher.lane));
    const auto ended = *stored ? decode<EndedRecord>(**stored) : Result<EndedRecord>(fail(Fault::kNotFound, ""));
    if (ended && ended->paid == a.paid) continue;
    check_effects(provider.on(call, rig.now));
  }
  static_cast<void>(provider.on(LedgerRead{}, rig.now));
  static_cast<void>(provider.on(Draining{}, rig.now));
  static_cast<void>(provider.on(ChannelGone{record.channel}, rig.now));
  CHECK(provider.stored_bytes() == 0, "what is gone is not counted");
  return true;
}

std::vector<Bytes> fuzz_seeds() {
  Rig rig(2);
  Input input;
  const CallRequest request = rig.request();
  for (std::uint8_t lane = 0; lane < 2; ++lane) {
    NaivePayer payer = rig.payer(lane);
    input.attempts.push_back({payer.sign(request, Amount(5'000)), request});
    rig.call(input.attempts.back().paid, request);
  }
  rig.finish_run();
  std::vector<Bytes> seeds{encode(Input{})};
  for (const auto& [key, value] : rig.store.entries()) {
    input.books.push_back({Blob<64>(ByteView(key)), Blob<8'192>(ByteView(value))});
    seeds.push_back(encode(input));
  }
  return seeds;
}

}  // namespace micro::test
