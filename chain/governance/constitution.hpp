// What no network and no policy may do. Changing anything here is a hard fork.
#pragma once

#include "chain/types/params.hpp"

namespace micro {

/// The parameters of a genesis are in range: rates below one, φ(1−σ) > ρ₀ with σ = 0, U ≥ 2D + drain + 1, fees far from
/// overflow. kInvalid names the parameter and the bound.
Status check_params(const ChainParams& params);

}  // namespace micro
