// Whoever feeds a light client may hold the keys of all liars and of everyone who is not in the committee of the day.
#pragma once

#include "tests/sim/consensus/cluster.hpp"

namespace micro::test {

/// Leads a light client along the boundary blocks of a run with real signatures, with lies before each truth. Adds to
/// the result what it believed and should not have, or the other way round, and counts the lies.
void attack_light_client(Cluster& cluster, RunResult& result);

}  // namespace micro::test
