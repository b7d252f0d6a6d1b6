// For a genesis without a policy, whose epochs last longer than the benchmark.
#pragma once

#include "chain/execution/policy_port.hpp"

namespace micro::bench {

struct NoPolicy final : PolicyPort {
  Result<PolicyRunOutcome> run(ByteView, ByteView, std::uint64_t) override {
    return fail(Fault::kInternal, "the genesis has no policy");
  }
};

}  // namespace micro::bench
