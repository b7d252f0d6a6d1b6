// What the policy sees and what it may say. Borsh, the same bytes that are hashed and kept. Nothing here names a
// person, a node or a service: entries are indices into this view, in an order shuffled by the epoch's salt.
#pragma once

#include <bit>

#include "chain/codec/codec.hpp"
#include "chain/crypto/hash.hpp"
#include "chain/types/params.hpp"

namespace micro {

inline constexpr std::uint8_t kPolicyAbiVersion = 1;
inline constexpr std::size_t kMaxCandidates = 2 * kernel::kMaxReplicas;
inline constexpr std::size_t kMaxPolicyDecisions = 8'192;
/// Longer output is none of this ABI, and is not kept: no list of decisions needs as much.
inline constexpr std::size_t kMaxPolicyOutputBytes = 256u << 10;

using Pseudonym = FixedBytes<16, struct PseudonymTag>;

/// One active offer. Features are rounded down to powers of two, so that a host cannot be recognised by them.
struct HostView {
  Pseudonym host;
  std::uint32_t cluster = 0;         ///< hosts of one owner share a cluster number
  std::uint8_t log2_memory_mib = 0;  ///< offered
  std::uint8_t log2_cpu_milli = 0;
  std::uint32_t used_ppm = 0;  ///< sum of placement_share_ppm of the placements in force
  bool leaving = false;        ///< withdrawn: nothing new is placed there
  static constexpr auto kFields = fields<&HostView::host, &HostView::cluster, &HostView::log2_memory_mib,
                                         &HostView::log2_cpu_milli, &HostView::used_ppm, &HostView::leaving>;
};

struct VersionView {
  Pseudonym version;
  std::uint8_t log2_memory_mib = 0;                ///< rounded up
  bool funded = false;                             ///< false: drain it
  bool wanted = false;                             ///< active; false for paused or irreproducible versions
  std::uint8_t replicas = 1;                       ///< wanted number of hosts
  List<std::uint32_t, kMaxCandidates> placed;      ///< indices of hosts that hold it now
  List<std::uint32_t, kMaxCandidates> candidates;  ///< indices by weighted rendezvous, best first; large enough to fit
  static constexpr auto kFields =
      fields<&VersionView::version, &VersionView::log2_memory_mib, &VersionView::funded, &VersionView::wanted,
             &VersionView::replicas, &VersionView::placed, &VersionView::candidates>;
};

struct PolicyInput {
  std::uint8_t abi = kPolicyAbiVersion;
  Epoch epoch;
  Hash randomness;
  std::uint32_t churn_cap = 1;  ///< moves that are neither first placements nor repairs
  List<HostView, kernel::kMaxHostsPerView> hosts;
  List<VersionView, kernel::kMaxServicesPerView> versions;
  static constexpr auto kFields = fields<&PolicyInput::abi, &PolicyInput::epoch, &PolicyInput::randomness,
                                         &PolicyInput::churn_cap, &PolicyInput::hosts, &PolicyInput::versions>;
};

enum class DecisionReason : std::uint16_t {
  kFirstPlacement = 1,  ///< wanted, funded and placed nowhere
  kRepair = 2,          ///< wanted, funded and on fewer hosts that stay than wanted
  kRebalanced = 3,      ///< a voluntary move: one Place and one Drain of a version together; counts as churn
  kUnfunded = 4,
  kExpired = 5,      ///< funded, but not wanted any more
  kHostLeaving = 6,  ///< its offer is withdrawn
};
inline bool is_known(DecisionReason r) {
  return r >= DecisionReason::kFirstPlacement && r <= DecisionReason::kHostLeaving;
}
std::string_view decision_reason_text(DecisionReason reason);

enum class DecisionKind : std::uint8_t { kPlace = 0, kDrain = 1 };
inline bool is_known(DecisionKind k) {
  return k <= DecisionKind::kDrain;
}

struct PolicyDecision {
  DecisionKind kind = DecisionKind::kPlace;
  std::uint32_t version = 0;  ///< index into PolicyInput::versions
  std::uint32_t host = 0;     ///< index into PolicyInput::hosts
  DecisionReason reason = DecisionReason::kFirstPlacement;
  static constexpr auto kFields =
      fields<&PolicyDecision::kind, &PolicyDecision::version, &PolicyDecision::host, &PolicyDecision::reason>;
};

struct PolicyOutput {
  std::uint8_t abi = kPolicyAbiVersion;
  List<PolicyDecision, kMaxPolicyDecisions> decisions;
  static constexpr auto kFields = fields<&PolicyOutput::abi, &PolicyOutput::decisions>;
};

/// Share of a host's memory that a replica counts for, in ppm, rounded up, from the rounded sizes of the view: never
/// less than the true share. Above 10⁶ when it cannot fit at all.
constexpr std::uint32_t placement_share_ppm(std::uint8_t log2_version_mib, std::uint8_t log2_host_mib) {
  if (log2_version_mib > log2_host_mib) return kPpm + 1;
  const unsigned shift = static_cast<unsigned>(log2_host_mib - log2_version_mib);
  return shift >= 20 ? 1 : (kPpm + (1u << shift) - 1) >> shift;
}

/// Sizes are shown as powers of two: what is offered rounded down, what is needed rounded up. Zero counts as one.
constexpr std::uint8_t floor_log2(std::uint32_t v) {
  return static_cast<std::uint8_t>(v <= 1 ? 0 : std::bit_width(v) - 1);
}
constexpr std::uint8_t ceil_log2(std::uint32_t v) {
  return static_cast<std::uint8_t>(v <= 1 ? 0 : std::bit_width(v - 1));
}

inline Hash policy_input_hash(ByteView input) {
  return tagged_hash(domain::kPolicyInput, input);
}
inline Hash policy_output_hash(ByteView output) {
  return tagged_hash(domain::kPolicyOutput, output);
}

}  // namespace micro
