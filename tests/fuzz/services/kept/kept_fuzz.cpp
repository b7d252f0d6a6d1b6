// Every decoder of what services and the wallet keep on disk or pass between processes.
#include "tests/fuzz/typed_fuzz.hpp"
#include "tests/gen/kept_types.hpp"

namespace micro::test {
namespace {

constexpr TypedTarget kTargets[] = {
#define X(type) kTypedTarget<type>,
    MICRO_KEPT_TYPES(X)
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
