// Which modules of the state a kind of transaction may write. Checked whenever a transaction ends, in release too.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "chain/state/state_key.hpp"
#include "chain/types/transaction.hpp"

namespace micro {

using ModuleSet = std::uint32_t;  // bit n: the module with byte n
constexpr ModuleSet modules(std::initializer_list<Module> list) {
  ModuleSet set = 0;
  for (const Module m : list) set |= 1u << static_cast<unsigned>(m);
  return set;
}
constexpr bool contains(ModuleSet set, Module m) {
  return static_cast<unsigned>(m) < 32 && (set >> static_cast<unsigned>(m) & 1u) != 0;
}

/// Written by the epoch transition alone: no transaction places, stops or decides anything.
inline constexpr ModuleSet kTransitionOnly =
    modules({Module::kChain, Module::kStatus, Module::kPlacements, Module::kPolicy, Module::kDecisions});

/// What the handler of a kind may write; every kind writes its payer's account and its session besides.
ModuleSet writable_modules(std::size_t kind);
/// Channels, session terms and fees: what a session key may sign (settled: OpenChannel, TopUpChannel, CoopClose,
/// RequestClose).
bool session_may_sign(std::size_t kind);
/// Claim and Finalize pay their fee out of the channel, AttestBuild and ConfirmReadiness out of the account of the
/// node's owner, SubmitEvidence out of its reward: who submits them needs no tokens, and pays only when they fail.
bool fee_is_settled_by_handler(std::size_t kind);

}  // namespace micro
