// Every decoder of consensus: the first byte picks one, the rest is its input. The last is a whole journal.
#include "consensus/journal/format.hpp"
#include "consensus/light/wasm/exchange.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/gen/any_value.hpp"
#include "tests/gen/consensus_types.hpp"

namespace micro::test {
namespace {

using namespace simplex;  // NOLINT

bool fuzz_journal(ByteView input) {
  const auto journal = recover_journal(input);
  if (!journal) return false;
  CHECK(journal->valid_bytes <= input.size(), "a journal ends in its file");
  const auto again = recover_journal(input.first(journal->valid_bytes));
  CHECK(again && again->head == journal->head && again->payloads == journal->payloads,
        "what was cut off is not missed");
  return journal->head.has_value();
}

Bytes journal_seed(Random& random) {
  JournalWriter writer;
  Bytes out = writer.begin(any_value<JournalHead>(random));
  for (int n = 0; n < 3; ++n) {
    const Bytes record = writer.append(encode(any_value<Record>(random)));
    out.insert(out.end(), record.begin(), record.end());
    if (n == 1) writer.mark_synced();
  }
  return out;
}

struct Target {
  bool (*run)(ByteView);
  Bytes (*seed)(Random&);
};

template <class T>
constexpr Target kTarget{.run = fuzz_decode<T>, .seed = [](Random& random) { return encode(any_value<T>(random)); }};

constexpr Target kTargets[] = {
#define X(type) kTarget<type>,
    MICRO_CONSENSUS_TYPES(X)
#undef X
        kTarget<JournalHead>,
    kTarget<light::Script>,
    kTarget<light::Call>,
    kTarget<light::Answer>,
    Target{fuzz_journal, journal_seed},
};

}  // namespace

bool fuzz(ByteView input) {
  if (input.empty() || input[0] >= std::size(kTargets)) return false;
  return kTargets[input[0]].run(input.subspan(1));
}

std::vector<Bytes> fuzz_seeds() {
  std::vector<Bytes> seeds;
  SeededRandom random(1);
  for (std::size_t at = 0; at < std::size(kTargets); ++at) {
    for (int n = 0; n < 16; ++n) {
      Bytes seed{static_cast<std::uint8_t>(at)};
      const Bytes value = kTargets[at].seed(random);
      seed.insert(seed.end(), value.begin(), value.end());
      seeds.push_back(std::move(seed));
    }
  }
  return seeds;
}

}  // namespace micro::test
