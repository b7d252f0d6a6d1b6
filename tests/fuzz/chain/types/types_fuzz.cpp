// Every decoder of the ledger's types, whether they come from a peer, a person, the policy or the disk.
#include "tests/fuzz/typed_fuzz.hpp"
#include "tests/gen/wire_types.hpp"

namespace micro::test {
namespace {

constexpr TypedTarget kTargets[] = {
#define X(type) kTypedTarget<type>,
    MICRO_WIRE_TYPES(X)
#undef X
};

}  // namespace

bool fuzz(ByteView input) {
  return fuzz_one_of(kTargets, input);
}
std::vector<Bytes> fuzz_seeds() {
  return seeds_of_each(kTargets);
}

}  // namespace micro::test
